"""The hand-over to the monitoring contractor: who is attributed where, as documented files.

Slide 13: attribution and the ACO-like practitioner lists go to the contractor that monitors
performance. A feed is a folder of files, a dictionary of their columns and a checksum of each. It
holds people, so it lies under the run's restricted folder and is readable by the owner only.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from tcoc.errors import InputError
from tcoc.folders import private, publish, work_beside

VERSION = "1.0"
"""Version of the feed's form: the first number changes when a reader of the old form would fail."""

FOLDER = "feed"
MANIFEST, SUMS, README = "feed.json", "SHA256SUMS", "README.md"

_COLUMNS = {
    "year": "Calendar year of attribution.",
    "bene_id": "Beneficiary, as the source names him or her.",
    "ccn": "CMS certification number of the hospital.",
    "hospital": "The hospital's name.",
    "stage": "Stage that attributes: aco_like, mdpcp_like or geographic (rule A1).",
    "step": "1: by primary care specialties, 2: by the selected others (A2); empty: geographic.",
    "aco_id": "ACO whose clinician attributes; empty outside of the ACO-like stage (A3).",
    "aco_name": "The ACO's name, where the run's table has one.",
    "npi": "Clinician who attributes; empty: geographic (A4, A7).",
    "name": "The clinician's name, where the ACO's list has one.",
    "specialty": "CMS specialty code with most of the clinician's allowed dollars.",
    "specialty_name": "What that code is called.",
    "share": "Share of the beneficiary at the hospital; a person's shares of a year sum to one.",
    "eligible_months": "Eligible months (P1); in sums weighted by share.",
    "rule": "Rule that links to the hospital: A5, A8 or A9.",
    "amount": "Allowed dollars of the clinician's services in the deciding step.",
    "visits": "Distinct service dates in the deciding step.",
    "last_service_date": "Last of those dates.",
    "runner_up": "Next clinician in the same order; empty where there is none.",
    "flags": "What is special, joined by semicolons (docs/tables.md).",
    "benes": "Beneficiaries: sum of shares.",
    "tcoc": "Medicare payments in eligible months, as paid (T1); empty in years without claims.",
    "completion_factor": "By which per capita is divided (T2).",
    "claims_end": "Last service date of any claim.",
    "incomplete": "Whether the year has neither run-out nor a completion factor (T2).",
}


@dataclass(frozen=True)
class _File:
    """A file of the feed: the restricted table it is made of, its form and what it is."""

    table: str
    name: str
    about: str
    columns: tuple[str, ...] = ()


FILES = (
    _File(
        "attribution",
        "beneficiary_attribution.parquet",
        "One row per year, beneficiary and hospital: the attribution with its evidence.",
    ),
    _File(
        "attribution_by_hospital",
        "attribution_by_hospital.csv",
        "One row per year, hospital and stage: beneficiaries, months and dollars.",
    ),
    _File(
        "practitioner_list",
        "attribution_by_practitioner.csv",
        "One row per year, clinician, stage and hospital, ACO-like and MDPCP-like.",
    ),
    _File(
        "aco_practitioner_list",
        "aco_practitioner_list.csv",
        "The ACO-like practitioner lists that the run used: one row per ACO, clinician and link.",
    ),
    _File(
        "state_year",
        "years.csv",
        "One row per year: how complete its claims are.",
        ("year", "completion_factor", "claims_end", "incomplete"),
    ),
)
"""The files of the feed, in its order."""


def write_feed(restricted: Path, run: str, facts: Mapping[str, Any], place: Path) -> Path:
    """Write the feed of a run's restricted tables into a folder, whole or not at all.

    The same tables give the same bytes. An earlier feed in the folder is replaced. Raises
    InputError where the run did not compute a table, and for a folder with anything but a feed.
    """
    for file in FILES:
        if not (restricted / f"{file.table}.parquet").is_file():
            raise InputError(
                f"{restricted.parent}: the run has no table {file.table}; a feed needs a run of"
                " y1_attribution"
            )
    if place.is_dir() and any(place.iterdir()) and not (place / MANIFEST).is_file():
        raise InputError(f"{place}: the folder has other files; a feed takes a folder of its own")
    place.parent.mkdir(parents=True, exist_ok=True)
    with work_beside(place) as work:
        private(work)
        entries = [_write(restricted, file, work) for file in FILES]
        manifest = {
            "feed": "attribution",
            "version": VERSION,
            "run": run,
            **facts,
            "files": entries,
        }
        _text(work / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        _text(work / README, _readme(manifest))
        names = [*(file.name for file in FILES), MANIFEST, README]
        _text(work / SUMS, "".join(f"{_sha256(work / name)}  {name}\n" for name in sorted(names)))
        publish(work, place)
    return place


def check_feed(place: Path) -> None:
    """Hold each file of a feed against its checksum; raises InputError that names the first."""
    for line in (place / SUMS).read_text(encoding="utf-8").splitlines():
        wanted, name = line.split("  ", 1)
        file = place / name
        if not file.is_file():
            raise InputError(f"{file}: the file is missing from the feed")
        if _sha256(file) != wanted:
            raise InputError(f"{file}: the checksum is not the one in {SUMS}")


def _write(restricted: Path, file: _File, work: Path) -> dict[str, Any]:
    table = pq.read_table(restricted / f"{file.table}.parquet")
    table = table.select(list(file.columns)) if file.columns else table
    target = work / file.name
    if target.suffix == ".parquet":
        pq.write_table(table, target, compression="zstd")
    else:
        pc.write_csv(_plain(table), target)
    target.chmod(0o600)
    return {
        "name": file.name,
        "about": file.about,
        "rows": table.num_rows,
        "sha256": _sha256(target),
        "columns": [
            {"name": field.name, "type": str(field.type), "about": _COLUMNS[field.name]}
            for field in table.schema
        ],
    }


def _plain(table: pa.Table) -> pa.Table:
    """Return a table whose decimals are text, so that a CSV has them to the cent."""
    fields = [
        pa.field(f.name, pa.string()) if pa.types.is_decimal(f.type) else f for f in table.schema
    ]
    return table.cast(pa.schema(fields))


_CONFIDENTIAL = (
    "Confidential: names beneficiaries and clinicians. Files are UTF-8; CSV has one header row,"
    " empty cells are missing, dollars are exact to the cent. `feed.json` is this page for a"
    " program; `SHA256SUMS` holds the checksums (`sha256sum -c SHA256SUMS`)."
)


def _readme(manifest: Mapping[str, Any]) -> str:
    lines = [
        f"# Attribution feed {manifest['version']}, run {manifest['run']}",
        "",
        _CONFIDENTIAL,
    ]
    for file in manifest["files"]:
        lines += ["", f"## {file['name']}", "", f"{file['about']} {file['rows']:,} rows.", ""]
        lines += ["| column | type | what it is |", "|---|---|---|"]
        lines += [f"| {c['name']} | {c['type']} | {c['about']} |" for c in file["columns"]]
    return "\n".join(lines) + "\n"


def _text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
