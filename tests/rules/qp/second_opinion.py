"""The Q rules once more, in plain Python over rows, written from rules.md and not from the library.

Slow and obvious on purpose. Nothing is imported from tcoc.
"""

from collections import defaultdict
from datetime import date
from fractions import Fraction
from typing import Any


def eligible_people(given: Any, months: list[dict[str, Any]]) -> set[str]:
    """P1 in the period, and 18 completed years on 1 February."""
    inside = set()
    for row in months:
        person = given.people[row["bene_id"]]
        died = person.get("died")
        overlaps = row["month"] <= given.period.end and _next(row["month"]) > given.period.start
        lives = died is None or died >= row["month"]
        covered = row["part_a"] and row["part_b"] and not row["managed_care"]
        if overlaps and lives and covered and row["state"] == "MD":
            inside.add(row["bene_id"])
    return {bene for bene in inside if _age(given, bene) >= 18}


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _age(given: Any, bene: str) -> int:
    born = given.people[bene].get("born", date(1945, 5, 5))
    return given.year - born.year - ((born.month, born.day) > (2, 1))


def scores(
    given: Any, months: list[dict[str, Any]], codes: tuple[str, ...], covered: tuple[str, ...]
) -> dict[Any, Any]:
    """Per (npi, ccn): benes, by criterion, union, payments, union's payments; in_model."""
    people = eligible_people(given, months)
    inside = [
        line
        for line in given.lines
        if line["npi"] and given.period.start <= line["service_date"] <= given.period.end
    ]
    panel: dict[str, set[str]] = defaultdict(set)
    for line in inside:
        if line["hcpcs"] in codes and line["allowed_amount"] > 0 and line["bene_id"] in people:
            panel[line["npi"]].add(line["bene_id"])
    paid: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for line in inside:
        if line["part_b_covered"] and (given.all_lines or line["hcpcs"] in covered):
            paid[line["npi"], line["bene_id"]] += Fraction(line["paid_amount"])
    attributed = {(a["bene_id"], a["ccn"]) for a in given.attributed if a["share"] > 0}
    met = {
        (c["bene_id"], c["ccn"])
        for c in given.claims
        if c["setting"] in ("inpatient", "outpatient")
        and c["ccn"] in given.hospitals
        and given.period.start <= c["thru_date"] <= given.period.end
    }
    model = modelled(given)
    found = {}
    for npi, patients in panel.items():
        for ccn in {c for _, c in attributed | met}:
            one = {b for b in patients if (b, ccn) in attributed}
            two = {b for b in patients if (b, ccn) in met}
            if one | two:
                found[npi, ccn] = {
                    "benes": len(patients),
                    "benes_attributed": len(one),
                    "benes_encounter": len(two),
                    "benes_numerator": len(one | two),
                    "payments": sum((paid[npi, b] for b in patients), Fraction(0)),
                    "payments_numerator": sum((paid[npi, b] for b in one | two), Fraction(0)),
                    "in_model": npi in model,
                }
    return found


def modelled(given: Any) -> set[str]:
    """Q3, any: 100 people or 30,000 dollars over the lines of the year with allowed above 0."""
    people: dict[str, set[str]] = defaultdict(set)
    allowed: dict[str, Fraction] = defaultdict(Fraction)
    for line in given.lines:
        if line["npi"] and line["allowed_amount"] > 0:
            people[line["npi"]].add(line["bene_id"])
            allowed[line["npi"]] += Fraction(line["allowed_amount"])
    limit = given.rules.low_volume_benes
    return {
        npi
        for npi in people
        if len(people[npi]) >= limit or allowed[npi] >= given.rules.low_volume_dollars
    }


def ratio(part: Fraction, whole: Fraction) -> Fraction:
    return Fraction(part) / whole if whole > 0 else Fraction(0)


def best_partner(rows: dict[str, dict[str, Any]]) -> tuple[str, Fraction, Fraction]:
    """Q4 for one clinician: rows by ccn; returns ccn, payment score, patient score."""

    def order(ccn: str) -> tuple[Fraction, Fraction, Fraction, str]:
        row = rows[ccn]
        payment = ratio(row["payments_numerator"], row["payments"])
        patient = ratio(Fraction(row["benes_numerator"]), Fraction(row["benes"]))
        return (-max(payment, patient), -payment, -patient, ccn)

    first = min(rows, key=order)
    _, payment, patient, _ = order(first)
    return first, -payment, -patient
