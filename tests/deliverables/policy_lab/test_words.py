"""The laboratory's page says which design to prefer in each world, and that none decides alone."""

import pandas as pd

from tcoc.deliverables.policy_lab import words
from tcoc.disclosure import Column, Draft, gate
from tcoc.params import load_policy


def _table(name, rows, keys, labels=()):
    frame = pd.DataFrame(rows)
    kinds = {**dict.fromkeys(keys, "key"), **dict.fromkeys(labels, "label"), "clear": "flag"}
    columns = {c: Column(c, kinds.get(c, "number")) for c in frame}
    draft = Draft(name=name, title=name, frame=frame, keys=keys, columns=columns)
    return gate({"policy_lab": [draft]}, load_policy()).tables[name]


def _best(*policies, clear=True):
    rows = [
        {
            "metric": "luck",
            "world": f"world {i}",
            "measure": "Dollars that miss",
            "policy": policy,
            "design": policy.title(),
            "next_design": "Another",
            "value": 1.1 + i / 10,
            "clear": clear,
        }
        for i, policy in enumerate(policies)
    ]
    return _table(
        "lab_best", rows, ("metric", "world"), ("measure", "policy", "design", "next_design")
    )


def _scores():
    rows = [
        {"world": f"world {i}", "policy": policy, "luck": luck + i, "at_stake": stake}
        for i in range(2)
        for policy, luck, stake in (("adopted", 8.3, 0.0047), ("steady", 1.1, 0.0004))
    ]
    return _table("lab_scores", rows, ("world", "policy"))


def test_one_design_for_every_world_is_preferred_beside_the_adopted_one():
    said = words.decides(_best("steady", "steady"), _scores(), "luck")
    assert said.startswith("By dollars that miss, prefer steady: it is best in each of 2 worlds")
    assert "no single world decides it (1.1 to 1.2; as adopted 8.3 to 9.3)" in said
    assert "In every world the next design is behind" in said
    close = words.decides(_best("steady", "steady", clear=False), _scores(), "luck")
    assert "In 2 of 2 worlds the next design, another, is within Monte Carlo error" in close


def test_worlds_that_disagree_each_have_their_design():
    said = words.decides(_best("steady", "adopted"), _scores(), "luck")
    assert "prefer steady in \u201cworld 0\u201d and adopted in \u201cworld 1\u201d" in said


def test_the_money_that_moves_stands_beside_the_money_that_misses():
    said = words.stakes(_best("steady", "steady"), _scores())
    assert "moves 0.04% of revenue on average; the adopted design moves 0.47%" in said
