"""The public tables of the data intake: what is counted, and what protects what."""

import pandas as pd

from tcoc.deliverables.data_intake.tables import DISPOSITIONS, completion_years
from tcoc.disclosure.old import PublicTable
from tcoc.rules import intake
from tcoc.study import Study

ALL, READ = "all", "read"
SOURCE = "The run's store; rules I, P and T"


def public_tables(study: Study) -> list[PublicTable]:
    """Return every table that the report may show; a table without rows is left out."""
    tables = [
        import_table(study),
        import_dollars_table(study),
        volumes_table(study),
        enrolment_table(study),
        checks_table(study),
        completion_table(study),
        completion_year_table(study),
        missing_table(study),
    ]
    return [table for table in tables if len(table.frame)]


# ---------------------------------------------------------------- the import


def import_table(study: Study) -> PublicTable:
    """Rows read by source, and what became of them (rules I1 to I6)."""
    wide = study.frame("import_summary").rename(columns={"read": READ})
    long = wide.melt("source", [READ, *DISPOSITIONS], "disposition", "rows")
    return PublicTable(
        name="intake_import",
        title="What became of the rows that were read",
        frame=_in_order(long, "source", disposition=(READ, *DISPOSITIONS)),
        keys=("source", "disposition"),
        counts=("rows",),
        totals={"disposition": READ},
        universe="rows of the source files",
        note="A store that was not imported has a line per table, whose rows are all imported.",
        source="store.json of the run's store; rules I1 to I6",
    )


def import_dollars_table(study: Study) -> PublicTable:
    """Dollars in the files and in the store, and what is left unexplained (rule I2)."""
    found = study.frame("import_summary").rename(columns={"read": "rows"})
    amounts = ("dollars_in_files", "dollars_in_store", "difference")
    frame = found.dropna(subset=["difference"])[["source", "rows", *amounts]]
    return PublicTable(
        name="intake_import_dollars",
        title="Dollars from file to store",
        frame=frame.reset_index(drop=True),
        keys=("source",),
        counts=("rows",),
        values=dict.fromkeys(amounts, ("rows",)),
        universe="rows of the source files",
        note="The difference is what no disposition, pass-through or plan payment explains.",
        source="store.json of the run's store; rules I1, I2 and I4",
    )


def _in_order(frame: pd.DataFrame, *first: str, **orders: tuple[str, ...]) -> pd.DataFrame:
    """Sort by columns, and by others in an order of their own."""
    ranks = {
        name: frame[name].map({label: i for i, label in enumerate(order)})
        for name, order in orders.items()
    }
    keyed = frame.assign(**{f"_{name}": rank for name, rank in ranks.items()})
    by = [*first, *(f"_{name}" for name in orders)]
    return keyed.sort_values(by, ignore_index=True)[list(frame.columns)]


# ---------------------------------------------------------------- volumes


def volumes_table(study: Study) -> PublicTable:
    """Claims and lines, people and dollars by part, year and month, with all margins."""
    found = study.frame("intake_counts")
    return PublicTable(
        name="intake_volumes",
        title="Claims and lines, people and dollars by month",
        frame=_months(found[found["part"] != intake.MEMBER_MONTH]),
        keys=("part", "year", "month"),
        counts=("rows", "people"),
        values={"dollars": ("rows", "people")},
        totals={"part": intake.ALL_CLAIMS, "month": ALL},
        universe="claims and lines of the store",
        note="A claim lies in the month of its last day. A person is counted once in each row.",
        source=SOURCE,
    )


def enrolment_table(study: Study) -> PublicTable:
    """Months of enrolment and the people who have them, by year and month."""
    found = study.frame("intake_counts")
    months = found[found["part"] == intake.MEMBER_MONTH].drop(columns=["part", "dollars"])
    return PublicTable(
        name="intake_enrolment",
        title="Months of enrolment and people by month",
        frame=_months(months),
        keys=("year", "month"),
        counts=("rows", "people"),
        totals={"month": ALL},
        universe="months of enrolment of the store",
        note="Everybody in the store, whether eligible or not.",
        source="Enrolment of the run's store; rule I5",
    )


def _months(frame: pd.DataFrame) -> pd.DataFrame:
    """Label months 01 to 12, and the whole year `all`."""
    labels = [ALL if m == intake.WHOLE_YEAR else f"{m:02d}" for m in frame["month"]]
    return frame.assign(month=labels).reset_index(drop=True)


# ---------------------------------------------------------------- checks


def checks_table(study: Study) -> PublicTable:
    """Every check of the run's years with its count and light; no light tells a small count."""
    least = int(study.policy.get("disclosure.min_cell_size"))
    found = study.frame("intake_checks")
    frame = found.assign(light=_careful_lights(study, found, least))
    frame["year"] = [str(y) if y else ALL for y in found["year"]]
    frame["of"] = _publishable_of(study, found, least)
    frame.loc[frame["of"].isna() & frame["count"].notna(), "share"] = float("nan")
    return PublicTable(
        name="intake_checks",
        title="Checks of the data and their traffic lights",
        frame=frame,
        keys=("check", "year"),
        counts=("count", "of"),
        values={"share": ("count", "of")},
        within={"count": "of"},
        universe="what the checks of the data look at",
        note="A light is decided as if a count of 1 to 10 were 10, so that it does not tell it.",
        source=SOURCE,
    )


def _careful_lights(study: Study, found: pd.DataFrame, least: int) -> list[str]:
    bounds = {check: intake.limit(study.policy, check) for check in set(found["check"])}
    lights = []
    for check, count, of, share in zip(
        *(found[c] for c in ("check", "count", "of", "share")), strict=True
    ):
        value = share if pd.isna(count) else intake.careful_share(count, of, least)
        lights.append(bounds[check].light(value))
    return lights


def _publishable_of(study: Study, found: pd.DataFrame, least: int) -> "pd.Series[float]":
    """Leave out residents' months where few months of others would follow from them (rule D2)."""
    counts = study.frame("intake_counts")
    whole = counts[(counts["part"] == intake.MEMBER_MONTH) & (counts["month"] == intake.WHOLE_YEAR)]
    months = found["year"].map(whole.set_index("year")["rows"])
    others = months - found["of"]
    few = (found["check"] == "zip_not_in_state") & (others > 0) & (others < least)
    return found["of"].mask(few)


# ---------------------------------------------------------------- completeness, what is missing


def completion_table(study: Study) -> PublicTable:
    """Payments by month of service beside those that a complete month would have (rule T2)."""
    found = study.frame("completeness")
    found = found.assign(expected=found["prior_year_amount"] * found["growth"])
    sums = found.groupby(["year", "month"], as_index=False).agg(
        claim_rows=("claim_rows", "sum"),
        paid_amount=("paid_amount", "sum"),
        expected=("expected", lambda v: v.sum(min_count=1)),
        mature=("mature", "min"),
    )
    sums["implied_completion"] = sums["paid_amount"] / sums["expected"].where(sums["expected"] > 0)
    return PublicTable(
        name="intake_completion",
        title="Payments by month of service and the completion they imply",
        frame=sums,
        keys=("year", "month"),
        counts=("claim_rows",),
        values=dict.fromkeys(("paid_amount", "expected", "implied_completion"), ("claim_rows",)),
        universe="claims and lines of the store by month of service",
        note="Expected: the same month a year before x the growth of the year's mature months.",
        source=SOURCE,
    )


def completion_year_table(study: Study) -> PublicTable:
    """The completion that a year's late months imply, beside the run's factor (rule T2)."""
    years = completion_years(study)
    rows = study.frame("completeness").groupby("year")["claim_rows"].sum()
    frame = years.drop(columns="gap").assign(claim_rows=years["year"].map(rows))
    return PublicTable(
        name="intake_completion_years",
        title="Implied completion beside the completion factor",
        frame=frame,
        keys=("year",),
        counts=("claim_rows",),
        values={"implied_completion": ("claim_rows",), "completion_factor": ()},
        universe="claims and lines of the store by month of service, of whole years",
        note="Nothing is implied for a year whose months all have their run-out.",
        source=SOURCE,
    )


def missing_table(study: Study) -> PublicTable:
    """What the source lacks, and what can't be computed for want of it."""
    return PublicTable(
        name="intake_missing",
        title="What the source lacks, and what it is needed for",
        frame=intake.consequences(missing(study)),
        keys=("missing",),
        universe="parts of the deliverables",
        source="store.json and the tables of the run's store",
    )


EMPTY_IF_ALL = {"unknown_specialty": "specialty", "missing_npi": "NPI", "zip_not_in_state": "ZIP"}
"""Checks that every row fails where the source lacks the column."""


def missing(study: Study) -> list[str]:
    """Return what store.json says is missing, and the columns in which nothing ever stands."""
    stated = [str(name) for name in study.store.info.get("missing", [])]
    checks = study.frame("intake_checks").dropna(subset=["count"])
    whole = checks.groupby("check")[["count", "of"]].sum()
    every = set(whole.index[(whole["of"] > 0) & (whole["count"] == whole["of"])])
    empty = [name for check, name in EMPTY_IF_ALL.items() if check in every]
    known = " ".join(stated).lower()
    return [*stated, *(name for name in empty if name.lower() not in known)]
