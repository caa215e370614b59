"""Maryland Total Cost of Care: the helper library behind the notebooks.

Importing `tcoc` is cheap: what a notebook calls is loaded when it is first named.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "open_release": "tcoc.run.session",
    "open_study": "tcoc.run.session",
}


def __getattr__(name: str) -> Any:
    """Load the module behind a public name when it is first asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'tcoc' has no attribute {name!r}")
