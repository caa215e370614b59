"""Small stores written by hand, and what the library makes of them."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pandas as pd

from tcoc.rules.population import PopulationRules, eligible_months
from tcoc.rules.qp import counts
from tcoc.rules.qp.periods import Period, calendar_year
from tcoc.rules.qp.rules import QpRules, service_codes
from tcoc.store.connection import Connection
from tcoc.store.schema import TABLES

RULES = QpRules(18, "age_of_year", "paid", False, 100, Fraction(30000), "any", "highest_score")
POPULATION = PopulationRules("MD", 1, ("02",), 2, 1)
CODES = ("99213", "99214", "99497")
COVERED = (*CODES, "93000", "88305")
HOSPITALS = ("210001", "210002", "210003")


GIVEN = 1
"""The number of the given period; number 0 is the calendar year, which decides the model."""


@dataclass
class Given:
    """One hand-made store: rows as dictionaries."""

    year: int
    period: Period
    people: dict[str, dict[str, Any]]
    lines: list[dict[str, Any]]
    claims: list[dict[str, Any]]
    attributed: list[dict[str, Any]]
    hospitals: tuple[str, ...]
    rules: QpRules
    all_lines: bool = False


def read_given(raw: dict[str, Any]) -> Given:
    """Read the `given` part of a case, with its short forms written out."""
    year = raw.get("year", 2018)
    start, end = raw.get("period", [date(year, 1, 1), date(year, 12, 31)])
    changes = dict(raw.get("rules", {}))
    if "low_volume_dollars" in changes:
        changes["low_volume_dollars"] = Fraction(str(changes["low_volume_dollars"]))
    return Given(
        year=year,
        period=Period(start, end),
        people={str(k): v or {} for k, v in raw.get("people", {}).items()},
        lines=[copy for line in raw.get("lines", []) for copy in _repeat(_line(line, year))],
        claims=[_claim(claim, year) for claim in raw.get("claims", [])],
        attributed=[
            {"bene_id": str(b), "ccn": str(c), "share": float(rest[0]) if rest else 1.0}
            for b, c, *rest in raw.get("attributed", [])
        ],
        hospitals=tuple(str(c) for c in raw.get("hospitals", HOSPITALS)),
        rules=replace(RULES, **changes),
        all_lines=raw.get("covered_services", "fee_schedule") == "all_lines",
    )


def _line(raw: dict[str, Any], year: int) -> dict[str, Any]:
    paid = Decimal(str(raw.get("paid", "80.00")))
    return {
        "bene_id": str(raw["bene"]),
        "npi": None if raw.get("npi", "N1") is None else str(raw.get("npi", "N1")),
        "service_date": raw.get("date", date(year, 6, 1)),
        "hcpcs": None if raw.get("code", "99213") is None else str(raw.get("code", "99213")),
        "allowed_amount": Decimal(str(raw.get("allowed", "100.00"))),
        "paid_amount": paid,
        "part_b_covered": raw.get("covered", True),
        "specialty": raw.get("specialty"),
        "people": raw.get("people", 0),
    }


def _repeat(line: dict[str, Any]) -> list[dict[str, Any]]:
    """`people: 99` writes the line for 99 people, named bene1 to bene99."""
    people = line.pop("people")
    if not people:
        return [line]
    return [{**line, "bene_id": f"{line['bene_id']}{n}"} for n in range(1, people + 1)]


def _claim(raw: dict[str, Any], year: int) -> dict[str, Any]:
    return {
        "bene_id": str(raw["bene"]),
        "ccn": str(raw["ccn"]),
        "setting": raw.get("setting", "outpatient"),
        "thru_date": raw.get("thru", date(year, 6, 1)),
        "from_date": raw.get("from", raw.get("thru", date(year, 6, 1))),
        "paid_amount": Decimal(str(raw.get("paid", "10.00"))),
    }


def month_rows(given: Given) -> list[dict[str, Any]]:
    """Member months; a person has all twelve in Maryland unless `months` or `states` say else."""
    rows = []
    for bene, person in given.people.items():
        for number in person.get("months", range(1, 13)):
            state = person.get("states", {}).get(number, "MD")
            rows.append(
                {
                    "bene_id": bene,
                    "month": date(given.year, number, 1),
                    "part_a": person.get("part_a", True),
                    "part_b": person.get("part_b", True),
                    "managed_care": number in person.get("managed_care", []),
                    "esrd": False,
                    "dual_code": None,
                    "state": state,
                    "county_fips": None,
                    "zip": "21201",
                }
            )
    return rows


def person_rows(given: Given) -> list[dict[str, Any]]:
    return [
        {
            "bene_id": bene,
            "birth_date": person.get("born", date(1945, 5, 5)),
            "death_date": person.get("died"),
            "sex": "F",
            "orig_entitlement": "0",
        }
        for bene, person in given.people.items()
    ]


def line_rows(given: Given) -> list[dict[str, Any]]:
    return [
        {
            "claim_id": f"L{n}",
            "line_number": 1,
            "tin": None,
            "place_of_service": "11",
            "specialty": None,
            **line,
        }
        for n, line in enumerate(given.lines)
    ]


def claim_rows(given: Given) -> list[dict[str, Any]]:
    return [{"claim_id": f"F{n}", **claim} for n, claim in enumerate(given.claims)]


def load(connection: Connection, name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    schema = TABLES[name].schema
    return connection.load(pd.DataFrame(rows, columns=list(schema), dtype=object), schema)


@dataclass
class Result:
    """What the library makes of a hand-made store, as pandas with exact dollars."""

    model: pd.DataFrame
    whole: pd.DataFrame
    scores: pd.DataFrame
    specialty: pd.DataFrame


def compute(connection: Connection, given: Given, codes: tuple[str, ...] = CODES) -> Result:
    """Run the library from claims to scores."""
    people = load(connection, "beneficiary", person_rows(given))
    months = load(connection, "member_month", month_rows(given))
    lines = load(connection, "professional", line_rows(given))
    facility = load(connection, "facility", claim_rows(given))
    small, keep = connection.load, connection.keep
    listed = service_codes(codes, (), None if given.all_lines else COVERED)
    kinds = {"code": "string", "evaluation": "int8", "covered": "int8"}
    code_table = small(listed, kinds)
    hospitals = small(pd.DataFrame({"ccn": list(given.hospitals)}), {"ccn": "string"})
    attribution = small(
        pd.DataFrame(given.attributed, columns=["bene_id", "ccn", "share"]),
        {"bene_id": "string", "ccn": "string", "share": "float64"},
    )
    periods = (calendar_year(given.year), given.period)
    practices = keep(counts.practices(lines, code_table, given.all_lines, given.rules))
    model = keep(counts.modelling_set(practices, given.rules))
    eligible = eligible_months(months, people, [given.year], POPULATION)
    counting = counts.eligible_periods(eligible, people, periods, given.rules)
    seen = counts.evaluated_patients(lines, code_table, given.all_lines, periods, given.rules)
    counted = keep(counts.denominator_patients(seen, counting, len(periods)))
    visits = counts.encounters(facility, hospitals, periods)
    links = counts.hospital_links(attribution, visits)
    weighted = given.rules.share_weighted
    found = keep(counts.numerators(counted, links, len(periods), [GIVEN] if weighted else []))
    parts = counts.numerators_of(found, GIVEN, weighted)
    whole = keep(counts.denominators(counted, GIVEN))
    scored = counts.scores(whole, parts, model)
    result = Result(
        connection.fetch(model, ["npi"]),
        connection.fetch(whole, ["npi"]),
        connection.fetch(scored, ["npi", "ccn"]),
        connection.fetch(practices.filter(practices.people > 0), ["npi"]),
    )
    connection.drop(people, months, lines, facility, code_table, hospitals, attribution)
    connection.drop(practices, model, counted, found, whole)
    return result
