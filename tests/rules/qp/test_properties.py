"""What must hold on any store, on random small stores."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pandas as pd
from benchmarks.reference.partners import best_partner, ratio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tcoc.params import QpPolicy, load_policy
from tcoc.rules.qp import partners, results
from tcoc.rules.qp.periods import Period, snapshot_periods
from tcoc.rules.qp.rules import all_thresholds, thresholds_of
from tcoc.store.connection import Connection

from . import tools

POLICY = QpPolicy.of(load_policy())
RUN = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

PEOPLE = [f"B{n}" for n in range(6)]
NPIS = ["N1", "N2", None]
DAYS = [date(2018, m, d) for m in (1, 3, 6, 9, 12) for d in (1, 28)]


def _money(top: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, top).map(lambda cents: Decimal(cents) / 100)


LINES = st.lists(
    st.fixed_dictionaries(
        {
            "bene_id": st.sampled_from([*PEOPLE, "stranger"]),
            "npi": st.sampled_from(NPIS),
            "service_date": st.sampled_from(DAYS),
            "hcpcs": st.sampled_from([*tools.CODES, "93000", "80053", "J9271", None]),
            "allowed_amount": st.one_of(st.just(Decimal("0.00")), _money(30000)),
            "paid_amount": _money(20000),
            "part_b_covered": st.booleans(),
        }
    ),
    max_size=25,
)
CLAIMS = st.lists(
    st.fixed_dictionaries(
        {
            "bene_id": st.sampled_from(PEOPLE),
            "ccn": st.sampled_from([*tools.HOSPITALS, "999999"]),
            "setting": st.sampled_from(["inpatient", "outpatient", "snf"]),
            "thru_date": st.sampled_from(DAYS),
            "from_date": st.just(date(2018, 1, 1)),
            "paid_amount": st.just(Decimal("1.00")),
        }
    ),
    max_size=10,
)
PERSON = st.fixed_dictionaries(
    {
        "born": st.sampled_from([date(1950, 1, 1), date(2000, 2, 1), date(2000, 2, 2)]),
        "died": st.sampled_from([None, None, date(2018, 3, 1), date(2018, 2, 28)]),
        "managed_care": st.sampled_from([[], [], [1, 2, 3], list(range(1, 13))]),
        "states": st.sampled_from([{}, {1: "VA", 2: "VA", 3: "VA"}]),
    }
)
SHARES = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE), st.sampled_from(tools.HOSPITALS), st.sampled_from([0.0, 0.5, 1.0])
    ),
    max_size=8,
    unique_by=lambda row: row[:2],
)


@st.composite
def stores(draw: st.DrawFn) -> tools.Given:
    end = draw(st.sampled_from([date(2018, 3, 31), date(2018, 12, 31)]))
    return tools.Given(
        year=2018,
        period=Period(date(2018, 1, 1), end),
        people={bene: draw(PERSON) for bene in PEOPLE},
        lines=draw(LINES),
        claims=draw(CLAIMS),
        attributed=[{"bene_id": b, "ccn": c, "share": s} for b, c, s in draw(SHARES)],
        hospitals=tools.HOSPITALS,
        all_lines=draw(st.booleans()),
        rules=tools.replace(tools.RULES, low_volume_benes=3, low_volume_dollars=Fraction(200)),
    )


@RUN
@given(store=stores())
def test_partners_are_those_of_the_reference(store: tools.Given, connection: Connection) -> None:
    """The counts and scores themselves are held in rules/attribution/test_second_opinion.py."""
    result = tools.compute(connection, store)
    check_partners(result)
    check_bounds(result.scores)


def check_partners(result: tools.Result) -> None:
    chosen = partners.choose_partner(candidates(result)).set_index("npi")
    for npi, own in result.scores[result.scores["in_model"]].groupby("npi"):
        ccn, payment, patient = best_partner({r["ccn"]: r for r in own.to_dict("records")})
        row = chosen.loc[npi]
        assert row["ccn"] == ccn
        assert ratio(row["cents_linked"], row["cents"]) == payment
        assert Fraction(row["people_linked"], row["people"]) == patient


def candidates(result: tools.Result) -> pd.DataFrame:
    scores = result.scores.assign(
        year=2018, cents_linked=[int(p * 100) for p in result.scores["payments_numerator"]]
    )
    clinicians = result.whole.merge(result.model[["npi", "in_model"]], on="npi")
    clinicians = clinicians.assign(year=2018, cents=[int(p * 100) for p in clinicians["payments"]])
    return partners.candidates(scores, clinicians)


def check_bounds(found: pd.DataFrame) -> None:
    """Scores in [0, 1]; the union between its largest criterion and the sum, never above benes."""
    for kind in ("patient_score", "payment_score"):
        assert found[kind].between(0, 1).all()
    one, two, both = (found[f"benes_{k}"] for k in ("attributed", "encounter", "numerator"))
    assert (both >= one).all()
    assert (both >= two).all()
    assert (both <= one + two).all()
    assert (both <= found["benes"]).all()
    assert (both > 0).all()
    assert (found["payments_numerator"] <= found["payments"]).all()


@RUN
@given(store=stores())
def test_same_beneficiaries_for_both_versions(store: tools.Given, connection: Connection) -> None:
    """If every patient brings one dollar in all, payments count patients."""
    seen = set()
    lines = []
    for line in store.lines:
        pair = (line["npi"], line["bene_id"])
        evaluated = line["hcpcs"] in tools.CODES and line["allowed_amount"] > 0
        inside = line["service_date"] <= store.period.end
        first = evaluated and inside and pair not in seen
        seen |= {pair} if first else set()
        paid = Decimal("1.00") if first else Decimal("0.00")
        lines.append({**line, "paid_amount": paid, "part_b_covered": True})
    found = tools.compute(connection, tools.replace(store, lines=lines)).scores
    assert (found["payments_numerator"] == found["benes_numerator"]).all()
    assert (found["payments"] == found["benes"]).all()
    assert (found["patient_score"] == found["payment_score"]).all()


@RUN
@given(store=stores(), more=CLAIMS)
def test_more_encounters_never_lower_a_score(
    store: tools.Given, more: list, connection: Connection
) -> None:
    before = tools.compute(connection, store).scores.set_index(["npi", "ccn"])
    wider = tools.replace(store, claims=[*store.claims, *more])
    after = tools.compute(connection, wider).scores.set_index(["npi", "ccn"])
    assert set(before.index) <= set(after.index)
    same = after.loc[before.index]
    for kind in ("patient_score", "payment_score"):
        assert (same[kind] >= before[kind]).all()
    assert (same["benes"] == before["benes"]).all()


@RUN
@given(store=stores())
def test_share_weighted_never_exceeds_whole(store: tools.Given, connection: Connection) -> None:
    whole = tools.compute(connection, store).scores.set_index(["npi", "ccn"])
    rules = tools.replace(store.rules, share_weighted=True)
    weighted = tools.compute(connection, tools.replace(store, rules=rules)).scores
    weighted = weighted.set_index(["npi", "ccn"]).loc[whole.index]
    assert (weighted["benes_numerator"] <= whole["benes_numerator"]).all()
    assert (weighted["payments_numerator"] <= whole["payments_numerator"]).all()
    assert (weighted["benes_encounter"] == whole["benes_encounter"]).all()


LIMITS = all_thresholds(POLICY)
SNAPSHOT = st.dictionaries(st.sampled_from(["N1", "N2", "N3"]), st.booleans())


@settings(deadline=None, derandomize=True, max_examples=30)
@given(found=st.lists(SNAPSHOT, max_size=3))
def test_a_wider_set_of_snapshots_never_loses_a_clinician(found: list[dict[str, bool]]) -> None:
    """Who qualifies with some snapshots qualifies with more, at the same date or earlier (Q7)."""
    days = [date(2018, 3, 31), date(2018, 6, 30), date(2018, 8, 31)]
    tables = {
        day: pd.DataFrame({"npi": list(one), "meets": list(one.values())}).astype({"meets": bool})
        for day, one in zip(days, found, strict=False)
    }
    clinicians = pd.DataFrame({"npi": ["N1", "N2", "N3"]})
    lost: set[str] = set()
    for count in range(len(tables) + 1):
        some = {day: tables[day] for day in list(tables)[:count]}
        result = results.year_result(some, clinicians)
        qualified = set(result.loc[result["qualifies"], "npi"])
        assert lost <= qualified
        assert qualified == {n for one in found[:count] for n, meets in one.items() if meets}
        lost = qualified


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    people=st.integers(1, 400),
    linked=st.integers(0, 400),
    cents=st.integers(0, 10**9),
    part=st.integers(0, 10**9),
    unseen=st.sampled_from(["0", "0.05", "0.25"]),
)
def test_thresholds_as_fractions_say(
    people: int, linked: int, cents: int, part: int, unseen: str
) -> None:
    """Whole numbers decide as exact fractions do; unseen patients never help (Q5, Q9)."""
    rows = pd.DataFrame(
        {
            "year": [2018],
            "npi": ["N1"],
            "ccn": ["210001"],
            "people": [people],
            "people_linked": [min(linked, people)],
            "scale": [1],
            "cents": [cents],
            "cents_linked": [min(part, cents)],
        }
    ).astype(dict.fromkeys(("people", "people_linked", "cents", "cents_linked"), object))
    share = 1 - Fraction(unseen)
    for limits in LIMITS:
        found = partners.assess(rows, limits, Fraction(unseen)).iloc[0]
        patient = ratio(min(linked, people), people) * share
        payment = ratio(min(part, cents), cents) * share
        assert found["meets_patient"] == (patient >= limits.patient)
        assert found["meets_payment"] == (cents > 0 and payment >= limits.payment)
        seen = partners.assess(rows, limits).iloc[0]
        assert seen["meets"] or not found["meets"]


def test_snapshots_are_cumulative() -> None:
    """Each begins on the later of 1 January and the determination (Q7)."""
    plain = snapshot_periods(POLICY, 2018)
    assert list(plain) == [date(2018, 3, 31), date(2018, 6, 30), date(2018, 8, 31)]
    assert {p.start for p in plain.values()} == {date(2018, 1, 1)}
    late = QpPolicy.of(load_policy(options={"qp.determination_date": "2018-05-01"}))
    assert list(snapshot_periods(late, 2018)) == [date(2018, 6, 30), date(2018, 8, 31)]
    assert {p.start for p in snapshot_periods(late, 2018).values()} == {date(2018, 5, 1)}
    assert snapshot_periods(late, 2017) == {}
    assert {p.start for p in snapshot_periods(late, 2019).values()} == {date(2019, 1, 1)}


def test_both_readings_exchange_the_columns() -> None:
    """Slide 9 prints the regulation's two columns exchanged, in all three rows (Q6)."""
    for test in POLICY.tests:
        law, slide = (thresholds_of(POLICY, test, r) for r in ("regulation", "slide"))
        assert (law.payment, law.patient) == (slide.patient, slide.payment)
