"""The public tables of the risk adjustment report: what is counted, and what protects what.

A growth rests on two years' beneficiaries. A table's count is the performance year's, the same
cell as in the attribution report; a hospital whose base year has a small count shows no value, and
says so in `remark`.
"""

from collections.abc import Mapping

import pandas as pd

from tcoc.deliverables.risk_adjustment.inputs import pair_of, settings_of
from tcoc.deliverables.risk_adjustment.planted import SMALLEST, truth_file
from tcoc.deliverables.y1_attribution.public import UNIVERSE, hospital_names
from tcoc.disclosure.old import PublicTable
from tcoc.params import read_yaml
from tcoc.paths import params_dir
from tcoc.rules.inference.intervals import beyond_chance
from tcoc.rules.risk import METHODS, STATE, VARIANTS
from tcoc.rules.risk.decompose import OWN_COST, PARTS
from tcoc.rules.risk.evidence import MODELS
from tcoc.rules.risk.published import check_published
from tcoc.study import Study

SOURCE = "Medicare claims and enrolment of the run's store; rules R1 to R6"
ALL = "all"
BROAD = 100
"""A grouping of the sample is shown only where each of its groups has this many beneficiaries."""

PART_NAMES = (*PARTS.values(), OWN_COST)
SAMPLE = "sampled beneficiary-years"

_ROW_VALUES = ("factor", "growth", "difference", "growth_low", "growth_high")
_HOSPITAL_VALUES = (*_ROW_VALUES, "difference_low", "difference_high")


def public_tables(study: Study) -> list[PublicTable]:
    """Return every table that the report may show, for the gate to audit as one release."""
    tables = [
        slide_table(study),
        hospital_table(study),
        parts_table(study),
        choice_table(study),
        years_table(study),
        sensitivity_table(study),
        bucket_table(study),
        unknown_sex_table(study),
        published_table(),
        published_check_table(),
    ]
    if truth_file(study):
        tables.append(planted_table(study))
    return [*tables, *combination_tables(study), *evidence_tables(study)]


def _others(frame: pd.DataFrame, *named: str) -> list[str]:
    return [str(c) for c in frame if c not in named]


def _own_rows(study: Study) -> pd.DataFrame:
    pair, found = pair_of(study), study.frame("risk_methods")
    own = (found["base_year"] == pair.base_year) & (
        found["performance_year"] == pair.performance_year
    )
    return found[own].rename(columns={"performance_year": "year", "performance_benes": "benes"})


def _least(study: Study) -> float:
    return float(study.policy.get("disclosure.min_cell_size"))


def _remarked(frame: pd.DataFrame, values: list[str], study: Study) -> pd.DataFrame:
    """Blank a hospital's values where its base year has a small count, and say so."""
    least, year = _least(study), pair_of(study).base_year
    small = (frame["base_benes"] > 0) & (frame["base_benes"] < least)
    frame = frame.assign(remark=small.map({True: f"fewer than {least:g} in {year}", False: ""}))
    frame[values] = frame[values].mask(small)
    return frame


# ---------------------------------------------------------------- methods


def slide_table(study: Study) -> PublicTable:
    """Slide 18 for this run: the state under each method."""
    settings = settings_of(study)
    rows = _own_rows(study)
    chosen = {settings.variant(method): method for method in METHODS}
    state = rows[(rows["ccn"] == STATE) & rows["variant"].isin(list(chosen))]
    values = ["base_per_capita", "adjusted_base", "performance_per_capita", *_HOSPITAL_VALUES]
    frame = state.assign(method=state["variant"].map(chosen))
    frame = frame[["year", "ccn", "method", "benes", *values]]
    order = {method: i for i, method in enumerate(METHODS)}
    frame = frame.sort_values("method", key=lambda c: c.map(order), ignore_index=True)
    return PublicTable(
        name="risk_statewide",
        title="Growth of the state's per capita without and with risk adjustment",
        frame=frame,
        keys=("year", "ccn", "method"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=f"{UNIVERSE}, once for each method",
        note="Adjusted base: what the base year would have cost with the performance year's mix.",
        source=SOURCE,
    )


def _wide(rows: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a row per hospital with a column for each value and variant."""
    keys = ["year", "ccn", "benes", "base_benes", "base_per_capita", "performance_per_capita"]
    table = rows[rows["variant"] == "none"][keys].reset_index(drop=True)
    for variant in VARIANTS:
        of = rows[rows["variant"] == variant].set_index("ccn")[list(columns)]
        table = table.join(of.add_suffix(f"_{variant}"), on="ccn")
    unused = [c for c in table if str(c).endswith("_none") and not str(c).startswith("growth")]
    return table.drop(columns=unused)


def hospital_table(study: Study) -> PublicTable:
    """Growth and difference of each hospital under each variant, with intervals."""
    frame = _wide(_own_rows(study), _HOSPITAL_VALUES)
    regression = study.frame("risk_benchmark").query("model == 'Tweedie regression'")
    frame = frame.join(
        regression.set_index("ccn")[["factor", "difference"]].add_suffix("_regression"), on="ccn"
    )
    values = _others(frame, "year", "ccn", "benes", "base_benes")
    frame = _remarked(frame, values, study)
    frame.insert(2, "hospital", frame["ccn"].map(hospital_names(study)))
    return PublicTable(
        name="risk_hospitals",
        title="Growth of each hospital's per capita without and with risk adjustment",
        frame=frame.drop(columns="base_benes").sort_values("ccn", ignore_index=True),
        keys=("year", "ccn"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        totals={"ccn": STATE},
        universe=UNIVERSE,
        note="Intervals: seeded bootstrap over beneficiaries. Hospitals with both years only.",
        source=SOURCE,
    )


def parts_table(study: Study) -> PublicTable:
    """Each hospital's adjustment in dollars per capita, by what changed in its mix."""
    settings, rows = settings_of(study), _own_rows(study)
    parts = study.frame("risk_decomposition")
    table = rows[rows["variant"] == "none"][["year", "ccn", "benes", "base_benes"]]
    for method in METHODS[1:]:
        of = parts[parts["variant"] == settings.variant(method)]
        wide = of.pivot_table("dollars", "ccn", "part")
        named = {part: part_column(method, part) for part in PART_NAMES}
        table = table.join(wide.rename(columns=named), on="ccn")
    values = [str(c) for c in table if str(c).startswith(METHODS[1:])]
    table = _remarked(table, values, study)
    table.insert(2, "hospital", table["ccn"].map(hospital_names(study)))
    return PublicTable(
        name="risk_parts",
        title="What changed in each hospital's mix, in dollars of its adjusted base",
        frame=table.drop(columns="base_benes").sort_values("ccn", ignore_index=True),
        keys=("year", "ccn"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        totals={"ccn": STATE},
        universe=UNIVERSE,
        note="Parts add up to adjusted base less base. Own cost: the hospital's own costs of its"
        " buckets rather than the state's.",
        source=SOURCE,
    )


def part_column(method: str, part: str) -> str:
    """Return the column of a part of a method's adjustment."""
    return f"{method}_{part.lower().replace(' ', '_')}"


def combination_tables(study: Study) -> list[PublicTable]:
    """Combined groups under each variant (rule A12), if the run has any."""
    found = study.frame("risk_combinations")
    if found.empty:
        return []
    names = {
        "combination": "ccn",
        "performance_year": "year",
        "performance_benes": "benes",
    }
    frame = _wide(found.rename(columns=names), ("factor", "growth", "difference"))
    values = _others(frame, "year", "ccn", "benes", "base_benes")
    frame = _remarked(frame, values, study).drop(columns="base_benes")
    return [
        PublicTable(
            name="risk_combined",
            title="Growth of combined hospitals without and with risk adjustment",
            frame=frame.sort_values("ccn", ignore_index=True),
            keys=("year", "ccn"),
            counts=("benes",),
            values=dict.fromkeys(values, ("benes",)),
            universe=UNIVERSE,
            note="Pooled sums of the members, then the method (rule A12).",
            source=SOURCE,
        )
    ]


# ---------------------------------------------------------------- evidence


def _state_count(study: Study) -> float:
    rows = _own_rows(study)
    return float(rows.loc[(rows["ccn"] == STATE) & (rows["variant"] == "none"), "benes"].iloc[0])


def choice_table(study: Study) -> PublicTable:
    """What speaks for and against each variant, one row each."""
    rows = _own_rows(study)
    frame = study.frame("risk_choice").drop(columns="hospitals")
    frame = frame.merge(beyond_chance(rows), "left", "variant")
    growth = rows[(rows["ccn"] != STATE) & (rows["variant"] == "none")]["growth_error"]
    frame["growth_error"] = growth.median()
    frame["year"] = pair_of(study).performance_year
    frame["benes"] = _state_count(study)
    frame = frame.merge(_fit_by_variant(study), "left", "variant")
    values = _others(frame, "year", "variant", "benes")
    return PublicTable(
        name="risk_choice",
        title="What speaks for and against each method",
        frame=frame[["year", "variant", "benes", *values]],
        keys=("year", "variant"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=f"{UNIVERSE}, once for each variant",
        source=SOURCE,
    )


MODEL_OF = {
    "demographic_own": "demographic buckets",
    "demographic_statewide": "demographic buckets",
    "new_enrollee": "new enrollee score",
}


def _fit_by_variant(study: Study) -> pd.DataFrame:
    whole = study.frame("risk_evidence").query("dimension == 'all'")
    next_year = whole[whole["test"].str.contains("performance")].set_index("model")
    rows = [
        {"variant": variant, "r2": next_year.loc[model, "r2"], "mae": next_year.loc[model, "mae"]}
        for variant, model in MODEL_OF.items()
    ]
    return pd.DataFrame(rows)


def years_table(study: Study) -> PublicTable:
    """The state's difference under each variant, for each pair of years of the run."""
    rows = study.frame("risk_methods")
    rows = rows[(rows["ccn"] == STATE) & (rows["variant"] != "none")]
    frame = rows.rename(columns={"performance_year": "year", "performance_benes": "benes"})
    frame = frame[["base_year", "year", "variant", "benes", "factor", "growth", "difference"]]
    return PublicTable(
        name="risk_years",
        title="The state's adjustment in each pair of years",
        frame=frame.sort_values(["base_year", "year", "variant"], ignore_index=True),
        keys=("base_year", "year", "variant"),
        counts=("benes",),
        values=dict.fromkeys(("factor", "growth", "difference"), ("benes",)),
        universe=f"{UNIVERSE}, once for each variant and pair of years",
        source=SOURCE,
    )


def sensitivity_table(study: Study) -> PublicTable:
    """How far differences move under thin buckets and with high costs cut."""
    found, rows = study.frame("risk_sensitivity"), _own_rows(study)
    large = rows[(rows[["benes", "base_benes"]] >= _least(study)).all(axis=1)]["ccn"].unique()
    found = found[(found["variant"] != "none") & found["ccn"].isin(list(large))]
    as_run = found[found["case"] == RUN_CASE].set_index(["variant", "ccn"])["difference"]
    keys = pd.MultiIndex.from_frame(found[["variant", "ccn"]])
    moved = (found["difference"] - as_run.reindex(keys).to_numpy()).abs()
    hospitals = found["ccn"] != STATE
    by = ["case", "variant"]
    largest = moved[hospitals].groupby([found["case"], found["variant"]]).agg(["max", "median"])
    state = found[~hospitals].set_index(by)[["growth", "difference"]]
    frame = state.join(largest.rename(columns={"max": "largest_move", "median": "median_move"}))
    frame = frame.reset_index()
    frame["benes"], frame["year"] = _state_count(study), pair_of(study).performance_year
    values = ["growth", "difference", "largest_move", "median_move"]
    return PublicTable(
        name="risk_sensitivity",
        title="How far the adjustment depends on thin buckets and on high costs",
        frame=frame[["year", *by, "benes", *values]],
        keys=("year", *by),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=f"{UNIVERSE}, once for each variant and case",
        note="Moves are of hospitals' differences, against this run's parameters.",
        source=SOURCE,
    )


RUN_CASE = "as in this run"


def bucket_table(study: Study) -> PublicTable:
    """The state's relative cost of each bucket in both years, and CMS's relative factor."""
    found, pair = study.frame("risk_buckets"), pair_of(study)
    frames = []
    for name, year in (("base", pair.base_year), ("performance", pair.performance_year)):
        columns = {f"{name}_{c}": c for c in ("benes", "relative", "score")}
        frames.append(found[["bucket", *columns]].rename(columns=columns).assign(year=year))
    frame = pd.concat(frames, ignore_index=True)
    frame = frame[frame["benes"] > 0]
    parents = {bucket: bucket_group(bucket) for bucket in found["bucket"]}
    frame = pd.concat([frame, *_bucket_totals(frame, parents)], ignore_index=True)
    names = sorted(set(parents.values()))
    return PublicTable(
        name="risk_buckets",
        title="Relative cost of the demographic buckets, and CMS's factors",
        frame=frame[["year", "bucket", "benes", "relative", "score"]],
        keys=("year", "bucket"),
        counts=("benes",),
        values={"relative": ("benes",), "score": ("benes",)},
        parents={"bucket": {**parents, **dict.fromkeys(names, ALL)}},
        universe="eligible beneficiaries by bucket",
        note="Relative to the year's mean. ESRD has no factor of its own in the table (rule R3).",
        source=SOURCE,
    )


def bucket_group(bucket: str) -> str:
    """Return the group of a bucket: ESRD, or dual or not, under 65 or not."""
    if bucket.startswith("ESRD"):
        return "ESRD, all"
    _, band, dual = bucket.split(" ", 2)
    young = int(band.rstrip("+").split("-")[0]) < 65
    return f"{'under 65' if young else '65 and over'}, {dual}"


def _bucket_totals(frame: pd.DataFrame, parents: Mapping[str, str]) -> list[pd.DataFrame]:
    groups = frame.assign(bucket=frame["bucket"].map(parents))
    by_group = groups.groupby(["year", "bucket"], as_index=False)[["benes"]].sum()
    whole = frame.assign(bucket=ALL).groupby(["year", "bucket"], as_index=False)[["benes"]].sum()
    return [by_group, whole]


def evidence_tables(study: Study) -> list[PublicTable]:
    """Fit of every model, calibration by decile, predictive ratios by group.

    Groupings of the sample are shown only where every group is broad: then no small count stands
    behind them or between them.
    """
    found = study.frame("risk_evidence")
    tables = [_fit_table(found)]
    groups = found[found["dimension"].isin(["dual", "ESRD", "disabled"])]
    deciles = found[found["dimension"].str.startswith("decile")]
    if len(groups) and groups["benes"].min() >= BROAD:
        tables.append(_ratio_table(groups))
    if len(deciles) and deciles["benes"].min() >= BROAD:
        tables.append(_decile_table(deciles))
    return tables


def _fit_table(found: pd.DataFrame) -> PublicTable:
    order = {model: i for i, model in enumerate(MODELS)}
    frame = found[found["dimension"] == "all"]
    frame = frame.sort_values(
        ["test", "model"], key=lambda c: c.map(order) if c.name == "model" else c
    )
    values = ["r2", "mae", "ratio", "slope"]
    return PublicTable(
        name="risk_fit",
        title="How well each model predicts the cost of people it has not seen",
        frame=frame[["test", "model", "benes", *values]].reset_index(drop=True),
        keys=("test", "model"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=SAMPLE,
        note="R2 and mean absolute error weigh months. Ratio: predicted over actual.",
        source=SOURCE,
    )


def _ratio_table(groups: pd.DataFrame) -> PublicTable:
    wide = groups.pivot_table("ratio", ["test", "dimension", "group", "benes"], "model")
    frame = wide[list(MODELS)].rename(columns=ratio_column).reset_index()
    frame = frame.rename_axis(columns=None)
    values = [ratio_column(model) for model in MODELS]
    return PublicTable(
        name="risk_ratios",
        title="Predicted over actual cost by group",
        frame=frame,
        keys=("test", "dimension", "group"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=f"{SAMPLE} by group",
        note="1 is right; below 1 the model predicts too little for the group.",
        source=SOURCE,
    )


def ratio_column(model: str) -> str:
    """Return the column of a model's predictive ratio."""
    return "ratio_" + model.lower().replace(" ", "_").replace("-", "_")


def _decile_table(deciles: pd.DataFrame) -> PublicTable:
    frame = deciles.rename(columns={"group": "decile"})
    frame = frame[frame["model"] != "mean"]
    values = ["actual", "predicted", "ratio"]
    return PublicTable(
        name="risk_deciles",
        title="Actual and predicted cost by decile of predicted cost",
        frame=frame[["test", "model", "decile", "benes", *values]].reset_index(drop=True),
        keys=("test", "model", "decile"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=f"{SAMPLE} by decile",
        source=SOURCE,
    )


def unknown_sex_table(study: Study) -> PublicTable:
    """Beneficiaries whose sex is unknown, who count as F (rule P4)."""
    cells = study.frame("risk_cells")
    state = cells[cells["ccn"] == STATE]
    frame = state.groupby("year", as_index=False)[["unknown_sex", "people"]].sum()
    frame = frame.rename(columns={"unknown_sex": "benes_unknown_sex", "people": "benes"})
    return PublicTable(
        name="risk_unknown_sex",
        title="Beneficiaries of unknown sex, who count as F",
        frame=frame.astype({"benes": float, "benes_unknown_sex": float}),
        keys=("year",),
        counts=("benes", "benes_unknown_sex"),
        within={"benes_unknown_sex": "benes"},
        universe="eligible beneficiaries by sex known or not",
        source=SOURCE,
    )


def planted_table(study: Study) -> PublicTable:
    """How many hospitals' intervals hold the planted factor, by variant."""
    frame = study.frame("risk_planted")
    values = _others(frame, "variant")
    frame.insert(0, "year", pair_of(study).performance_year)
    frame.insert(2, "benes", _state_count(study))
    return PublicTable(
        name="risk_planted",
        title="Hospitals whose interval holds the planted change of mix",
        frame=frame,
        keys=("year", "variant"),
        counts=("benes",),
        values=dict.fromkeys(values, ("benes",)),
        universe=f"{UNIVERSE}, once for each variant",
        note="Planted: the method's factor on the expected mix of the hospitals whose people are"
        " attributed, at the state's cost of each bucket. Hospitals with at least"
        f" {SMALLEST} beneficiaries in both years.",
        source="Synthetic state: truth/hospital_mix and truth/beneficiary_year",
    )


# ---------------------------------------------------------------- slide 18


def _slide() -> dict[str, object]:
    return read_yaml(params_dir() / "published" / "slide18.yml")


def published_table() -> PublicTable:
    """Slide 18 as printed, in the columns of `risk_statewide`."""
    slide = _slide()
    columns = ("base_per_capita", "factor", "adjusted_base", "performance_per_capita")
    rows = []
    methods = slide["methods"]
    assert isinstance(methods, dict)
    for method, printed in methods.items():
        numbers = {c: printed[c] for c in columns}
        percents = {"growth": "growth_percent", "difference": "difference_points"}
        fractions = {
            name: None if printed[key] is None else printed[key] / 100
            for name, key in percents.items()
        }
        ends = {
            f"{end}_{what}": printed.get(f"largest_{end}", {}).get(what)
            for end in ("increase", "decrease")
            for what in ("percent", "hospital")
        }
        rows.append({"method": method, **numbers, **fractions, **ends})
    frame = pd.DataFrame(rows)
    text = ["increase_hospital", "decrease_hospital"]
    frame[text] = frame[text].astype(object).where(frame[text].notna(), "")
    values = _others(frame, "method", *text)
    frame[values] = frame[values].astype(float)
    return PublicTable(
        name="risk_slide18",
        title="Slide 18 as printed: risk adjustment 2015 to 2016",
        frame=frame,
        keys=("method",),
        values=dict.fromkeys(values, ()),
        universe="published figures",
        note=str(slide["note"]),
        source=str(slide["source"]),
    )


def published_check_table() -> PublicTable:
    """Slide 18's factors, growth and differences recomputed from its dollars (rule R5)."""
    frame = check_published(_slide())
    values = ("printed", "recomputed", "low", "high")
    return PublicTable(
        name="risk_slide18_check",
        title="Slide 18's arithmetic, recomputed from its dollars",
        frame=frame,
        keys=("method", "quantity"),
        values=dict.fromkeys(values, ()),
        universe="published figures",
        note="Low and high: what dollars within half a dollar of the printed ones allow.",
        source=str(_slide()["source"]),
    )
