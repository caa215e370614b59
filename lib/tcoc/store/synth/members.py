"""The beneficiary and member month tables, and Medicaid spending of full duals."""

import numpy as np
import pyarrow as pa

from tcoc.store.synth import columns
from tcoc.store.synth.draws import Integers
from tcoc.store.synth.geography import COUNTIES
from tcoc.store.synth.people import People
from tcoc.store.synth.scene import Scene

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


def member_month_table(scene: Scene) -> pa.Table:
    """Return the months of a block in a year: everybody enrolled and alive on the first."""
    person, month = np.nonzero(scene.member)
    away = scene.away[person, month]
    zip_index, county_index = _places(scene, person, month)
    states = ("MD", *(state for state, _ in AWAY))
    zips = (*scene.world.geo.zips, "", NO_CENTROID, *(code for _, code in AWAY))
    fips = [code for code, _ in COUNTIES.values()]
    number = scene.people.first + person
    return pa.table(
        [
            columns.repeated_bene_ids(number),
            columns.dates(scene.starts[month]),
            columns.flags(scene.part_a[person]),
            columns.flags(scene.part_b[person, month]),
            columns.flags(scene.plan[person, month]),
            columns.flags(scene.esrd[person, month]),
            _dual_codes(scene, person, month),
            columns.choices(states, np.where(away, 1 + number % len(AWAY), 0)),
            columns.choices(fips, county_index),
            columns.choices(zips, zip_index),
        ],
        names=columns.arrow_schema("member_month").names,
    )


def _dual_codes(scene: Scene, person: Integers, month: Integers) -> pa.Array:
    """Return dual codes; people who are not dual have 00, and some no code at all."""
    names = tuple(f"{k:02d}" for k in range(9))
    none = np.where((scene.people.first + person) % 97 == 0, -1, 0)
    code = np.where(scene.dual[person, month], scene.people.dual_code[person], none)
    return columns.choices(names, code)


def _places(scene: Scene, person: Integers, month: Integers) -> tuple[Integers, Integers]:
    """Return positions of ZIP and county; the county of an unknown or far home is null."""
    geo, number = scene.world.geo, scene.people.first + person
    home = np.where(
        scene.moved[person, month], scene.people.zip_after[person], scene.people.zip[person]
    )
    names = list(COUNTIES)
    county_of = np.array([names.index(c) for c in geo.county] + [-1])
    unknown = len(geo.zips) + (number % 3 == 0)
    away = scene.away[person, month]
    zips = np.where(home < 0, unknown, home)
    zips = np.where(away, len(geo.zips) + 2 + number % len(AWAY), zips)
    return zips, np.where(away, -1, county_of[home])


def medicaid_spending(scene: Scene) -> tuple[Integers, ...]:
    """Return person, day of month start and cents of Medicaid spending of full duals."""
    full = np.isin(scene.people.dual_code, FULL_DUAL)[:, None]
    person, month = np.nonzero(scene.member & scene.dual & full & ~scene.away)
    draws = scene.world.draws("medicaid", scene.year, scene.people.first)
    typical = np.where(scene.people.nursing_home[person], 5200.0, 780.0)
    cents = columns.cents_of(typical * draws.lognormal(len(person), 0.9))
    return scene.people.first + person, scene.starts[month], cents


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
