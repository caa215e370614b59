"""The library against the reference implementation, on random tiny stores full of ties."""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.agree import disagreements
from tests.support.tiny import HOSPITALS, tiny_study

ZIPS = ["21740", "21201", "20785", "21217", "21218", "21550", "20814", "00000", ""]
CCNS = ["210001", "210002", "210003", "219999"]
DATES = [
    "2014-09-30",
    "2014-10-01",
    "2015-12-31",
    "2016-01-01",
    "2016-09-30",
    "2016-10-01",
    "2017-01-01",
    "2017-01-01",
    "2017-09-30",
    "2017-10-01",
    "2018-05-05",
]
CODES = ["99213", "99213", "99214", "G0439", "99308", "99318", "99490", "71020"]
PLACES = ["11", "11", "31", "32", "21", "22", None]
SPECIALTIES = ["11", "08", "50", "06", "13", "77", None]


def random_case(pick: Random) -> dict[str, Any]:
    benes = [f"B{i}" for i in range(pick.choice([1, 5, 90, 90]))]
    npis = [str(n) for n in range(1, pick.choice([4, 12, 25]))]
    return {
        "years": [2017, 2018],
        "options": _options(pick),
        "people": [_person(pick, b) for b in benes],
        "lines": [_line(pick, benes, npis) for _ in range(pick.randint(1, 9) * len(benes))],
        "claims": [_claim(pick, benes) for _ in range(pick.randint(0, 3) * len(benes))],
        "dme": [
            {"bene": pick.choice(benes), "date": pick.choice(DATES), "paid": pick.randint(-9, 99)}
            for _ in range(pick.randint(0, 5))
        ],
        "reference": _reference(pick, npis),
    }


def _options(pick: Random) -> dict[str, Any]:
    windows = [{"federal_fiscal_years": 2}, {"federal_fiscal_years": 1}, "same_year"]
    windows.append({"calendar_years": 2})
    return {
        "attribution.window": pick.choice(windows),
        "attribution.hospital_use": pick.choice(["payments", "visits"]),
        "attribution.min_eligible_months": pick.choice([1, 1, 6]),
        "attribution.duplicate_npi": "lowest_aco_id",
        "attribution.snf_visits": pick.choice(["exclude", "include"]),
        "attribution.own_services": pick.choice(["all", "without_hospital"]),
        "attribution.minimum_panel": pick.choice([0, 0, 2, 5]),
        "attribution.home_zip": pick.choice(["last_month", "last_month", "first_month"]),
        "attribution.roster_links": pick.choice(["as_listed", "as_listed", "none"]),
        "attribution.aco_like_measure": pick.choice(["allowed", "visits"]),
        "attribution.mdpcp_like_measure": pick.choice(["visits", "allowed"]),
        "attribution.primary_care_share": pick.choice([0.6, 0.6, 0.5, 0.0]),
        "attribution.age_on": pick.choice(["02-01", "01-01"]),
        "risk.truncate": pick.choice(["none", 0.9]),
        "qp.low_volume_benes": pick.choice([2, 100]),
        "qp.low_volume_dollars": pick.choice([120, 30000]),
        "qp.combine": pick.choice(["any", "all"]),
        "qp.payment_basis": pick.choice(["paid", "allowed"]),
        "qp.covered_services": pick.choice(["fee_schedule", "all_lines"]),
        "qp.age_on": pick.choice(["age_of_year", "period_start", "period_end"]),
        "qp.determination_date": pick.choice(["", "", "2018-05-01"]),
    }


def _person(pick: Random, bene: str) -> dict[str, Any]:
    spans = ["2017-01..2018-12", "2017-03..2018-04", "2018-02..2018-12", "2017-12..2018-01"]
    moved = {"zip": pick.choice(ZIPS)} | pick.choice(
        [
            {},
            {"state": "PA"},
            {"managed_care": True},
            {"part_b": False},
            {"dual_code": "02"},
            {"esrd": True},
        ]
    )
    return {
        "bene": bene,
        "zip": pick.choice(ZIPS),
        "sex": pick.choice("FMU"),
        "birth": pick.choice(
            ["1945-06-15", "1952-02-01", "1952-02-02", "1999-12-31", "2000-02-01"]
        ),
        "orig": pick.choice(["0", "1", "2", "3"]),
        "months": pick.choice(spans),
        "death": pick.choice([None, None, "2017-06-01", "2018-03-31"]),
        "in": pick.choice([{}, {"2018-04": moved}, {"2017-12": moved, "2018-01": moved}]),
    }


def _line(pick: Random, benes: list[str], npis: list[str]) -> dict[str, Any]:
    return {
        "bene": pick.choice(benes),
        "npi": pick.choice([*npis, None]),
        "date": pick.choice(DATES),
        "hcpcs": pick.choice(CODES),
        "specialty": pick.choice(SPECIALTIES),
        "place": pick.choice(PLACES),
        "allowed": pick.choice([0, -20, 40, 40, 60, 60, 60, 100]),
        "paid": pick.choice([-20, 0, 32, 48.01, 80]),
        "covered": pick.random() < 0.9,
    }


def _claim(pick: Random, benes: list[str]) -> dict[str, Any]:
    return {
        "bene": pick.choice(benes),
        "ccn": pick.choice(CCNS),
        "date": pick.choice(DATES),
        "setting": pick.choice(["inpatient", "outpatient", "outpatient", "snf", "hospice"]),
        "paid": pick.choice([-100, 0, 100, 100, 200]),
    }


def _pairs(pick: Random, column: str, values: list[float]) -> list[dict[str, Any]]:
    return [
        {"zip": z, "ccn": c, column: pick.choice(values)}
        for z in ZIPS
        for c in CCNS
        if z and pick.random() < 0.25
    ]


def _reference(pick: Random, npis: list[str]) -> dict[str, Any]:
    acos = {"A1": ["210001", "219999"], "A2": ["210001", "210002", "210003"], "A3": ["219999"]}
    listed = {
        (aco, n, pick.choice([None, *ccns]))
        for aco, ccns in acos.items()
        for n in npis
        if pick.random() < 0.2
    }
    return {
        "hospitals": HOSPITALS,
        "aco_hospitals": [{"aco_id": a, "ccn": c} for a, cs in acos.items() for c in cs],
        "aco_practitioners": [
            {"aco_id": a, "npi": n, "ccn": c}
            for a, n, c in sorted(listed, key=lambda r: (r[0], r[1], str(r[2])))
        ],
        "psa_zips": [{"zip": z, "ccn": c} for z in ZIPS[:4] for c in CCNS if pick.random() < 0.45],
        "ecmad": _pairs(pick, "ecmad", [0, 10, 10, 30]),
        "drive_times": _pairs(pick, "minutes", [10, 30, 30.5, 60]),
    }


SEEDS = st.integers(0, 10**9)

TABLES = (
    "beneficiary_year",
    "attribution",
    "risk_cells",
    "qp_clinicians",
    "qp_scores",
    "qp_snapshots",
)


STATES = 8
"""How many states one store holds: a study costs as much for one as for all of them."""


def side_by_side(pick: Random) -> dict[str, Any]:
    """Several states in one store, under the options of one: only their ZIP codes are shared."""
    states = [_renamed(random_case(pick), number) for number in range(STATES)]
    joined = dict(states[0])
    for name in ("people", "lines", "claims", "dme"):
        joined[name] = [row for state in states for row in state[name]]
    joined["reference"] = {
        name: [row for state in states for row in state["reference"][name]]
        for name in states[0]["reference"]
    }
    return joined


def _renamed(state: dict[str, Any], number: int) -> dict[str, Any]:
    def own(row: dict[str, Any]) -> dict[str, Any]:
        names = {"bene": f"{number}{row.get('bene')}", "aco_id": f"{number}{row.get('aco_id')}"}
        names |= {"ccn": row.get("ccn") and f"{row['ccn'][:2]}{number}{row['ccn'][3:]}"}
        names |= {"npi": row.get("npi") and f"{number + 1}{row['npi'].zfill(3)}"}
        return row | {name: value for name, value in names.items() if name in row}

    tables = {name: [own(r) for r in rows] for name, rows in state["reference"].items()}
    rows = ("people", "lines", "claims", "dme")
    return state | {name: [own(r) for r in state[name]] for name in rows} | {"reference": tables}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SEEDS)
def test_every_table_agrees_with_the_reference(seed: int) -> None:
    """Every column of every row: people, dollars, attribution, risk cells, counts and scores."""
    pick = Random(seed)
    with tiny_study(side_by_side(pick)) as study:
        assert disagreements(study, TABLES, pick.choice(["code", "string"])) == []
