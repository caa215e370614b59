"""Why a person or a clinician's panel went where it went, from a run's restricted tables (A1-A9).

For the owner's terminal: what it prints names people and clinicians and belongs in no report.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow.parquet as pq

from tcoc.errors import InputError
from tcoc.store.schema import HOSPITAL_SETTINGS, SPENDING_COLUMNS

RULES = {
    "A5": "the ACO's roster links the clinician to the hospital, or the ACO's hospitals share",
    "A8": "the hospital that the clinician's own panel uses most",
    "A9": "the hospital of the home ZIP",
}


def explain_attribution(run_folder: Path, bene: str = "", npi: str = "") -> str:
    """Say how a person, or the people of a clinician, were attributed in each year of a run.

    Raises InputError unless one of both is given, and where the run has nobody of that name; the
    name itself is not repeated.
    """
    if bool(bene) == bool(npi):
        raise InputError("explain attribution: give --bene or --npi, one of both")
    if npi:
        return _clinician(run_folder, npi)
    rows = _read(run_folder, "attribution", "bene_id", bene)
    if rows.empty:
        raise InputError("explain attribution: the beneficiary asked for is attributed in no year")
    return "\n".join(line for row in _records(rows, "year", "ccn") for line in _decision(row))


def explain_beneficiary(run_folder: Path, bene: str) -> str:
    """Say what counts for a person in each year: months, dollars by setting, hospital (P, T, A).

    Raises InputError where the run has nobody of that name; the name itself is not repeated.
    """
    people = _read(run_folder, "beneficiary_year", "bene_id", bene)
    if people.empty:
        raise InputError("explain beneficiary: the person asked for is eligible in no year")
    attributed = _read(run_folder, "attribution", "bene_id", bene)
    lines: list[str] = []
    for row in _records(people, "year"):
        lines += _person(row)
        mine = attributed[attributed["year"] == row["year"]]
        lines += [f"  {line}" for of in _records(mine, "ccn") for line in _decision(of)]
    return "\n".join(lines)


# ---------------------------------------------------------------- lines


def _decision(row: Mapping[str, Any]) -> Iterator[str]:
    share = "" if row["share"] == 1 else f" with a share of {row['share']:.4f}"
    yield f"{row['year']}: hospital {row['ccn']}{share}, stage {row['stage']} (rule {row['rule']})"
    yield f"  {RULES.get(str(row['rule']), 'see docs/rules.md')}"
    evidence = [
        f"step {int(row['step'])}" if not pd.isna(row["step"]) else "",
        f"ACO {row['aco_id']}" if row["aco_id"] else "",
        f"clinician {row['npi']}" if row["npi"] else "no clinician decides",
        f"allowed ${float(row['amount']):,.2f}" if not pd.isna(row["amount"]) else "",
        f"{int(row['visits'])} visits" if not pd.isna(row["visits"]) else "",
        f"last on {row['last_service_date']}" if not pd.isna(row["last_service_date"]) else "",
        f"next in order {row['runner_up']}" if row["runner_up"] else "no runner-up",
    ]
    yield f"  {', '.join(part for part in evidence if part)}"
    if flags := _flags(row.get("flags")):
        yield f"  flags: {flags}"


def _flags(found: Any) -> str:
    if found is None or isinstance(found, float):
        return ""
    return found if isinstance(found, str) else ", ".join(map(str, found))


def _person(row: Mapping[str, Any]) -> Iterator[str]:
    said = [
        f"{row['age']} years old",
        f"sex {row['sex']}",
        *(name for name in ("dual", "esrd", "originally_disabled") if row[name]),
    ]
    yield f"{row['year']}: {row['eligible_months']} eligible months, ZIP {row['zip']}"
    yield f"  {', '.join(said)} (rules P3, P4)"
    if row["tcoc"] is None or pd.isna(row["tcoc"]):
        yield "  the store has no claims of the year"
        return
    parts = {name: row[name] for name in SPENDING_COLUMNS if row[name]}
    listed = " + ".join(f"{name} ${amount:,.2f}" for name, amount in parts.items()) or "nothing"
    total = sum(parts.values())
    agrees = "" if total == row["tcoc"] else " (DOES NOT ADD UP: rule T4)"
    yield f"  total cost of care ${row['tcoc']:,.2f} = {listed}{agrees} (rule T1)"
    hospital = sum(row[name] for name in HOSPITAL_SETTINGS)
    yield f"  of which hospital ${hospital:,.2f} (rule T4)"


def _clinician(run_folder: Path, npi: str) -> str:
    rows = _read(run_folder, "attribution_by_practitioner", "npi", npi)
    if rows.empty:
        raise InputError("explain attribution: the NPI asked for attributes nobody in this run")
    people = _read(run_folder, "attribution", "npi", npi)
    lines: list[str] = []
    for row in _records(rows, "year", "stage", "ccn"):
        mine = people[
            (people["year"] == row["year"])
            & (people["stage"] == row["stage"])
            & (people["ccn"] == row["ccn"])
        ]
        tcoc = "no claims" if pd.isna(row["tcoc"]) else f"${row['tcoc']:,.2f}"
        lines.append(
            f"{row['year']}: {row['benes']:,.2f} people to hospital {row['ccn']}, stage"
            f" {row['stage']} (rule {', '.join(sorted(set(mine['rule'])))}),"
            f" {row['eligible_months']:,.1f} months, {tcoc}"
        )
        decided = mine.drop_duplicates("bene_id")
        allowed = float(decided["amount"].fillna(0).astype(float).sum())
        visits = int(decided["visits"].fillna(0).sum())
        lines.append(
            f"  primary care of these people in the deciding step: ${allowed:,.2f} allowed,"
            f" {visits:,} visits"
        )
    return "\n".join(lines)


def _read(run_folder: Path, name: str, column: str, value: str) -> pd.DataFrame:
    file = run_folder / "restricted" / f"{name}.parquet"
    if not file.is_file():
        raise InputError(f"{file}: there is no such table; expected the folder of a finished run")
    table = pq.read_table(file, filters=[(column, "=", str(value))])
    return cast(pd.DataFrame, table.to_pandas())


def _records(frame: pd.DataFrame, *order: str) -> list[dict[str, Any]]:
    rows = frame.sort_values(list(order)).to_dict(orient="records")
    return [{str(name): value for name, value in row.items()} for row in rows]
