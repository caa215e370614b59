"""Rules P1 to A9 and T1 once more, in plain Python, written from rules.md alone.

Slow and small on purpose: lists, dictionaries and fractions, one beneficiary at a time. It shares
no code with the library, so that one mistake is seldom made twice.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = list[Row]

PARAMS = Path(__file__).resolve().parents[2] / "params" / "reference"
DEFAULTS: Row = {
    "min_eligible_months": 1,
    "window": {"federal_fiscal_years": 2},
    "hospital_use": "payments",
    "duplicate_npi": "error",
    "snf_visits": "exclude",
    "own_services": "all",
    "minimum_panel": 0,
}


def _codes(file: str, column: str, name: str, step: str | None = None) -> set[str]:
    with (PARAMS / file).open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if name in r[column].split()]
    return {r["code"] for r in rows if step is None or r["step"] == step}


PRIMARY = _codes("primary_care_hcpcs.csv", "lists", "mssp_2017")
STEP = dict.fromkeys(_codes("specialties.csv", "list", "mssp", "1"), 1) | dict.fromkeys(
    _codes("specialties.csv", "list", "mssp", "2"), 2
)
DUAL = {"01", "02", "03", "04", "05", "06", "08"}


def window_days(year: int, form: Any) -> tuple[date, date]:
    if form == "same_year":
        return date(year, 1, 1), date(year, 12, 31)
    ((kind, count),) = form.items()
    if kind == "calendar_years":
        return date(year - count, 1, 1), date(year - 1, 12, 31)
    return date(year - count - 1, 10, 1), date(year - 1, 9, 30)


def people_of(tables: Mapping[str, Rows], year: int, least: int) -> dict[str, Row]:
    """P1 to P4."""
    persons = {b["bene_id"]: b for b in tables["beneficiary"]}
    own: dict[str, Rows] = defaultdict(list)
    for m in tables["member_month"]:
        died = persons[m["bene_id"]]["death_date"]
        if (
            m["month"].year == year
            and m["part_a"]
            and m["part_b"]
            and not m["managed_care"]
            and m["state"] == "MD"
            and (died is None or died >= m["month"])
        ):
            own[m["bene_id"]].append(m)
    found = {}
    for bene, ms in own.items():
        if len(ms) < least:
            continue
        person, birth = persons[bene], persons[bene]["birth_date"]
        age = year - birth.year - ((birth.month, birth.day) > (2, 1))
        found[bene] = {
            "eligible_months": len(ms),
            "months": {m["month"].month for m in ms},
            "zip": max(ms, key=lambda m: m["month"])["zip"],
            "age": max(age, 0),
            "sex": person["sex"],
            "dual": any(m["dual_code"] in DUAL for m in ms),
            "esrd": any(m["esrd"] for m in ms),
            "originally_disabled": person["orig_entitlement"] in ("1", "3"),
        }
    return found


def spent_of(tables: Mapping[str, Rows], people: Mapping[str, Row], year: int) -> dict[str, Row]:
    """T1, T4."""
    names = ("inpatient", "outpatient", "snf", "hha", "hospice", "professional", "dme")
    sums: dict[str, Row] = {b: dict.fromkeys(names, Fraction(0)) for b in people}
    rows = [(r, r["setting"], r["thru_date"]) for r in tables["facility"]]
    rows += [(r, "professional", r["service_date"]) for r in tables["professional"]]
    rows += [(r, "dme", r["service_date"]) for r in tables["dme"]]
    for r, setting, day in rows:
        bene = r["bene_id"]
        if bene in people and day.year == year and day.month in people[bene]["months"]:
            sums[bene][setting] += Fraction(r["paid_amount"])
    return sums


def is_primary(line: Row, rule: Row) -> bool:
    """A2: a primary care code, unless a nursing facility visit in a skilled nursing facility."""
    in_snf = line["place_of_service"] == "31" and "99304" <= (line["hcpcs"] or "") <= "99318"
    return line["hcpcs"] in PRIMARY and not (in_snf and rule["snf_visits"] == "exclude")


def services_of(tables: Mapping[str, Rows], first: date, last: date, rule: Row) -> Rows:
    """A2: (bene, npi, step, date, allowed)."""
    return [
        r | {"step": STEP[r["specialty"]]}
        for r in tables["professional"]
        if first <= r["service_date"] <= last
        and r["npi"]
        and is_primary(r, rule)
        and r["allowed_amount"] > 0
        and r["specialty"] in STEP
    ]


def measure(rows: Iterable[Row]) -> tuple[Fraction, int, date]:
    some = list(rows)
    return (
        sum((Fraction(r["allowed_amount"]) for r in some), Fraction(0)),
        len({(r["bene_id"], r["npi"], r["service_date"]) for r in some}),
        max(r["service_date"] for r in some),
    )


def best(rows: Iterable[Row], by: Any, order: Any) -> list[Any]:
    """All groups in their order, the first one first."""
    groups: dict[Any, Rows] = defaultdict(list)
    for r in rows:
        groups[by(r)].append(r)
    return sorted(groups, key=lambda g: order(g, *measure(groups[g])))


def shares(weights: Mapping[str, Fraction]) -> dict[str, Fraction]:
    positive = {c: max(w, Fraction(0)) for c, w in weights.items()}
    total = sum(positive.values())
    if not total:
        return {c: Fraction(1, len(weights)) for c in weights}
    return {c: w / total for c, w in positive.items() if w}


def attribute(
    tables: Mapping[str, Rows],
    reference: Mapping[str, Rows],
    centroids: Mapping[str, tuple[float, float]],
    year: int,
    options: Mapping[str, Any],
) -> dict[tuple[str, str], Row]:
    """A0 to A9: (bene, ccn) to share, stage, clinician and evidence."""
    rule = DEFAULTS | dict(options)
    first, last = window_days(year, rule["window"])
    people = people_of(tables, year, rule["min_eligible_months"])
    eligible = {h["ccn"]: h["zip"] for h in reference["hospitals"] if h.get("attributable", True)}
    claims = [
        c
        for c in tables["facility"]
        if first <= c["thru_date"] <= last
        and c["setting"] in ("inpatient", "outpatient")
        and c["ccn"] in eligible
    ]
    services = services_of(tables, first, last, rule)
    result, left = _aco(people, services, claims, reference, set(eligible))
    result |= _mdpcp(tables, left, claims, (first, last), rule)
    rest = {b: people[b] for b in people if b not in {bene for bene, _ in result}}
    known_zip = {b: _zip(p["zip"], reference, eligible, centroids, claims, people)
                 for b, p in rest.items()}  # fmt: skip
    statewide: dict[str, Fraction] = defaultdict(Fraction)
    for found in known_zip.values():
        for ccn, share in (found or {}).items():
            statewide[ccn] += share
    for bene, found in known_zip.items():
        spread = found or shares({c: statewide[c] for c in eligible})
        for ccn, share in spread.items():
            result[bene, ccn] = {"stage": "geographic", "rule": "A9", "share": share}
    return result


def _rosters(reference: Mapping[str, Rows], eligible: set[str]) -> tuple[Any, dict[str, str]]:
    """The hospitals of each hospital-based ACO, and the ACO of each listed clinician."""
    acos: dict[str, set[str]] = defaultdict(set)
    for h in reference["aco_hospitals"]:
        if h["ccn"] in eligible:
            acos[h["aco_id"]].add(h["ccn"])
    roster: dict[str, str] = {}
    for p in reference["aco_practitioners"]:
        if p["aco_id"] in acos:
            roster[p["npi"]] = min(roster.get(p["npi"], p["aco_id"]), p["aco_id"])
    return acos, roster


def _aco(
    people: Mapping[str, Row],
    services: Rows,
    claims: Rows,
    reference: Mapping[str, Rows],
    eligible: set[str],
) -> tuple[dict[tuple[str, str], Row], dict[str, Rows]]:
    """A3 to A6: the attributed, and the services of who is left."""
    acos, roster = _rosters(reference, eligible)
    paid: dict[str, Fraction] = defaultdict(Fraction)
    for c in claims:
        paid[c["ccn"]] += Fraction(c["paid_amount"])
    result: dict[tuple[str, str], Row] = {}
    left: dict[str, Rows] = {}
    for bene in people:
        mine = [s for s in services if s["bene_id"] == bene]
        step = min((s["step"] for s in mine), default=None)
        of_step = [s for s in mine if s["step"] == step]
        order = best(
            of_step,
            lambda s: roster.get(s["npi"], ""),
            lambda aco, a, v, d: (-a, -v, -d.toordinal(), aco == "", aco),
        )
        if not order or order[0] == "":
            left[bene] = mine
            continue
        aco = order[0]
        of_aco = [s for s in of_step if roster.get(s["npi"], "") == aco]
        clinicians = best(
            of_aco, lambda s: s["npi"], lambda n, a, v, d: (-a, -v, -d.toordinal(), n)
        )
        linked = {
            p["ccn"]
            for p in reference["aco_practitioners"]
            if (p["npi"], p["aco_id"]) == (clinicians[0], aco) and p.get("ccn") in eligible
        }
        evidence = _evidence(of_aco, clinicians) | {"stage": "aco_like", "step": step, "rule": "A5"}
        for ccn, share in shares({c: paid[c] for c in linked or acos[aco]}).items():
            result[bene, ccn] = evidence | {"aco_id": aco, "share": share}
    return result, left


def _evidence(rows: Rows, order: list[str]) -> Row:
    amount, visits, day = measure(r for r in rows if r["npi"] == order[0])
    return {
        "npi": order[0],
        "amount": amount,
        "visits": visits,
        "last_service_date": day,
        "runner_up": order[1] if len(order) > 1 else None,
    }


def _mdpcp(
    tables: Mapping[str, Rows], left: Mapping[str, Rows], claims: Rows, days: Any, rule: Row
) -> dict[tuple[str, str], Row]:
    """A7."""
    every: dict[str, Fraction] = defaultdict(Fraction)
    primary: dict[str, Fraction] = defaultdict(Fraction)
    for r in tables["professional"]:
        in_hospital = r["place_of_service"] in ("21", "22", "23")
        if in_hospital and rule["own_services"] == "without_hospital":
            continue
        if r["npi"] and days[0] <= r["service_date"] <= days[1]:
            every[r["npi"]] += Fraction(r["allowed_amount"])
            if is_primary(r, rule) and r["allowed_amount"] > 0:
                primary[r["npi"]] += Fraction(r["allowed_amount"])
    panels: dict[str, dict[str, Row]] = defaultdict(dict)
    for bene, mine in left.items():
        some = [
            s
            for s in mine
            if s["step"] == 1
            and s["npi"] in every
            and primary[s["npi"]] >= Fraction(6, 10) * every[s["npi"]]
        ]
        step = 1 if some else 2
        some = some or [s for s in mine if s["step"] == 2]
        if some:
            order = best(some, lambda s: s["npi"], lambda n, a, v, d: (-v, -d.toordinal(), -a, n))
            panels[order[0]][bene] = _evidence(some, order) | {"step": step}
    return _link_panels(panels.values(), claims, rule)


def _link_panels(
    panels: Iterable[dict[str, Row]], claims: Rows, rule: Row
) -> dict[tuple[str, str], Row]:
    """A8."""
    result: dict[tuple[str, str], Row] = {}
    for panel in panels:
        if len(panel) < rule["minimum_panel"]:
            continue
        of_panel = [c for c in claims if c["bene_id"] in panel]
        use: dict[str, tuple[Any, int]] = {}
        for ccn in {c["ccn"] for c in of_panel}:
            here = [c for c in of_panel if c["ccn"] == ccn]
            amount = sum(Fraction(c["paid_amount"]) for c in here)
            visits = len({(c["bene_id"], c["thru_date"]) for c in here})
            value = amount if rule["hospital_use"] == "payments" else visits
            if value > 0:
                use[ccn] = (value, len(here))
        if use:
            ccn = min(use, key=lambda c: (-use[c][0], -use[c][1], c))
            for bene, evidence in panel.items():
                result[bene, ccn] = evidence | {
                    "stage": "mdpcp_like",
                    "rule": "A8",
                    "share": Fraction(1),
                }
    return result


def _km(a: tuple[float, float], b: tuple[float, float]) -> float:
    la, lo, lb, mo = (radians(x) for x in (*a, *b))
    h = sin((lb - la) / 2) ** 2 + cos(la) * cos(lb) * sin((mo - lo) / 2) ** 2
    return 2 * 6371.0 * asin(sqrt(h))


def _zip(
    home: str,
    reference: Mapping[str, Rows],
    eligible: Mapping[str, str],
    centroids: Mapping[str, tuple[float, float]],
    claims: Rows,
    people: Mapping[str, Row],
) -> dict[str, Fraction] | None:
    """A9: the hospitals of one ZIP; None where it is unknown."""
    claimed = {r["ccn"] for r in reference["psa_zips"] if r["zip"] == home and r["ccn"] in eligible}
    ecmads = {
        r["ccn"]: Fraction(r["ecmad"])
        for r in reference.get("ecmad") or []
        if r["zip"] == home and r["ccn"] in eligible
    }
    if not ecmads:
        for c in claims:
            if c["bene_id"] in people and people[c["bene_id"]]["zip"] == home:
                ecmads[c["ccn"]] = ecmads.get(c["ccn"], Fraction(0)) + Fraction(c["paid_amount"])
    if claimed:
        return shares({c: ecmads.get(c, Fraction(0)) for c in claimed})
    minutes = {
        r["ccn"]: float(r["minutes"])
        for r in reference.get("drive_times") or []
        if r["zip"] == home and r["ccn"] in eligible
    }
    if not minutes and home in centroids:
        minutes = {
            c: _km(centroids[home], centroids[z]) * 1.3 / 50 * 60
            for c, z in eligible.items()
            if z in centroids
        }
    if not minutes:
        return None
    most = sorted((c for c in ecmads if ecmads[c] > 0), key=lambda c: (-ecmads[c], c))
    if most and minutes.get(most[0], 1e9) <= 30:
        return {most[0]: Fraction(1)}
    return {min(minutes, key=lambda c: (minutes[c], c)): Fraction(1)}
