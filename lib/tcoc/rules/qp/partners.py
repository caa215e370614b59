"""Partner hospital, thresholds and how far away they are, decided by integers (rules Q4-Q6, Q9).

Candidates are one row per (year, npi, ccn) with whole numbers: `people` and `people_linked`
(in units of 1 / `scale` person), `cents` and `cents_linked`. Products are taken in
64 bits where they fit and in Python integers where not, and no comparison here rounds anything. A
clinician without any numerator has one row with an empty ccn.
"""

from fractions import Fraction
from math import lcm
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tcoc.rules.qp.rules import Thresholds

WEIGHT = 10**9
"""People count in billionths when shares weigh them (rule Q2, share_weighted)."""

CANDIDATE_COLUMNS = (
    "year", "npi", "ccn", "people", "people_linked", "scale", "cents", "cents_linked",
)  # fmt: skip

NO_THRESHOLDS = Thresholds("", "", Fraction(0), Fraction(0))


def candidates(scores: pd.DataFrame, clinicians: pd.DataFrame) -> pd.DataFrame:
    """Every possible partner of every clinician in the model with a denominator (rules Q4, Q5).

    `scores` has year, npi, ccn, benes_numerator, cents_linked; `clinicians` has year, npi, benes,
    cents, in_model, one row per clinician; both in the order of their keys. One row per (year, npi,
    ccn), in this order.
    """
    people = clinicians[clinicians["in_model"] & (clinicians["benes"] > 0)]
    kept = scores[["year", "npi", "ccn", "benes_numerator", "cents_linked"]]
    joined = people.merge(kept, on=["year", "npi"], how="left", validate="one_to_many")
    return _whole_numbers(joined)


def actual_candidates(
    scores: pd.DataFrame, clinicians: pd.DataFrame, partners: pd.DataFrame
) -> pd.DataFrame:
    """The same for the hospitals of a care partner list, with or without numerator (rule Q4).

    `partners` has year, npi, ccn, one row per link that overlaps the period.
    """
    people = clinicians[clinicians["in_model"] & (clinicians["benes"] > 0)]
    links = people.merge(partners[["year", "npi", "ccn"]].drop_duplicates(), on=["year", "npi"])
    kept = scores[["year", "npi", "ccn", "benes_numerator", "cents_linked"]]
    found = links.merge(kept, on=["year", "npi", "ccn"], how="left")
    return _whole_numbers(found.sort_values(["year", "npi", "ccn"], ignore_index=True))


def _whole_numbers(joined: pd.DataFrame) -> pd.DataFrame:
    known = joined["benes_numerator"].dropna()
    scale = 1 if (known % 1 == 0).all() else WEIGHT
    linked = (joined["benes_numerator"].fillna(0) * scale).round()
    frame = pd.DataFrame(
        {
            "year": joined["year"].astype("int64"),
            "npi": joined["npi"].astype(object),
            "ccn": joined["ccn"].fillna("").astype(object),
            "people": _integers(joined["benes"]) * scale,
            "people_linked": _integers(linked),
            "scale": scale,
            "cents": _integers(joined["cents"]).clip(lower=0),
            "cents_linked": _integers(joined["cents_linked"].fillna(0)),
        }
    )
    # A correction could carry a sum beyond its denominator, or below nothing.
    frame["cents_linked"] = np.minimum(frame["cents_linked"].clip(lower=0), frame["cents"])
    return frame


def _integers(values: pd.Series) -> pd.Series:
    return values.astype("int64")


def _room(rows: pd.DataFrame, factor: int, both: bool = False) -> pd.DataFrame:
    """Return the whole numbers as 64-bit integers if products fit, else as Python integers."""
    names = ["people", "people_linked", "cents", "cents_linked"]
    people, cents = (max(1, int(rows[c].max())) if len(rows) else 1 for c in ("people", "cents"))
    largest = 4 * factor * (people * cents if both else max(people, cents))
    return rows.astype(dict.fromkeys(names, "int64" if largest < INT64 else object))


INT64 = 2**62


def reaches(part: pd.Series, whole: pd.Series, share: Fraction, unseen: Fraction) -> pd.Series:
    """Whether part / (whole / (1 - unseen)) reaches a share, exactly; never without a whole.

    A score that equals the threshold reaches it. `unseen` is the share of the full denominator
    that is not in `whole` (rule Q9).
    """
    seen = 1 - unseen
    left = part * (seen.numerator * share.denominator)
    right = whole * (share.numerator * seen.denominator)
    return ((left >= right) & (whole > 0)).astype(bool)


def choose_partner(
    rows: pd.DataFrame,
    thresholds: Thresholds = NO_THRESHOLDS,
    unseen: Fraction = Fraction(0),
) -> pd.DataFrame:
    """One row per (year, npi): the hospital that comes first (rule Q4).

    `rows` are candidates, a clinician's together. Order: the larger of the payment and the patient
    score high, payment score high, patient score high, CCN low. With thresholds, the first
    criterion is the larger of the two margins above them (`best_margin`).
    """
    scale = lcm(thresholds.payment.denominator, thresholds.patient.denominator)
    rows = _room(rows, scale * unseen.denominator, both=True)
    payment = _margin(rows["cents_linked"], rows["cents"], thresholds.payment, unseen, scale)
    patient = _margin(rows["people_linked"], rows["people"], thresholds.patient, unseen, scale)
    # Over the common denominator cents x people, which is the same for all of a clinician's rows.
    first = np.maximum(
        payment * rows["people"].clip(lower=1), patient * rows["cents"].clip(lower=1)
    )
    clinician = (
        (rows["year"] != rows["year"].shift()) | (rows["npi"] != rows["npi"].shift())
    ).cumsum()
    best = rows.assign(_first=first, _clinician=clinician)
    for key in ("_first", "cents_linked", "people_linked"):
        best = best[_highest(best[key], best["_clinician"])]
    tied = best.sort_values(["year", "npi", "ccn"], ascending=[True, True, True])
    chosen = tied.drop_duplicates("_clinician", ignore_index=True)
    return chosen[list(CANDIDATE_COLUMNS)]


def _highest(values: pd.Series, group: pd.Series) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Whether each value is the highest of its group, whose rows stand together.

    Integers that need more than 64 bits too, which pandas would compare group by group in Python.
    """
    found, groups = values.to_numpy(), group.to_numpy()
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]][: len(groups)])
    if not len(starts):
        return np.zeros(0, dtype=bool)
    highest = np.maximum.reduceat(found, starts)
    return np.asarray(
        found == np.repeat(highest, np.diff(np.r_[starts, len(found)])), dtype=np.bool_
    )


def _margin(
    part: pd.Series, whole: pd.Series, share: Fraction, unseen: Fraction, scale: int
) -> pd.Series:
    """(part / whole) x (1 - unseen) - share, as an integer over whole x scale x a constant.

    A whole of nothing counts as 1, so that its score is 0.
    """
    seen = 1 - unseen
    weight = share.numerator * (scale // share.denominator)
    return part * (seen.numerator * scale) - whole.clip(lower=1) * (weight * seen.denominator)


def assess(
    chosen: pd.DataFrame, thresholds: Thresholds, unseen: Fraction = Fraction(0)
) -> pd.DataFrame:
    """Scores of each clinician at its partner and whether they reach the thresholds (rule Q5).

    Adds patient_score, payment_score and score (the better), meets_patient, meets_payment, meets,
    and partial: reaches a partial threshold without meeting. One row per (year, npi).
    """
    shares = [thresholds.payment, thresholds.patient,
              thresholds.partial_payment or thresholds.payment,
              thresholds.partial_patient or thresholds.patient]  # fmt: skip
    chosen = _room(chosen, lcm(*(s.denominator for s in shares)) * unseen.denominator)
    seen = float(1 - unseen)
    patient = _score(chosen["people_linked"], chosen["people"]) * seen
    payment = _score(chosen["cents_linked"], chosen["cents"]) * seen
    by_patient = reaches(chosen["people_linked"], chosen["people"], thresholds.patient, unseen)
    by_payment = reaches(chosen["cents_linked"], chosen["cents"], thresholds.payment, unseen)
    meets = by_patient | by_payment
    return chosen.assign(
        patient_score=patient,
        payment_score=payment,
        score=np.maximum(patient, payment),
        meets_patient=by_patient,
        meets_payment=by_payment,
        meets=meets,
        partial=~meets & _reaches_partial(chosen, thresholds, unseen),
    )


def _score(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part.astype("float64") / whole.clip(lower=1).astype("float64")


def _reaches_partial(chosen: pd.DataFrame, thresholds: Thresholds, unseen: Fraction) -> pd.Series:
    if thresholds.partial_patient is None or thresholds.partial_payment is None:
        return pd.Series(data=False, index=chosen.index)
    return reaches(
        chosen["people_linked"], chosen["people"], thresholds.partial_patient, unseen
    ) | reaches(chosen["cents_linked"], chosen["cents"], thresholds.partial_payment, unseen)


def missing(part: pd.Series, whole: pd.Series, share: Fraction) -> pd.Series:
    """How many more units must be linked for a share to be reached; 0 where it is.

    The smallest whole number that does it, out of the same denominator.
    """
    needed = -((-whole * share.numerator) // share.denominator)
    return (needed - part).clip(lower=0)


def with_distance(assessed: pd.DataFrame, thresholds: Thresholds) -> pd.DataFrame:
    """Add benes_short and cents_short: what each clinician lacks of each threshold (Q5)."""
    people = missing(assessed["people_linked"], assessed["people"], thresholds.patient)
    return assessed.assign(
        benes_short=-(-people // assessed["scale"]),
        cents_short=missing(assessed["cents_linked"], assessed["cents"], thresholds.payment),
    )


class Picker(Protocol):
    """Assess every clinician at its partner, for some thresholds and an unseen share."""

    def __call__(  # noqa: D102
        self, thresholds: Thresholds, unseen: Fraction = Fraction(0)
    ) -> pd.DataFrame: ...


def picker(rows: pd.DataFrame, partner_choice: str) -> Picker:
    """Return how the policy's order picks and assesses partners (rule Q4).

    The highest score does not depend on thresholds, so its partners are chosen once.
    """

    def by_margin(thresholds: Thresholds, unseen: Fraction = Fraction(0)) -> pd.DataFrame:
        return assess(choose_partner(rows, thresholds, unseen), thresholds, unseen)

    if partner_choice == "best_margin":
        return by_margin
    chosen = choose_partner(rows)
    return lambda thresholds, unseen=Fraction(0): assess(chosen, thresholds, unseen)
