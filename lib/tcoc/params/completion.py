"""What a run file says of a service year's completion: `completion: {2018: measured}` (rule T2)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

LARGEST = 1.5
"""A factor above this is a percentage written as a number, or a slip."""

EXPECTED = f"a factor above 0 and at most {LARGEST:g}, {{value, source}}, or measured"


class GivenFactor(BaseModel):
    """A completion factor that the run file gives, with its source (empty for a bare number)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float = Field(gt=0, le=LARGEST)
    source: str = ""


def _checked(found: Any) -> Any:
    """Refuse what is neither of the three forms in one sentence, before a union is tried."""
    value = found.value if isinstance(found, GivenFactor) else found
    if isinstance(value, Mapping):
        if set(value) != {"value", "source"} or not str(value["source"] or "").strip():
            raise ValueError(f"found {dict(value)}, expected {EXPECTED}")
        value = value["value"]
    elif value == "measured":
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= LARGEST:
        raise ValueError(f"found {value!r}, expected {EXPECTED}")
    return float(found) if value is found else found


Completion = Annotated[float | GivenFactor | Literal["measured"], BeforeValidator(_checked)]
"""One entry of a run file's `completion`: a number, a number with its source, or `measured`."""


def given_factor(entry: Any) -> GivenFactor | None:
    """Return the factor of an entry, or None where it is to be measured from the extract."""
    if entry == "measured":
        return None
    return entry if isinstance(entry, GivenFactor) else GivenFactor(value=float(entry))
