"""Planted leaks: one of each kind, and who finds it (rules D1-D5)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tcoc.disclosure import MARK, Column, Rule, as_csv, gate
from tcoc.disclosure.attacker import TOGETHER, disclosed
from tcoc.disclosure.gate import Puzzle
from tcoc.disclosure.network import Network
from tcoc.disclosure.record import Record
from tcoc.errors import TcocError

from .tables import hospitals, plain

COUNT = Column("N", "count")


def record(drafts, steps=None, reasons=None) -> Record:
    """What would be public without the gate's further hiding; `steps` replaces the rounding."""
    puzzle = Puzzle([draft.checked() for draft in drafts], Rule())
    cells = puzzle.cells
    if steps:
        for kind, step in steps.items():
            cells.step[cells.kind == kind] = step
        Network.__init__(puzzle, cells)
    if reasons is not None:
        cells.reason = reasons(cells).astype(object)
    return puzzle.record()


def found(*records):
    return {(f.column, f.cell) for f in disclosed(records) if f.kind == TOGETHER}


# ---------------------------------------------------------------- within one edition


def test_a_difference_of_total_and_part_is_found_and_stopped():
    draft = hospitals({"a": 251, "b": 3})
    assert found(record([draft])) >= {("benes", "ccn b, year 2018")}
    gated = gate({"y1": [draft]})
    assert not disclosed([gated.record])
    assert gated.tables["hospitals"].hidden["benes"].tolist() == [True, True, False]


def test_unrounded_counts_are_found():
    draft = hospitals({"a": 253, "b": 7, "c": 404})
    assert ("benes", "ccn b, year 2018") in found(record([draft], {"count": 1e-6}))


def test_an_unrounded_mean_of_nested_groups_that_differ_by_one_clinician_is_found():
    frame = pd.DataFrame({"group": ["all", "without one"], "linked": [97, 94], "of": [250, 230]})
    frame["score"] = frame["linked"] / frame["of"]
    score = Column("S", "score", of=("linked",), base="of")
    columns = {"linked": COUNT, "of": COUNT, "score": score}
    draft = plain("groups", frame, ("group",), columns)
    leaky = found(record([draft], {"score": 1e-16}))
    assert {("linked", "group all"), ("of", "group without one")} & leaky
    gated = gate({"qp": [draft]})
    assert not disclosed([gated.record], integer=True)


def test_a_sum_over_its_mean_gives_the_exact_count_and_is_found():
    draft = hospitals({"a": 253, "b": 1048})
    leaky = found(record([draft], {"dollars": 1.0, "per_capita": 0.01}))
    assert ("benes", "ccn a, year 2018") in leaky
    assert not disclosed([gate({"y1": [draft]}).record], integer=True)


def test_a_share_does_not_tell_a_small_numerator_or_complement():
    frame = pd.DataFrame({"k": ["a", "b", "c"], "n": [200, 200, 200], "share": [0.03, 0.98, 0.5]})
    columns = {"n": COUNT, "share": Column("S", "share", base="n")}
    table = gate({"x": [plain("t", frame, ("k",), columns)]}).tables["t"]
    assert table.hidden["share"].tolist() == [True, True, False]


def test_nested_groups_and_parents_are_relations():
    frame = pd.DataFrame({"ccn": ["a", "b", "ab"], "n": [96, 4, 100]})
    draft = plain("t", frame, ("ccn",), {"n": COUNT}, parents={"ccn": {"a": "ab", "b": "ab"}})
    assert ("n", "ccn b") in found(record([draft]))
    assert not disclosed([gate({"x": [draft]}).record])


@pytest.mark.parametrize("dimension", ["ccn", "place"])
def test_parents_are_relations_whatever_their_dimension_is_called(dimension):
    frame = pd.DataFrame({dimension: ["a", "b", "ab"], "n": [96, 4, 100]})
    parents = {dimension: {"a": "ab", "b": "ab"}}
    draft = plain("t", frame, (dimension,), {"n": COUNT}, parents=parents)
    assert ("n", f"{dimension} b") in found(record([draft]))
    assert not disclosed([gate({"x": [draft]}).record])


def test_a_hospital_of_two_hierarchies_is_protected_in_both():
    count = {"n": COUNT}
    single = pd.DataFrame({"ccn": ["a", "b", "c", "d", "all"], "n": [96, 4, 300, 500, 900]})
    group = pd.DataFrame({"ccn": ["together"], "n": [304]})
    system = pd.DataFrame({"ccn": ["system"], "n": [100]})
    key, more = ("ccn",), {"universe": "u", "totals": {"ccn": "all"}}
    one = plain("one", single, key, count, **more)
    two = plain(
        "two", group, key, count, parents={"ccn": {"b": "together", "c": "together"}}, **more
    )
    three = plain(
        "three", system, key, count, parents={"ccn": {"a": "system", "b": "system"}}, **more
    )
    for drafts in ([one, two], [one, three], [one, two, three]):
        assert ("n", "ccn b") in found(record(drafts))
        assert not disclosed([gate({"x": drafts}).record])
    both = gate({"x": [one, two, three]}).tables
    assert both["one"].hidden["n"].tolist()[1]
    hidden = sum(int(t.hidden["n"].sum()) for t in both.values())
    assert hidden >= 3  # b, and one part of each of the sums that would tell it


def test_a_part_of_a_shown_whole_is_bounded_by_it():
    frame = pd.DataFrame({"k": ["a"], "part": [5], "whole": [8]})
    columns = {"part": COUNT, "whole": COUNT}

    def told(within):
        draft = plain("t", frame, ("k",), columns, within=within)
        reasons = lambda c: np.where(c.column == "part", "small count", "")  # noqa: E731
        return ("part", "k a") in found(record([draft], {"count": 1e-6}, reasons))

    assert told({"part": "whole"})
    assert not told({})


def test_a_dimension_may_have_any_name():
    """A hierarchy of a dimension called place once was lost to a helper's column of that name."""
    places = {"a": "east", "b": "east", "c": "west"}
    frame = pd.DataFrame({"place": ["a", "b", "c", "east", "west"], "n": [96, 4, 300, 100, 300]})
    for name in ("place", "row", "table", "exact"):
        own = frame.rename(columns={"place": name})
        draft = plain("t", own, (name,), {"n": COUNT}, parents={name: places})
        assert ("n", f"{name} b") in found(record([draft]))


def test_tables_of_one_universe_are_attacked_together():
    fine = pd.DataFrame({"a": list("xxyy"), "b": list("pqpq"), "n": [96, 4, 300, 200]})
    coarse = pd.DataFrame({"a": ["x", "y"], "n": [100, 500]})
    drafts = [plain("fine", fine, ("a", "b"), {"n": COUNT}, universe="u"),
              plain("coarse", coarse, ("a",), {"n": COUNT}, universe="u")]  # fmt: skip
    assert ("n", "a x, b q") in found(record(drafts))
    gated = gate({"x": drafts})
    assert not disclosed([gated.record])
    assert gated.tables["fine"].hidden["n"].sum() + gated.tables["coarse"].hidden["n"].sum() >= 2


def test_no_reason_is_public_so_no_complement_is_told_by_its_mark():
    gated = gate({"y1": [hospitals({"a": 251, "b": 3})]})
    rows = [line.split(",") for line in as_csv(gated.tables["hospitals"]).decode().splitlines()]
    assert rows[1][2] == rows[2][2] == MARK
    assert set(gated.log["reason"]) >= {"small count", "protects a hidden number"}
    assert not {"reason", "hidden"} & set(rows[0])


def test_what_depends_on_a_hidden_count_is_hidden_with_it():
    frame = pd.DataFrame({"group": ["one", "two"], "n": [5, 900], "score": [0.5, 0.4]})
    draft = plain("t", frame, ("group",), {"n": COUNT, "score": Column("S", "score", base="n")})
    hidden = gate({"qp": [draft]}).tables["t"].hidden
    assert hidden["n"].tolist() == [True, False]
    assert hidden["score"].tolist() == [True, False]


@pytest.mark.parametrize(("few", "hidden"), [(1, True), (2, True), (3, False)])
def test_dollars_and_scores_of_fewer_than_three_clinicians_are_hidden(few, hidden):
    frame = pd.DataFrame({"group": ["one", "two", "all"], "clinicians": [few, 40, few + 40]})
    frame["patients"] = [300, 9000, 9300]
    frame["dollars"], frame["score"] = frame["patients"] * 110.0, [0.5, 0.4, 0.41]
    columns = {
        "clinicians": COUNT, "patients": COUNT, "dollars": Column("D", "dollars", of=("patients",)),
        "score": Column("S", "score", base="patients"),
    }  # fmt: skip
    draft = plain("t", frame, ("group",), columns, totals={"group": "all"}, clinicians="clinicians")
    gated = gate({"qp": [draft]})
    table = gated.tables["t"]
    assert table.hidden.loc[0, ["dollars", "score"]].tolist() == [hidden, hidden]
    # the other group's dollars would give theirs by subtraction
    assert table.hidden["dollars"].tolist() == [hidden, hidden, False]


# ---------------------------------------------------------------- two editions


def test_an_edition_that_shows_what_another_hides_is_found():
    first = gate({"y1": [hospitals({"a": 253, "b": 7, "c": 404, "d": 90})]}).record
    # the second edition publishes exactly what the first one's hidden part leaves of the total
    pair = pd.DataFrame({"year": 2018, "ccn": ["acd", "STATE"], "benes": [747, 754]})
    keys, totals = ("year", "ccn"), {"ccn": "STATE"}
    draft = plain("pairs", pair, keys, {"benes": COUNT}, totals=totals, universe="people")
    alone = record([draft], reasons=lambda cells: np.full(len(cells.row), ""))
    assert not found(first)
    tight = Record(alone.numbers.assign(lower=alone.numbers["exact"], upper=alone.numbers["exact"]),
                   alone.relations)  # fmt: skip
    assert disclosed([first, tight])


def test_the_gate_knows_the_earlier_editions():
    base = {"a": 253, "b": 7, "c": 404, "d": 90}
    shown = record([hospitals(base)], {"count": 1e-6}, lambda c: np.where(
        (c.kind == "count") & (c.exact > 10), "", "small count"))  # fmt: skip
    assert disclosed([gate({"y1": [hospitals(base)]}).record, shown])


def test_what_earlier_editions_tell_whatever_is_hidden_is_withheld_whole():
    """The earlier edition shows all hospitals but one, and their state: this one may show none."""
    others = hospitals({"a": 253, "c": 404, "d": 90})
    frame = others.frame.assign(benes=[253, 404, 90, 754])[["year", "ccn", "benes"]]
    shown = replace(others, frame=frame, columns={"benes": COUNT})
    before = record([shown], {"count": 2.0}, lambda c: np.full(len(c.row), ""))
    draft = hospitals({"a": 253, "b": 7, "c": 404, "d": 90})
    gated = gate({"y1": [draft]}, earlier=[before])
    assert gated.tables["hospitals"].hidden["benes"].all()
    assert "withheld beside earlier releases" in set(gated.log["reason"])
    assert not disclosed([gated.record, before], integer=True)


def test_option_variants_that_differ_by_one_person_tell_nobody():
    one = gate({"y1": [hospitals({"a": 253, "b": 48, "c": 404})]})
    two = gate({"y1": [hospitals({"a": 252, "b": 48, "c": 404})]}, earlier=[one.record])
    assert not disclosed([two.record, one.record], integer=True)
    assert one.tables["hospitals"].value("benes", ccn="a") == 250
    assert two.tables["hospitals"].value("benes", ccn="a") == 250


def test_a_small_difference_of_two_unrounded_editions_is_found():
    states = [hospitals({"a": n, "b": 48, "c": 404}) for n in (253, 252)]
    records = [record([state], {"count": 1e-6}) for state in states]
    assert any("differ by a small count" in f.kind for f in disclosed(records))


@pytest.mark.parametrize("seed", range(25))
def test_no_hidden_count_of_a_random_state_can_be_bounded(seed):
    """Two-way tables with both margins, a nested split and means: whole numbers, all editions."""
    chance = np.random.default_rng(seed)
    editions = []
    base = chance.poisson(chance.choice([3, 20, 200], (4, 5)))
    for _ in range(2):
        grid = np.maximum(base - chance.binomial(1, 0.05, base.shape), 0)
        frame = pd.DataFrame(
            [(f"h{i}", f"s{j}", int(n)) for (i, j), n in np.ndenumerate(grid)],
            columns=["ccn", "stage", "benes"],
        )
        for dimension, total in (("ccn", "STATE"), ("stage", "all")):
            other = "stage" if dimension == "ccn" else "ccn"
            whole = frame.groupby(other, as_index=False)["benes"].sum()
            frame = pd.concat([frame, whole.assign(**{dimension: total})], ignore_index=True)
        frame["tcoc"] = frame["benes"] * chance.uniform(9000, 14000, len(frame))
        frame["per_capita"] = frame["tcoc"] / frame["benes"].where(frame["benes"] > 0)
        columns = {"benes": COUNT, "tcoc": Column("T", "dollars", of=("benes",)),
                   "per_capita": Column("P", "per_capita", base="benes")}  # fmt: skip
        draft = plain("t", frame, ("ccn", "stage"), columns, universe="u",
                      totals={"ccn": "STATE", "stage": "all"})  # fmt: skip
        try:
            gated = gate({"x": [draft]}, earlier=editions)
        except TcocError:
            # what the first edition shows cannot be hidden any more: the second is refused
            if not editions:
                raise
            continue
        editions.append(gated.record)
        shown = gated.tables["t"].frame["benes"].dropna()
        assert not ((shown > 0) & (shown < 11)).any()
    assert not disclosed(editions, integer=True)


def test_a_mutant_of_the_gate_that_hides_nothing_further_is_found_out():
    states = [hospitals({"a": 254 - n, "b": n}) for n in (1, 3, 7)]
    assert all(found(record([state])) for state in states)
    assert not any(found(gate({"y1": [state]}).record) for state in states)
