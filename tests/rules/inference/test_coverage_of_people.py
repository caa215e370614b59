"""On a planted change of mix, 95 % intervals hold the truth in 92 to 98 % of the seeds.

The truth is what the rule would give on an infinite population: known expected cost of each
profile at each hospital, known mix in both years. Costs are skewed (gamma with a tail), people
stay from year to year, and hospitals differ in cost, so own and statewide costs differ.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from tcoc.rules.inference.intervals import drawings, intervals
from tcoc.rules.inference.replicates import replicate, unit_matrix
from tcoc.rules.risk import STATE
from tcoc.rules.risk.adjust import Sums, adjust
from tests.rules.risk.risk_support import PAIR, factors, rng, settings, unit_rows

SETTINGS = replace(settings(), replicates=192)
FACTORS = factors()
HOSPITALS = ("210001", "210002", "210003")
SIZE = 800
SEEDS = 80

# Profiles: age, sex, dual, ESRD, expected annual dollars, base mix; and planted performance mixes.
PROFILES = [
    (55, "F", True, False, 14_000, 0.12),
    (67, "F", False, False, 6_000, 0.25),
    (67, "M", False, False, 7_000, 0.20),
    (80, "F", False, False, 13_000, 0.20),
    (80, "M", True, False, 19_000, 0.20),
    (70, "M", False, True, 70_000, 0.03),
]
PLANTED = {"210001": (0, 0, 0, 0, 0, 0), "210002": (-0.04, -0.05, 0, 0.05, 0.04, 0)}
PLANTED["210003"] = (0.03, 0.02, 0.03, -0.04, -0.05, 0.01)
LEVEL = {"210001": 0.9, "210002": 1.0, "210003": 1.2}
TREND = 1.02


def _mixes(ccn):
    base = np.array([p[5] for p in PROFILES])
    return base, base + np.array(PLANTED[ccn])


def _truth():
    """Apply the rule to expected sums: share of months x expected dollars."""
    buckets = [SETTINGS.scheme.bucket(*p[:4]) for p in _banded()]
    k = [SETTINGS.scheme.buckets.index(b) for b in buckets]
    scores = [0 if p[3] else FACTORS.score(*p[:3], False) for p in PROFILES]
    shape = (len(HOSPITALS) + 1, len(SETTINGS.scheme.buckets), 1)
    years = []
    for y in (0, 1):
        months, dollars, score = np.zeros(shape), np.zeros(shape), np.zeros((shape[0], 1))
        for h, ccn in enumerate(HOSPITALS, start=1):
            mix = _mixes(ccn)[y]
            cost = np.array([p[4] for p in PROFILES]) * LEVEL[ccn] * (TREND if y else 1)
            months[h, k, 0], dollars[h, k, 0] = 12 * mix, mix * cost
            score[h] = 12 * mix @ scores
        months[0], dollars[0], score[0] = months[1:].sum(0), dollars[1:].sum(0), score[1:].sum(0)
        years.append(Sums(months, dollars, score))
    return adjust((STATE, *HOSPITALS), *years, PAIR, SETTINGS)


def _banded():
    bands = SETTINGS.scheme.age_bands
    return [(max(b for b in bands if b <= p[0]), *p[1:]) for p in PROFILES]


def _moves(g, base, later):
    """Return each person's profile in both years: as few people as possible change it."""
    first = g.choice(len(base), SIZE, p=base)
    stay = np.minimum(1, later / base)
    gain = np.clip(later - base, 0, None)
    second = first.copy()
    moving = g.random(SIZE) > stay[first]
    if gain.sum() > 0:
        second[moving] = g.choice(len(base), moving.sum(), p=gain / gain.sum())
    return first, second


def _people(seed):
    g = rng(seed)
    table = pd.DataFrame(_banded(), columns=["age_from", "sex", "dual", "esrd", "cost", "mix"])
    frames = []
    for ccn in HOSPITALS:
        ids = np.char.add(f"{ccn}-", np.char.zfill(np.arange(SIZE).astype(str), 5))
        persistent = g.gamma(4, 0.25, SIZE)
        for year, chosen in zip((2015, 2016), _moves(g, *_mixes(ccn)), strict=True):
            trend = TREND if year == 2016 else 1
            expected = table["cost"].to_numpy()[chosen] * LEVEL[ccn] * trend
            dollars = expected * persistent * g.gamma(0.6, 1 / 0.6, SIZE)
            rows = table.iloc[chosen].assign(year=year, bene_id=ids, ccn=ccn, dollars=dollars)
            frames.append(rows)
    rows = pd.concat(frames, ignore_index=True)
    return rows.assign(share=1.0, months=12, originally_disabled=False, capped=rows["dollars"])


def _hits():
    truth = _truth()
    rows = []
    for seed in range(SEEDS):
        people = _people(seed)
        chosen = replace(SETTINGS, seed=seed)
        drawn = unit_matrix(unit_rows(people.assign(unit=people["bene_id"]), chosen), chosen)
        drawing = drawings(drawn, replicate(drawn, [PAIR], chosen), [PAIR], chosen)[0]
        found = intervals(drawing, PAIR, 0.95)
        for variant, of in found.groupby("variant"):
            for name, values in (
                ("growth", truth.growth(variant)),
                ("difference", truth.difference(variant)),
            ):
                low, high = of[f"{name}_low"].to_numpy(), of[f"{name}_high"].to_numpy()
                inside = (low <= values[:, 0]) & (values[:, 0] <= high)
                keep = slice(1, None)
                if name == "difference" and variant == "none":
                    continue
                rows.append({"variant": variant, "of": name, "inside": inside[keep].mean()})
    return pd.DataFrame(rows).groupby(["variant", "of"])["inside"].mean()


def test_95_percent_intervals_cover_the_planted_truth():
    coverage = _hits()
    assert coverage.between(0.92, 0.98).all(), coverage.to_dict()


def test_planted_change_is_in_the_truth():
    truth = _truth()
    difference = truth.difference("new_enrollee")[:, 0]
    assert abs(difference[1]) < 1e-12
    assert difference[2] < -0.01
