"""The kernel manager of batch runs: kernels talk over IPC files, so parallel ones need no ports."""

from jupyter_client.manager import AsyncKernelManager


class IpcKernelManager(AsyncKernelManager):  # type: ignore[misc]
    """A kernel manager whose transport is IPC."""

    transport = "ipc"
