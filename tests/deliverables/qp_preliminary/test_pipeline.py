"""A run's QP tables, from a store on disk to the explanation of one clinician."""

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tcoc
from tcoc.deliverables.qp_preliminary import words
from tcoc.deliverables.qp_preliminary.checks import CHECKS
from tcoc.deliverables.qp_preliminary.explain import explain_qp
from tcoc.deliverables.qp_preliminary.tables import PRODUCTS
from tcoc.deliverables.registry import study
from tcoc.disclosure import as_csv
from tcoc.errors import InputError
from tcoc.params import load_run
from tcoc.paths import notebooks_dir
from tcoc.report.facts import facts_of
from tcoc.report.release import Release, open_public
from tcoc.run.gate import gate_tables
from tcoc.store.schema import FORMAT_VERSION, TABLES
from tcoc.study import Study
from tests.rules.qp import tools

BEST, ACTUAL, NOBODY, SMALL = "9000000001", "9000000002", "9000000003", "9000000004"

GIVEN: dict[str, Any] = {
    "people": {"A": {}, "B": {}, "C": {}, "D": {}, "stranger": {"part_b": False}},
    "lines": [
        # BEST: A and B in January, C in May; 4 people and 30,000 dollars allowed in all.
        {"bene": "A", "npi": BEST, "date": date(2018, 1, 10), "allowed": 29000, "paid": 100},
        {"bene": "B", "npi": BEST, "date": date(2018, 1, 11), "allowed": 500, "paid": 100},
        {"bene": "C", "npi": BEST, "date": date(2018, 5, 11), "allowed": 400, "paid": 200},
        {"bene": "stranger", "npi": BEST, "date": date(2018, 9, 9), "allowed": 100, "paid": 50},
        # ACTUAL: on the list of a hospital with which no patient has to do.
        {"bene": "A", "npi": ACTUAL, "allowed": 30000, "paid": 10},
        {"bene": "D", "npi": ACTUAL, "allowed": 1, "paid": 90},
        # NOBODY: a denominator and no numerator anywhere.
        {"bene": "D", "npi": NOBODY, "allowed": 40000, "paid": 10},
        # SMALL: not in the model.
        {"bene": "A", "npi": SMALL, "allowed": 29999.99, "paid": 10},
    ],
    "claims": [{"bene": "C", "ccn": "210002", "thru": date(2018, 5, 12)}],
    "attributed": [("A", "210001")],
}
LATER = {"lines": [{"bene": "Z", "npi": BEST, "date": date(2019, 2, 1), "paid": 1000.50}]}

REFERENCE = {
    "hospitals": "ccn,name,short_name,system,county,zip,attributable,specialty\n"
    + "".join(f"{c},H {c},H{c[-1]},,Kent,21201,true,false\n" for c in tools.HOSPITALS)
    + "210064,Specialty,S,,Kent,21201,false,true\n",
    "aco_hospitals": "aco_id,aco_name,ccn\nACO1,First,210001\n",
    "aco_practitioners": f"aco_id,npi,ccn\nACO1,{BEST},\n",
    "psa_zips": "zip,ccn\n21201,210001\n",
    "care_partners": "npi,ccn,program,start_date,end_date\n"
    f"{BEST},210001,HCIP,2017-01-01,\n{BEST},210002,HCIP,2017-01-01,2017-12-31\n"
    f"{ACTUAL},210003,CCIP,2018-12-31,\n{NOBODY},210064,CCIP,2018-01-01,\n",
}


def write_table(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    spec = TABLES[name]
    schema = ibis.schema(spec.schema).to_pyarrow()
    frame = pd.DataFrame(rows, columns=list(spec.schema), dtype=object)
    years = frame[spec.year_of].map(lambda day: day.year) if spec.partitioned else None
    parts = {f"{name}.parquet": frame} if years is None else {
        f"{name}/year={year}/part.parquet": frame[years == year] for year in sorted(set(years))
    }  # fmt: skip
    for file, part in parts.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pandas(part, schema, preserve_index=False), folder / file)


def write_run(folder: Path, options: dict[str, Any] | None = None) -> Path:
    given, later = tools.read_given(GIVEN), tools.read_given({"year": 2019, **LATER})
    store = folder / "store"
    write_table(store, "beneficiary", tools.person_rows(given))
    write_table(store, "member_month", tools.month_rows(given))
    write_table(store, "professional", tools.line_rows(given) + tools.line_rows(later))
    write_table(store, "facility", tools.claim_rows(given))
    info = {"format_version": FORMAT_VERSION, "years": [2018, 2019], "synthetic": True}
    (store / "store.json").write_text(json.dumps(info))
    (folder / "reference").mkdir()
    for name, text in REFERENCE.items():
        (folder / "reference" / f"{name}.csv").write_text(text)
    run = {
        "name": "tiny",
        "store": "store",
        "reference": "reference",
        "years": [2018],
        "qp_years": [2018],
        "deliverables": ["qp_preliminary"],
        "options": options or {},
    }
    (folder / "tiny.yml").write_text(json.dumps(run))
    return folder / "tiny.yml"


def plant_attribution(work: Path) -> None:
    """Put the attribution that the part before this one would make."""
    rows = [{"year": 2018, "bene_id": b, "ccn": c, "share": 1.0} for b, c in GIVEN["attributed"]]
    (work / "restricted").mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(work / "restricted" / "attribution.parquet", index=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Study]:
    folder = tmp_path_factory.mktemp("qp")
    plant_attribution(folder / "work")
    with study(load_run(write_run(folder)), folder / "work", "1GB", 1) as opened:
        yield opened


def rows(tiny: Study, table: str, **keys: Any) -> pd.DataFrame:
    frame = tiny.frame(table, exact=True)
    for name, value in keys.items():
        frame = frame[frame[name] == value]
    return frame


CONTRACT = {
    "qp_scores": "year npi ccn benes benes_attributed benes_encounter benes_numerator payments"
    " payments_numerator patient_score payment_score in_model",
    "qp_summary": "year test reading partner clinicians meeting share_meeting average_score"
    " average_patient_score average_payment_score",
    "qp_snapshots": "year snapshot npi ccn benes benes_attributed benes_encounter benes_numerator"
    " payments payments_numerator patient_score payment_score in_model",
    "qp_sensitivity": "year test reading unseen_share share_meeting",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_contract_columns_come_first(tiny: Study, name: str) -> None:
    expected = CONTRACT[name].split()
    assert list(tiny.frame(name).columns)[: len(expected)] == expected


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda p: p.name)
def test_keys_are_unique_and_ordered(tiny: Study, product: Any) -> None:
    frame = tiny.frame(product.name)
    keys = frame[list(product.key)]
    assert not keys.duplicated().any()
    assert not keys.isna().any(axis=None)
    assert keys.equals(keys.sort_values(list(product.key), ignore_index=True))


def test_scores(tiny: Study) -> None:
    best = rows(tiny, "qp_scores", npi=BEST).set_index("ccn")
    assert list(best.index) == ["210001", "210002"]
    assert best["benes"].to_list() == [3, 3]
    assert best["payments"].to_list() == [Decimal("400.00")] * 2
    assert best.loc["210001", "payments_numerator"] == Decimal("100.00")
    assert best.loc["210002", "benes_encounter"] == 1
    assert best.loc["210002", "payment_score"] == 0.5
    assert best["in_model"].all()
    assert not rows(tiny, "qp_scores", npi=SMALL)["in_model"].any()
    assert rows(tiny, "qp_scores", npi=NOBODY).empty


def test_summary_counts_everybody_with_a_denominator(tiny: Study) -> None:
    """BEST meets; ACTUAL meets at its best hospital; NOBODY has no numerator and counts (Q5)."""
    law = rows(tiny, "qp_summary", test="2017-18", reading="regulation").set_index("partner")
    assert law.loc["best", "clinicians"] == 3
    assert law.loc["best", "meeting"] == 2
    assert law.loc["best", "average_score"] == 0.5
    # 210003 has none of ACTUAL's patients and still counts; NOBODY's link is not eligible (A10).
    assert law.loc["actual", "clinicians"] == 2
    assert law.loc["actual", "meeting"] == 1
    chosen = rows(tiny, "qp_partners", partner="actual", test="2021+", reading="slide")
    assert dict(zip(chosen["npi"], chosen["ccn"], strict=True)) == {
        BEST: "210001",
        ACTUAL: "210003",
    }


def test_both_readings_and_all_tests(tiny: Study) -> None:
    assert len(tiny.frame("qp_summary")) == 3 * 2 * 2
    assert len(tiny.frame("qp_sensitivity")) == 3 * 2 * 5
    assert sorted(set(tiny.frame("qp_sensitivity")["unseen_share"])) == [0.05, 0.1, 0.15, 0.2, 0.25]


def test_snapshots(tiny: Study) -> None:
    """In March A's hospital has half of the payments; C comes in May; ACTUAL only in June."""
    snapshots = rows(tiny, "qp_snapshots", npi=BEST)
    march = snapshots[snapshots["snapshot"] == date(2018, 3, 31)]
    assert march["ccn"].to_list() == ["210001"]
    assert march["benes"].to_list() == [2]
    assert march["in_model"].all()
    result = rows(tiny, "qp_year_result", partner="best", reading="regulation").set_index("npi")
    assert result["first_date"].to_dict() == {
        BEST: date(2018, 3, 31),
        ACTUAL: date(2018, 6, 30),
        NOBODY: None,
    }
    assert result["qualifies"].to_list() == [True, True, False]
    actual = rows(tiny, "qp_year_result", partner="actual", reading="regulation")
    assert dict(zip(actual["npi"], actual["qualifies"], strict=True)) == {
        BEST: True,
        ACTUAL: False,
    }


def test_incentive_under_both_base_years(tiny: Study) -> None:
    """450.00 in 2018 and 1,000.50 in 2019 for BEST; 100.00 in 2018 for ACTUAL (rule Q8)."""
    table = rows(tiny, "qp_incentive", partner="best", kind="all").set_index("base_reading")
    assert table.loc["performance_year", "payments"] == Decimal("550.00")
    assert table.loc["performance_year", "incentive"] == Decimal("27.50")
    assert table.loc["year_after", "payments"] == Decimal("1000.50")
    assert table.loc["year_after", "incentive"] == Decimal("50.03")
    assert set(table["payment_year"]) == {2020}


def test_fee_schedule(tiny: Study) -> None:
    first = rows(tiny, "qp_fee_schedule").iloc[0]
    assert first["payment_year"] == 2026
    assert first["qualifying"] == 1.0075
    assert first["gain"] == Decimal("2.75")
    assert rows(tiny, "qp_fee_schedule")["payment_year"].max() == 2035


def test_explain(tiny: Study) -> None:
    for product in PRODUCTS:
        tiny.path(product.name)
    text = explain_qp(tiny.work, BEST)
    for wanted in (
        "3 patients with an E&M service, $400.00 of payments for covered services",
        "hospital 210002 (best partner)",
        "with an encounter there: 1 patients, $200.00",
        "2019-20 test, regulation: meets; payments 50%: reached; patients 35%: 1 short",
        "2021+ test, regulation: does not meet; payments 75%: $100.00 short; patients 50%: 1 short",
        "would qualify, had CMS determined it, from 2018-03-31",
        "on the list of ACO ACO1",
    ):
        assert wanted in text, wanted
    assert "no patient is attributed to it" in explain_qp(tiny.work, BEST, "210003")
    assert "there is no score" in explain_qp(tiny.work, SMALL) or "in the model" in text


@pytest.mark.parametrize(
    ("folder", "npi", "words"),
    [("work", "1", "has no lines"), ("nowhere", BEST, "there is no such table")],
)
def test_explain_says_what_is_missing(tiny: Study, folder: str, npi: str, words: str) -> None:
    tiny.path("qp_year_result")
    tiny.path("qp_thresholds")
    with pytest.raises(InputError, match=words):
        explain_qp(tiny.work.parent / folder, npi)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_checks_hold(tiny: Study, check: Any) -> None:
    found = check.measure(tiny)
    assert found.holds, found


def release_of(opened: Study) -> Release:
    """Gate the study's tables and open them as a page sees them."""
    public = opened.work / "public"
    gate_tables(opened, ["qp_preliminary"], public)
    facts_of(opened.run, opened.store, {"qp_preliminary": ("qp", "attribution")}).write(
        public / "tables"
    )
    return open_public(public / "tables", "qp_preliminary")


def run_page(release: Release, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Run the notebook's code on a release; returns the names of the checks it asserted."""
    monkeypatch.setattr(tcoc, "open_release", lambda *_: release)
    notebook = json.loads((notebooks_dir() / "qp_preliminary.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for cell in code:
        exec("".join(cell["source"]), names)
    text = "".join("".join(cell["source"]) for cell in code)
    return set(re.findall(r'release\.holds\("(\w+)"\)', text))


def test_page_says_what_would_be(tiny: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every check is asserted; without a determination nobody qualifies (Q7)."""
    release = release_of(tiny)
    assert run_page(release, monkeypatch) == {check.name for check in CHECKS}
    said = words.by_when(release.table("qp_timing"), release.table("qp_years"), 2018)
    assert "would have reached a threshold" in said
    assert "nobody qualifies" in said
    assert "nothing about the rules" in words.answer(release)


def test_nothing_of_a_clinician_or_of_few_leaves(tiny: Study) -> None:
    """Four people in all: averages and dollars are hidden, no NPI is in a table (D1, D4)."""
    release = release_of(tiny)
    texts = {name: as_csv(table).decode() for name, table in release.tables.items()}
    assert "qp_tests" in texts
    for name, text in texts.items():
        assert not any(npi in text for npi in (BEST, ACTUAL, NOBODY, SMALL)), name
    tests = release.table("qp_tests")
    assert set(tests.frame["clinicians"]) == {2, 3}
    for column in ("average_score", "average_payment_score", "patients"):
        assert tests.frame[column].isna().all(), column
    money = release.table("qp_incentive").frame
    assert money["incentive_performance_year"].isna().all()


def test_options_change_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later determination leaves only later snapshots; `all` needs both volumes (Q3, Q7)."""
    plant_attribution(tmp_path / "work")
    options = {"qp.determination_date": "2018-04-15", "qp.combine": "all"}
    with study(load_run(write_run(tmp_path, options)), tmp_path / "work", "1GB", 1) as changed:
        days = set(changed.frame("qp_snapshots")["snapshot"])
        assert days == {date(2018, 6, 30), date(2018, 8, 31)}
        assert changed.frame("qp_summary")["clinicians"].to_list() == [0] * 12
        assert changed.frame("qp_summary")["share_meeting"].isna().all()
        for product in PRODUCTS:
            changed.path(product.name)
        release = release_of(changed)
        assert "Claims count from the CMS determination of 2018-04-15" in words.answer(release)
        assert words.headline(release) == "No clinician is in the model for 2018."


def test_a_fee_schedule_of_the_run_replaces_the_list(tmp_path: Path) -> None:
    """Without 99213 in it nothing is paid for covered services, and everything is left out (Q1)."""
    file = write_run(tmp_path)
    plant_attribution(tmp_path / "work")
    (tmp_path / "reference" / "fee_schedule.csv").write_text("hcpcs\n99214\n")
    with study(load_run(file), tmp_path / "work", "1GB", 1) as changed:
        practice = changed.frame("qp_clinicians", exact=True).set_index("npi")
    assert practice.loc[BEST, "payments"] == Decimal("0.00")
    assert practice.loc[BEST, "part_b_payments"] == Decimal("0.00")
    assert practice.loc[BEST, "other_payments"] == Decimal("450.00")
    assert practice.loc[BEST, "benes"] == 3


class Broken:
    """A study of which one table says something else."""

    def __init__(self, opened: Study, table: str, change: Any) -> None:
        self._opened, self._table, self._change = opened, table, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)

    def frame(self, name: str, exact: bool = False) -> pd.DataFrame:
        found = self._opened.frame(name, exact)
        return found.assign(**self._change(found)) if name == self._table else found


@pytest.mark.parametrize(
    ("check", "table", "change"),
    [
        ("shares_are_ratios", "qp_summary", lambda t: {"share_meeting": t["share_meeting"] + 0.01}),
        ("readings_are_exchanged", "qp_thresholds", lambda t: {"payment_threshold": 0.3}),
        (
            "actual_within_best",
            "qp_partners",
            lambda t: {"score": t["score"].where(t["partner"] == "best", 1.1)},
        ),
        ("everyone_has_a_partner", "qp_clinicians", lambda t: {"in_model": True, "benes": 1}),
        ("payments_are_whole", "qp_clinicians", lambda t: {"other_payments": 0.02}),
        ("routes_add_up", "qp_routes", lambda t: {"method": "none"}),
        ("unseen_never_helps", "qp_sensitivity", lambda t: {"meeting": range(len(t))}),
        ("one_snapshot_is_enough", "qp_year_result", lambda t: {"snapshots_met": 0}),
        ("incentive_is_the_rate", "qp_incentive", lambda t: {"rate": 0.06}),
        ("updates_add_up", "qp_fee_schedule", lambda t: {"gain": t["gain"] + 1}),
    ],
)
def test_checks_can_fail(tiny: Study, check: str, table: str, change: Any) -> None:
    measure = next(c.measure for c in CHECKS if c.name == check)
    assert not measure(Broken(tiny, table, change)).holds  # type: ignore[arg-type]
