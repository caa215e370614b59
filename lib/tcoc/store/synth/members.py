"""The beneficiary and member month tables, and Medicaid spending of full duals."""

import numpy as np
import pyarrow as pa

from tcoc.store.synth import columns
from tcoc.store.synth.draws import Draws, Integers
from tcoc.store.synth.geography import COUNTIES, Geography
from tcoc.store.synth.people import People
from tcoc.store.synth.status import Status

# Homes of people who are away from Maryland: state and ZIP (assumed).
AWAY = (("VA", "22101"), ("PA", "17325"), ("FL", "34102"), ("DE", "19971"), ("DC", "20001"))
NO_CENTROID = "20588"
"""A real Maryland ZIP without people and coordinates: an address that geography cannot place."""
FULL_DUAL = (2, 4, 8)


def beneficiary_table(people: People, last_day: int) -> pa.Table:
    """Return the beneficiary rows of a block; a death after the store's years is not known yet."""
    number = people.first + np.arange(people.count)
    death = pa.array(people.death.astype(np.int32), mask=people.death > last_day)
    return pa.table(
        [
            columns.bene_ids(number),
            columns.dates(people.birth),
            death.cast(pa.date32()),
            columns.choices(("F", "M", "U"), people.sex),
            columns.choices(("0", "1", "2", "3"), people.reason),
        ],
        names=columns.arrow_schema("beneficiary").names,
    )


def member_month_table(geo: Geography, people: People, status: Status) -> pa.Table:
    """Return the months of a block in a year: everybody enrolled and alive on the first."""
    person, month = np.nonzero(status.member)
    away = status.away[person, month]
    zip_index, county_index = _places(geo, people, status, person, month)
    states = ("MD", *(state for state, _ in AWAY))
    zips = (*geo.zips, "", NO_CENTROID, *(code for _, code in AWAY))
    fips = [code for code, _ in COUNTIES.values()]
    number = people.first + person
    return pa.table(
        [
            columns.repeated_bene_ids(number),
            columns.dates(status.starts[month]),
            columns.flags(status.part_a[person]),
            columns.flags(status.part_b[person, month]),
            columns.flags(status.plan[person, month]),
            columns.flags(status.esrd[person, month]),
            _dual_codes(people, status, person, month),
            columns.choices(states, np.where(away, 1 + number % len(AWAY), 0)),
            columns.choices(fips, county_index),
            columns.choices(zips, zip_index),
        ],
        names=columns.arrow_schema("member_month").names,
    )


def _dual_codes(people: People, status: Status, person: Integers, month: Integers) -> pa.Array:
    """Return dual codes; people who are not dual have 00, and some no code at all."""
    names = tuple(f"{k:02d}" for k in range(9))
    none = np.where((people.first + person) % 97 == 0, -1, 0)
    code = np.where(status.dual[person, month], people.dual_code[person], none)
    return columns.choices(names, code)


def _places(
    geo: Geography, people: People, status: Status, person: Integers, month: Integers
) -> tuple[Integers, Integers]:
    """Return positions of ZIP and county; the county of an unknown or far home is null."""
    number = people.first + person
    home = np.where(status.moved[person, month], people.zip_after[person], people.zip[person])
    names = list(COUNTIES)
    county_of = np.array([names.index(c) for c in geo.county] + [-1])
    unknown = len(geo.zips) + (number % 3 == 0)
    away = status.away[person, month]
    zips = np.where(home < 0, unknown, home)
    zips = np.where(away, len(geo.zips) + 2 + number % len(AWAY), zips)
    return zips, np.where(away, -1, county_of[home])


def medicaid_spending(people: People, status: Status, seed: int) -> tuple[Integers, ...]:
    """Return person, day of month start and cents of Medicaid spending of full duals."""
    full = np.isin(people.dual_code, FULL_DUAL)[:, None]
    person, month = np.nonzero(status.member & status.dual & full & ~status.away)
    draws = Draws(seed, "medicaid", status.year, people.first)
    typical = np.where(people.nursing_home[person], 5200.0, 780.0)
    cents = columns.cents_of(typical * draws.lognormal(len(person), 0.9))
    return people.first + person, status.starts[month], cents


def medicaid_table(parts: list[tuple[Integers, ...]]) -> pa.Table:
    """Return Medicaid spending of all years, ordered by person and month."""
    person, day, cents = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.argsort(person * 65_536 + day, kind="stable")
    return pa.table(
        [
            columns.repeated_bene_ids(person[order]),
            columns.dates(day[order]),
            columns.dollars(cents[order]),
        ],
        names=["bene_id", "month", "amount"],
    )
