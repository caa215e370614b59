"""The data intake's tables of a run: the import, volumes, and checks with their lights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from tcoc.deliverables.y1_attribution.completion import completion, completion_facts
from tcoc.deliverables.y1_attribution.pieces import together
from tcoc.params import Run
from tcoc.reference import Reference
from tcoc.reference.places import zip_counties
from tcoc.rules import intake
from tcoc.store.facts import has_claims
from tcoc.store.layout import Store
from tcoc.store.schema import DOLLAR_SUM, TABLES
from tcoc.study import Product, Study

# ---------------------------------------------------------------- the import

DISPOSITIONS = (
    "imported",
    "denied",
    "duplicates",
    "replaced",
    "deleted",
    "cancelled",
    "not_final",
    "repeated",
    "orphans",
    "other_state",
    "quarantined",
    "unmatched",
)
"""What becomes of a row that is read; together they are all rows (rules I1, I2, I3, I6)."""

DOLLARS = {"in_files": "dollars_in_files", "in_store": "dollars_in_store"}


def import_summary(study: Study) -> pd.DataFrame:
    """Rows and dollars from file to store, as store.json tells them (rules I1 to I6).

    One row per source: a file type with its files, rows read and what became of them, dollars in
    the files and in the store, and the difference that is left unexplained. A store that was not
    imported has a row per table, whose rows are all imported.
    """
    info = study.store.info
    types = info.get("import", {}).get("types", {})
    if types:
        rows = [_type_row(name, entry, info.get("files", [])) for name, entry in types.items()]
    else:
        rows = [_table_row(name, count) for name, count in info.get("rows", {}).items()]
    return pd.DataFrame(rows, columns=list(IMPORT_SUMMARY))


def _type_row(name: str, entry: Mapping[str, Any], files: list[Any]) -> dict[str, Any]:
    dollars = entry.get("dollars", {})
    amounts = {**DOLLARS, "difference": "difference"}
    return {
        "source": name,
        "files": sum(1 for file in files if file.get("type") == name),
        "read": int(entry.get("read", 0)),
        **{key: int(entry.get(key, 0)) for key in DISPOSITIONS},
        **{column: _amount(dollars.get(key)) for key, column in amounts.items()},
    }


def _amount(text: str | None) -> float | None:
    return None if text is None else float(text)


def _table_row(name: str, count: int) -> dict[str, Any]:
    nothing = dict.fromkeys(DISPOSITIONS, 0)
    return {"source": name, "files": 0, "read": count, **nothing, "imported": count}


# ---------------------------------------------------------------- volumes and counts

VOLUME, CHECK = "volume", "check"


def measured(study: Study) -> pd.DataFrame:
    """Volumes of the run's years and the one before each, and counted checks of the run's years.

    One row per (kind, name, year, month), in one pass over the files of a year, or of several that
    are small together: a part's volumes, or a check of the whole year (month 0).
    """
    years = sorted({y for year in study.run.years for y in (year - 1, year)})
    parts = [_measured(study, some) for some in together(study, years)]
    return pd.concat([*parts, _overlaps(study)]).reindex(columns=list(MEASURED))


def _measured(study: Study, years: Sequence[int]) -> pd.DataFrame:
    connection = study.connection
    tables = {name: study.store_table(name, years) for name in TABLES}
    rows = intake.year_rows(tables, years, connection.keep)
    limits = (study.policy.get("intake.line_outlier"), study.policy.get("intake.claim_outlier"))
    sums = connection.fetch(intake.claim_sums(rows, *limits), ["part", "year", "month"])
    people = connection.fetch(intake.people_counts(rows), ["part", "year"])
    volumes = intake.volumes(sums, people).rename(columns={"part": "name"})
    frames = [volumes.assign(kind=VOLUME)]
    if asked := [year for year in years if year in study.run.years]:
        enrolled = {*people[people["part"] == intake.MEMBER_MONTH]["year"]}
        claims = [intake.claim_checks(sums, year in enrolled, year) for year in asked]
        counted = _counted(study, intake.from_year(rows, asked[0]))
        frames.append(_as_checks([*claims, *counted], asked))
    connection.drop(rows.people, rows.claimed)
    return pd.concat(frames)


def _counted(study: Study, rows: intake.YearRows) -> list[pd.DataFrame]:
    connection = study.connection
    zips = connection.load(zip_counties()[["zip"]], {"zip": "string"})
    found = [connection.fetch(table, ["year"]) for table in intake.check_tables(rows, zips)]
    connection.drop(zips)
    return found


def _overlaps(study: Study) -> pd.DataFrame:
    """Count overlapping stays once for all years: they reach from one year into another."""
    years = study.run.years
    facility = study.store_table("facility", range(min(years) - 1, max(years) + 2))
    found = study.connection.fetch(intake.overlapping_stays(facility), ["year"])
    return _as_checks([found], years)


def _as_checks(counts: Sequence[pd.DataFrame], years: Sequence[int]) -> pd.DataFrame:
    found = intake.counted(counts)
    renamed = found[found["year"].isin(years)].rename(columns={"check": "name"})
    return renamed.assign(kind=CHECK, month=intake.WHOLE_YEAR)


def _of_kind(study: Study, kind: str) -> pd.DataFrame:
    frame = study.frame("intake_measured", exact=True)
    return frame[frame["kind"] == kind]


def intake_counts(study: Study) -> pd.DataFrame:
    """Rows, people and dollars by part, year and month; the run's years and the one before each."""
    return _of_kind(study, VOLUME).rename(columns={"name": "part"})[list(intake.VOLUMES)]


# ---------------------------------------------------------------- checks


def intake_checks(study: Study) -> pd.DataFrame:
    """Every check by year: broken rows, rows looked at, share or value, rule and light.

    One row per (check, year); checks of the import have year 0. Changes and the completion have
    no count, but a value in `share`.
    """
    counted = _of_kind(study, CHECK).rename(columns={"name": "check"})
    parts = [
        intake.with_shares(counted, study.run.years),
        intake.change_checks(
            intake.changes(study.frame("intake_counts")),
            study.run.years,
            study.policy.get("intake.change_min_people"),
        ),
        _completion(study),
        intake.import_checks(study.frame("import_summary")),
    ]
    columns = ["check", "year", "count", "of", "share"]
    table = pd.concat([part.reindex(columns=columns).astype(_PLAIN) for part in parts])
    return intake.traffic_lights(table.reset_index(drop=True), study.policy)


_PLAIN = {"check": "object", "year": "int64", "count": "Int64", "of": "Int64", "share": "float64"}


def _completion(study: Study) -> pd.DataFrame:
    """Check the run-out of each year, and what its months imply beside the parameter (rule T2)."""
    implied = completion_years(study).set_index("year")["gap"]
    years = sorted(study.run.years)
    short = [_short(study, year) for year in years]
    return pd.DataFrame(
        [("completion_gap", year, implied.get(year)) for year in years]
        + [("short_run_out", year, flag) for year, flag in zip(years, short, strict=True)],
        columns=["check", "year", "share"],
    )


def completion_years(study: Study) -> pd.DataFrame:
    """Implied completion beside the run's factor, by year (rule T2)."""
    factor: Callable[[int], float] = completion(study)
    return intake.completion_by_year(study.frame("completeness"), factor)


def _short(study: Study, year: int) -> float | None:
    return (
        float(completion_facts(study)[year].incomplete) if has_claims(study.store, year) else None
    )


IMPORT_SUMMARY = {
    "source": "string",
    "files": "int32",
    "read": "int64",
    **dict.fromkeys(DISPOSITIONS, "int64"),
    **dict.fromkeys(DOLLARS.values(), DOLLAR_SUM),
    "difference": DOLLAR_SUM,
}

MEASURED = {
    "kind": "string",
    "name": "string",
    "year": "int32",
    "month": "int32",
    "rows": "int32",
    "people": "int32",
    "dollars": DOLLAR_SUM,
    "count": "int32",
    "of": "int32",
}


def judge(run: Run, _store: Store, _references: Reference) -> None:
    """Refuse limits of a check that are none, before any row is counted (rule I8)."""
    for name, entry in run.policy.entries.items():
        file, _, check = name.partition(".")
        if file == "intake" and entry.type == "mapping":
            intake.limit(run.policy, check)


POLICY = ("intake", "tcoc")
"""The policy files whose values these tables may depend on; others are refused."""

USES = ("y1_attribution",)
"""The deliverables whose tables these are computed from; others are refused."""

PRODUCTS: tuple[Product, ...] = (
    Product(
        "intake_measured",
        ("kind", "name", "year", "month"),
        measured,
        MEASURED,
        internal=True,
        alone=True,
    ),
    Product("import_summary", ("source",), import_summary, IMPORT_SUMMARY),
    Product("intake_counts", ("part", "year", "month"), intake_counts, intake.VOLUMES),
    Product(
        "intake_checks",
        ("check", "year"),
        intake_checks,
        {
            "check": "string",
            "rule": "string",
            "year": "int32",
            "count": "int64",
            "of": "int64",
            "share": "float64",
            "light": "string",
        },
    ),
)
