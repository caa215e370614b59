"""What the assessed partners add up to: shares meeting, averages, timing, near misses (Q5-Q9)."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import product
from math import fsum

import pandas as pd

from tcoc.rules.qp.partners import assess, picker, with_distance
from tcoc.rules.qp.rules import Thresholds

SUMMARY_COLUMNS = (
    "year", "test", "reading", "partner", "clinicians", "meeting", "share_meeting",
    "average_score", "average_patient_score", "average_payment_score", "partial", "patients",
    "patients_meeting", "reaching_payment_share", "reaching_patient_share",
)  # fmt: skip


def mean(values: Iterable[float]) -> float | None:
    """The mean, in whatever order the values come; nothing of nothing."""
    numbers = [float(value) for value in values]
    return fsum(numbers) / len(numbers) if numbers else None


def summary_row(assessed: pd.DataFrame) -> dict[str, object]:
    """Clinicians, how many meet, their share, and the averages over those who meet (rule Q5).

    `partial` counts those who reach only a partial threshold. `patients` adds up the denominators
    of all clinicians, `patients_meeting` of those who meet: the counts that protect the averages.
    The last two count clinicians who reach each of the two thresholds.
    """
    met = assessed[assessed["meets"]]
    return {
        "clinicians": len(assessed),
        "meeting": len(met),
        "share_meeting": len(met) / len(assessed) if len(assessed) else None,
        "average_score": mean(met["score"]),
        "average_patient_score": mean(met["patient_score"]),
        "average_payment_score": mean(met["payment_score"]),
        "partial": int(assessed["partial"].sum()),
        "patients": _patients(assessed),
        "patients_meeting": _patients(met),
        "reaching_payment_share": int(assessed["meets_payment"].sum()),
        "reaching_patient_share": int(assessed["meets_patient"].sum()),
    }


def _patients(assessed: pd.DataFrame) -> int:
    return int((assessed["people"] // assessed["scale"]).sum())


def partner_table(
    rows: pd.DataFrame, partner: str, thresholds: Sequence[Thresholds], partner_choice: str
) -> pd.DataFrame:
    """Each clinician at its partner under every test and reading, one row each (Q4-Q6)."""
    pick = picker(rows, partner_choice)
    parts = [
        with_distance(pick(limits), limits).assign(
            test=limits.test, reading=limits.reading, partner=partner
        )
        for limits in thresholds
    ]
    return pd.concat(parts, ignore_index=True)


def summary(
    assessed: pd.DataFrame,
    years: Iterable[int],
    thresholds: Sequence[Thresholds],
    names: Sequence[str],
) -> pd.DataFrame:
    """The slide's table: one row per (year, test, reading, partner), columns SUMMARY_COLUMNS.

    A year for which the model has no clinician has rows with 0 clinicians and no averages; `names`
    are the partners that were modelled.
    """
    keys = ["year", "test", "reading", "partner"]
    groups = dict(iter(assessed.groupby(keys)))
    wanted = product(years, ((t.test, t.reading) for t in thresholds), names)
    rows = [
        {
            **dict(zip(keys, (year, test, reading, name), strict=True)),
            **summary_row(groups.get((year, test, reading, name), assessed.iloc[:0])),
        }
        for year, (test, reading), name in wanted
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def sensitivity(
    rows: pd.DataFrame,
    years: Iterable[int],
    thresholds: Sequence[Thresholds],
    unseen_shares: Iterable[Fraction],
    partner_choice: str,
) -> pd.DataFrame:
    """Share meeting when part of every denominator is unseen and not linked (rule Q9).

    One row per (year, test, reading, unseen_share), with clinicians and meeting besides the share.
    """
    found = []
    pick = picker(rows, partner_choice)
    for limits, unseen, year in product(thresholds, unseen_shares, years):
        assessed = pick(limits, unseen)
        row = summary_row(assessed[assessed["year"] == year])
        found.append(
            {
                "year": year,
                "test": limits.test,
                "reading": limits.reading,
                "unseen_share": float(unseen),
                **{name: row[name] for name in ("share_meeting", "clinicians", "meeting")},
            }
        )
    return pd.DataFrame(found)


# ---------------------------------------------------------------- timing


def year_result(snapshots: dict[date, pd.DataFrame], clinicians: pd.DataFrame) -> pd.DataFrame:
    """The year's result of each clinician: any one snapshot is enough (rule Q7).

    `snapshots` holds each snapshot's assessed partners (npi, meets); `clinicians` is who counts.
    One row per npi: first_date (None if never), snapshots_met, qualifies.
    """
    first: dict[str, date] = {}
    met: dict[str, int] = {}
    for day in sorted(snapshots):
        assessed = snapshots[day]
        for npi in assessed.loc[assessed["meets"], "npi"]:
            first.setdefault(npi, day)
            met[npi] = met.get(npi, 0) + 1
    result = clinicians[["npi"]].drop_duplicates().sort_values("npi", ignore_index=True)
    dates = result["npi"].map(first)
    return result.assign(
        first_date=dates.astype(object).where(dates.notna(), None),
        snapshots_met=result["npi"].map(met).fillna(0).astype("int64"),
        qualifies=dates.notna(),
    )


# ---------------------------------------------------------------- who, and by what


def routes(assessed: pd.DataFrame, scores: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """By which method and by which criterion each clinician meets (rules Q2, Q5).

    `scores` has benes_attributed, benes_encounter, cents_attributed, cents_encounter per
    (year, npi, ccn). Adds `method` (both, payments, patients, none) and `criterion`: would the
    attributed alone do, or the encounters alone (either, attributed, encounter), or only both
    together (union); none where nothing meets.
    """
    by_criterion = ["benes_attributed", "benes_encounter", "cents_attributed", "cents_encounter"]
    keys = ["year", "npi", "ccn"]
    joined = assessed.merge(scores[[*keys, *by_criterion]], on=keys, how="left")
    joined[by_criterion] = joined[by_criterion].fillna(0)
    alone = {name: _alone(joined, name, thresholds) for name in ("attributed", "encounter")}
    return assessed.assign(
        method=_label(
            joined["meets_payment"], joined["meets_patient"], ("both", "payments", "patients")
        ),
        criterion=_label(
            alone["attributed"], alone["encounter"], ("either", "attributed", "encounter")
        )
        .where(alone["attributed"] | alone["encounter"] | ~joined["meets"], "union")
        .where(joined["meets"], "none")
        .to_numpy(),
    )


def _alone(joined: pd.DataFrame, criterion: str, thresholds: Thresholds) -> pd.Series:
    people = (joined[f"benes_{criterion}"] * joined["scale"]).round().astype("int64")
    cents = joined[f"cents_{criterion}"].astype("int64")
    only = joined[["people", "cents", "scale"]].assign(people_linked=people, cents_linked=cents)
    return assess(only, thresholds)["meets"]


def _label(first: pd.Series, second: pd.Series, words: tuple[str, str, str]) -> pd.Series:
    both, one, other = words
    label = pd.Series("none", index=first.index, dtype=object)
    label = label.mask(first & second, both)
    return label.mask(first & ~second, one).mask(~first & second, other)


def near(assessed: pd.DataFrame, thresholds: Thresholds, margin: Fraction) -> pd.DataFrame:
    """Clinicians whose better distance to a threshold is within a margin, on either side (Q5).

    Adds `gap`: the larger of score minus threshold over the two methods; at least 0 means meeting.
    """
    gap = pd.concat(
        [
            assessed["payment_score"] - float(thresholds.payment),
            assessed["patient_score"] - float(thresholds.patient),
        ],
        axis=1,
    ).max(axis=1)
    return assessed.assign(gap=gap)[gap.abs() <= float(margin)]
