"""When Python looks for garbage: seldom, because loading libraries and drawing leave hardly any."""

import gc

OBJECTS = 50_000
"""New objects after which Python looks through them; by default it does after 700, and spends a
quarter of the time in which libraries are loaded."""


def collect_seldom() -> None:
    """Let this process look for garbage seldom; what is not in a cycle goes at once as ever."""
    gc.set_threshold(OBJECTS, 10, 10)


def loaded() -> None:
    """Say that what there is now stays: nobody looks through it again.

    A process that is forked then shares it, because looking writes to every object.
    """
    gc.collect()
    gc.freeze()
