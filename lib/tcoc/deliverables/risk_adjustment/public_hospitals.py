"""Public tables with a row per hospital: growth by method, who moved, parts of a mix."""

import pandas as pd

from tcoc.deliverables.risk_adjustment import columns
from tcoc.deliverables.risk_adjustment.inputs import pair_of, settings_of
from tcoc.disclosure import Column, Draft
from tcoc.rules.inference.moved import MOVES
from tcoc.rules.inference.moved import PARTS as MOVED
from tcoc.rules.inference.panels import OWN
from tcoc.rules.risk import METHODS, STATE, VARIANTS
from tcoc.rules.risk.decompose import OWN_COST, PARTS
from tcoc.study import Study

ALL = "all"


def hospital_names(study: Study) -> dict[str, str]:
    """Return the hospitals' short names by CCN, and the state's."""
    hospitals = study.references.tables["hospitals"]
    short = hospitals["short_name"].where(hospitals["short_name"] != "", hospitals["name"])
    return dict(zip(hospitals["ccn"], short, strict=True)) | {STATE: "Maryland"}


def own_rows(study: Study, name: str = "risk_methods") -> pd.DataFrame:
    """Return the rows of a table for the run's own pair of years; `year` is the later one."""
    pair, found = pair_of(study), study.frame(name)
    own = (found["base_year"] == pair.base_year) & (
        found["performance_year"] == pair.performance_year
    )
    rows = found[own].rename(columns={"performance_year": "year", "performance_benes": "benes"})
    return rows.reset_index(drop=True)


INTERVALS = {
    "factor": columns.factor("Factor", "Adjusted over unadjusted base (rule R4).", columns.BOTH),
    "growth": columns.rate("Growth", "From the adjusted base (rule R4).", columns.BOTH),
    "growth_low": columns.rate("Growth, low", "95% interval, panels drawn (R6).", columns.BOTH),
    "growth_high": columns.rate("Growth, high", "95% interval, panels drawn (R6).", columns.BOTH),
    "difference": columns.rate("Difference", "From unadjusted growth (rule R4).", columns.BOTH),
    "difference_low": columns.rate("Difference, low", "95% interval (rule R6).", columns.BOTH),
    "difference_high": columns.rate("Difference, high", "95% interval (rule R6).", columns.BOTH),
}


def hospital_table(study: Study) -> Draft:
    """Growth and difference of each hospital under each method, with intervals (R4, R6)."""
    rows = own_rows(study)
    frame = rows.assign(
        hospital=rows["ccn"].map(hospital_names(study)),
        method=rows["variant"].map(columns.METHOD_NAMES),
    )
    order = {v: i for i, v in enumerate(VARIANTS)}
    frame = frame.assign(place=frame["variant"].map(order)).sort_values(["ccn", "place"])
    dictionary = {
        "year": columns.YEAR,
        "ccn": columns.CCN,
        "hospital": columns.HOSPITAL,
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "benes": columns.BENES,
        "base_benes": columns.BASE_BENES,
        **INTERVALS,
    }
    return Draft(
        name="risk_hospitals",
        title="Growth of each hospital's per capita without and with risk adjustment",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("year", "ccn", "variant"),
        columns=dictionary,
        totals={"ccn": STATE},
        universe=f"{columns.UNIVERSE}, once for each method",
        note="Each hospital is compared with itself. Intervals draw the panels and places through"
        " which people are attributed (rule R6). Hospitals with people in both years only.",
        source=columns.SOURCE,
    )


MOVED_NAMES = {
    "stayers": "Stayed",
    "joiners": "Joined",
    "leavers": "Left",
    "relinked": "Panel moved to another hospital",
    ALL: "All",
}


def moved_rows(study: Study) -> pd.DataFrame:
    """Return the run's own pair's parts of growth with the people of each part (rule R7)."""
    pair, found = pair_of(study), study.frame("growth_parts")
    rows = found[
        (found["base_year"] == pair.base_year)
        & (found["performance_year"] == pair.performance_year)
    ]
    left = rows["part"] == "leavers"
    people = rows["performance_benes"].where(~left, rows["base_benes"])
    rows = rows.drop(columns="benes").assign(year=pair.performance_year, benes=people)
    columns_of = ["base_year", "year", "ccn", "part", "benes", "contribution", "per_capita"]
    return rows[columns_of].reset_index(drop=True)


def moved_table(study: Study) -> Draft:
    """Each hospital's growth by who stayed, joined, left or was moved with a panel (rule R7)."""
    rows = moved_rows(study)
    frame = pd.concat([rows, _whole(rows)], ignore_index=True)
    place = {part: i for i, part in enumerate((*MOVED, ALL))}
    frame = frame.assign(
        hospital=frame["ccn"].map(hospital_names(study)),
        who=frame["part"].map(MOVED_NAMES),
        place=frame["part"].map(place),
    )
    dictionary = {
        "base_year": columns.BASE_YEAR,
        "year": columns.YEAR,
        "ccn": columns.CCN,
        "hospital": columns.HOSPITAL,
        "part": Column("Part", "key"),
        "who": Column("Who", "label", "By where they were in the other year (rule R7)."),
        "benes": Column(
            "People",
            "count",
            "Of the performance year; of the base year for those who left.",
            "people",
        ),
        "contribution": columns.rate("Growth by them", "Parts add up to the growth (rule R7)."),
        "per_capita": columns.per_capita("Dollars per capita", "The same in dollars (rule R7)."),
    }
    return Draft(
        name="growth_by_who_moved",
        title="Whose coming and going makes each hospital's growth",
        frame=frame.sort_values(["ccn", "place"])[list(dictionary)].reset_index(drop=True),
        keys=("base_year", "year", "ccn", "part"),
        columns=dictionary,
        totals={"part": ALL},
        universe="people who were with the hospital in either year, by part",
        note="A part contributes when it costs more or less per person than the hospital did in the"
        " base year; a panel that moves is one whose clinician stayed (rule R7).",
        source=columns.SOURCE,
    )


def _whole(rows: pd.DataFrame) -> pd.DataFrame:
    keys = ["base_year", "year", "ccn"]
    sums = rows.groupby(keys, as_index=False)[["benes", "contribution", "per_capita"]].sum()
    return sums.assign(part=ALL)


def panel_table(study: Study) -> Draft:
    """What other links of panels to hospitals do to growth, one row per option (rules A8, R7)."""
    found = own_rows(study, "panel_options")
    own = found[found["option"] == OWN].set_index("ccn")["growth"]
    found = found.assign(change=(found["growth"] - found["ccn"].map(own)).abs())
    hospitals = found[found["ccn"] != STATE]
    frame = hospitals.groupby("option", as_index=False, sort=False).agg(
        hospitals=("growth", "size"),
        hospitals_changed=("change", lambda of: int((of > MOVES).sum())),
        relinked=("relinked", lambda of: of.abs().median()),
        change=("change", "median"),
        error=("growth_error", "median"),
    )
    moved = found[found["ccn"] == STATE].set_index("option")["moved"]
    rows = own_rows(study)
    frame = frame.assign(
        year=pair_of(study).performance_year,
        name=frame["option"].str.capitalize(),
        benes=float(rows.loc[rows["ccn"] == STATE, "benes"].iloc[0]),
        moved=frame["option"].map(moved),
    )
    dictionary = {
        "year": columns.YEAR,
        "option": Column("Option, short", "key"),
        "name": Column("Links of panels", "label", "Rule A8; all else as in this run."),
        "benes": columns.BENES,
        "moved": Column("People at another hospital", "count", "Than in this run (A8).", "people"),
        "hospitals": columns.hospitals("Hospitals", "With people in both years."),
        "hospitals_changed": columns.hospitals("Growth changes by over a point", "Rule R7."),
        "change": columns.rate("Median change of a hospital's growth", "Without sign (A8)."),
        "relinked": columns.rate("Median hospital's growth by moved panels", "Without sign (R7)."),
        "error": columns.error("Typical error of growth", "Median over hospitals (rule R6)."),
    }
    return Draft(
        name="risk_panel_options",
        title="What other links of panels to hospitals would do to hospitals' growth",
        frame=frame[list(dictionary)],
        keys=("year", "option"),
        columns=dictionary,
        within={"moved": "benes"},
        universe=f"{columns.UNIVERSE}, once for each option",
        note="Growth without risk adjustment. A panel that is too small to be linked leaves its"
        " people to the hospitals of their homes; a sticky panel stays with last year's hospital"
        " unless another's use is larger by a margin.",
        source=columns.SOURCE,
    )


PART_NAMES = (*PARTS.values(), OWN_COST)


def parts_table(study: Study) -> Draft:
    """Each hospital's adjustment in dollars per capita, by what changed in its mix (rule R6)."""
    settings, own = settings_of(study), own_rows(study)
    counts = own[own["variant"] == "none"][["year", "ccn", "benes", "base_benes"]]
    named = {settings.variant(method): method for method in METHODS[1:]}
    parts = study.frame("risk_decomposition")
    parts = parts[parts["variant"].isin(list(named))]
    frame = parts.merge(counts, on="ccn")
    frame = frame.assign(
        method=frame["variant"].map(named).map(columns.METHOD_NAMES),
        variant=frame["variant"].map(named),
        hospital=frame["ccn"].map(hospital_names(study)),
    )
    place = {part: i for i, part in enumerate(PART_NAMES)}
    frame = frame.assign(place=frame["part"].map(place)).sort_values(["variant", "ccn", "place"])
    dictionary = {
        "year": columns.YEAR,
        "ccn": columns.CCN,
        "hospital": columns.HOSPITAL,
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "part": Column("What changed", "key", "Characteristic of the mix (rule R6)."),
        "benes": columns.BENES,
        "base_benes": columns.BASE_BENES,
        "dollars": columns.per_capita(
            "Dollars of the adjusted base", "Shapley value of the characteristic.", columns.BOTH
        ),
    }
    return Draft(
        name="risk_parts",
        title="What changed in each hospital's mix, in dollars of its adjusted base",
        frame=frame[list(dictionary)].reset_index(drop=True),
        keys=("year", "ccn", "variant", "part"),
        columns=dictionary,
        totals={"ccn": STATE},
        universe=f"{columns.UNIVERSE}, once for each method and part",
        note="Parts add up to adjusted base less base. Own cost: the hospital's own costs of its"
        " buckets rather than the state's.",
        source=columns.SOURCE,
    )


def combination_tables(study: Study) -> list[Draft]:
    """Combined groups under each method (rule A12), if the run has any."""
    found = study.frame("risk_combinations")
    if found.empty:
        return []
    names = {"combination": "ccn", "performance_year": "year", "performance_benes": "benes"}
    frame = found.rename(columns=names)
    frame = frame.assign(method=frame["variant"].map(columns.METHOD_NAMES))
    dictionary = {
        "year": columns.YEAR,
        "ccn": Column("Combined hospitals", "key"),
        "variant": Column("Method, short", "key"),
        "method": columns.METHOD,
        "benes": columns.BENES,
        "base_benes": columns.BASE_BENES,
        "factor": INTERVALS["factor"],
        "growth": INTERVALS["growth"],
        "difference": INTERVALS["difference"],
    }
    draft = Draft(
        name="risk_combined",
        title="Growth of combined hospitals without and with risk adjustment",
        frame=frame.sort_values(["ccn", "variant"])[list(dictionary)].reset_index(drop=True),
        keys=("year", "ccn", "variant"),
        columns=dictionary,
        universe=f"{columns.UNIVERSE}, once for each method",
        note="Pooled sums of the members, then the method (rule A12).",
        source=columns.SOURCE,
    )
    return [draft]
