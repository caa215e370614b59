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

    async def _async_interrupt_kernel(self) -> None:
        """Interrupt a cell, but not a kernel that is being shut down: its cells have ended.

        It would write of a KeyboardInterrupt to standard error, which says nothing to anybody.
        """
        if not self.shutting_down:
            await super()._async_interrupt_kernel()

    def cleanup_resources(self, restart: bool = False) -> Any:
        """Remove the sockets' folder with the kernel."""
        done = super().cleanup_resources(restart=restart)
        if not restart:
            shutil.rmtree(Path(self.ip).parent, ignore_errors=True)
        return done
