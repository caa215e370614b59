"""The exact numbers behind a hospital's sheet, under the headings of the public tables."""

import html
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from tcoc.disclosure import PublicTable
from tcoc.report import words
from tcoc.report.sheet import CONFIDENTIAL, ExactTable, Source
from tcoc.rules.groups import (
    SYSTEM,
    at_places,
    by_aco,
    by_county,
    by_hospital,
    summed,
    with_rates,
)

STATE = "STATE"

BASELINE, SINGLE = "improvement", "improvement_single"
"""The adopted option of table mpa (contract): hospitals combined, and every hospital alone."""

_LISTS = {
    "practitioner_list": None,
    "qp_partners": [("partner", "==", "best"), ("reading", "==", "regulation")],
}
Frames = Mapping[str, pd.DataFrame]


def exact_source(restricted: Path, tables: Mapping[str, PublicTable], **facts: object) -> Source:
    """Return the source of the confidential edition: the same tables, each with exact numbers.

    A public table is shown where the restricted ones behind it are there; what a public table only
    says about nobody (terms, names of options) is taken as it is.
    """
    found: dict[str, ExactTable] = {}
    files = {file.stem: file for file in restricted.glob("*.parquet")}
    read = cache(lambda part: pq.read_table(files[part]).to_pandas())
    # who stands for whom is nobody's secret: the public table says it
    known = {name: tables[name].frame for name in ("groups",) if name in tables}
    hospitals = {
        ccn: name for table in tables.values() for ccn, name in _names(table.frame).items()
    }
    for name, table in tables.items():
        if name in _PLAIN:
            found[name] = ExactTable(table.columns, table.frame)
            continue
        needed, make = _MADE.get(name, ((), None))
        if make is None or not {*needed} <= {*known, *files}:
            continue
        frames = {part: known[part] if part in known else read(part) for part in needed}
        names = hospitals | _names(table.frame)
        frame = make(frames, table.frame)
        if "ccn" in frame and "hospital" in table.columns:
            frame["hospital"] = [names.get(str(c), str(c)) for c in frame["ccn"]]
        if "aco_id" in frame and "aco_name" in table.columns:
            frame["aco_name"] = frame["aco_id"]
        shown = frame[[c for c in table.columns if c in frame]]
        found[name] = ExactTable(table.columns, _numbers(shown.copy()))
    return Source(found, exact=True, **facts)  # type: ignore[arg-type]


_PLAIN = (
    "mpa_terms", "mpa_option_totals", "mpa_heterogeneity", "where_they_live", "groups",
    "qp_hospitals",
)  # fmt: skip
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


# ---------------------------------------------------------------- systems, ACOs, counties


def _owner(frames: Frames) -> dict[str, str]:
    """Return the system of each hospital, as the public table of groups has them."""
    own = frames["groups"][frames["groups"]["kind"] == SYSTEM]
    pairs = zip(own["group"], own["hospitals"], strict=True)
    return {ccn: str(group) for group, listed in pairs for ccn in str(listed).split()}


def _rated(frames: Frames, sums: pd.DataFrame, key: str) -> pd.DataFrame:
    years = frames["state_year"]
    factors = dict(zip(years["year"], years["completion_factor"].astype(float), strict=True))
    return with_rates(sums, key, factors, 0.0)


def _settings_hospital(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    sums = by_hospital(frames["attribution_groups"], _owner(frames))
    return _rated(frames, sums, "ccn")


def _settings_aco(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    return _rated(frames, by_aco(frames["attribution_groups"]), "aco_id")


def _settings_county(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    return _rated(frames, by_county(frames["attribution_groups"]), "place")


def _last(frames: Frames) -> pd.DataFrame:
    cells = at_places(frames["attribution_groups"])
    last: pd.DataFrame = cells[cells["year"] == cells["year"].max()]
    return last


def _whole(frame: pd.DataFrame, by: list[str], key: str, label: str) -> pd.DataFrame:
    """Add up by some columns, and over one of them under its label."""
    rows = summed(frame, by)
    total = summed(rows, [c for c in by if c != key]).assign(**{key: label})
    return pd.concat([rows, total[rows.columns]], ignore_index=True)


def _systems_stage(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    rows = _last(frames)
    rows = rows.assign(ccn=rows["ccn"].map(_owner(frames))).dropna(subset=["ccn"])
    return _with_share(_whole(rows, ["year", "ccn", "stage"], "stage", "all"), "ccn")


def _counties_stage(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    rows = _whole(_last(frames), ["year", "place", "stage"], "stage", "all")
    return _with_share(rows, "place")


def _with_share(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    whole = rows[rows["stage"] == "all"].set_index(key)["benes"]
    return rows.assign(share_of_group=rows["benes"] / rows[key].map(whole))


def _aco_hospitals(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    rows = _last(frames)
    return _whole(rows[rows["aco_id"] != ""], ["year", "stage", "aco_id", "ccn"], "ccn", STATE)


def _homes(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    return summed(_last(frames), ["year", "place", "ccn"])


def _acos_county(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    rows = _last(frames)
    return summed(rows[rows["aco_id"] != ""], ["year", "stage", "aco_id", "place"])


def _together(frames: Frames, public: pd.DataFrame) -> pd.DataFrame:
    """Add up the dollars of the hospitals of each group that the public table has."""
    listed = frames["groups"].set_index("group")["hospitals"]
    own = frames["mpa"][frames["mpa"]["option"] == SINGLE]
    parts = []
    for rate_year, group in public[["rate_year", "ccn"]].itertuples(index=False):
        chosen = own["ccn"].isin(str(listed[group]).split()) & (own["rate_year"] == rate_year)
        sums = own.loc[chosen, ["benes", "payments", "mpa_dollars"]].astype(float).sum()
        parts.append({"rate_year": rate_year, "ccn": group, **sums})
    frame = pd.DataFrame(parts, columns=["rate_year", "ccn", "benes", "payments", "mpa_dollars"])
    return frame.assign(mpa_percent=frame["mpa_dollars"] / frame["payments"])


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
    "settings_by_hospital": (("attribution_groups", "state_year", "groups"), _settings_hospital),
    "settings_by_aco": (("attribution_groups", "state_year"), _settings_aco),
    "settings_by_county": (("attribution_groups", "state_year"), _settings_county),
    "systems_by_stage": (("attribution_groups", "groups"), _systems_stage),
    "counties_by_stage": (("attribution_groups",), _counties_stage),
    "aco_hospitals": (("attribution_groups",), _aco_hospitals),
    "homes_by_county": (("attribution_groups",), _homes),
    "acos_by_county": (("attribution_groups",), _acos_county),
    "mpa_system": (("mpa", "groups"), _together),
    "mpa_aco": (("mpa", "groups"), _together),
    "mpa_county": (("mpa", "groups"), _together),
}


# ---------------------------------------------------------------- lists of clinicians


class Lists:
    """The clinicians of a run by hospital, read once for all of its sheets."""

    def __init__(self, restricted: Path) -> None:
        self.frames: dict[tuple[str, str], pd.DataFrame] = {
            (name, str(ccn)): rows
            for name, wanted in _LISTS.items()
            if (file := restricted / f"{name}.parquet").is_file()
            # as objects: rows are written one by one
            for ccn, rows in pq.read_table(file, filters=wanted)
            .to_pandas()
            .astype(object)
            .groupby("ccn")
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
        rows = rows[rows["year"] == rows["year"].max()].sort_values(["test", "npi"])
        shown = [
            [str(r.npi), str(r.test), words.percent(r.payment_score, 2),
             words.percent(r.patient_score, 2), "yes" if r.meets else "no"]
            for r in rows.itertuples(index=False)
        ]  # fmt: skip
        heads = ["NPI", "Thresholds of", "Payment score", "Patient score", "Would qualify"]
        return _list("QP partners: clinicians whose best partner is this hospital", heads, shown)

    def _of(self, name: str, ccn: str) -> pd.DataFrame:
        return self.frames.get((name, ccn), pd.DataFrame())


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
