"""What a command says when it cannot go on: one sentence, and an exit status.

A message names the file, row or key, what was found, what was expected and the nearest valid
name. It never holds a beneficiary's or a claim's identifier: say which row, not whose.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TcocError(Exception):
    """The work failed or a check did not hold (exit status 1)."""

    exit_status = 1


class InputError(TcocError):
    """Arguments, parameters or inputs are not usable (exit status 2)."""

    exit_status = 2


class GateError(TcocError):
    """The disclosure gate finds no way to publish safely (exit status 1)."""


LONGEST_LIST = 30
"""Names that a sentence lists one by one."""


def nearest(found: str, valid: Iterable[object]) -> str:
    """Return '; did you mean "x"?' for the closest valid name, or the list when none is close.

    Of a long list of dotted names only what stands before the dot is said.
    """
    names = [str(name) for name in valid]
    close = get_close_matches(found, names, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    groups = list(dict.fromkeys(name.split(".", 1)[0] for name in names))
    if len(groups) < len(names) and len(names) > LONGEST_LIST:
        return f"; expected one of {len(names)} names under {', '.join(groups)}"
    return f"; expected one of: {', '.join(names)}" if names else ""
