"""Reference tables: the project's code lists, and the tables of hospitals and ACOs of a run.

A run's tables are CSV files (`medicaid_spending` is Parquet) in a folder or at a path each. They
are read as text, checked column by column, and cleaned of hospitals that cannot be attributed to
(rule A10); what was ignored is counted, never silently dropped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from math import inf
from pathlib import Path
from typing import Literal, cast

import pandas as pd
import pyarrow.parquet as pq

from tcoc.errors import InputError, nearest
from tcoc.identity import stamp
from tcoc.params import AttributionPolicy, Run
from tcoc.params.policy import FIRST_YEAR, LAST_YEAR
from tcoc.reference.codes import CodeLists as CodeLists
from tcoc.reference.codes import load_code_lists as load_code_lists
from tcoc.reference.codes import specialty_names as specialty_names

CCN, ZIP, NPI, DATE = r"[0-9A-Z]{6}", r"[0-9]{5}", r"[0-9]{10}", r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

Kind = Literal["text", "flag", "number", "integer"]


@dataclass(frozen=True)
class ReferenceColumn:
    """One column: its kind, its text's pattern or its range, whether it may be blank, or absent."""

    name: str
    kind: Kind = "text"
    pattern: str = ""
    blank: bool = False
    minimum: float = -inf
    maximum: float = inf
    optional: bool = False


@dataclass(frozen=True)
class ReferenceSpec:
    """One reference table: its columns, its unique key, and whether a run needs it."""

    columns: tuple[ReferenceColumn, ...]
    key: tuple[str, ...]
    mandatory: bool = False

    @property
    def names(self) -> list[str]:
        """Column names, in order."""
        return [c.name for c in self.columns]


MOST_QUALITY = 0.1
"""A share of revenue: each program of rule M3 puts a few hundredths at risk; more is per cent."""

MOST_MINUTES = 24 * 60
"""A day's drive crosses the country."""

_CCN = ReferenceColumn("ccn", pattern=CCN)
_ZIP = ReferenceColumn("zip", pattern=ZIP)
_NPI = ReferenceColumn("npi", pattern=NPI)

REFERENCE_SPECS: dict[str, ReferenceSpec] = {
    "hospitals": ReferenceSpec(
        (
            _CCN,
            ReferenceColumn("name"),
            ReferenceColumn("short_name", blank=True),
            ReferenceColumn("system", blank=True),
            ReferenceColumn("county", blank=True),
            _ZIP,
            ReferenceColumn("attributable", "flag"),
            ReferenceColumn("specialty", "flag"),
        ),
        ("ccn",),
        mandatory=True,
    ),
    "aco_hospitals": ReferenceSpec(
        (ReferenceColumn("aco_id"), ReferenceColumn("aco_name", blank=True), _CCN),
        ("aco_id", "ccn"),
        mandatory=True,
    ),
    "aco_practitioners": ReferenceSpec(
        (
            ReferenceColumn("aco_id"),
            _NPI,
            ReferenceColumn("ccn", pattern=CCN, blank=True),
            ReferenceColumn("name", blank=True, optional=True),
        ),
        ("aco_id", "npi", "ccn"),
        mandatory=True,
    ),
    "psa_zips": ReferenceSpec((_ZIP, _CCN), ("zip", "ccn"), mandatory=True),
    "ecmad": ReferenceSpec(
        (_ZIP, _CCN, ReferenceColumn("ecmad", "number", minimum=0)), ("zip", "ccn")
    ),
    "drive_times": ReferenceSpec(
        (_ZIP, _CCN, ReferenceColumn("minutes", "number", minimum=0, maximum=MOST_MINUTES)),
        ("zip", "ccn"),
    ),
    "care_partners": ReferenceSpec(
        (
            _NPI,
            _CCN,
            ReferenceColumn("program"),
            ReferenceColumn("start_date", pattern=DATE),
            ReferenceColumn("end_date", pattern=DATE, blank=True),
        ),
        ("npi", "ccn", "program", "start_date"),
    ),
    "quality_adjustments": ReferenceSpec(
        (
            _CCN,
            ReferenceColumn("rate_year", "integer", minimum=FIRST_YEAR, maximum=LAST_YEAR),
            ReferenceColumn("rrip", "number", minimum=-MOST_QUALITY, maximum=MOST_QUALITY),
            ReferenceColumn("mhac", "number", minimum=-MOST_QUALITY, maximum=MOST_QUALITY),
        ),
        ("ccn", "rate_year"),
    ),
    "combinations": ReferenceSpec(
        (
            ReferenceColumn("combination"),
            _CCN,
            ReferenceColumn("region", blank=True, optional=True),
            ReferenceColumn("purpose", blank=True, optional=True),
        ),
        ("ccn",),
    ),
    "fee_schedule": ReferenceSpec((ReferenceColumn("hcpcs", pattern=r"[0-9A-Z]{5}"),), ("hcpcs",)),
}
"""The CSV reference tables of a run; the columns are design.md's, others in a file are ignored."""

MEDICAID_COLUMNS = ("bene_id", "month", "amount")


@dataclass(frozen=True)
class Reference:
    """A run's reference tables, checked, without the rows that rule A10 ignores.

    `tables` hold text, but for the flag and number columns; `paths` says where each came from, and
    `ignored` how many rows of each table were ignored. `medicaid_spending` has a path only.
    """

    tables: Mapping[str, pd.DataFrame]
    paths: Mapping[str, Path]
    ignored: Mapping[str, int]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files read, in the order of their tables."""
        return tuple(self.paths.values())

    @property
    def eligible_hospitals(self) -> tuple[str, ...]:
        """CCNs of the hospitals to which people can be attributed, ascending (rule A10)."""
        hospitals = self.tables["hospitals"]
        return tuple(sorted(hospitals.loc[hospitals["attributable"], "ccn"]))

    @property
    def hospital_names(self) -> dict[str, str]:
        """Short names by CCN, full names where there is no short one."""
        hospitals = self.tables["hospitals"]
        short = hospitals["short_name"].where(hospitals["short_name"] != "", hospitals["name"])
        return dict(zip(hospitals["ccn"], short, strict=True))

    def get(self, name: str) -> pd.DataFrame | None:
        """Return a table, or None where the run has none of that name."""
        return self.tables.get(name)


def load_reference(run: Run) -> Reference:
    """Read and check the reference tables of a run (rules A5, A6, A10).

    Raises InputError for a missing mandatory table, a missing column, a value of the wrong form, a
    key that stands twice, a practitioner's link outside the ACO's hospitals, or an NPI in two ACOs
    (unless `attribution.duplicate_npi` says otherwise).
    """
    paths, policy = _paths(run), AttributionPolicy.of(run.policy)
    handling = (policy.duplicate_npi, policy.roster_links, policy.eligible_hospitals)
    return _read_all(tuple(paths.items()), tuple(map(stamp, paths.values())), *handling)


@lru_cache(maxsize=2)
def _read_all(
    named: tuple[tuple[str, Path], ...], _stamps: tuple[str, ...], twice: str, links: str, who: str
) -> Reference:
    """Read files once as long as they stay as they are: a run is judged by them, then made."""
    paths = dict(named)
    raw = {name: read_reference(path, name) for name, path in paths.items() if _is_csv(name)}
    if who == "all":
        raw["hospitals"] = raw["hospitals"].assign(attributable=True)
    if "medicaid_spending" in paths:
        _check_medicaid(paths["medicaid_spending"])
    tables, ignored = clean_reference(raw, paths, twice)
    if links == "none":
        unlinked = tables["aco_practitioners"].assign(ccn=None).drop_duplicates(ignore_index=True)
        tables["aco_practitioners"] = unlinked
    return Reference(tables, paths, ignored)


def _is_csv(name: str) -> bool:
    return name != "medicaid_spending"


def _paths(run: Run) -> dict[str, Path]:
    """Find each table's file; a table that is not there is absent, unless it is mandatory."""
    found = run.reference_paths()
    in_folder = not isinstance(run.spec.reference, dict)
    _require(found, str(run.reference_folder) if in_folder else "the run file's reference")
    return found


def _require(found: Mapping[str, Path], where: str) -> None:
    for name, spec in REFERENCE_SPECS.items():
        if spec.mandatory and name not in found:
            raise InputError(f"{where}: the reference table {name} ({name}.csv) is missing")


# ---------------------------------------------------------------- reading one table


def read_reference(path: Path, name: str) -> pd.DataFrame:
    """Read one CSV reference table and check columns, forms and key; other columns are left out."""
    spec = REFERENCE_SPECS[name]
    try:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text at byte {error.start}") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: not a CSV table: {str(error).strip()}") from error
    for column in spec.columns:
        if column.name not in raw.columns:
            if not column.optional:
                hint = nearest(column.name, raw.columns)
                raise InputError(f'{path}: the column "{column.name}" is missing{hint}')
            raw[column.name] = ""
        if f"{column.name}.1" in raw.columns:  # pandas gives the second a name of its own
            raise InputError(f'{path}: the column "{column.name}" stands twice')
    table = pd.DataFrame({c.name: _typed(raw[c.name].str.strip(), c, path) for c in spec.columns})
    repeated = table.duplicated(list(spec.key))
    if repeated.any():
        line = int(repeated.to_numpy().argmax()) + 2
        raise InputError(f"{path}: line {line}: the key {', '.join(spec.key)} stands twice")
    return table


def _typed(values: pd.Series, column: ReferenceColumn, path: Path) -> pd.Series:
    if column.kind == "flag":
        lower = values.str.lower()
        _refuse(~lower.isin(["true", "false"]), values, column, path, "true or false")
        return lower == "true"
    if column.kind in ("number", "integer"):
        return _number(values, column, path)
    blank = values == ""
    if not column.blank:
        _refuse(blank, values, column, path, "text")
    if column.pattern:
        wrong = ~blank & ~values.str.fullmatch(column.pattern)
        _refuse(wrong, values, column, path, f"the form {column.pattern}")
    if column.pattern == DATE:
        _refuse(~blank & ~values.map(_is_day), values, column, path, "a day of the calendar")
    return values.astype(object).where(~blank, None) if column.pattern else values.astype(object)


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _number(values: pd.Series, column: ReferenceColumn, path: Path) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    low, high = column.minimum, column.maximum
    wrong = numbers.isna() | (numbers.abs() == inf) | (numbers < low) | (numbers > high)
    if column.kind == "integer":
        wrong |= numbers % 1 != 0
    within = "" if low == -inf else f" of at least {low:g}" + f", at most {high:g}" * (high < inf)
    _refuse(wrong, values, column, path, f"a number{within}")
    return numbers.astype("int64" if column.kind == "integer" else "float64")


def _refuse(
    wrong: pd.Series, values: pd.Series, column: ReferenceColumn, path: Path, expected: str
) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        text = values.iloc[row]
        # a clinician is not named, whatever is wrong with the number
        found = f"{len(text)} characters" if column is _NPI and text else f'"{text}"'
        raise InputError(
            f"{path}: line {row + 2}: {column.name}: found {found}, expected {expected}"
        )


def _check_medicaid(path: Path) -> None:
    """Check that a Medicaid table has one amount per beneficiary and month."""
    try:
        names = pq.read_schema(path).names
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a Parquet file") from error
    for column in MEDICAID_COLUMNS:
        if column not in names:
            raise InputError(f'{path}: the column "{column}" is missing{nearest(column, names)}')


# ---------------------------------------------------------------- cleaning, across tables


def clean_reference(
    raw: Mapping[str, pd.DataFrame], paths: Mapping[str, Path], duplicate_npi: str
) -> tuple[dict[str, pd.DataFrame], dict[str, int]]:
    """Leave out rows of hospitals that cannot be attributed to, and settle the ACO lists.

    Returns the tables and the number of rows that each lost (rules A5, A6, A10).
    """
    hospitals = raw["hospitals"]
    eligible = set(hospitals.loc[hospitals["attributable"], "ccn"])
    if not eligible:
        raise InputError(f"{paths['hospitals']}: no hospital is attributable")
    tables = {"hospitals": hospitals}
    ignored: dict[str, int] = {}
    for name, table in raw.items():
        if name in ("hospitals", "aco_practitioners"):
            continue
        kept = table[table["ccn"].isin(eligible)] if "ccn" in table else table
        tables[name] = kept.reset_index(drop=True)
        ignored[name] = len(table) - len(tables[name])
    practitioners = raw["aco_practitioners"]
    where = paths["aco_practitioners"]
    _check_links(practitioners, raw["aco_hospitals"], where)
    _check_aco_names(raw["aco_hospitals"], paths["aco_hospitals"])
    roster = _one_aco_each(practitioners, tables["aco_hospitals"], duplicate_npi, where)
    linked = roster["ccn"].isna() | roster["ccn"].isin(eligible)
    ignored["aco_practitioners"] = len(practitioners) - len(roster) + int((~linked).sum())
    roster = roster.assign(ccn=roster["ccn"].where(linked, None)).drop_duplicates()
    tables["aco_practitioners"] = roster.reset_index(drop=True)
    return {name: tables[name] for name in raw}, ignored


def _check_aco_names(aco_hospitals: pd.DataFrame, where: Path) -> None:
    """Two ACOs of one name could not be told apart on any page (rule A6)."""
    named = aco_hospitals[aco_hospitals["aco_name"].fillna("").str.strip() != ""]
    for name, rows in named.groupby(named["aco_name"].str.strip()):
        if len(ids := sorted(set(rows["aco_id"]))) > 1:
            raise InputError(
                f'{where}: the name "{name}" is given to {" and ".join(ids)}, expected one ACO of'
                " each name"
            )


def _check_links(practitioners: pd.DataFrame, aco_hospitals: pd.DataFrame, where: Path) -> None:
    """A link outside the ACO's own hospitals is an error (rule A5)."""
    known = set(zip(aco_hospitals["aco_id"], aco_hospitals["ccn"], strict=True))
    links = practitioners[practitioners["ccn"].notna()]
    for row, aco, ccn in zip(links.index, links["aco_id"], links["ccn"], strict=True):
        if (aco, ccn) not in known:
            own = sorted(c for a, c in known if a == aco)
            raise InputError(
                f"{where}: line {row + 2}: a clinician of ACO {aco} is linked to hospital {ccn},"
                f" which is not among the ACO's hospitals{nearest(ccn, own)}"
            )


def _one_aco_each(
    practitioners: pd.DataFrame, aco_hospitals: pd.DataFrame, duplicate_npi: str, where: Path
) -> pd.DataFrame:
    """Leave each NPI in one hospital-based ACO, or stop at its lines (rules A3, A6)."""
    if duplicate_npi == "error":
        listed = practitioners.drop_duplicates(["aco_id", "npi"]).groupby("npi")["aco_id"]
        twice = listed.count().loc[lambda n: n > 1]
        if len(twice):
            rows = practitioners[practitioners["npi"] == min(twice.index)]
            lines = " and ".join(str(row + 2) for row in rows.index)
            acos = " and ".join(sorted(rows["aco_id"].unique()))
            raise InputError(
                f"{where}: lines {lines}: one NPI is listed by ACOs {acos}, expected one ACO"
                " (attribution.duplicate_npi: lowest_aco_id takes the lowest)"
            )
    based = practitioners[practitioners["aco_id"].isin(set(aco_hospitals["aco_id"]))]
    place, _ = pd.factorize(based["aco_id"], sort=True)  # of numbers, the least is found at once
    lowest = pd.Series(place, based.index).groupby(based["npi"]).transform("min")
    return cast(pd.DataFrame, based[place == lowest])


# ---------------------------------------------------------------- places


class ZipCentroids(Mapping[str, tuple[float, float]]):
    """Latitude and longitude by ZIP, looked up by area: the whole list takes half a second."""

    def __getitem__(self, zip_code: str) -> tuple[float, float]:
        """Return a ZIP's place; KeyError for one that is unknown or placed at 0, 0."""
        place = _area(zip_code[:3]).get(zip_code) if FIVE_DIGITS.fullmatch(zip_code) else None
        if place is None or place == (0.0, 0.0):
            raise KeyError(zip_code)
        return place

    def __iter__(self) -> Iterator[str]:
        """Go through all ZIPs that have a centroid, in order."""
        import zipcodes

        places = {z["zip_code"]: (float(z["lat"]), float(z["long"])) for z in zipcodes.list_all()}
        return (code for code, place in sorted(places.items()) if place != (0.0, 0.0))

    def __len__(self) -> int:
        """Return how many ZIPs have a centroid."""
        return sum(1 for _ in self)


FIVE_DIGITS = re.compile(r"[0-9]{5}")


@cache
def _area(start: str) -> dict[str, tuple[float, float]]:
    """Return the places of all ZIPs of a start: to find them takes as long as to find one."""
    import zipcodes

    alike = zipcodes.similar_to(start)
    return {z["zip_code"]: (float(z["lat"]), float(z["long"])) for z in alike}


def zip_centroids() -> Mapping[str, tuple[float, float]]:
    """Return latitude and longitude of ZIP codes (rule A9); source: the zipcodes package 3.0.

    A ZIP that the package places at 0, 0 has no centroid.
    """
    return ZipCentroids()
