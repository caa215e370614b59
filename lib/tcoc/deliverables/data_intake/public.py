"""The public tables of the data intake: what is counted, and what protects what."""

import pandas as pd

from tcoc.deliverables.data_intake.dictionary import (
    CHECK_NAMES,
    LIGHT_WORDS,
    PARTS,
    SUBJECT_OF,
)
from tcoc.deliverables.data_intake.tables import DISPOSITIONS, completion_years
from tcoc.disclosure import Column, Draft
from tcoc.rules import intake
from tcoc.study import Study

ALL, READ = "all", "read"
SOURCE = "The run's store; rules I, P and T"

YEAR = Column("Year", "year")
MONTH = Column("Month", "key", "01 to 12, or all of the year.")
_VOLUME = {
    "rows": Column("Claims or lines", "count", "Facility claims, professional and DME lines."),
    "people": Column("People", "count", "A person counts once in each row.", "people"),
    "dollars": Column("Medicare payments", "dollars", "As paid.", "dollars", of=("rows", "people")),
}


def public_tables(study: Study) -> list[Draft]:
    """Return every table that the report may show, for the gate to take together."""
    return [
        import_table(study),
        import_dollars_table(study),
        admission_table(study),
        volumes_table(study),
        enrollment_table(study),
        change_table(study),
        checks_table(study),
        completion_table(study),
        completion_year_table(study),
        missing_table(study),
        notes_table(study),
    ]


# ---------------------------------------------------------------- the import


def import_table(study: Study) -> Draft:
    """Rows read by source, and what became of them (rules I1 to I8)."""
    wide = study.frame("import_summary").rename(columns={"read": READ})
    long = wide.melt("source", [READ, *DISPOSITIONS], "disposition", "rows")
    place = long["disposition"].map({name: i for i, name in enumerate((READ, *DISPOSITIONS))})
    ordered = long.assign(place=place).sort_values(["source", "place"], ignore_index=True)
    return Draft(
        name="intake_import",
        title="What became of the rows that were read",
        frame=ordered.drop(columns="place"),
        keys=("source", "disposition"),
        columns={
            "source": Column("Source", "key", "A kind of file, or a table of the store."),
            "disposition": Column("What became of the row", "key"),
            "rows": Column("Rows", "count", "Rows of the source files (rule I8)."),
        },
        totals={"disposition": READ},
        universe="rows of the source files",
        note="A store that was not imported has a line per table, whose rows are all imported.",
        source="store.json of the run's store; rules I1 to I8",
    )


def import_dollars_table(study: Study) -> Draft:
    """Dollars in the files and in the store, and what is left unexplained (rule I8)."""
    found = study.frame("import_summary").rename(columns={"read": "rows"})
    amounts = ("dollars_in_files", "dollars_in_store", "difference")
    frame = found.dropna(subset=["difference"])[["source", "rows", *amounts]]
    labels = ("In the files", "In the store", "Unexplained")
    return Draft(
        name="intake_import_dollars",
        title="Dollars from file to store",
        frame=frame.reset_index(drop=True),
        keys=("source",),
        columns={
            "source": Column("Source", "key"),
            "rows": Column("Rows", "count"),
            **{
                name: Column(label, "dollars", unit="dollars", of=("rows",))
                for name, label in zip(amounts, labels, strict=True)
            },
        },
        universe="rows of the source files",
        note="The difference is what no disposition, pass-through or plan payment explains.",
        source="store.json of the run's store; rules I1, I2, I4 and I8",
    )


def admission_table(study: Study) -> Draft:
    """What the import says of its delivery: limits of admission, control totals (rules I7, I8).

    Counts of a control total can be cents or bytes of a file, which are about nobody's cell.
    """
    found = intake.admission_lights(study.store.info)
    counted = found["limit"].notna() & (found["check"] != intake.CONTROL)
    frame = found.assign(
        count=found["count"].where(counted).astype("Int64"),
        of=found["of"].where(counted).astype("Int64"),
        share=found["share"].where(counted).astype("float64"),
        year=[str(year) if year else ALL for year in found["year"]],
        sign=found["light"].map(LIGHT_WORDS),
    )
    return Draft(
        name="intake_admission",
        title="What the import says of its delivery",
        frame=frame,
        keys=("check", "place", "year"),
        columns={
            "check": Column("Check", "key"),
            "place": Column("Where", "key", "A file, a kind of file, or a column of one."),
            "year": Column("Year", "key"),
            "count": Column("Found", "count"),
            "of": Column("Looked at", "count"),
            "share": Column("Share", "share", of=("count",), base="of", digits=3),
            "limit": Column("Limit", "number", "Of params/policy/admission.yml.", digits=3),
            "light": Column("Light", "label"),
            "sign": Column("Light", "label"),
        },
        within={"count": "of"},
        universe="rows, people and bytes of the delivery",
        note="Red: beyond its limit and accepted, or a control total that does not hold.",
        source="store.json of the run's store; rules I7 and I8",
    )


# ---------------------------------------------------------------- volumes


def volumes_table(study: Study) -> Draft:
    """Claims and lines, people and dollars by part, year and month, with all margins."""
    found = study.frame("intake_counts")
    return Draft(
        name="intake_volumes",
        title="Claims and lines, people and dollars by month",
        frame=_months(found[found["part"] != intake.MEMBER_MONTH]),
        keys=("part", "year", "month"),
        columns={"part": Column("Part", "key"), "year": YEAR, "month": MONTH, **_VOLUME},
        totals={"part": intake.ALL_CLAIMS, "month": ALL},
        universe="claims and lines of the store",
        note="A claim lies in the month of its last day.",
        source=SOURCE,
    )


def enrollment_table(study: Study) -> Draft:
    """Months of enrollment and the people who have them, by year and month."""
    found = study.frame("intake_counts")
    months = found[found["part"] == intake.MEMBER_MONTH].drop(columns=["part", "dollars"])
    return Draft(
        name="intake_enrollment",
        title="Months of enrollment and people by month",
        frame=_months(months),
        keys=("year", "month"),
        columns={
            "year": YEAR,
            "month": MONTH,
            "rows": Column("Months of enrollment", "count"),
            "people": _VOLUME["people"],
        },
        totals={"month": ALL},
        universe="months of enrollment of the store",
        note="Everybody in the store, whether eligible or not.",
        source="Enrollment of the run's store; rule I5",
    )


def _months(frame: pd.DataFrame) -> pd.DataFrame:
    """Label months 01 to 12, and the whole year `all`; parts in the order of the tables."""
    labels = [ALL if m == intake.WHOLE_YEAR else f"{m:02d}" for m in frame["month"]]
    out = frame.assign(month=labels)
    if "part" in out.columns:
        place = out["part"].map({name: i for i, name in enumerate(PARTS)})
        out = out.assign(place=place).sort_values(["place", "year", "month"]).drop(columns="place")
    return out.reset_index(drop=True)


def change_table(study: Study) -> Draft:
    """Change of rows, people and dollars of each part from the year before, by year."""
    counts = study.frame("intake_counts")
    whole = counts[counts["month"] == intake.WHOLE_YEAR].drop(columns="month")
    before = whole.assign(year=whole["year"] + 1)
    both = whole.merge(before, on=["part", "year"], suffixes=("", "_before"))
    both = both[both["year"].isin(study.run.years)]
    for name in intake.MEASURES:
        base = both[f"{name}_before"].astype(float)
        both[f"change_{name}"] = both[name].astype(float) / base.where(base > 0) - 1
    people = ("rows", "people", "rows_before", "people_before")
    place = both["part"].map({name: i for i, name in enumerate(PARTS)})
    ordered = both.assign(place=place).sort_values(["year", "place"], ignore_index=True)
    changes = [f"change_{name}" for name in intake.MEASURES]
    return Draft(
        name="intake_change",
        title="Change of rows, people and dollars from the year before",
        frame=ordered[["part", "year", *people, *changes]],
        keys=("part", "year"),
        columns={
            "part": Column("Part", "key"),
            "year": YEAR,
            "rows": _VOLUME["rows"],
            "people": _VOLUME["people"],
            "rows_before": Column("Claims or lines, the year before", "count"),
            "people_before": Column("People, the year before", "count", unit="people"),
            **{
                f"change_{name}": Column(name.capitalize(), "growth", of=people)
                for name in intake.MEASURES
            },
        },
        universe="claims, lines and months of two years",
        source=SOURCE,
    )


# ---------------------------------------------------------------- checks


def checks_table(study: Study) -> Draft:
    """Every check of the run's years with its count and light; no light tells a small count."""
    least = int(study.policy.get("disclosure.min_cell_size"))
    found = study.frame("intake_checks")
    lights = _careful_lights(study, found, least)
    frame = found.assign(
        light=lights,
        year=[str(y) if y else ALL for y in found["year"]],
        subject=found["check"].map(SUBJECT_OF),
        name=found["check"].map(CHECK_NAMES),
        sign=[LIGHT_WORDS[light] for light in lights],
        asks=[study.policy.about(f"intake.{check}").description for check in found["check"]],
        # a measured check has a value and nothing that it counts: it is about no one's cell
        value=found["share"].where(found["count"].isna()),
        share=found["share"].where(found["count"].notna()),
    )
    place = frame["check"].map({name: i for i, name in enumerate(CHECK_NAMES)})
    ordered = frame.assign(place=place).sort_values(["place", "year"], ignore_index=True)
    columns = ["check", "name", "subject", "year", "rule", "count", "of", "share", "value", "light"]
    return Draft(
        name="intake_checks",
        title="Checks of the data and their traffic lights",
        frame=ordered[[*columns, "sign", "asks"]],
        keys=("check", "year"),
        columns={
            "check": Column("Check", "key"),
            "name": Column("Check", "label"),
            "year": Column("Year", "key"),
            "rule": Column("Rule", "label"),
            "count": Column("Found", "count", "Rows or people that fail the check."),
            "of": Column("Looked at", "count"),
            "share": Column("Share", "share", of=("count",), base="of", digits=3),
            "value": Column("Value", "number", "Of a check that counts nothing.", digits=3),
            "light": Column("Light", "label"),
            "sign": Column("Light", "label"),
            "asks": Column("What it looks for", "label"),
        },
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


# ---------------------------------------------------------------- completeness, what is missing


def completion_table(study: Study) -> Draft:
    """Payments by month of service beside those that a complete month would have (rule T2)."""
    found = study.frame("completeness")
    found = found.assign(expected=found["prior_year_amount"] * found["growth"])
    sums = found.groupby(["year", "month"], as_index=False).agg(
        claim_rows=("claim_rows", "sum"),
        paid_amount=("paid_amount", "sum"),
        expected=("expected", lambda v: v.sum(min_count=1)),
    )
    sums["implied_completion"] = sums["paid_amount"] / sums["expected"].where(sums["expected"] > 0)
    of = ("claim_rows",)
    return Draft(
        name="intake_completion",
        title="Payments by month of service and the completion they imply",
        frame=sums,
        keys=("year", "month"),
        columns={
            "year": YEAR,
            "month": Column("Month of service", "key"),
            "claim_rows": Column("Claims or lines", "count"),
            "paid_amount": Column("Medicare payments", "dollars", unit="dollars", of=of),
            "expected": Column("Expected payments", "dollars", unit="dollars", of=of),
            "implied_completion": Column("Share of what is expected", "share", base="claim_rows"),
        },
        universe="claims and lines of the store by month of service",
        note="Expected: the same month a year before x the growth of the year's mature months.",
        source=SOURCE,
    )


def completion_year_table(study: Study) -> Draft:
    """The completion that a year's late months imply, beside the run's factor (rule T2)."""
    years = completion_years(study)
    rows = study.frame("completeness").groupby("year")["claim_rows"].sum()
    frame = years.drop(columns="gap").assign(claim_rows=years["year"].map(rows))
    frame["implied_completion"] = frame["implied_completion"].astype("float64")
    return Draft(
        name="intake_completion_years",
        title="Implied completion beside the completion factor",
        frame=frame,
        keys=("year",),
        columns={
            "year": YEAR,
            "claim_rows": Column("Claims or lines", "count"),
            "implied_completion": Column(
                "Implied by its late months", "share", "Blank where all months have run out.",
                base="claim_rows",
            ),
            "completion_factor": Column("Factor of this run", "number", digits=4),
        },
        universe="claims and lines of the store by month of service, of whole years",
        note="Nothing is implied for a year whose months all have their run-out.",
        source=SOURCE,
    )  # fmt: skip


def missing_table(study: Study) -> Draft:
    """What the source lacks, and what can't be computed for want of it."""
    return Draft(
        name="intake_missing",
        title="What the source lacks, and what it is needed for",
        frame=intake.consequences(missing(study)),
        keys=("missing",),
        columns={
            "missing": Column("Missing", "key"),
            "rule": Column("Rules", "label"),
            "cannot_be_computed": Column("What it is needed for", "label"),
        },
        universe="parts of the deliverables",
        source="store.json and the tables of the run's store",
    )


def notes_table(study: Study) -> Draft:
    """The import's own remarks, and what was accepted although a limit was passed (rule I8)."""
    info = study.store.info
    told = info.get("import", {})
    rows = [("note", str(note)) for note in told.get("notes", [])]
    accepted = told.get("accepted") or info.get("accepted") or []
    reasons = [accepted] if isinstance(accepted, (str, dict)) else list(accepted)
    rows += [("accepted", _reason(reason)) for reason in reasons]
    have = {year for years in (study.store.years,) for year in years}
    rows += [("note", f"{y} has no claims in the store") for y in study.run.years if y not in have]
    frame = pd.DataFrame(rows, columns=["kind", "said"]).drop_duplicates(ignore_index=True)
    return Draft(
        name="intake_notes",
        title="Remarks of the import",
        frame=frame,
        keys=("kind", "said"),
        columns={"kind": Column("Kind", "key"), "said": Column("Remark", "key")},
        universe="remarks",
        source="store.json of the run's store",
    )


def _reason(reason: object) -> str:
    if isinstance(reason, dict):
        return "; ".join(f"{key}: {value}" for key, value in reason.items())
    return str(reason)


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
