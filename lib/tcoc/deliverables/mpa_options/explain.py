"""One hospital's adjustment recomputed step by step, from a run's restricted tables (M1 to M8)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from tcoc.deliverables.mpa_options.inputs import SINGLE
from tcoc.errors import InputError, TcocError, nearest
from tcoc.rules.completion import completion_of, run_out_sentence
from tcoc.rules.mpa import performance_result, scaled_result, to_cents, with_quality

TOLERANCE = 1e-6
"""How far a step that is computed again may lie from the run's own, relative to its size."""


def explain_mpa(run_folder: Path, ccn: str, option: str = SINGLE) -> str:
    """Say how a hospital's dollars come about, each step computed again from the one before.

    One paragraph per rate year. Raises InputError for a folder without MPA tables and for a
    hospital or option that is not in them, TcocError where a step does not give the run's number.
    """
    mpa, terms = _read(run_folder, "mpa"), _read(run_folder, "mpa_terms")
    known = sorted(set(mpa["option"]))
    if option not in known:
        raise InputError(f'explain mpa: option "{option}" is unknown{nearest(option, known)}')
    rows = mpa[(mpa["option"] == option) & (mpa["ccn"] == ccn)]
    if rows.empty:
        hint = nearest(ccn, sorted(set(mpa["ccn"])))
        raise InputError(f'explain mpa: hospital "{ccn}" is not among the run\'s hospitals{hint}')
    return "\n\n".join("\n".join(_steps(run_folder, row, terms)) for row in rows.to_dict("records"))


def _read(run_folder: Path, name: str) -> pd.DataFrame:
    file = run_folder / "restricted" / f"{name}.parquet"
    if not file.is_file():
        raise InputError(
            f"{file}: there is no such table; expected the folder of a run with mpa_options"
        )
    return cast(pd.DataFrame, pq.read_table(file).to_pandas())


def _steps(run_folder: Path, row: Mapping[Any, Any], terms: pd.DataFrame) -> Iterator[str]:
    own = terms[(terms["rate_year"] == row["rate_year"]) & (terms["option"] == row["option"])]
    of = own.iloc[0]
    base_year, year = int(of["base_year"]), int(of["performance_year"])
    unit = row["ccn"] if pd.isna(row["combination"]) else row["combination"]
    yield (
        f"MPA of {row['ccn']}, rate year {row['rate_year']}, option {row['option']}:"
        f" {year} against {base_year}"
    )
    if unit != row["ccn"]:
        yield f"  judged with combination {unit}: its members' dollars and months together (A12)"
    facts = completion_of(_read(run_folder, "completion_years"))
    for one in (base_year, year):
        yield f"  {run_out_sentence(facts[one])}"
    if row["unequal_run_out"]:
        yield "  THE TWO YEARS STAND ON UNEQUAL RUN-OUTS: the run labels this result (T3)"
    if unit == row["ccn"]:
        plain = not of["truncated"]
        yield from _per_capita(run_folder, row, base_year, facts[base_year].factor, "base", plain)
    yield (
        f"  base at {year}'s risk, {of['risk_method']} (R2, R3, M8):"
        f" {_dollars(row['adjusted_base'])}"
    )
    growth = (1 + of["national_growth"] - of["trend_reduction"]) ** int(of["years"])
    benchmark = row["adjusted_base"] * growth
    _agree("benchmark", benchmark, row["benchmark"])
    yield (
        f"  benchmark (M1): {_dollars(row['adjusted_base'])} x (1 +"
        f" {of['national_growth']:.4f} - {of['trend_reduction']:.4f})^{int(of['years'])}"
        f" = {_dollars(benchmark)}"
    )
    if unit == row["ccn"]:
        plain = not of["truncated"]
        yield from _per_capita(run_folder, row, year, facts[year].factor, "performance", plain)
    else:
        yield f"  performance per capita of {unit}: {_dollars(row['performance'])}"
    yield from _to_dollars(row, of, benchmark)
    if row["option"] == SINGLE:
        yield from _signal(run_folder, row)


def _per_capita(
    run_folder: Path, row: Mapping[Any, Any], year: int, factor: float, what: str, plain: bool
) -> Iterator[str]:
    hospitals = _read(run_folder, "hospital_year")
    found = hospitals[(hospitals["year"] == year) & (hospitals["ccn"] == row["ccn"])].iloc[0]
    tcoc, months = float(found["tcoc"]), float(found["eligible_months"])
    value = tcoc * 12 / months / factor
    known = row["base_per_capita"] if what == "base" else row["performance"]
    if plain:
        _agree(f"{what} per capita", value, known)
    yield (
        f"  {what} per capita of {year} (T2): {_dollars(tcoc)} x 12 / {months:,.2f} months"
        f" / {factor:.4f} = {_dollars(value)}"
        + ("" if plain else f"; with high costs cut {_dollars(known)} (R10)")
    )


def _to_dollars(row: Mapping[Any, Any], of: Any, benchmark: float) -> Iterator[str]:
    improvement = float(
        performance_result(np.array([benchmark]), np.array([row["performance"]]))[0]
    )
    yield (
        f"  improvement (M1): ({_dollars(benchmark)} - {_dollars(row['performance'])}) /"
        f" {_dollars(benchmark)} = {_percent(improvement)}"
    )
    weight, result = float(of["attainment_weight"]), float(row["result"])
    if weight:
        yield (
            f"  with attainment at weight {weight:g} against"
            f" {_dollars(row['attainment_benchmark'])} (M5, M8): {_percent(result)}"
        )
    elif of["credibility"] != "none":
        yield f"  weighted by its reliability with the state's mean (M8): {_percent(result)}"
    else:
        _agree("result", improvement, result)
    threshold, at_risk = float(of["threshold"]), float(of["max_at_risk"])
    scaled = scaled_result(np.array([result]), threshold, at_risk)
    _agree("scaled result", float(scaled[0]), row["scaled"])
    yield (
        f"  scaled (M2): {_percent(result)} within +-{_percent(threshold)}, over"
        f" {_percent(threshold)}, times {_percent(at_risk)} = {_percent(float(scaled[0]))}"
    )
    sign = str(of["quality_sign"])
    percent = float(with_quality(scaled, np.array([row["quality"]]), at_risk, sign)[0])
    _agree("adjustment", percent, row["mpa_percent"])
    yield (
        f"  quality (M3, {sign}): RRIP and MHAC together {_percent(row['quality'])},"
        f" within +-{_percent(at_risk)}: {_percent(percent)}"
    )
    paid = Decimal(str(row["payments"]))
    moved = to_cents([float(row["mpa_percent"])], [paid])[0]
    if moved != row["mpa_dollars"]:
        raise TcocError(f"explain mpa: dollars come to {moved}, the run has {row['mpa_dollars']}")
    yield f"  dollars (M4): {_percent(percent)} x {_dollars(paid)} paid = {_dollars(moved)}"


def _signal(run_folder: Path, row: Mapping[Any, Any]) -> Iterator[str]:
    frame = _read(run_folder, "reliability")
    of = frame[(frame["rate_year"] == row["rate_year"]) & (frame["ccn"] == row["ccn"])].iloc[0]
    if pd.isna(of["reliability"]):
        return
    yield (
        f"  signal (M7): sampling error {_percent(of['result_error'])}, reliability"
        f" {of['reliability']:.2f}, shrunken result {_percent(of['shrunken'])}; a true change"
        f" shows from {of['panel_needed']:,.0f} attributed people on,"
        f" it has {of['benes']:,.0f}"
    )


def _agree(what: str, computed: float, known: float) -> None:
    if abs(computed - known) > TOLERANCE * max(1.0, abs(known)):
        raise TcocError(f"explain mpa: {what} comes to {computed:.8g}, the run has {known:.8g}")


def _dollars(amount: Any) -> str:
    value = float(amount)
    return f"{'-' if value < 0 else ''}${abs(value):,.2f}"


def _percent(value: float) -> str:
    return f"{100 * float(value):.4f}%"
