"""Risk adjustment's checks can fail, and its words say no more than verdicts allow."""

from pathlib import Path

import pandas as pd
import pytest

from tcoc.deliverables.risk_adjustment import checks, words
from tcoc.deliverables.risk_adjustment.public_evidence import planted_words
from tcoc.disclosure import Column, Draft, gate
from tcoc.params import load_policy
from tcoc.store.layout import Store

PAIR = {"base_year": 2015, "performance_year": 2016}


class Tables:
    """A study that has these restricted tables."""

    policy = load_policy()

    def __init__(self, **frames):
        self._frames = frames

    def frame(self, name, exact=False):
        return self._frames[name].copy()


def _methods(**changes):
    rows = pd.DataFrame(
        [
            {"variant": v, **PAIR, "ccn": ccn, "growth": 0.1, "growth_low": 0.0, "growth_high": 0.2}
            | {"base_per_capita": 100.0, "adjusted_base": 100.0, "performance_per_capita": 110.0}
            for v in ("none", "demographic_own", "demographic_statewide", "new_enrollee")
            for ccn in ("STATE", "210001")
        ]
    )
    return rows.assign(**changes)


def _parts(per_capita):
    return pd.DataFrame(
        [
            {**PAIR, "ccn": "210001", "part": part, "per_capita": value}
            for part, value in zip(
                ("stayers", "joiners", "leavers", "relinked"), per_capita, strict=True
            )
        ]
    )


def _options(growth):
    row = {"option": words.OWN, **PAIR, "ccn": "210001", "growth": growth}
    return pd.DataFrame([row, {**row, "ccn": "STATE", "growth": None}])


def _check(name):
    return next(c for c in checks.CHECKS if c.name == name)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("growth_is_ratio", {"risk_methods": _methods()}, {"risk_methods": _methods(growth=0.11)}),
        (
            "every_method",
            {"risk_methods": _methods()},
            {"risk_methods": _methods().iloc[:-1]},
        ),
        (
            "moves_add_up",
            {"risk_methods": _methods(), "growth_parts": _parts((4, 3, 2, 1))},
            {"risk_methods": _methods(), "growth_parts": _parts((4, 3, 2, 1.01))},
        ),
        (
            "moves_are_whole",
            {"growth_parts": _parts((4, 3, 2, 1))},
            {"growth_parts": _parts((4, 3, 2, 1)).iloc[1:]},
        ),
    ],
)
def test_each_check_holds_and_can_fail(name, good, bad):
    assert _check(name).measure(Tables(**good)).holds
    assert not _check(name).measure(Tables(**bad)).holds


def test_options_of_panels_must_start_from_the_run(monkeypatch):
    methods = _methods().rename(columns={"performance_year": "year"})
    monkeypatch.setattr(checks, "own_rows", lambda _: methods)
    check = _check("panels_start_from_this_run")
    assert check.measure(Tables(panel_options=_options(0.1))).holds
    assert not check.measure(Tables(panel_options=_options(0.11))).holds
    assert not check.measure(Tables(panel_options=_options(None))).holds


def test_a_verdict_that_was_not_measured_may_not_be_printed(monkeypatch):
    monkeypatch.setattr(checks, "measured_rates", lambda _: {})
    names = list(load_policy().get("verdicts.registry"))
    silent = pd.DataFrame({"verdict": names, "printed": "open"})
    assert _check("verdicts_are_allowed").measure(Tables(risk_verdicts=silent)).holds
    loud = silent.assign(printed=["yes", *["open"] * (len(names) - 1)])
    assert not _check("verdicts_are_allowed").measure(Tables(risk_verdicts=loud)).holds


NUMBERS = {
    "estimate": 1.0,
    "low": 0.5,
    "high": 1.5,
    "leave_out_low": 0.4,
    "leave_out_high": 1.6,
    "chance_low": -0.2,
    "chance_high": 0.2,
    "false_rate": 0.05,
    "power": 0.9,
    "stability": 0.9,
    "right": 0.9,
    "states": 24.0,
    "state_benes": 40_000.0,
    "people_needed": 90_000.0,
}


def _verdict(**changes):
    row = {
        "verdict": "it",
        "question": "Is it?",
        "printed": "yes",
        "answer": "yes",
        "statement": "It is.",
        "planted": "",
        **NUMBERS,
        **changes,
    }
    columns = {name: Column(name, "number") for name in NUMBERS}
    draft = Draft(
        name="risk_verdicts",
        title="Verdicts",
        frame=pd.DataFrame([row]),
        keys=("verdict",),
        columns=columns,
    )
    return gate({"risk_adjustment": [draft]}, load_policy()).tables["risk_verdicts"]


def test_a_verdict_says_how_often_it_is_wrong():
    said = words.verdict(_verdict(), "it")
    assert said.startswith("**Is it?** Yes. It is. Estimate 1.000 (95% interval 0.500 to 1.500)")
    assert "wrong in 5% and finds the effect in 90%" in said
    assert "settle" not in said


def test_an_open_verdict_says_why_and_what_would_settle_it():
    unsure = words.verdict(_verdict(printed="open", answer="open", statement=""), "it")
    assert "Open. The interval holds values on both sides" in unsure
    assert "about 90,000 people would settle it" in unsure
    wrong = words.verdict(_verdict(printed="open", statement="", false_rate=0.3), "it")
    assert "say yes, but in synthetic states of one truth that answer is wrong" in wrong
    assert "it is true in 90% of them" in wrong
    assert "It is." not in wrong
    unmeasured = words.verdict(
        _verdict(printed="open", statement="", false_rate=None, stability=None), "it"
    )
    assert "have not been measured" in unmeasured


def test_more_people_are_no_answer_to_a_verdict_that_is_wrong_too_often():
    said = words.verdict(_verdict(printed="open", answer="no", statement="", stability=0.6), "it")
    assert "This run's data say no" in said
    assert "would settle it is not known" in said
    assert "90,000" not in said


def _table(name, rows, keys, **kinds):
    frame = pd.DataFrame(rows)
    columns = {c: Column(c, kinds.get(c, "number" if c not in keys else "key")) for c in frame}
    draft = Draft(name=name, title=name, frame=frame, keys=keys, columns=columns)
    return gate({"risk_adjustment": [draft]}, load_policy()).tables[name]


@pytest.mark.parametrize(
    ("world", "said"),
    [
        ("new_enrollee", "favors it by construction"),
        ("bucket", "favors them by construction"),
        ("none", "noise by construction"),
        ("frailty", "takes the change of frailty for growth"),
        ("another", "is not known"),
    ],
)
def test_what_is_planted_is_that_of_the_store(world, said):
    class Study:
        store = Store(Path(), {"synthetic": True, "source": {"world": {"cost": world}}})

    class Real:
        store = Store(Path(), {"source": {"kind": "rif"}})

    state = [{"method": "none", "planted": planted_words(Study())}]
    table = _table("risk_statewide", state, ("method",), planted="label")
    assert said in words.planted_note(table)
    assert planted_words(Real()) == ""


def test_options_of_panels_are_numbers_beside_those_of_the_run():
    def row(option, moved, changed, relinked, error):
        return {
            "option": option,
            "moved": moved,
            "hospitals": 47.0,
            "hospitals_changed": changed,
            "relinked": relinked,
            "error": error,
        }

    rows = [
        row(words.OWN, 0, 0, 0.012, 0.05),
        row("sticky panels", 220, 1, 0.004, 0.051),
        row("panels of 25 or more", 900, 3, 0.004, 0.048),
    ]
    said = words.panels(_table("risk_panel_options", rows, ("option",)))
    assert said.startswith("In this run panels that move make 1.2\u00a0points")
    assert "2 other links in the table, panels of 25 or more would put the most people, 900" in said
    assert "panels of 25 or more would leave the smallest error, 4.8\u00a0points" in said
    alone = words.panels(_table("risk_panel_options", rows[:1], ("option",)))
    assert alone.endswith("whose sampling error is 5.0\u00a0points.")


def test_coverage_says_what_was_counted():
    def row(of, measure, share, nominal):
        return {"of": of, "measure": measure, "share": share, "nominal": nominal}

    shares = {"growth:x": 0.95, "factor:x": 0.94, "factor:y": 0.96, "mpa_result:x": 0.93}
    held = [row(words.HELD, name, share, 0.939) for name, share in shares.items()]
    said = words.coverage(_table("risk_coverage", held, ("of", "measure")))
    assert "its factor in 94.0% to 96.0% and its MPA result in 93.0%; exact ones would" in said
    assert "labels" not in said
    marked = [*held, row(words.MARKED, "difference:x", 0.051, 0.05)]
    said = words.coverage(_table("risk_coverage", marked, ("of", "measure")))
    assert "5.1% of adjustments are marked" in said
