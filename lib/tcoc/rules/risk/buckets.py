"""Rule R1: the demographic buckets, and beneficiary-years counted by hospital and bucket.

A beneficiary-year lies in one bucket: age band x sex x dual without ESRD, and a few buckets for
ESRD. The declared scheme of `params/policy/risk.yml` has 16 x 2 x 2 + 2 = 66.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise, product
from typing import cast

import ibis
import ibis.expr.types as ir
import numpy as np

from tcoc.errors import InputError, nearest

STATE = "STATE"
"""The label of the whole state, computed like a hospital to which everybody is attributed."""

SEXES = ("F", "M")
DISABLED_FROM = 65
"""Originally disabled counts from this age on (rule R3); before it, disability is current."""

ESRD_SPLITS: dict[str, tuple[tuple[str, ...], ...]] = {
    "none": ((),),
    "dual": (("non-dual",), ("dual",)),
    "sex": (("F",), ("M",)),
    "dual_and_sex": (("F", "non-dual"), ("F", "dual"), ("M", "non-dual"), ("M", "dual")),
}

PROFILE = ("age_from", "sex", "dual", "esrd", "originally_disabled")
"""What the methods know of a beneficiary-year."""


@dataclass(frozen=True)
class BucketScheme:
    """A declared cut of the population: lower ages of the bands, and the split of ESRD.

    Raises InputError when the bands do not ascend from 0 or the split is unknown.
    """

    age_bands: tuple[int, ...]
    esrd_split: str = "dual"

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.age_bands))
        if not self.age_bands or self.age_bands[0] != 0 or not rising:
            raise InputError(
                f"risk.yml: age_bands: found {list(self.age_bands)}, expected ages that rise from 0"
            )
        if self.esrd_split not in ESRD_SPLITS:
            hint = nearest(self.esrd_split, ESRD_SPLITS)
            raise InputError(f'risk.yml: esrd_split: found "{self.esrd_split}"{hint}')

    @cached_property
    def buckets(self) -> tuple[str, ...]:
        """All buckets in their order, ESRD last."""
        cells = product(SEXES, (False, True), self.age_bands)
        without = [self.bucket(age, sex, dual, False) for sex, dual, age in cells]
        return (*without, *(_esrd(parts) for parts in ESRD_SPLITS[self.esrd_split]))

    @cached_property
    def is_esrd(self) -> np.ndarray:
        """Which of the buckets are ESRD buckets."""
        return np.array([bucket.startswith("ESRD") for bucket in self.buckets])

    def bucket(self, age: int, sex: str, dual: bool, esrd: bool) -> str:
        """Return the bucket of one profile; sex U counts as F (rule P4)."""
        sex = "M" if sex == "M" else "F"
        if esrd:
            parts = {"sex": sex, "dual": _dual(dual)}
            named = [parts[k] for k in ("sex", "dual") if k in self.esrd_split.split("_and_")]
            return _esrd(tuple(named))
        return f"{sex} {band_label(age, self.age_bands)} {_dual(dual)}"


def _dual(dual: bool) -> str:
    return "dual" if dual else "non-dual"


def _esrd(parts: tuple[str, ...]) -> str:
    return " ".join(("ESRD", *parts))


def band_label(age: int, bands: Sequence[int]) -> str:
    """Return the label of an age's band as CMS prints it: 0-34, 65, 70-74, 95+."""
    position = max(i for i, low in enumerate(bands) if low <= max(age, 0))
    low = bands[position]
    if position + 1 == len(bands):
        return f"{low}+"
    high = bands[position + 1] - 1
    return str(low) if high == low else f"{low}-{high}"


# ---------------------------------------------------------------- beneficiary-years (engine)


def profiles(
    beneficiary_year: ir.Table,
    ages: Sequence[int],
    years: Iterable[int],
    caps: Mapping[int, Decimal] | None = None,
) -> ir.Table:
    """Return what risk adjustment knows of each beneficiary-year (rules P4, R1, R3).

    One row per (year, bene_id): home ZIP, profile, months, dollars as paid, dollars cut at `caps`
    (by year; without caps the same), and whether the sex is unknown. `age_from` is the largest of
    `ages` that the beneficiary has reached. Sex U counts as F; a missing entitlement reason is not
    disabled.
    """
    t = beneficiary_year.filter(beneficiary_year.year.isin(sorted(set(years))))
    dollars = t.tcoc.cast("decimal(18, 2)")
    return t.select(
        year=t.year.cast("int32"),
        bene_id=t.bene_id,
        zip=t.zip,
        age_from=_age_from(t.age, ages),
        sex=ibis.ifelse(t.sex == "M", "M", "F"),
        dual=t.dual.fill_null(False),
        esrd=t.esrd.fill_null(False),
        originally_disabled=t.originally_disabled.fill_null(False) & (t.age >= DISABLED_FROM),
        months=t.eligible_months.cast("int32"),
        dollars=dollars,
        capped=_capped(t, dollars, caps or {}),
        unknown_sex=ibis.ifelse(t.sex.isin(["F", "M"]), 0, 1).cast("int32"),
    )


def _age_from(age: ir.Value, ages: Sequence[int]) -> ir.Value:
    branches = [(age >= low, ibis.literal(low, "int32")) for low in sorted(ages, reverse=True)]
    return cast(ir.Value, ibis.cases(*branches, else_=ibis.literal(min(ages), "int32")))


def _capped(t: ir.Table, dollars: ir.Value, caps: Mapping[int, Decimal]) -> ir.Value:
    capped = dollars
    for year, cap in sorted(caps.items()):
        limit = ibis.literal(cap, "decimal(18, 2)")
        capped = ibis.ifelse((t.year == year) & (dollars > limit), limit, capped)
    return capped.cast("decimal(18, 2)")


def hospital_profiles(people: ir.Table, attribution: ir.Table) -> ir.Table:
    """Return a row per (year, bene_id, ccn) with the person's profile and the hospital's share."""
    shares = attribution.select(
        year=attribution.year.cast("int32"),
        bene_id=attribution.bene_id,
        ccn=attribution.ccn,
        share=attribution.share.cast("float64"),
    )
    return cast(ir.Table, people.inner_join(shares, ["year", "bene_id"]))


def risk_cells(people: ir.Table, hospital_people: ir.Table) -> ir.Table:
    """Count beneficiary-years by hospital, profile and share; `STATE` counts each once (rule R4).

    One row per (year, ccn, share, profile): people, whole months and exact dollars inside the
    share. Sums of share x dollars are formed from these rows (`exact_sums`), so they do not depend
    on an order of summation.
    """
    state = people.mutate(ccn=ibis.literal(STATE), share=ibis.literal(1.0, "float64"))
    keys = ["year", "ccn", "share", *PROFILE]
    numbers = ["months", "dollars", "capped", "unknown_sex"]
    rows = [t.select(*keys, *numbers) for t in (state, hospital_people)]
    t = ibis.union(*rows, distinct=False)
    return cast(
        ir.Table,
        t.group_by(keys).agg(
            people=t.count().cast("int32"),
            months=t.months.sum().cast("int32"),
            dollars=t.dollars.sum().cast("decimal(18, 2)"),
            capped=t.capped.sum().cast("decimal(18, 2)"),
            unknown_sex=t.unknown_sex.sum().cast("int32"),
        ),
    )


def in_doubles(rows: ir.Table) -> ir.Table:
    """Return rows of `profiles` with dollars as doubles: exact below 2**53 cents, and light."""
    return rows.mutate(dollars=rows.dollars.cast("float64"), capped=rows.capped.cast("float64"))


def dollar_caps(
    beneficiary_year: ir.Table, years: Iterable[int], quantile: float
) -> dict[int, Decimal]:
    """Return, by year, the smallest dollars that at least `quantile` of beneficiaries stay within.

    It is an amount that somebody has, not an interpolated one, so every engine finds the same.
    """
    caps: dict[int, Decimal] = {}
    for year in sorted(set(years)):
        dollars = beneficiary_year.filter(beneficiary_year.year == year).select("tcoc")
        people = int(dollars.count().execute())
        if people:
            above = people - math.ceil(Decimal(str(quantile)) * people) + 1
            top = dollars.order_by(ibis.desc("tcoc")).limit(above)
            caps[year] = Decimal(top.tcoc.min().execute())
    return caps
