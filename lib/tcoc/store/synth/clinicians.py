"""Invented clinicians: identifiers, where they practise, how large a panel they draw, ACO lists."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tcoc.store.synth.config import Config, read_csv
from tcoc.store.synth.draws import Draws, Flags, Floats, Integers
from tcoc.store.synth.geography import Geography

PRIMARY = (
    "internal_medicine",
    "family_practice",
    "general_practice",
    "geriatrics",
    "rounding_internist",
    "nurse_practitioner",
    "physician_assistant",
)
PHYSICIANS = PRIMARY[:5]
NURSES = PRIMARY[5:]


def npi(serial: int) -> str:
    """Return a ten-digit NPI that starts with 9 and has a valid check digit.

    The check digit is Luhn's over 80840 and the first nine digits (45 CFR 162.406); NPPES issues
    numbers that start with 1 or 2 only, so none of these belongs to anybody.
    """
    body = f"9{serial:08d}"
    total = 24
    for position, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{body}{-total % 10}"


@dataclass(frozen=True)
class Clinicians:
    """Clinicians and their places of practice.

    `hospital` is the clinician's own; places repeat a clinician for each hospital of practice, in
    order of (hospital, group), so that a cell of clinicians to choose from is a range of places.
    """

    npis: list[str]
    tins: list[str]
    tin: Integers
    group: Integers
    hospital: Integers
    panel: Floats
    low_primary: Flags
    place_clinician: Integers
    place_edges: Floats
    cell_start: Floats
    cell_stop: Floats
    groups: int
    present: Flags
    aco_ids: list[str]
    aco: Integers
    links: list[tuple[int, ...]]

    def pick(self, hospital: Integers, group: Integers, uniform: Floats) -> Integers:
        """Choose clinicians of a group around a hospital, in proportion to their panels."""
        cell = hospital * self.groups + group
        low, high = self.cell_start[cell], self.cell_stop[cell]
        place = np.searchsorted(self.place_edges, low + uniform * (high - low), side="right")
        last = len(self.place_clinician) - 1
        result: Integers = self.place_clinician[np.minimum(place, last)]
        return result

    @cached_property
    def count(self) -> int:
        """How many clinicians there are."""
        return len(self.npis)


def make_clinicians(config: Config, geo: Geography, benes: int, seed: int) -> Clinicians:
    """Make clinicians in proportion to the number of beneficiaries."""
    hospital, group = _cells(config, geo, benes, seed)
    count = len(hospital)
    panel = Draws(seed, "panel").lognormal(count, config.number("clinicians.panel_sigma"))
    order = Draws(seed, "npi").uniform(count).argsort(kind="stable")
    npis = [""] * count
    for rank, i in enumerate(order.tolist()):
        npis[i] = npi(10_000_000 + rank * 97)
    primary = _is(config, group, PRIMARY)
    low = Draws(seed, "low").flags(count, config.number("clinicians.low_primary_share")) & primary
    staff = _Staff(config, geo, seed, hospital, group, primary)
    places = _places(staff, panel)
    aco_ids, aco, links = _acos(staff)
    tins, tin = _tins(seed, hospital, group, aco)
    return Clinicians(
        npis,
        tins,
        tin,
        group,
        hospital,
        panel,
        low,
        places.clinician,
        places.edges,
        places.start,
        places.stop,
        len(config.groups),
        places.present,
        aco_ids,
        aco,
        links,
    )


def _is(config: Config, group: Integers, names: tuple[str, ...]) -> Flags:
    return np.isin(group, [config.group_index[name] for name in names])


def _cells(config: Config, geo: Geography, benes: int, seed: int) -> tuple[Integers, Integers]:
    """Return the hospital and group of each clinician, ordered by both."""
    share = np.append(geo.hospital_share, 0.02)
    density = np.array([g.per_1000 for g in config.groups]) / 1000
    wanted = share[:, None] * density[None, :] * benes
    extra = Draws(seed, "cells").uniform(wanted.size).reshape(wanted.shape)
    number = np.floor(wanted + extra).astype(np.int64)
    number[:, config.group_index["internal_medicine"]] = np.maximum(
        number[:, config.group_index["internal_medicine"]], 1
    )
    hub = int(np.argmax(geo.size))
    number[hub] = np.maximum(number[hub], 1)
    number[-1] = np.maximum(number[-1], 1)
    cell = np.repeat(np.arange(number.size), number.ravel())
    return cell // number.shape[1], cell % number.shape[1]


@dataclass(frozen=True)
class _Staff:
    """Clinicians while they are made."""

    config: Config
    geo: Geography
    seed: int
    hospital: Integers
    group: Integers
    primary: Flags

    def share(self, primary: str, other: str) -> Floats:
        """Return a coefficient by clinician: one for primary care, another for the rest."""
        return np.where(
            self.primary,
            self.config.number(f"clinicians.{primary}"),
            self.config.number(f"clinicians.{other}"),
        )


@dataclass(frozen=True)
class _Places:
    """Places of practice in cell order, cumulative panels, the range of each cell."""

    clinician: Integers
    edges: Floats
    start: Floats
    stop: Floats
    present: Flags


def _places(staff: _Staff, panel: Floats) -> _Places:
    """Arrange the places of practice by hospital and group."""
    geo, groups = staff.geo, len(staff.config.groups)
    who, at, weight = _practices(staff, panel)
    cell = at * groups + staff.group[who]
    order = np.lexsort((who, cell))
    cell, who, weight = cell[order], who[order], weight[order]
    edges = np.cumsum(weight)
    cells = np.arange((geo.count + 1) * groups)
    first, last = np.searchsorted(cell, cells), np.searchsorted(cell, cells, side="right")
    padded = np.concatenate([[0.0], edges])
    full = _fallback(geo, last > first, groups)
    present = (last > first).reshape(geo.count + 1, groups)
    return _Places(who, edges, padded[first][full], padded[last][full], present)


def _practices(staff: _Staff, panel: Floats) -> tuple[Integers, Integers, Floats]:
    """Return clinician, hospital and panel of each practice.

    A practice is at the own hospital, at one of the three nearest, too, or regional, at all four.
    """
    u = Draws(staff.seed, "second").uniform(len(panel))
    inside = staff.hospital < staff.geo.count
    two = (u < staff.share("primary_second_hospital", "second_hospital")) & inside
    four = (u > 1 - staff.share("primary_regional", "regional")) & inside
    choice = Draws(staff.seed, "neighbour").below(int(two.sum()), 3)
    near = _neighbours(staff.geo)
    some, all_four = np.flatnonzero(two), np.flatnonzero(four)
    who = np.concatenate([np.arange(len(panel)), some, *[all_four] * 3])
    neighbours = [near[staff.hospital[all_four], k] for k in range(3)]
    at = np.concatenate([staff.hospital, near[staff.hospital[some], choice], *neighbours])
    part = np.select([two, four], [0.6, 0.4], 1.0)
    extra = np.repeat([0.4, 0.2], [len(some), 3 * len(all_four)])
    return who, at, np.concatenate([part, extra]) * panel[who]


def _neighbours(geo: Geography) -> Integers:
    """Return the three nearest other hospitals of each hospital."""
    distance = geo.between + np.where(np.eye(geo.count) > 0, np.inf, 0.0)
    return np.argsort(distance, axis=1, kind="stable")[:, :3]


def _fallback(geo: Geography, filled: Flags, groups: int) -> Integers:
    """Point each empty cell to the same group at the nearest hospital that has some of it."""
    table = filled.reshape(geo.count + 1, groups)
    result = np.arange(table.size).reshape(table.shape)
    for group in range(groups):
        having = np.flatnonzero(table[: geo.count, group])
        nearest = having[np.argmin(geo.between[:, having], axis=1)]
        result[: geo.count, group] = nearest * groups + group
    return result.ravel()


def _acos(staff: _Staff) -> tuple[list[str], Integers, list[tuple[int, ...]]]:
    """Return ACO ids, each clinician's ACO (-1: none) and the hospitals its list links it to."""
    config, geo, hospital = staff.config, staff.geo, staff.hospital
    rows = read_csv(config.reference / "aco_hospitals.csv")
    ids = sorted({row["aco_id"] for row in rows})
    members = {a: [geo.ccns.index(r["ccn"]) for r in rows if r["aco_id"] == a] for a in ids}
    of_hospital = np.full(geo.count + 1, -1)
    for a, hospitals in members.items():
        of_hospital[hospitals] = ids.index(a)
    count = len(hospital)
    share = staff.share("aco_listed", "aco_specialist_listed")
    ancillary = _is(config, staff.group, ("laboratory", "ambulance", "supplier", "therapy"))
    listed = Draws(staff.seed, "aco").flags(count, share) & ~ancillary
    aco = np.where(listed, of_hospital[hospital], -1)
    form = Draws(staff.seed, "aco link").uniform(count)
    none = config.number("clinicians.aco_without_link")
    two = none + config.number("clinicians.aco_two_links")
    links: list[tuple[int, ...]] = []
    for own, which, u in zip(hospital.tolist(), aco.tolist(), form.tolist(), strict=True):
        others = [h for h in members[ids[which]] if h != own] if which >= 0 else []
        if which < 0 or u < none:
            links.append(())
        elif u < two and others:
            links.append((own, others[int(u * 1e6) % len(others)]))
        else:
            links.append((own,))
    return ids, aco, links


def _tins(
    seed: int, hospital: Integers, group: Integers, aco: Integers
) -> tuple[list[str], Integers]:
    """Return tax numbers, and each clinician's: of the ACO, else of a practice at the hospital."""
    practice = Draws(seed, "tin").below(len(hospital), 6)
    number = np.where(aco >= 0, 900 + aco, hospital * 10 + practice % 4)
    unique, index = np.unique(number * 100 + group % 3, return_inverse=True)
    return [f"99{n:07d}" for n in unique.tolist()], index
