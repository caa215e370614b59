"""The reference tables that belong to a synthetic store: CSV, in the contract's columns."""

import csv
from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

import numpy as np

from tcoc.store.synth.clinicians import Clinicians
from tcoc.store.synth.config import Config
from tcoc.store.synth.geography import Geography, digest
from tcoc.store.synth.world import World

COMBINATIONS = {
    "UMMC, Midtown and UMROI": ("210002", "210038", "210058"),
    "Montgomery County": ("210004", "210016", "210018", "210022", "210057", "210065"),
}
"""The two examples of combined MPA groups that slide 14 names; the Montgomery list is assumed."""

Rows = Iterable[tuple[object, ...]]


def write_reference(folder: Path, world: World, benes: int) -> None:
    """Write all reference tables of a store."""
    config, geo, clinicians = world.config, world.geo, world.clinicians
    folder.mkdir(parents=True)
    for name in ("hospitals", "aco_hospitals"):
        copyfile(config.reference / f"{name}.csv", folder / f"{name}.csv")
    claims = psa_zips(config, geo)
    _write(folder, "psa_zips", "zip,ccn", claims)
    _write(folder, "ecmad", "zip,ccn,ecmad", _ecmad(config, geo, benes))
    _write(folder, "drive_times", "zip,ccn,minutes", _drive_times(config, geo))
    _write(folder, "aco_practitioners", "aco_id,npi,ccn", _practitioners(geo, clinicians))
    _write(
        folder,
        "care_partners",
        "npi,ccn,program,start_date,end_date",
        _care_partners(world),
    )
    _write(folder, "quality_adjustments", "ccn,rate_year,rrip,mhac", _quality(geo))
    _write(
        folder,
        "combinations",
        "combination,ccn",
        ((name, ccn) for name, ccns in COMBINATIONS.items() for ccn in ccns),
    )


def _write(folder: Path, name: str, header: str, rows: Rows) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)


def psa_zips(config: Config, geo: Geography) -> list[tuple[str, str]]:
    """Return the ZIPs that hospitals claim: where they draw most, some shared, some by none."""
    least = config.number("geography.psa_share")
    unclaimed = config.number("geography.psa_unclaimed")
    share = geo.pull
    rows: list[tuple[str, str]] = []
    for i, code in enumerate(geo.zips):
        home = [h["zip"] for h in geo.hospitals]
        if geo.population[i] == 0 or (digest("psa", code) < unclaimed and code not in home):
            continue
        draws = np.argsort(-share[i], kind="stable")[:3]
        rows += [(code, geo.ccns[h]) for k, h in enumerate(draws) if k == 0 or share[i, h] >= least]
    rows += [(h["zip"], h["ccn"]) for h in geo.hospitals if h["specialty"] == "true"]
    return sorted(set(rows))


def _ecmad(config: Config, geo: Geography, benes: int) -> Rows:
    """Equivalent case-mix adjusted discharges by ZIP and hospital, in proportion to true use."""
    missing = config.number("geography.ecmad_missing")
    for i, code in enumerate(geo.zips):
        if digest("ecmad", code) < missing:
            continue
        for h in np.flatnonzero(geo.pull[i] > 0.01).tolist():
            amount = geo.population[i] * geo.pull[i, h] * benes * 0.45
            amount *= 0.9 + 0.2 * digest("ecmad", code, geo.ccns[h])
            if round(amount, 2) > 0:
                yield code, geo.ccns[h], f"{amount:.2f}"


def _drive_times(config: Config, geo: Geography) -> Rows:
    """Minutes from a ZIP to its twelve nearest hospitals; some ZIPs have no row."""
    missing = config.number("geography.drive_missing")
    for i, code in enumerate(geo.zips):
        if digest("drive", code) < missing:
            continue
        for h in sorted(np.argsort(geo.distance[i], kind="stable")[:12].tolist()):
            minutes = 4 + geo.distance[i, h] * 1.3 / 50 * 60
            minutes *= 0.9 + 0.25 * digest("drive", code, geo.ccns[h])
            yield code, geo.ccns[h], f"{minutes:.1f}"


def _practitioners(geo: Geography, clinicians: Clinicians) -> Rows:
    """ACO lists: an NPI stands in one ACO; without link one row, with several one row each."""
    rows: list[tuple[object, ...]] = []
    for i in np.flatnonzero(clinicians.aco >= 0).tolist():
        aco = clinicians.aco_ids[clinicians.aco[i]]
        links = [geo.ccns[h] for h in clinicians.links[i]] or [""]
        rows += [(aco, clinicians.npis[i], ccn) for ccn in links]
    return sorted(rows, key=str)


def _care_partners(world: World) -> Rows:
    """Care partners of the two care redesign programmes, a few with two hospitals or an end."""
    geo, clinicians, seed = world.geo, world.clinicians, world.seed
    share = world.config.number("clinicians.care_partner")
    rows: list[tuple[object, ...]] = []
    for i, npi in enumerate(clinicians.npis):
        u = digest(seed, "care partner", npi)
        hospital = int(clinicians.hospital[i])
        if u >= share or hospital >= geo.count or geo.hospitals[hospital]["attributable"] != "true":
            continue
        program = "HCIP" if digest("program", npi) < 0.6 else "CCIP"
        start = "2017-07-01" if digest("start", npi) < 0.5 else "2018-01-01"
        end = "2018-06-30" if digest("end", npi) < 0.08 else ""
        rows.append((npi, geo.ccns[hospital], program, start, end))
        if digest("partner two", npi) < 0.05:
            near = np.argsort(geo.between[hospital], kind="stable").tolist()
            other = next(
                h for h in near if h != hospital and geo.hospitals[h]["attributable"] == "true"
            )
            rows.append((npi, geo.ccns[other], program, start, ""))
    return sorted(rows, key=str)


def _quality(geo: Geography) -> Rows:
    """Invented quality adjustments within -2 % and +1 %."""
    for hospital in geo.hospitals:
        if hospital["attributable"] != "true":
            continue
        for year in (2020, 2021):
            values = (
                round(-0.02 + 0.03 * digest(name, hospital["ccn"], year), 4)
                for name in ("rrip", "mhac")
            )
            yield (hospital["ccn"], year, *(f"{value:.4f}" for value in values))
