"""Rule R9: designs are scored on the truth; simulated states look like states with claims."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tcoc.deliverables.policy_lab.lab import plan_of, run_lab
from tcoc.deliverables.policy_lab.policies import Paid, Policy, policies, reliability
from tcoc.deliverables.policy_lab.score import best_designs, scores, size_labels, summarized
from tcoc.deliverables.policy_lab.simulate import simulate
from tcoc.errors import InputError
from tcoc.params import load_policy
from tcoc.progress import reporter

PLAN = plan_of(load_policy(), 5000)


def _small(worlds=("default", "no_effect")):
    chosen = {name: PLAN.policies[name] for name in ("adopted", "base_3", "credibility")}
    return replace(PLAN, policies=chosen, worlds=worlds, benes=4000)


def test_perfect_payments_score_perfectly_and_reversed_ones_badly():
    true = np.array([0.004, -0.002, 0.0, 0.001])
    weight, everyone = np.array([1.0, 2.0, 1.0, 1.0]), np.ones(4, dtype=bool)
    best = scores(Paid(true, true), weight, 0.005, everyone)
    assert (best["error"], best["luck"], best["right_sign"], best["false_penalty"]) == (0, 0, 1, 0)
    worst = scores(Paid(-true, true), weight, 0.005, everyone)
    assert worst["luck"] == pytest.approx(2)
    assert worst["right_sign"] == 0
    assert worst["false_penalty"] == pytest.approx(2 / 3)
    nothing = scores(Paid(0 * true, true), weight, 0.005, everyone)
    assert nothing["luck"] == 1
    assert nothing["false_penalty"] == 0
    assert np.isnan(scores(Paid(true, 0 * true), weight, 0.005, everyone)["luck"])


def test_sizes_are_named_by_their_class():
    found = size_labels(np.array([0, 399, 400, 1000, 5000]), (0, 400, 1000))
    assert found.tolist() == [
        "under 400", "under 400", "400 to 999", "1000 or more", "1000 or more",
    ]  # fmt: skip


def test_reliability_is_none_where_noise_explains_all():
    noise = np.full(40, 0.01)
    g = np.random.default_rng(1)
    none = reliability(g.normal(0, 0.1, 40), noise)
    much = reliability(g.normal(0, 1.0, 40), noise)
    assert none.max() < 0.5
    assert much.min() > 0.9


def test_a_design_with_an_unknown_key_is_refused():
    with pytest.raises(InputError, match="mine: treshold"):
        policies({"mine": {"treshold": 0.02}})
    assert policies({"mine": {}})["mine"] == Policy()


def test_the_same_seed_gives_the_same_state_in_every_world():
    shape = PLAN.shape
    first, again = (simulate(["default", "bucket"], 3000, 7, shape) for _ in range(2))
    a, b = (s["default"].years[2018] for s in (first, again))
    assert np.array_equal(a.dollars, b.dollars)
    other = first["bucket"].years[2018]
    assert np.array_equal(a.clinician, other.clinician)
    assert not np.array_equal(a.dollars, other.dollars)


def test_drift_and_true_effects_are_those_of_the_world():
    found = simulate(["default", "default_drift", "no_effect"], 3000, 3, PLAN.shape)
    plain, drift, none = (found[w].years[2018] for w in ("default", "default_drift", "no_effect"))
    assert drift.dollars.sum() / plain.dollars.sum() == pytest.approx(1.01**3, rel=0.002)
    assert (none.effect == 1).all()
    assert plain.effect.std() > 0


def test_a_run_goes_on_where_it_stopped_and_counts_honestly(tmp_path: Path, monkeypatch):
    plan, out = _small(), tmp_path / "lab.json"
    with reporter() as report:
        run_lab(plan, 2, out, tmp_path / "work", report)
    first = json.loads(out.read_text())
    assert first["states"] == 2
    assert set(first["worlds"]) == {"default", "no_effect"}
    scored = {(row["world"], row["policy"]) for row in first["scores"] if row["size"] == "all"}
    assert len(scored) == 6
    monkeypatch.setattr(
        "tcoc.deliverables.policy_lab.lab.score_seed", lambda plan, seed: pytest.fail(str(seed))
    )
    with reporter() as report:
        run_lab(plan, 2, out, tmp_path / "work", report)
    assert json.loads(out.read_text()) == first
    with pytest.raises(InputError, match="2 or more"), reporter() as report:
        run_lab(plan, 1, out, tmp_path / "work", report)
    for place in (tmp_path, tmp_path / "nowhere" / "lab.json"):
        with pytest.raises(InputError, match="expected a file in a folder that is there"):
            run_lab(plan, 2, place, tmp_path / "work", report)


def test_best_is_said_to_be_clear_only_beyond_monte_carlo_error():
    rows = pd.DataFrame(
        [
            {"world": "w", "policy": p, "size": "all", "seed": s, "error": v + 0.1 * (s % 2)}
            | dict.fromkeys(("luck", "right_sign", "false_penalty", "at_stake"), 0.5)
            for p, v in (("a", 1.0), ("b", 1.01), ("c", 9.0))
            for s in range(20)
        ]
    )
    best = best_designs(summarized(rows), "error").iloc[0]
    assert (best["policy"], best["second"], bool(best["clear"])) == ("a", "b", False)
    apart = best_designs(summarized(rows[rows["policy"] != "b"]), "error").iloc[0]
    assert bool(apart["clear"])
