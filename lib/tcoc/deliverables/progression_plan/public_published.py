"""Public tables of published figures: metrics, savings, growth against the nation, diagrams."""

import pandas as pd

from tcoc.deliverables.progression_plan.dictionary import YEAR, published
from tcoc.disclosure import Column, Draft
from tcoc.reference.published import (
    DriverDiagram,
    load_aims,
    load_diagram,
    load_programs,
    load_timeline,
    load_values,
)
from tcoc.rules import progression
from tcoc.rules.progression import Guardrail
from tcoc.study import Study

DIAGRAMS = ("driver_diagram_2013", "driver_diagram_updated")

_MILLION = 1_000_000


def published_tables(study: Study) -> list[Draft]:
    """Return Figures 1 and 2 as published, what they must obey, and the level and split."""
    savings = load_values("medicare_savings")
    payments = load_values("medicare_payments").frame()
    return [
        published(
            "published_metrics",
            "All-Payer Model metrics against their targets",
            progression.metrics(load_values("all_payer_model_metrics")),
            ("metric", "year", "vintage"),
            {
                "year": YEAR,
                "label": Column("Metric", "label"),
                "measure": Column("Measure", "label"),
                "value": Column("Value", "number", "As published, in the row's unit.", digits=2),
                "target": Column("Target", "number", "The agreement's target.", digits=2),
                "target_words": Column("Target in words", "label"),
                "status": Column("Against target", "label"),
                "confidence": Column("Confidence", "label", "Sourced, seed, or recalled."),
                "vintage_words": Column("Vintage", "label"),
            },
        ),
        _savings_table(study),
        published(
            "growth_against_nation",
            "Maryland's Medicare growth per beneficiary less the nation's, by part",
            progression.growth_by_part(savings, hospital_share(payments)),
            ("vintage", "year", "part"),
            {
                "vintage": Column("Vintage", "key"),
                "year": YEAR,
                "part": Column("Part of spending", "key"),
                "difference": Column(
                    "Growth less the nation's",
                    "number",
                    "Percentage points in the year; from the printed cumulative differences.",
                    "percentage points",
                ),
                "basis": Column("How known", "label"),
            },
        ),
        published(
            "published_growth_difference",
            "Medicare total cost of care growth in Maryland less the nation's, by year",
            _in_points(_guarded(study)),
            ("series", "year"),
            {
                "series": Column("As reported", "key"),
                "year": YEAR,
                "difference": Column(
                    "Growth less the nation's", "number", "In the year.", "percentage points"
                ),
                "guardrail": Column("Guardrail", "label", "Whether it holds in the year."),
            },
        ),
        published(
            "published_payments",
            "Level and split of Medicare payments as the source documents print them",
            payments,
            ("metric", "year", "vintage"),
            {"value": Column("Value", "number", "As printed, in the row's unit.", digits=0)},
        ),
    ]


def _savings_table(study: Study) -> Draft:
    """Published savings of every vintage, the one that the run's policy shows first."""
    file = load_values("medicare_savings")
    first = study.policy.get("progression.published_vintage")
    vintages = [first, *(v for v in file.vintages if v != first)]
    frame = pd.concat([progression.published_savings(file, v) for v in vintages], ignore_index=True)
    frame[["saving", "cumulative"]] *= _MILLION
    return published(
        "published_savings",
        "Medicare savings against national growth as published",
        frame,
        ("vintage", "part", "year"),
        {
            "vintage": Column("Vintage", "key"),
            "part": Column("Part of spending", "key"),
            "year": YEAR,
            "saving": Column("Saving in the year", "dollars", "As printed.", "dollars"),
            "cumulative": Column(
                "Cumulative saving", "dollars", "Sum of the vintage's years.", "dollars"
            ),
            "confidence": Column("Confidence", "label"),
        },
    )


def hospital_share(payments: pd.DataFrame) -> float:
    """Return the published hospital share of Medicare payments (draft, section VI.A.1)."""
    return float(payments.loc[payments["metric"] == "hospital_share", "value"].iloc[0]) / 100


def _guarded(study: Study) -> pd.DataFrame:
    printed = progression.annual_differences(load_values("medicare_savings"))
    return progression.guarded(printed, guardrail(study))


def _in_points(frame: pd.DataFrame) -> pd.DataFrame:
    # -1.62 and not -1.6200000000000003, which a product of fractions leaves
    return frame.assign(difference=(100 * frame["difference"]).round(12))


def guardrail(study: Study) -> Guardrail:
    """Return the guardrail of the run's policy."""
    policy = study.policy
    return Guardrail(
        policy.get("progression.guardrail_points"), policy.get("progression.guardrail_years")
    )


# ---------------------------------------------------------------- words


def diagram_tables() -> list[Draft]:
    """Return the aims, the driver diagrams, the programs and the timeline as rows of words."""
    aims, timeline, programs = load_aims(), load_timeline(), load_programs()
    rows = [{"aim": aim.name, "item": item} for aim in aims.aims for item in aim.items]
    return [
        _words("three_aims", aims.title, pd.DataFrame(rows), ("aim", "item"), aims.source),
        *(_diagram(name, load_diagram(name)) for name in DIAGRAMS),
        _words(
            "landscape_programs",
            programs.title,
            pd.DataFrame([p.model_dump() for p in programs.programs]),
            ("program",),
            programs.source,
        ),
        _words(
            "timeline",
            timeline.title,
            progression.timeline_rows(timeline).assign(vintage=timeline.vintage),
            ("track", "event"),
            "each event's source stands in its row",
        ),
    ]


def _diagram(name: str, diagram: DriverDiagram) -> Draft:
    frame = progression.diagram_rows(diagram).assign(
        note=diagram.note,
        kind="reconstruction" if diagram.reconstruction else "proposal",
        vintage=diagram.vintage,
        confidence=diagram.confidence,
    )
    return _words(name, diagram.title, frame, ("primary", "secondary"), diagram.source)


def _words(name: str, title: str, frame: pd.DataFrame, keys: tuple[str, ...], source: str) -> Draft:
    return Draft(
        name=name,
        title=title,
        frame=frame,
        keys=keys,
        columns={},
        universe="words",
        source=source,
    )
