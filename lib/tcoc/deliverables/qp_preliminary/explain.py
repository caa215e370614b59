"""One clinician's QP case in words, from a run's restricted tables, for a dispute (Q1-Q7)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow.parquet as pq

from tcoc.errors import InputError
from tcoc.rules.qp import partners
from tcoc.rules.qp.rules import Thresholds, exact

TABLES = ("qp_clinicians", "qp_scores", "qp_thresholds", "qp_partners", "qp_year_result")


def explain_qp(run_folder: Path, npi: str, ccn: str | None = None) -> str:
    """Say what a clinician's denominator, numerators and scores are, and what qualifying takes.

    Without `ccn` the hospital is the one that the run chose (rule Q4); with it, that hospital.
    Raises InputError for a folder without QP tables and for an NPI that is not in them.
    """
    tables = {name: _read(run_folder, name, str(npi)) for name in TABLES}
    clinicians = tables["qp_clinicians"]
    if clinicians.empty:
        raise InputError(
            f"{run_folder / 'restricted' / 'qp_clinicians.parquet'}: the NPI asked for has no"
            " lines in the run's QP years"
        )
    return "\n\n".join("\n".join(_year_lines(tables, row, ccn)) for row in _rows(clinicians))


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()}
            for row in table.to_dict(orient="records")]  # fmt: skip


def _read(run_folder: Path, name: str, npi: str) -> pd.DataFrame:
    file = run_folder / "restricted" / f"{name}.parquet"
    if not file.is_file():
        raise InputError(
            f"{file}: there is no such table; expected the folder of a run with qp_preliminary"
        )
    own = [("npi", "=", npi)] if "npi" in pq.read_schema(file).names else None
    return cast(pd.DataFrame, pq.read_table(file, filters=own).to_pandas())


def _year_lines(
    tables: dict[str, pd.DataFrame], clinician: dict[str, Any], ccn: str | None
) -> Iterator[str]:
    year = clinician["year"]
    yield f"NPI {clinician['npi']}, performance year {year}"
    yield f"  specialty {clinician['specialty'] or 'not given'}, {_aco(clinician)}"
    yield (
        f"  volume of the year (Q3): {clinician['people']:,} people,"
        f" {_dollars(clinician['allowed'])} allowed:"
        f" {'in the model' if clinician['in_model'] else 'not in the model'}"
    )
    yield (
        f"  denominator (Q1): {clinician['benes']:,} patients with an E&M service,"
        f" {_dollars(clinician['payments'])} of payments for covered services"
    )
    if clinician["benes"] == 0:
        yield "  no patient counts, so there is no score"
        return
    yield from _snapshot_lines(tables["qp_year_result"], year)
    for hospital, why in _hospitals(tables["qp_partners"], year, ccn):
        yield from _hospital_lines(tables, clinician, hospital, why)
    yield from _other_lines(tables["qp_scores"], year)


def _aco(clinician: dict[str, Any]) -> str:
    aco = clinician["aco_id"]
    return f"on the list of ACO {aco}" if isinstance(aco, str) else "on no ACO list"


def _dollars(amount: Any) -> str:
    return f"${amount:,.2f}"


def _hospitals(chosen: pd.DataFrame, year: int, ccn: str | None) -> list[tuple[str, str]]:
    """Which hospitals to explain, and why: the one asked for, else the run's choices."""
    if ccn is not None:
        return [(str(ccn), "as asked")]
    own = chosen[chosen["year"] == year]
    found: dict[str, list[str]] = {}
    for hospital, name in zip(own["ccn"], own["partner"], strict=True):
        if hospital and name not in found.setdefault(hospital, []):
            found[hospital].append(name)
    return [(ccn, f"{' and '.join(sorted(names))} partner") for ccn, names in sorted(found.items())]


def _hospital_lines(
    tables: dict[str, pd.DataFrame], clinician: dict[str, Any], ccn: str, why: str
) -> Iterator[str]:
    scores = tables["qp_scores"]
    found = scores[(scores["year"] == clinician["year"]) & (scores["ccn"] == ccn)]
    yield f"  hospital {ccn} ({why})"
    if found.empty:
        yield "    no patient is attributed to it or had an encounter there: both scores are 0"
    for row in _rows(found):
        yield from _numerator_lines(row)
    for limits in _thresholds(tables["qp_thresholds"]):
        yield from _test_lines(_assess(clinician, found, ccn, limits), limits)


def _numerator_lines(row: dict[str, Any]) -> Iterator[str]:
    words = {"attributed": "attributed to it", "encounter": "with an encounter there",
             "numerator": "either (the numerator)"}  # fmt: skip
    for name, text in words.items():
        people, amount = row[f"benes_{name}"], row[f"payments_{name}"]
        yield f"    {text}: {people:,g} patients, {_dollars(amount)}"
    yield (
        f"    patient score {row['patient_score']:.4%}, payment score {row['payment_score']:.4%}"
    )


def _thresholds(table: pd.DataFrame) -> Iterator[Thresholds]:
    for row in _rows(table):
        yield Thresholds(
            row["test"],
            row["reading"],
            exact(row["payment_threshold"]),
            exact(row["patient_threshold"]),
        )


def _assess(
    clinician: dict[str, Any], found: pd.DataFrame, ccn: str, limits: Thresholds
) -> dict[str, Any]:
    practice = pd.DataFrame(
        [{**clinician, "in_model": True, "cents": int(clinician["payments"] * 100)}]
    )
    scores = found.assign(cents_linked=[int(x * 100) for x in found["payments_numerator"]])
    link = pd.DataFrame([{"year": clinician["year"], "npi": clinician["npi"], "ccn": ccn}])
    rows = partners.actual_candidates(scores, practice, link)
    assessed = partners.with_distance(partners.assess(rows, limits), limits)
    return {str(name): value for name, value in assessed.iloc[0].items()}


def _test_lines(row: dict[str, Any], limits: Thresholds) -> Iterator[str]:
    payments = "reached" if row["meets_payment"] else f"{_dollars(row['cents_short'] / 100)} short"
    patients = "reached" if row["meets_patient"] else f"{row['benes_short']:,} short"
    verdict = "meets" if row["meets"] else "does not meet"
    yield (
        f"    {limits.test} test, {limits.reading}: {verdict};"
        f" payments {float(limits.payment):.0%}: {payments};"
        f" patients {float(limits.patient):.0%}: {patients}"
    )


def _snapshot_lines(result: pd.DataFrame, year: int) -> Iterator[str]:
    for row in _rows(result[result["year"] == year]):
        verb = "qualifies" if row["determined"] else "would qualify, had CMS determined it,"
        first = f"{verb} from {row['first_date']}" if row["qualifies"] else "at no snapshot"
        yield f"  year's result (Q7), {row['partner']} partner, {row['reading']}: {first}"


def _other_lines(scores: pd.DataFrame, year: int) -> Iterator[str]:
    own = scores[scores["year"] == year].assign(
        best=lambda s: s[["patient_score", "payment_score"]].max(axis=1)
    )
    order = own.sort_values(["best", "ccn"], ascending=[False, True])
    names = [f"{c} {s:.1%}" for c, s in zip(order["ccn"], order["best"], strict=True)]
    yield f"  hospitals by better score: {', '.join(names[:SHOWN]) or 'none'}"


SHOWN = 6
"""So many hospitals are listed by score."""
