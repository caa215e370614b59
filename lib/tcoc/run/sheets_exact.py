"""The exact numbers behind a hospital's sheet, under the headings of the public tables."""

import html
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from tcoc.disclosure import PublicTable
from tcoc.report import words
from tcoc.report.sheet import CONFIDENTIAL, ExactTable, Source

STATE = "STATE"

BASELINE, SINGLE = "improvement", "improvement_single"
"""The adopted option of table mpa (contract): hospitals combined, and every hospital alone."""

_LISTS = ("practitioner_list", "aco_practitioner_list", "qp_partners", "qp_near_threshold")
Frames = Mapping[str, pd.DataFrame]


def exact_source(restricted: Path, tables: Mapping[str, PublicTable], **facts: object) -> Source:
    """Return the source of the confidential edition: the same tables, each with exact numbers.

    A public table is shown where the restricted ones behind it are there; what a public table only
    says about nobody (terms, names of options) is taken as it is.
    """
    found: dict[str, ExactTable] = {}
    for name, table in tables.items():
        if name in _PLAIN:
            found[name] = ExactTable(table.columns, table.frame)
            continue
        needed, make = _MADE.get(name, ((), None))
        files = {part: restricted / f"{part}.parquet" for part in needed}
        if make is None or not all(file.is_file() for file in files.values()):
            continue
        frames = {part: pq.read_table(file).to_pandas() for part, file in files.items()}
        names = _names(table.frame)
        frame = make(frames, table.frame)
        if "ccn" in frame and "hospital" in table.columns:
            frame["hospital"] = [names.get(str(c), str(c)) for c in frame["ccn"]]
        shown = frame[[c for c in table.columns if c in frame]]
        found[name] = ExactTable(table.columns, _numbers(shown.copy()))
    return Source(found, exact=True, **facts)  # type: ignore[arg-type]


_PLAIN = ("mpa_terms", "mpa_option_totals", "mpa_heterogeneity", "where_they_live")
"""About nobody, or too long to be counted again: a map needs no exact numbers."""


def _names(frame: pd.DataFrame) -> dict[str, str]:
    if "hospital" not in frame:
        return {}
    return dict(zip(frame["ccn"].astype(str), frame["hospital"], strict=True))


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Write decimals as doubles; texts stay."""
    for name in frame.columns:
        if frame[name].dtype == object:
            numbers = pd.to_numeric(frame[name], errors="coerce")
            if name not in ("ccn", "zip") and numbers.notna().equals(frame[name].notna()):
                frame[name] = numbers
    return frame


# ---------------------------------------------------------------- each table


def _mpa(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    keys = ["rate_year", "ccn"]
    mpa, noise = frames["mpa"], frames["mpa_noise"]
    ends = [str(c) for c in noise if str(c).endswith(("_low", "_high"))]
    own = mpa[mpa["option"] == SINGLE]
    noise = noise[noise["option"] == SINGLE]
    return own.merge(noise[[*keys, *ends]], on=keys).merge(frames["mpa_break_even"], on=keys)


def _reliability(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    return frames["reliability"].rename(columns={"panel_needed": "needed"})


def _options(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    return frames["mpa"].copy()


def _combined(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    mpa = frames["mpa"]
    rows = mpa[(mpa["option"] == BASELINE) & mpa["combination"].notna()]
    alone = mpa[mpa["option"] == SINGLE]
    alone = alone.rename(columns={"mpa_percent": "single_percent", "mpa_dollars": "single_dollars"})
    keys = ["rate_year", "ccn"]
    own = alone[[*keys, "single_percent", "single_dollars", "benes"]]
    return rows.drop(columns="benes").merge(own, on=keys)


def _stages(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    rows = frames["attribution_by_hospital"].astype({"benes": float, "tcoc": float})
    keys, sums = ["year", "ccn"], ["benes", "eligible_months", "tcoc"]
    whole = rows.groupby(keys, as_index=False)[sums].sum().assign(stage="all")
    both = pd.concat([rows, whole], ignore_index=True)
    total = both[keys].merge(whole[[*keys, "benes"]], on=keys)["benes"]
    return both.assign(share_of_hospital=both["benes"] / total)


def _per_capita(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    state = frames["state_year"].assign(ccn=STATE)
    own = frames["hospital_year"]
    rows = pd.concat([own, state[list(own.columns)]], ignore_index=True)
    share = rows["tcoc_hospital"].astype(float) / rows["tcoc"].astype(float)
    return rows.assign(hospital_share=share)


def _growth(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    named = dict(zip(public["variant"], public["method"], strict=True))
    rows = frames["risk_methods"].rename(
        columns={"performance_year": "year", "performance_benes": "benes"}
    )
    rows = rows[rows["variant"].isin(list(named)) & rows["year"].isin(list(public["year"]))]
    return rows.assign(method=rows["variant"].map(named))


def _moved(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    named = dict(zip(public["part"], public["who"], strict=True))
    pairs = {tuple(p) for p in public[["base_year", "year"]].itertuples(index=False)}
    found = frames["growth_parts"]
    years = zip(found["base_year"], found["performance_year"], strict=True)
    found = found[[pair in pairs for pair in years]]
    people = found["performance_benes"].where(found["part"] != "leavers", found["base_benes"])
    rows = found.rename(columns={"performance_year": "year"}).assign(benes=people)
    keys = ["base_year", "year", "ccn"]
    sums = ["benes", "contribution", "per_capita"]
    whole = rows.groupby(keys, as_index=False)[sums].sum().assign(part="all")
    return pd.concat([rows[[*keys, "part", *sums]], whole], ignore_index=True).assign(
        who=lambda f: f["part"].map(named)
    )


def _parts(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    rows = frames["risk_decomposition"]
    # the public table names a variant by its method alone: demographic_own is demographic
    kinds = sorted(set(public["variant"]), key=len, reverse=True)
    short = {v: next((k for k in kinds if v.startswith(k)), "") for v in rows["variant"].unique()}
    kept = rows["variant"].map(short)
    rows = rows.assign(variant=kept)[(kept != "") & rows["part"].isin(list(public["part"]))]
    return rows.assign(year=public["year"].max() if len(public) else 0)


_Maker = Callable[[Frames, pd.DataFrame], pd.DataFrame]
_MADE: dict[str, tuple[tuple[str, ...], _Maker | None]] = {
    "mpa_hospitals": (("mpa", "mpa_noise", "mpa_break_even"), _mpa),
    "mpa_reliability": (("reliability",), _reliability),
    "mpa_option_hospitals": (("mpa",), _options),
    "mpa_combined": (("mpa",), _combined),
    "hospitals_by_stage": (("attribution_by_hospital",), _stages),
    "hospital_per_capita": (("hospital_year", "state_year"), _per_capita),
    "risk_hospitals": (("risk_methods",), _growth),
    "growth_by_who_moved": (("growth_parts",), _moved),
    "risk_parts": (("risk_decomposition",), _parts),
}


# ---------------------------------------------------------------- lists of clinicians


class Lists:
    """The clinicians of a run by hospital, read once for all of its sheets."""

    def __init__(self, restricted: Path) -> None:
        files = {name: restricted / f"{name}.parquet" for name in _LISTS}
        self.frames: dict[str, pd.DataFrame] = {
            name: pq.read_table(file).to_pandas() for name, file in files.items() if file.is_file()
        }

    def html(self, ccn: str) -> str:
        """Return the lists of a hospital as tables; every printed page repeats what they are."""
        parts = [self._practitioners(ccn), self._partners(ccn)]
        return "".join(part for part in parts if part)

    def _practitioners(self, ccn: str) -> str:
        rows = self._of("practitioner_list", ccn)
        if rows.empty:
            return ""
        rows = rows[rows["year"] == rows["year"].max()]
        rows = rows.sort_values(["benes", "npi"], ascending=[False, True])
        shown = [
            [str(r.npi), str(r.name), str(r.specialty_name), words.name_of(r.stage),
             words.plain_number(r.benes, 2), words.dollars(r.tcoc, cents=True)]
            for r in rows.itertuples(index=False)
        ]  # fmt: skip
        heads = ["NPI", "Name", "Specialty", "Stage", "People", "Total cost of care"]
        year = int(rows["year"].iloc[0])
        return _list(f"Clinicians whose people are attributed, {year}", heads, shown)

    def _partners(self, ccn: str) -> str:
        rows = self._of("qp_partners", ccn)
        if rows.empty:
            return ""
        rows = rows[(rows["partner"] == "best") & (rows["reading"] == "regulation")]
        rows = rows[rows["year"] == rows["year"].max()].sort_values(["test", "npi"])
        shown = [
            [str(r.npi), str(r.test), words.percent(r.payment_score, 2),
             words.percent(r.patient_score, 2), "yes" if r.meets else "no"]
            for r in rows.itertuples(index=False)
        ]  # fmt: skip
        heads = ["NPI", "Thresholds of", "Payment score", "Patient score", "Would qualify"]
        return _list("QP partners: clinicians whose best partner is this hospital", heads, shown)

    def _of(self, name: str, ccn: str) -> pd.DataFrame:
        frame = self.frames.get(name, pd.DataFrame({"ccn": []}))
        return frame.loc[frame["ccn"] == ccn]


def _list(caption: str, heads: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>"
        for row in rows
    )
    mark = f'<tr><td colspan="{len(heads)}"><p class="confidential">{CONFIDENTIAL}</p></td></tr>'
    return (
        f'<section class="page list"><h2>{html.escape(caption)}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(caption)}">'
        f'<table class="long"><thead>{mark}<tr>'
        f"{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )
