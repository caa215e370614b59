"""Make the environment's kernel `python3` start the interpreter that runs this, and no other.

Jupyter looks for kernels along JUPYTER_PATH first: a kernel of another environment that stands
there under the same name would execute the notebooks in another Python and another tcoc. The
kernel is written into this environment, and whoever executes notebooks here asks for it alone.
"""

import json
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

NAME = "python3"
LINE = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f",
        "{connection_file}"]  # fmt: skip


def kernels_of(prefix: Path) -> Path:
    """Return where an environment keeps its kernels."""
    return prefix / "share" / "jupyter" / "kernels"


def write_kernel(kernels: Path) -> Path:
    """Write the kernel of the running interpreter, in place of one of that name."""
    file = kernels / NAME / "kernel.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"argv": LINE, "display_name": "Python 3 (ipykernel)", "language": "python",
               "metadata": {"debugger": True}}  # fmt: skip
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return file


def own_kernels(kernels: Path) -> KernelSpecManager:
    """Return a manager that knows the kernels of one folder and no others."""
    return KernelSpecManager(kernel_dirs=[str(kernels)], ensure_native_kernel=False)


IDENTITY = """
import json, sys, tcoc
from importlib import metadata
names = ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow")
print(json.dumps({"python": sys.executable, "version": sys.version, "tcoc": tcoc.__file__,
                  **{name: metadata.version(name) for name in names}}))
"""
"""What a kernel says of itself before it executes anything."""


def own_identity() -> dict[str, str]:
    """Return what the running interpreter says of itself."""
    from importlib import metadata

    import tcoc

    names = ("duckdb", "ibis-framework", "numpy", "pandas", "pyarrow")
    versions = {name: metadata.version(name) for name in names}
    return {"python": sys.executable, "version": sys.version, "tcoc": str(tcoc.__file__), **versions}


def differences(found: dict[str, str]) -> list[str]:
    """Return in words where a kernel is not the running interpreter."""
    return [
        f"{name}: the kernel has {found.get(name, 'none')}, expected {value}"
        for name, value in own_identity().items()
        if found.get(name) != value
    ]


if __name__ == "__main__":
    print(write_kernel(kernels_of(Path(sys.prefix))))
