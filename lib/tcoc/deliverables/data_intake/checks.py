"""What the reader of the data intake can trust: measured on exact tables, in stage 1."""

import pandas as pd

from tcoc.deliverables.data_intake.dictionary import SUBJECTS
from tcoc.deliverables.data_intake.public import missing
from tcoc.deliverables.data_intake.tables import DISPOSITIONS
from tcoc.deliverables.registry import Check, Measured
from tcoc.rules import intake
from tcoc.study import Study


def rows_without_end(study: Study) -> Measured:
    """Rows that were read and neither imported nor set aside with a reason (rule I8)."""
    found = study.frame("import_summary")
    return Measured(float((found[list(DISPOSITIONS)].sum(axis=1) - found["read"]).abs().sum()))


def lights_against_counts(study: Study) -> Measured:
    """Checks whose light does not follow from their own share and the limits."""
    rows = study.frame("intake_checks").dropna(subset=["share"])
    wrong = [
        intake.limit(study.policy, check).light(share) != light
        for check, share, light in zip(rows["check"], rows["share"], rows["light"], strict=True)
    ]
    return Measured(sum(wrong))


def rows_lost_between_months(study: Study) -> Measured:
    """Rows by which a part's year differs from the sum of its months."""
    found = study.frame("intake_counts")
    whole = found["month"] == intake.WHOLE_YEAR
    months = found[~whole].groupby(["part", "year"])["rows"].sum()
    years = found[whole].set_index(["part", "year"])["rows"].reindex(months.index).fillna(0)
    return Measured(float((months - years).abs().max()) if len(months) else 0.0)


def cents_lost_between_months(study: Study) -> Measured:
    """Cents by which a part's year differs from the sum of its months."""
    found = study.frame("intake_counts", exact=True).dropna(subset=["dollars"])
    whole = found["month"] == intake.WHOLE_YEAR
    months = found[~whole].groupby(["part", "year"])["dollars"].sum()
    years = found[whole].set_index(["part", "year"])["dollars"].reindex(months.index)
    gaps = [abs(a - b) for a, b in zip(months, years, strict=True) if not pd.isna(b)]
    return Measured(float(100 * max(gaps, default=0)))


def checks_beyond_what_they_saw(study: Study) -> Measured:
    """Checks that count more rows than they looked at, or fewer than none."""
    rows = study.frame("intake_checks").dropna(subset=["count"])
    return Measured(int(((rows["count"] > rows["of"]) | (rows["count"] < 0)).sum()))


def years_without_change(study: Study) -> Measured:
    """Years of the run that lack one of the checks of change."""
    rows = study.frame("intake_checks")
    found = rows[rows["check"].isin(SUBJECTS["change"])].groupby("year").size()
    wanted = len(SUBJECTS["change"])
    return Measured(sum(int(found.get(year, 0)) != wanted for year in study.run.years))


def missing_unsaid(study: Study) -> Measured:
    """Things that store.json calls missing and the report would not name."""
    told = set(missing(study))
    return Measured(sum(str(name) not in told for name in study.store.info.get("missing", [])))


def checks_without_name(study: Study) -> Measured:
    """Checks that were made and that no section of the report would show."""
    known = {name for checks in SUBJECTS.values() for name in checks}
    return Measured(len(set(study.frame("intake_checks")["check"]) - known))


CHECKS = (
    Check("import_adds_up", "I8",
          "Every row that was read was imported, or has a reason why not.", rows_without_end),
    Check("lights_follow_counts", "I8", "Every light follows from its share and the limits.",
          lights_against_counts),
    Check("months_add_up", "T1", "Each year's rows are the sum of its months, in every part.",
          rows_lost_between_months),
    Check("dollars_add_up", "T1", "Each year's dollars are the sum of its months, to the cent.",
          cents_lost_between_months),
    Check("counts_within", "I8", "No check counts more rows than it looked at.",
          checks_beyond_what_they_saw),
    Check("changes_have_limits", "I8", "Every year has its checks of change.",
          years_without_change),
    Check("missing_is_said", "I5", "All that the source lacks is named.", missing_unsaid),
    Check("every_check_is_shown", "I8", "Every check that was made stands on the page.",
          checks_without_name),
)  # fmt: skip
