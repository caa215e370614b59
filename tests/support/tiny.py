"""Tiny stores from a few rows, as YAML cases and generated examples describe them.

A person is {bene, zip, sex, birth, death, months, ...}; a line, a claim and a dme row take short
names and sensible defaults, so that a case shows only what it is about. An NPI may be a small
number. Reference tables are lists of rows with the columns of the real ones.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tcoc.deliverables.registry import study
from tcoc.params import Run, RunFile, load_policy
from tcoc.reference import REFERENCE_SPECS
from tcoc.store.schema import FORMAT_VERSION, TABLES
from tcoc.study import Study

Rows = list[dict[str, Any]]

HOSPITALS: Rows = [
    {"ccn": "210001", "zip": "21740"},
    {"ccn": "210002", "zip": "21201"},
    {"ccn": "210003", "zip": "20785"},
    {"ccn": "219999", "zip": "21201", "attributable": False},
]
REFERENCE: dict[str, Rows] = {
    "hospitals": HOSPITALS,
    "aco_hospitals": [{"aco_id": "A1", "ccn": "210001"}, {"aco_id": "A2", "ccn": "210002"}],
    "aco_practitioners": [],
    "psa_zips": [
        {"zip": "21740", "ccn": "210001"},
        {"zip": "21201", "ccn": "210002"},
        {"zip": "20785", "ccn": "210003"},
    ],
}


def npi(value: Any) -> str | None:
    """A small number stands for an NPI of ten digits."""
    return None if value is None else str(value).zfill(10)


def dollars(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def months(text: str) -> list[date]:
    """'2018-01..2018-12, 2019-03' as first days of months."""
    found: list[date] = []
    for part in str(text).split(","):
        first, _, last = part.strip().partition("..")
        start, end = pd.Period(first, "M"), pd.Period(last or first, "M")
        found += [p.start_time.date() for p in pd.period_range(start, end, freq="M")]
    return found


def _member_months(person: Mapping[str, Any]) -> Rows:
    fixed = {
        "bene_id": person["bene"],
        "part_a": True,
        "part_b": True,
        "managed_care": False,
        "esrd": False,
        "dual_code": None,
        "state": "MD",
        "county_fips": None,
        "zip": str(person.get("zip", "21740")),
    }
    every = {k: v for k, v in person.items() if k in fixed and k != "zip"}
    changes = {day(f"{m}-01"): c for m, c in (person.get("in") or {}).items()}
    return [
        fixed | every | {"month": m} | changes.get(m, {})
        for m in months(person.get("months", "2018-01..2018-12"))
    ]


def _person(person: Mapping[str, Any]) -> dict[str, Any]:
    death = person.get("death")
    return {
        "bene_id": person["bene"],
        "birth_date": day(person.get("birth", "1945-06-15")),
        "death_date": None if death is None else day(death),
        "sex": person.get("sex", "F"),
        "orig_entitlement": person.get("orig", "0"),
    }


def _line(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    allowed = dollars(row.get("allowed", 100))
    return {
        "claim_id": f"P{number}",
        "line_number": 1,
        "bene_id": row["bene"],
        "service_date": day(row.get("date", "2017-03-01")),
        "npi": npi(row.get("npi")),
        "tin": None,
        "specialty": row.get("specialty", "11"),
        "hcpcs": row.get("hcpcs", "99213"),
        "place_of_service": row.get("place", "11"),
        "allowed_amount": allowed,
        "paid_amount": dollars(row.get("paid", allowed)),
        "part_b_covered": row.get("covered", True),
        **_processed(row),
    }


def _claim(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    thru = day(row.get("date", "2017-03-01"))
    return {
        "claim_id": f"F{number}",
        "bene_id": row["bene"],
        "setting": row.get("setting", "inpatient"),
        "ccn": str(row.get("ccn", "210001")),
        "from_date": day(row.get("from", thru)),
        "thru_date": thru,
        "paid_amount": dollars(row.get("paid", 1000)),
        **_processed(row),
    }


def _dme(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    paid = dollars(row.get("paid", 10))
    return {
        "claim_id": f"D{number}",
        "line_number": 1,
        "bene_id": row["bene"],
        "service_date": day(row.get("date", "2017-03-01")),
        "npi": None,
        "hcpcs": None,
        "allowed_amount": paid,
        "paid_amount": paid,
        **_processed(row),
    }


def _processed(row: Mapping[str, Any]) -> dict[str, date]:
    return {"processed_date": day(row["processed"])} if "processed" in row else {}


def store_tables(given: Mapping[str, Any]) -> dict[str, Rows]:
    """The five tables of a store, from a case's rows."""
    people = given.get("people") or []
    return {
        "beneficiary": [_person(p) for p in people],
        "member_month": [row for p in people for row in _member_months(p)],
        "professional": [_line(r, i) for i, r in enumerate(given.get("lines") or [])],
        "facility": [_claim(r, i) for i, r in enumerate(given.get("claims") or [])],
        "dme": [_dme(r, i) for i, r in enumerate(given.get("dme") or [])],
    }


def write_store(root: Path, tables: Mapping[str, Rows]) -> None:
    """Write rows as a store of Parquet files, in the order in which they come."""
    root.mkdir(parents=True)
    for name, rows in tables.items():
        spec = TABLES[name]
        schema = ibis.schema(spec.schema).to_pyarrow()
        by_year: dict[int, Rows] = {}
        for row in rows:
            by_year.setdefault(row[spec.year_of].year if spec.partitioned else 0, []).append(row)
        for year, some in by_year.items():
            file = root / f"{name}.parquet"
            if spec.partitioned:
                file = root / name / f"year={year}" / "part.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(some, schema), file)
    info = {"format_version": FORMAT_VERSION, "source": "case", "synthetic": True, "years": []}
    (root / "store.json").write_text(json.dumps(info))


def write_reference(folder: Path, given: Mapping[str, Any]) -> None:
    """Write reference tables as CSV; those that a case does not give are the default ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in {**REFERENCE, **given}.items():
        if rows is None:
            continue
        filled = [_reference_row(name, row) for row in rows]
        columns = REFERENCE_SPECS[name].names
        pd.DataFrame(filled, columns=columns).to_csv(folder / f"{name}.csv", index=False)


def _reference_row(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(REFERENCE_SPECS[name].names)
    if name == "hospitals":
        blank |= {"name": f"Hospital {row['ccn']}", "zip": "21201"}
        blank |= {"attributable": "true", "specialty": "false"}
    full = blank | dict(row)
    if "npi" in full:
        full["npi"] = npi(full["npi"])
    return full


@contextmanager
def tiny_study(given: Mapping[str, Any]) -> Iterator[Study]:
    """Open a study on a tiny store: people, lines, claims, dme, reference, years, options."""
    with TemporaryDirectory(prefix="tcoc-tiny-") as folder:
        root = Path(folder)
        write_store(root / "store", store_tables(given))
        write_reference(root / "store" / "reference", given.get("reference") or {})
        years = list(given.get("years") or [2018])
        spec = RunFile(
            name="tiny",
            store="store",
            years=years,
            completion=given.get("completion") or {},
            options=given.get("options") or {},
        )
        run = Run(root / "run.yml", spec, load_policy(options=spec.options))
        with study(run, root / "work", memory_limit="1GB", threads=1) as opened:
            yield opened
