"""The kernel manager of batch runs: kernels talk over IPC files, so parallel ones need no ports."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from traitlets import default


class IpcKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """A kernel manager whose transport is IPC, with a folder of its own for the sockets.

    Without that folder all kernels that start in one place would share the names of their sockets.
    """

    transport = "ipc"

    @default("ip")  # type: ignore[untyped-decorator]
    def _socket_stem(self) -> str:
        return str(Path(tempfile.mkdtemp(prefix="tcoc-ipc-")) / "k")

    def cleanup_resources(self, restart: bool = False) -> Any:
        """Remove the sockets' folder with the kernel."""
        done = super().cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(Path(self.ip).parent, ignore_errors=True)
        return done
