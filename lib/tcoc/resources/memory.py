"""What this process does with memory that nobody uses: look for it seldom, give it back at once."""

import ctypes
import gc
import sys

OBJECTS = 50_000
"""New objects after which Python looks for cycles; by default it does after 700, and spends a
quarter of the time in which libraries are loaded."""


def collect_seldom() -> None:
    """Let Python look for cycles seldom; what is in none goes at once as ever."""
    gc.set_threshold(OBJECTS, 10, 10)


def loaded() -> None:
    """Say that what there is now stays: nobody looks through it again.

    A process that is forked then shares it, because looking writes to every object.
    """
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Give the system back what Arrow and the allocator keep for later; takes milliseconds.

    They keep as much as the largest table took, and two processes share the machine.
    """
    import pyarrow as pa  # who asks for this has it loaded; a command's help has not

    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
