"""Admission: shares of a delivery that may be lost, denied or unknown before an import stops (I8).

The limits stand in params/policy/admission.yml. Every share is measured by file and year where rows
have them; beyond a limit the import ends with status 1 and says which, unless a reason to accept it
is given, which the store remembers.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcoc.errors import InputError, TcocError
from tcoc.params import read_yaml
from tcoc.paths import params_dir
from tcoc.store.importers.delivery import Delivery
from tcoc.store.importers.people import MonthCounts
from tcoc.store.importers.resolve import Disposed
from tcoc.store.importers.staging import Staged
from tcoc.store.importers.summary import ImportSummary, Light
from tcoc.store.importers.values import BLANKED, UNKNOWN

Share = float
LOST = ("quarantined", "orphans")
"""Dispositions of rows that a delivery holds and a store should hold."""

WORDS = {
    "set_aside": "of the rows{year} are set aside",
    "bytes_set_aside": "of the bytes are set aside",
    "people_set_aside": "of the people are set aside",
    "of_nobody": "of the claims and lines{year} are of nobody in a beneficiary file",
    "lost_rows": "of the rows are set aside or of nobody",
    "lost_dollars": "of the dollars are set aside or of nobody",
    "denied": "of the claims and lines{year} are denied",
    "never_eligible": "of the people are never eligible",
    "unknown_codes": "of the codes{year} are unknown",
    "left_blank": "of the texts{year} are not well formed and left blank",
    "unknown_state": "of the months have no known state",
}
"""What a share is of, for the sentence that says it is too high."""


class Limits(BaseModel):
    """The limits of params/policy/admission.yml, as shares from 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set_aside: Share = Field(ge=0, le=1)
    bytes_set_aside: Share = Field(ge=0, le=1)
    people_set_aside: Share = Field(ge=0, le=1)
    of_nobody: Share = Field(ge=0, le=1)
    lost: Share = Field(ge=0, le=1)
    denied: dict[
        Literal["carrier", "dme", "inpatient", "outpatient", "snf", "hha", "hospice", "facility"],
        Share,
    ]
    never_eligible: dict[Literal["rif", "cclf", "synpuf"], Share]
    unknown_codes: Share = Field(ge=0, le=1)
    left_blank: Share = Field(ge=0, le=1)
    unknown_state: Share = Field(ge=0, le=1)


@lru_cache(maxsize=1)
def load_limits() -> Limits:
    """Read the limits, once. Raises InputError for one that is missing, unknown or no share."""
    found = read_yaml(params_dir() / "policy" / "admission.yml")
    values = {name: entry["value"]["value"] for name, entry in found.items()}
    try:
        return Limits.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"admission.yml: {where}: {first['msg']}") from error


class AdmissionError(TcocError):
    """A delivery is beyond a limit and nobody has accepted it (exit status 1)."""

    def __init__(self, sentence: str, summary: ImportSummary) -> None:
        super().__init__(sentence)
        self.summary = summary


def judge(
    limits: Limits,
    source: str,
    delivery: Delivery,
    counted: Mapping[str, Sequence[Disposed]],
    summary: ImportSummary,
    months: MonthCounts,
) -> list[Light]:
    """Measure every share that has a limit; shares of nothing are left out.

    In order of limit, place and year; one light for each, held or not.
    """
    lights = [*_of_files(limits, delivery)]
    for kind, disposed in counted.items():
        lights += _of_claims(limits, kind, delivery.files[kind], disposed)
    for kind, entry in summary.types.items():
        lost = sum(entry.rows.get(name, 0) for name in LOST)
        lights.append(Light("lost_rows", kind, 0, lost, entry.read, limits.lost))
        total = sum((abs(v) for v in entry.dollars.values()), Decimal(0))
        dollars = sum((abs(entry.dollars.get(name, Decimal(0))) for name in LOST), Decimal(0))
        lights.append(
            Light("lost_dollars", kind, 0, int(dollars * 100), int(total * 100), limits.lost)
        )
    people = summary.people
    if people is not None:
        limit = limits.people_set_aside
        lights.append(Light("people_set_aside", "people", 0, people.set_aside, people.read, limit))
    limit = limits.never_eligible[source]  # type: ignore[index]
    lights.append(Light("never_eligible", "people", 0, months.never_eligible, months.people, limit))
    limit = limits.unknown_state
    lights.append(Light("unknown_state", "months", 0, months.unknown_state, months.months, limit))
    return sorted(light for light in lights if light.count)


def _of_files(limits: Limits, delivery: Delivery) -> Iterator[Light]:
    """Measure each file: rows and bytes set aside, unknown codes and blanked texts by column."""
    for staged in delivery.used():
        # rows without a date have no year of their own; they count in the whole file
        for year, rows in staged.by_year.items():
            if year:
                count = staged.unusable_by_year.get(year, 0)
                yield Light("set_aside", staged.name, year, count, rows, limits.set_aside)
        yield Light("set_aside", staged.name, 0, staged.unusable, staged.read, limits.set_aside)
        unread = staged.unread_bytes
        if staged.rows:
            # a row that is read and set aside has about the bytes of the others
            bad = (staged.unusable - staged.rejected) / staged.rows
            unread += round(bad * max(staged.text_bytes - staged.unread_bytes, 0))
        size = max(staged.text_bytes, unread)
        yield Light("bytes_set_aside", staged.name, 0, unread, size, limits.bytes_set_aside)
        for name, number in (("unknown_codes", UNKNOWN), ("left_blank", BLANKED)):
            limit = limits.unknown_codes if number == UNKNOWN else limits.left_blank
            for column, count in staged.repaired(number).items():
                place, cells = f"{staged.name}, {staged.labels[column]}", staged.cells[column]
                yield Light(name, place, 0, count, staged.rows * cells, limit)
            for repair in staged.repairs:
                if repair.repair == number and repair.year:
                    place = f"{staged.name}, {staged.labels[repair.column]}"
                    of = staged.by_year[repair.year] * staged.cells[repair.column]
                    yield Light(name, place, repair.year, repair.count, of, limit)


def _of_claims(
    limits: Limits, kind: str, files: Sequence[Staged], disposed: Iterable[Disposed]
) -> Iterator[Light]:
    """Measure each claims file by year: of nobody, and denied, of the rows that count."""
    sums: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in disposed:
        sums[(one.file, one.year)][one.disposition] += one.rows
    for (file, year), rows in sorted(sums.items()):
        of = sum(rows[n] for n in ("imported", "denied", "orphans", "other_state"))
        name = files[file].name
        yield Light("of_nobody", name, year, rows["orphans"], of, limits.of_nobody)
        denied = limits.denied[kind]  # type: ignore[index]
        yield Light("denied", name, year, rows["denied"], of, denied)


def admit(summary: ImportSummary) -> None:
    """Let a delivery in, or raise AdmissionError: a limit, a control total, and no reason given."""
    beyond = [c.sentence for c in summary.controls if not c.holds]
    worst = sorted(summary.lights, key=lambda light: (-light.share, light.year == 0))
    beyond += [sentence(light) for light in worst if not light.holds]
    summary.beyond = tuple(beyond)
    if not beyond or summary.accepted:
        return
    more = f" (and {len(beyond) - 1:,} more, listed above)" if len(beyond) > 1 else ""
    raise AdmissionError(
        f'{beyond[0]}{more}; nothing is imported; --accept "REASON" imports it all the same and'
        " keeps the reason",
        summary,
    )


def sentence(light: Light) -> str:
    """Say a share that is beyond its limit, in words."""
    year = f" of {light.year}" if light.year else ""
    money = light.limit_name == "lost_dollars"
    count, of = (
        (f"{n / 100:,.2f}" for n in (light.count, light.of))
        if money
        else (f"{n:,}" for n in (light.count, light.of))
    )
    return (
        f"{light.place}: {light.share:.1%} {WORDS[light.limit_name].format(year=year)}"
        f" ({count} of {of}), the limit is {light.limit:.1%}"
    )
