"""Public tables of the run's spending: against the nation, by setting, concentrated, lasting."""

from decimal import Decimal

import pandas as pd

from tcoc.deliverables.progression_plan.dictionary import (
    ALL,
    BENES,
    PER_CAPITA,
    SHARE_DOLLARS,
    SHARE_PEOPLE,
    SOURCE,
    UNIVERSE,
    WHOLE,
    YEAR,
    dollars,
    ordered,
    with_total,
)
from tcoc.deliverables.progression_plan.public_published import guardrail
from tcoc.deliverables.y1_attribution.completion import completion_facts
from tcoc.deliverables.y1_attribution.tables import completion
from tcoc.disclosure import Column, Draft
from tcoc.reference.published import load_values
from tcoc.rules import progression
from tcoc.rules.completion import run_out_sentence
from tcoc.rules.progression import GONE
from tcoc.study import Study

_OF = ("benes",)


def spending_tables(study: Study) -> list[Draft]:
    """Return the drafts of this module."""
    return [
        *savings_tables(study),
        split_table(study),
        contribution_table(study),
        *concentration_tables(study),
        persistence_table(study),
    ]


def _settings(study: Study) -> pd.DataFrame:
    return study.frame("progression_settings", exact=True).set_index("year", drop=False)


PATH = (
    "growth", "at_national_growth", "difference", "saving_per_beneficiary", "saving",
    "cumulative_saving", "base_year", "guardrail",
)  # fmt: skip
"""What a run in which nobody is eligible has no year of."""


def savings_path(study: Study) -> pd.DataFrame:
    """Return the run's spending per beneficiary with the national rate of each year, or why none.

    One row per year: the inputs and results of `progression.savings` (rule of section I.C).
    """
    sums = _settings(study)
    rates = {y: (g.value, g.source) for y, g in study.run.spec.national_growth.items()}
    national = progression.national_growth(
        list(sums.index),
        load_values("medicare_savings"),
        rates,
        study.policy.get("progression.rate_year_lag"),
        study.policy.get("progression.rate_base_year"),
    )
    factor = completion(study)
    parts = [
        progression.per_capita_parts(
            {"total": row["tcoc"]}, int(row["eligible_months"]), factor(int(row["year"]))
        )
        for _, row in sums.iterrows()
    ]
    path = national.assign(
        benes=sums["benes"].to_numpy(),
        per_capita=[float(part["total"]) for part in parts],
        beneficiaries=sums["eligible_months"].to_numpy(dtype=float) / 12,
    )
    if path.empty:
        return path.reindex(columns=[*path.columns, *PATH])
    base = progression.savings_base(path)
    frame = progression.savings(path, base).assign(base_year=str(base))
    return progression.guarded(frame, guardrail(study))


def savings_tables(study: Study) -> list[Draft]:
    """Savings on the run's own data, year by year, and the path that a figure draws."""
    path = savings_path(study).drop(columns="beneficiaries")
    facts = completion_facts(study)
    path["completeness"] = [run_out_sentence(facts[int(y)]) for y in path["year"]]
    columns = {
        "year": YEAR,
        "benes": BENES,
        "per_capita": PER_CAPITA,
        "growth": Column("Growth", "growth", "Of per capita, on the year before.", of=_OF),
        "national_growth": Column(
            "National growth", "number", "An input of the run or published; never assumed.",
            "share", digits=3,
        ),
        "at_national_growth": Column(
            "At national growth", "per_capita", "The base year's level at national rates since.",
            of=_OF,
        ),
        "difference": Column("Growth less the nation's", "growth", of=_OF),
        "saving_per_beneficiary": Column("Saving per beneficiary", "per_capita", of=_OF),
        "saving": dollars("Saving", "At national growth less actual, times full years."),
        "cumulative_saving": dollars("Cumulative saving", "Since the base year."),
        "guardrail": Column("Guardrail", "label"),
        "base_year": Column("Base year", "label"),
        "reason": Column("Why no rate", "label"),
        "completeness": Column("Completeness of the year", "label", "Rules T2 and T3."),
    }  # fmt: skip
    deck = load_values("medicare_payments").frame()
    deck = deck[deck["metric"] == "per_capita"]
    lines = [
        path.assign(series="computed")[["series", "year", "benes", "per_capita"]],
        path.assign(series="national", per_capita=path["at_national_growth"])[
            ["series", "year", "benes", "per_capita"]
        ].dropna(subset=["per_capita"]),
    ]
    printed = pd.DataFrame(
        {"series": "published", "year": deck["year"], "printed": deck["value"].astype(float)}
    )
    drawn = pd.concat([*lines, printed], ignore_index=True)
    drawn["dollars"] = drawn["per_capita"].fillna(drawn["printed"])
    drawn["benes"] = drawn["benes"].fillna(0).astype("int64")
    return [
        Draft(
            name="medicare_savings",
            title="Medicare spending against national growth on the run's own data",
            frame=path,
            keys=("year",),
            columns=columns,
            universe=UNIVERSE,
            note="Savings are what spending would have been at national growth less actual.",
            source=SOURCE,
        ),
        Draft(
            name="spending_path",
            title="Spending per beneficiary: this run, at national growth, and as published",
            frame=drawn[["series", "year", "benes", "dollars"]],
            keys=("series", "year"),
            columns={
                "series": Column("Series", "key"),
                "year": YEAR,
                "benes": BENES,
                "dollars": Column(
                    "Per beneficiary", "per_capita", "Computed (T2), or as the deck prints it.",
                    "dollars per beneficiary and year", of=_OF,
                ),
            },
            universe="attributed beneficiaries, repeated by series",
            source=f"{SOURCE}; workgroup deck of April 2018",
        ),
    ]  # fmt: skip


def _parts(study: Study) -> dict[int, dict[str, Decimal]]:
    sums = _settings(study)
    factor = completion(study)
    return {
        int(row["year"]): progression.per_capita_parts(
            {s: row[s] for s in progression.SETTING_ORDER},
            int(row["eligible_months"]),
            factor(int(row["year"])),
        )
        for _, row in sums.iterrows()
    }


SPLIT = ["year", "setting", "benes", "dollars", "whole", "share_dollars", "per_capita"]


def split_table(study: Study) -> Draft:
    """Dollars, share and dollars per beneficiary of each setting, by year."""
    sums, parts = _settings(study), _parts(study)
    rows = [
        {
            "year": row["year"],
            "setting": setting,
            "benes": row["benes"],
            "dollars": float(row[setting]),
            "whole": row["benes"],
            "share_dollars": float(row[setting] / row["tcoc"]),
            "per_capita": float(parts[int(row["year"])][setting]),
        }
        for _, row in sums.iterrows()
        for setting in progression.SETTING_ORDER
    ]
    for _, row in sums.iterrows():
        hospital = sum(row[s] for s in ("inpatient", "outpatient"))
        each = parts[int(row["year"])]
        rows.append(
            {
                "year": row["year"], "setting": "hospital", "benes": row["benes"],
                "dollars": float(hospital), "whole": row["benes"],
                "share_dollars": float(hospital / row["tcoc"]),
                "per_capita": float(each["inpatient"] + each["outpatient"]),
            }
        )  # fmt: skip
    return Draft(
        name="payment_split",
        title="Medicare payments by setting",
        frame=pd.DataFrame(rows, columns=SPLIT).sort_values(
            ["year"], kind="stable", ignore_index=True
        ),
        keys=("year", "setting"),
        columns={
            "year": YEAR,
            "setting": Column("Setting", "key", "Hospital is inpatient and outpatient (T4)."),
            "benes": BENES,
            "dollars": dollars("Medicare payments"),
            "whole": WHOLE,
            "share_dollars": SHARE_DOLLARS,
            "per_capita": PER_CAPITA,
        },
        universe="attributed beneficiaries of the year, repeated by setting",
        source=SOURCE,
    )


def contribution_table(study: Study) -> Draft:
    """What each setting adds to the growth of spending per beneficiary, year on year."""
    frame = progression.contributions(_parts(study))
    money = ["per_capita", "before", "change"]
    frame[money] = frame[money].astype(float)
    frame["benes"] = frame["year"].map(_settings(study)["benes"]).astype("int32")
    point = "Share of the year before's total per beneficiary."
    return Draft(
        name="growth_contributions",
        title="What each setting adds to the growth of spending per beneficiary",
        frame=frame,
        keys=("year", "part"),
        columns={
            "year": YEAR,
            "part": Column("Setting", "key"),
            "benes": BENES,
            "per_capita": PER_CAPITA,
            "before": Column("The year before", "per_capita", of=_OF),
            "change": Column("Change", "per_capita", "Adds up to the total, to the cent.", of=_OF),
            "growth": Column("Growth", "growth", "Of the setting itself.", of=_OF),
            "points": Column("Adds to growth", "growth", point, of=_OF, digits=3),
        },
        universe="attributed beneficiaries of the later year, repeated by part",
        source=SOURCE,
    )


def concentration_tables(study: Study) -> list[Draft]:
    """Spending by percentile of people, costliest first, and the shares of the top groups."""
    cells = study.frame("progression_concentration", exact=True)
    curves, tops = [], []
    for year, part in cells.groupby("year"):
        curve = progression.lorenz(part).iloc[1:]
        curves.append(
            part.assign(
                whole=int(part["benes"].sum()),
                share_people=curve["people"].to_numpy(),
                share_dollars=curve["dollars"].to_numpy(),
            )
        )
        for top, share in progression.top_shares(part).items():
            benes = int(part.loc[part["percentile"] <= top, "benes"].sum())
            whole = int(part["benes"].sum())
            tops.append(
                {"year": year, "top": top, "benes": benes, "whole": whole, "share_dollars": share}
            )
    columns = ["year", "percentile", "benes", "tcoc", "whole", "share_people", "share_dollars"]
    frame = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=columns)
    frame["tcoc"] = frame["tcoc"].astype(float)
    note = "People with at least one eligible month count as people, whatever their months."
    return [
        Draft(
            name="spending_percentiles",
            title="Medicare spending by percentile of people, costliest first",
            frame=frame,
            keys=("year", "percentile"),
            columns={
                "year": YEAR,
                "percentile": Column("Percentile of people", "key", "1 is the costliest 1%."),
                "benes": BENES,
                "tcoc": dollars("Total cost of care"),
                "whole": WHOLE,
                "share_people": SHARE_PEOPLE,
                "share_dollars": Column(
                    "Cumulative share of dollars",
                    "share",
                    base="whole",
                    description="Of this percentile and all costlier ones.",
                ),
            },
            universe="attributed beneficiaries by percentile of spending",
            note=note,
            source=SOURCE,
        ),
        Draft(
            name="spending_concentration",
            title="Share of Medicare spending of the costliest 1, 5 and 10% of people",
            frame=pd.DataFrame(tops, columns=["year", "top", "benes", "whole", "share_dollars"]),
            keys=("year", "top"),
            columns={
                "year": YEAR,
                "top": Column("Costliest percent of people", "key"),
                "benes": BENES,
                "whole": WHOLE,
                "share_dollars": SHARE_DOLLARS,
            },
            universe="attributed beneficiaries of the costliest percentiles",
            note=note,
            source=SOURCE,
        ),
    ]  # fmt: skip


def persistence_table(study: Study) -> Draft:
    """Where the people of each spending group are in the next year."""
    sums = ("benes", "tcoc", "next_tcoc")
    cells = study.frame("progression_persistence")
    frame = with_total(with_total(cells, "next_group", sums), "cost_group", sums)
    whole = frame[frame["next_group"] == ALL].set_index(["year", "cost_group"])["benes"]
    keys = pd.MultiIndex.from_frame(frame[["year", "cost_group"]])
    frame["whole"] = whole.reindex(keys).to_numpy()
    frame["share_of_group"] = frame["benes"] / frame["whole"]
    return Draft(
        name="spending_persistence",
        title="Spending groups of one year and the next",
        frame=ordered(frame, ("year", "cost_group", "next_group")),
        keys=("year", "cost_group", "next_group"),
        columns={
            "year": YEAR,
            "cost_group": Column("Group by spending", "key"),
            "next_group": Column("Group in the next year", "key"),
            "benes": BENES,
            "tcoc": dollars("Total cost of care"),
            "next_tcoc": dollars("Total cost of care, next year"),
            "whole": WHOLE,
            "share_of_group": Column(
                "Share of the group", "share", "Of its people.", of=("benes",), base="whole"
            ),
        },
        totals={"next_group": ALL, "cost_group": ALL},
        universe="attributed beneficiaries by spending group and the next year's",
        note=f'"{GONE}" has died, moved, or left Medicare fee for service.',
        source=SOURCE,
    )
