"""D1-D4 case by case: what is hidden, why, what is left alone, and what stops a release."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from tcoc.disclosure import (
    Audit,
    DisclosureError,
    PublicTable,
    Rule,
    assert_from_audit,
    assert_published_files_ok,
    assert_published_ok,
    audit,
    difference_check,
    difference_check_folders,
)
from tcoc.errors import InputError
from tcoc.params import load_policy


def table(name, rows, keys=("ccn",), columns=("benes",), **more):
    frame = pd.DataFrame(rows, columns=[*keys, *columns])
    more.setdefault("totals", dict.fromkeys(keys[:1], "STATE"))
    more.setdefault("counts", ("benes",))
    return PublicTable(name, name, frame, tuple(keys), **more)


def hidden(audited, name, column="benes"):
    return audited.hidden(name)[column].tolist()


# ---------------------------------------------------------------- D1


@pytest.mark.parametrize(
    ("benes", "is_hidden"),
    [(0, False), (1, True), (10, True), (11, False), (0.4, True), (10.6, True), (11.0, False)],
)
def test_small_counts_are_hidden(benes, is_hidden):
    audited = audit([table("t", [("A", benes)], totals={})])
    assert hidden(audited, "t") == [is_hidden]


def test_ten_point_nine_repeating_is_eleven():
    assert hidden(audit([table("t", [("A", 0.1 * 110)], totals={})]), "t") == [False]


def test_rates_of_hidden_counts_are_hidden():
    rows = [("A", 400, 8, 0.02, 1.5), ("B", 400, 100, 0.25, 1.5)]
    audited = audit(
        [
            table(
                "t",
                rows,
                columns=("benes", "met", "share", "threshold"),
                counts=("benes", "met"),
                values={"share": ("met", "benes"), "threshold": ()},
                totals={},
            )
        ]
    )
    assert hidden(audited, "t", "share") == [True, False]
    assert hidden(audited, "t", "threshold") == [False, False]
    assert audited.reason("t").share[0] == "depends on hidden count met"


def test_the_rest_of_a_count_is_guarded():
    rows = [("A", 100, 95), ("B", 400, 100)]
    audited = audit(
        [
            table(
                "t",
                rows,
                columns=("benes", "met"),
                counts=("benes", "met"),
                within={"met": "benes"},
                totals={},
            )
        ]
    )
    assert audited.hidden("t")[["benes", "met"]].iloc[0].any()
    assert not audited.hidden("t")[["benes", "met"]].iloc[1].any()


def test_a_total_with_a_small_unlisted_part_is_guarded():
    audited = audit([table("t", [("A", 50), ("B", 70), ("STATE", 125)])])
    assert sum(hidden(audited, "t")) == 1


def test_the_policy_sets_the_size():
    policy = load_policy(options={"disclosure.min_cell_size": 31})
    assert hidden(audit([table("t", [("A", 30), ("B", 31)], totals={})], policy), "t") == [
        True,
        False,
    ]


# ---------------------------------------------------------------- D2


def test_a_lone_small_count_takes_a_partner():
    audited = audit([table("t", [("A", 5), ("B", 40), ("C", 30), ("STATE", 75)])])
    assert hidden(audited, "t") == [True, False, True, False]
    assert audited.reason("t").benes.tolist() == ["small count", "", "complementary", ""]


def test_two_small_counts_protect_each_other():
    audited = audit([table("t", [("A", 5), ("B", 7), ("C", 30), ("STATE", 42)])])
    assert hidden(audited, "t") == [True, True, False, False]


def test_two_tens_do_not_protect_each_other_from_who_knows_the_rule():
    audited = audit([table("t", [("A", 10), ("B", 10), ("C", 30), ("STATE", 50)])])
    assert sum(hidden(audited, "t")) == 3


def test_two_ones_do_not_protect_each_other():
    audited = audit([table("t", [("A", 1), ("B", 1), ("C", 30), ("STATE", 32)])])
    assert sum(hidden(audited, "t")) == 3


def test_small_counts_with_a_small_sum_take_a_partner():
    """4 + 4 leave an interval of 8 people: narrower than 10."""
    audited = audit([table("t", [("A", 4), ("B", 4), ("C", 30), ("STATE", 38)])])
    assert sum(hidden(audited, "t")) == 3


def test_small_counts_with_a_large_enough_sum_need_none():
    audited = audit([table("t", [("A", 4), ("B", 6), ("C", 30), ("STATE", 40)])])
    assert hidden(audited, "t") == [True, True, False, False]


def test_a_hierarchy_is_one_system():
    rows = [("A", 4), ("B", 60), ("PAIR", 64), ("C", 80), ("D", 90), ("STATE", 234)]
    audited = audit([table("t", rows, parents={"ccn": {"A": "PAIR", "B": "PAIR"}})])
    assert hidden(audited, "t") == [True, True, False, False, False, False]


def test_linked_tables_hide_the_same_cells():
    first = table("first", [("A", 5), ("B", 40), ("STATE", 45)])
    second = table("second", [("A", 5), ("B", 40), ("STATE", 45)])
    audited = audit([first, second])
    assert hidden(audited, "first") == hidden(audited, "second") == [True, True, False]


def test_a_table_without_totals_is_linked_by_its_dimensions():
    parts = table(
        "parts",
        [("A", "x", 4), ("A", "y", 96), ("B", "x", 50), ("B", "y", 50)],
        keys=("ccn", "stage"),
        totals={},
    )
    sums = table("sums", [("A", 100), ("B", 100)], totals={})
    audited = audit([parts, sums])
    assert hidden(audited, "parts")[0]
    assert hidden(audited, "parts")[1] or hidden(audited, "sums")[0]
    reasons = set(audited.log.reason) - {"small count"}
    assert reasons <= {"complementary", "linked table parts"}


def test_the_reason_names_the_linked_table():
    one = table("one", [("A", 5), ("B", 40), ("STATE", 45)])
    two = table("two", [("B", 40), ("C", 90)], totals={})
    sums = [table(name, [("STATE", 45)]) for name in ("three", "four")]
    audited = audit([one, two, *sums])
    assert audited.reason("two").benes.tolist() == ["linked table one", ""]
    assert not hidden(audited, "four")[0], "two cells are lost rather than three"


def test_dollars_follow_into_tables_that_do_not_show_the_count():
    one = table(
        "one",
        [("A", 5, 50.0), ("B", 40, 400.0), ("C", 90, 900.0), ("STATE", 135, 1350.0)],
        columns=("benes", "tcoc"),
        values={"tcoc": ("benes",)},
    )
    two = table(
        "two",
        [("A", 60, 50.0), ("B", 480, 400.0), ("C", 1080, 900.0), ("STATE", 1620, 1350.0)],
        columns=("months", "tcoc"),
        counts=("months",),
        values={"tcoc": ("months",)},
    )
    audited = audit([one, two])
    assert hidden(audited, "two", "tcoc") == hidden(audited, "one", "tcoc")
    assert audited.reason("two").tcoc[0] == "linked table one"


def test_a_hidden_sum_is_not_the_difference_of_shown_sums():
    rows = [("A", 50, 4, 7.0), ("B", 90, 90, 80.0), ("C", 70, 70, 60.0), ("STATE", 210, 210, 147.0)]
    audited = audit(
        [
            table(
                "t",
                rows,
                columns=("benes", "users", "dollars"),
                counts=("benes", "users"),
                values={"dollars": ("users",)},
                totals={"ccn": "STATE"},
            )
        ]
    )
    assert sum(hidden(audited, "t", "dollars")) >= 2


# ---------------------------------------------------------------- D3


def test_totals_are_not_recomputed_and_nothing_else_changes():
    given = [("A", 5), ("B", 40), ("C", 30), ("STATE", 75)]
    audited = audit([table("t", given)])
    shown = audited.frame("t")
    assert shown.benes[3] == 75
    assert shown.benes[1] == 40
    assert shown.benes.isna().tolist() == hidden(audited, "t")


def test_no_small_counts_is_instant_and_changes_nothing():
    labels = [f"c{i}" for i in range(3000)]
    rows = [(label, 50) for label in labels] + [("STATE", 150_000)]
    started = time.process_time()
    audited = audit([table("t", rows)])
    assert time.process_time() - started < 1.0
    assert audited.log.empty
    assert audited.frame("t").benes.dtype == np.int64


# ---------------------------------------------------------------- D4


def test_undeclared_numbers_stop_the_release():
    with pytest.raises(InputError, match="numeric column extra"):
        audit([table("t", [("A", 50, 3)], columns=("benes", "extra"), totals={})])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("A", 50), ("A", 60)], "stand twice"),
        ([(None, 50)], "blank"),
        ([("A", -1)], "negative"),
        ([("A", "many")], "not a number"),
    ],
)
def test_unsound_tables_stop_the_release(rows, words):
    with pytest.raises(InputError, match=words):
        audit([table("t", rows, totals={})])


def test_tables_that_disagree_stop_the_release():
    with pytest.raises(InputError, match="count benes of universe"):
        audit([table("a", [("A", 50)], totals={}), table("b", [("A", 51)], totals={})])


def test_a_planted_small_cell_is_found():
    audited = audit([table("t", [("A", 5), ("B", 40), ("C", 30), ("STATE", 75)])])
    assert_published_ok(audited, {"t": audited.frame("t")})
    planted = audited.frame("t").astype({"benes": "float"})
    planted.loc[0, "benes"] = 5
    with pytest.raises(DisclosureError, match="row 0"):
        assert_published_ok(audited, {"t": planted})
    with pytest.raises(DisclosureError, match="not audited"):
        assert_published_ok(audited, {"other": planted})
    with pytest.raises(DisclosureError, match="column benes_too"):
        assert_from_audit(audited, "t", planted.assign(benes_too=1))


def test_published_files_are_read_back(tmp_path):
    audited = audit([table("t", [("A", 5), ("B", 40), ("C", 30), ("STATE", 75)])])
    audited.frame("t").to_csv(tmp_path / "t.csv", index=False)
    assert_published_files_ok(audited, tmp_path)
    (tmp_path / "t.csv").write_text("ccn,benes\nA,5\n")
    with pytest.raises(DisclosureError):
        assert_published_files_ok(audited, tmp_path)


def test_an_audit_reads_back_as_it_was_written(tmp_path):
    audited = audit([table("t", [("A", 5), ("B", 40), ("C", 30), ("STATE", 75)])])
    audited.to_dir(tmp_path)
    again = Audit.from_dir(tmp_path)
    pd.testing.assert_frame_equal(again.frame("t"), audited.frame("t"))
    pd.testing.assert_frame_equal(again.log, audited.log)
    assert again.rule == audited.rule == Rule()
    assert again.table("t").totals == {"ccn": "STATE"}
    assert pd.isna(again.value("t", "benes", ccn="A"))
    assert again.value("t", "benes", ccn="B") == 40
    with pytest.raises(InputError, match="expected one"):
        again.value("t", "benes")


# ---------------------------------------------------------------- two releases, identifiers


def test_two_releases_that_differ_by_a_few_people():
    old = audit([table("t", [("A", 120), ("B", 400)], totals={})])
    new = audit([table("t", [("A", 117), ("B", 300)], totals={})])
    warnings = difference_check(new, old)
    assert [w.cell for w in warnings] == ["ccn A"]
    assert not difference_check(new, new)


def test_a_cell_that_only_one_release_hides():
    old = audit([table("t", [("A", 5), ("B", 40), ("C", 30), ("STATE", 75)])])
    new = audit([table("t", [("B", 40), ("C", 30), ("D", 12)], totals={})])
    assert [w.cell for w in difference_check(new, old)] == ["ccn C"]


def test_two_published_folders(tmp_path):
    facts = {"t": {"keys": ["ccn"], "counts": ["benes"]}}
    for name, text in (
        ("old", "ccn,benes,hidden\nA,120,\nB,,benes: small count\nC,500,\n"),
        ("new", "ccn,benes\nA,117\nB,30\nC,700\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.csv").write_text(text)
        (tmp_path / name / "tables.json").write_text(json.dumps(facts))
    found = difference_check_folders(tmp_path / "new", tmp_path / "old")
    assert [(w.cell, w.kind.split(",")[0]) for w in found] == [
        ("ccn A", "the two releases differ by a small count"),
        ("ccn B", "shown now"),
    ]
    assert not difference_check_folders(tmp_path / "new", tmp_path / "new")
    with pytest.raises(InputError, match=r"tables\.json"):
        difference_check_folders(tmp_path, tmp_path / "old")


def test_a_whole_release_takes_seconds():
    """60 tables of 50 hospitals, 4 years and 4 stages, a dozen small counts among them."""
    rng = np.random.default_rng(0)
    rows = [(y, f"{h:06d}", s) for y in range(2015, 2019) for h in range(50) for s in "abc"]
    tables = []
    for number in range(60):
        frame = pd.DataFrame(rows, columns=["year", "ccn", "stage"])
        frame["benes"] = rng.integers(11, 5000, len(frame))
        if number % 5 == 0:
            frame.loc[rng.integers(0, len(frame), 2), "benes"] = 4
        sums = frame.groupby(["year", "ccn"], as_index=False).benes.sum().assign(stage="all")
        frame = pd.concat([frame, sums])
        state = frame.groupby(["year", "stage"], as_index=False).benes.sum().assign(ccn="STATE")
        frame = pd.concat([frame, state], ignore_index=True)
        tables.append(
            PublicTable(
                f"t{number}",
                "t",
                frame,
                ("year", "ccn", "stage"),
                ("benes",),
                totals={"ccn": "STATE", "stage": "all"},
                universe=f"u{number}",
            )
        )
    started = time.process_time()
    audited = audit(tables)
    assert time.process_time() - started < 12
    assert (audited.log.reason == "small count").sum() >= 20
