"""A small release to look at: made-up numbers, no gate, and outputs without a kernel."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tcoc.params import PolicyUse
from tcoc.report import charts as figures
from tcoc.report import style, words
from tcoc.report.audited import AuditedTable, TableFacts
from tcoc.report.provenance import Provenance
from tcoc.report.release import Figure, Release

HOSPITALS = (
    (
        "Meritus UMMC UM-PGHC Holy-Cross Frederick UM-Harford Mercy Johns-Hopkins UM-Dorchester"
        " St-Agnes Sinai Bon-Secours MedStar-Franklin Adventist-WO Garrett MedStar-Montgomery"
        " Peninsula Suburban Anne-Arundel MedStar-Union Western-Maryland St-Marys Bayview"
        " UM-Chestertown Union-Cecil Carroll MedStar-Harbor UM-Charles UM-Easton Midtown Calvert"
    )
    .replace("-", "\u00a0")
    .split(" ")
)
STAGES = {"aco_like": "ACO-like", "mdpcp_like": "MDPCP-like", "geographic": "Geographic"}


@dataclass
class DemoRelease(Release):
    cells: list = field(default_factory=list)


def stage_table() -> AuditedTable:
    frame = pd.DataFrame(
        {
            "year": [2015, 2016, 2017, 2018] * 3,
            "stage": [s for s in STAGES for _ in range(4)],
            "benes": [218402.0, 221119, 230741, 241903, 331870, 339020, 341733, 348102,
                      219310, 215488, 211077, 204310],
            "tcoc": [2.61e9, 2.66e9, 2.84e9, 3.05e9, 3.85e9, 3.98e9, 4.1e9, 4.27e9,
                     2.41e9, 2.4e9, 2.39e9, 2.35e9],
        }
    )  # fmt: skip
    frame["share_of_benes"] = frame.benes / frame.groupby("year").benes.transform("sum")
    facts = TableFacts("waterfall", "demo", "Beneficiaries by stage and year", ("year", "stage"),
                       ("benes",), ("tcoc", "share_of_benes"), "beneficiaries and dollars", "",
                       "Synthetic Maryland, rules A5, A7 and A9")  # fmt: skip
    hidden = pd.DataFrame(False, index=frame.index, columns=frame.columns)
    return AuditedTable(facts, frame, hidden, {})


def hospital_table() -> AuditedTable:
    rng = np.random.default_rng(7)
    n = len(HOSPITALS)
    frame = pd.DataFrame(
        {
            "ccn": [f"2100{i:02d}" for i in range(1, n + 1)],
            "hospital": HOSPITALS,
            "benes": rng.integers(900, 60000, n).astype(float),
            "per_capita": rng.normal(11650, 1400, n).round(2),
        }
    )
    frame["low"], frame["high"] = frame.per_capita - 320, frame.per_capita + 320
    frame.loc[3, ["benes", "per_capita", "low", "high"]] = np.nan
    frame.loc[8, ["benes"]] = np.nan
    facts = TableFacts("hospital_year", "demo", "Per capita Medicare spending by hospital, 2018",
                       ("ccn",), ("benes",), ("per_capita", "low", "high"),
                       "dollars per beneficiary-year", "Completion factor as in the run file.",
                       "Synthetic Maryland, rule T2")  # fmt: skip
    reasons = {
        (3, c): "primary: a count of 1 to 10" for c in ("benes", "per_capita", "low", "high")
    }
    reasons[8, "benes"] = "complementary"
    return AuditedTable(facts, frame, frame.isna(), reasons)


def score_table() -> AuditedTable:
    edges = np.arange(0, 1, 0.05).round(2)
    counts = (3000 * np.exp(-((edges - 0.45) ** 2) / 0.05)).round()
    counts[-1] = np.nan
    frame = pd.DataFrame({"left": edges, "right": edges + 0.05, "clinicians": counts})
    facts = TableFacts("qp_scores", "demo", "Patient scores", ("left", "right"), (),
                       ("clinicians",), "", "", "Synthetic Maryland, rule Q5")  # fmt: skip
    return AuditedTable(facts, frame, frame.isna(), {(19, "clinicians"): "primary"})


def zip_table() -> AuditedTable:
    import zipcodes

    places = sorted(z["zip_code"] for z in zipcodes.filter_by(state="MD") if z["active"])[::3]
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"zip": places, "benes": rng.integers(11, 4000, len(places)) * 1.0})
    facts = TableFacts("home_zips", "demo", "Where they live", ("zip",), ("benes",), (), "", "",
                       "Synthetic Maryland, rule P3")  # fmt: skip
    return AuditedTable(facts, frame, frame.isna(), {})


def demo_release(folder: Path | None = None) -> DemoRelease:
    tables = [stage_table(), hospital_table(), score_table(), zip_table()]
    run = SimpleNamespace(
        name="demo", spec=SimpleNamespace(model_dump=lambda mode: {"years": [2018]})
    )
    store = SimpleNamespace(
        info={"source": {"kind": "synthetic", "benes": 40000, "seed": 1}},
        years=(2015, 2016, 2017, 2018),
    )
    study = SimpleNamespace(run=run, store=store)
    return DemoRelease(study, {t.facts.name: t for t in tables}, folder)


USES = tuple(
    PolicyUse(f"attribution.{name}", None, value, "assumed", "our reading", text, rule, False)
    for name, value, text, rule in (
        ("min_eligible_months", 1, "Months that make an eligible beneficiary.", "P2"),
        ("window", {"calendar_years": 1}, "Window in which services count.", "A1"),
        ("hospital_use", "payments", "What a clinician's hospital use is measured by.", "A8"),
    )
)

FACTS = Provenance(
    run="demo",
    data="Synthetic Maryland: invented people, clinicians and amounts",
    vintage="claims 2012–2018",
    synthetic=True,
    command="tcoc run params/runs/demo.yml",
    commit="0123456789",
    versions={"python": "3.11", "duckdb": "1.5.6", "pandas": "3.1"},
    assumed=USES,
    settings={"years": "2015, 2016, 2017, 2018", "engine": "duckdb"},
)


def waterfall(release):
    frame = release.table("waterfall")
    wide = frame.pivot(index="year", columns="stage", values="share_of_benes").reset_index()
    picture = figures.stacked_shares(wide, "year", STAGES, "Share of beneficiaries")
    release.show_figure(
        Figure(
            "waterfall",
            "The ACO-like stage takes 30.4 % of beneficiaries in 2018, up from 28.4 % in 2015",
            "Bars of 100 percent for each year, divided into ACO-like, MDPCP-like and geographic.",
            "Shares of eligible beneficiaries. The first stage with a match attributes.",
            picture,
            frame,
        )
    )


def hospitals(release):
    frame = release.table("hospital_year").sort_values("per_capita")
    release.show_figure(
        Figure(
            "per_capita",
            "Per capita spending differs by a factor of 1.6 between hospitals",
            "A dot for each hospital with its interval, from the lowest to the highest.",
            "Dots are estimates, lines 95 % intervals; ‡ marks a hidden value.",
            figures.dots(frame, "hospital", "per_capita", "dollars", "Dollars per beneficiary-year",
                         low="low", high="high", reference=(11650, "statewide $11,650")),
            frame,
        )
    )  # fmt: skip


def scores(release):
    frame = release.table("qp_scores")
    release.show_figure(
        Figure(
            "scores",
            "Nearly all clinicians pass the 20 % patient threshold",
            "Histogram of patient scores with two thresholds.",
            "Bins of five percentage points.",
            figures.histogram(frame, "left", "right", "clinicians", "percent", "Patient score",
                              thresholds=[(0.20, "2017–18: 20 %"), (0.35, "2019–20: 35 %"),
                                          (0.5, "2021+: 50 %")]),
            frame,
        )
    )  # fmt: skip


def lives(release):
    frame = release.table("home_zips")
    release.show_figure(
        Figure(
            "home_map",
            "Most of a hospital's beneficiaries live within its own county",
            "Map of Maryland's counties with a dot for each ZIP, larger where more people live.",
            "A dot is a ZIP's centroid; its area is the number of beneficiaries.",
            figures.zip_map(frame, marker=(-76.6252, 39.2946, "UMMC")),
            frame,
        )
    )


def lines(release):
    frame = release.table("waterfall").pivot(index="year", columns="stage", values="benes")
    frame = frame.reset_index()
    release.show_figure(
        Figure(
            "trend",
            "ACO-like beneficiaries grow as geographic ones decline",
            "Three lines over four years.",
            "Counts of beneficiaries (sums of shares).",
            figures.curves(frame, "year", STAGES, "count", "Beneficiaries"),
            frame,
        )
    )


def more(release):
    frame = release.table("hospital_year")
    top = frame.dropna().head(12)
    release.show_figure(
        Figure(
            "bars",
            "The largest hospitals",
            "Bars.",
            "Beneficiaries.",
            figures.bars(top, "hospital", "benes", "count", "Beneficiaries"),
            top,
        )
    )
    release.show_figure(
        Figure(
            "slope",
            "Before and after",
            "Lines.",
            "Dollars.",
            figures.slope(
                top,
                "hospital",
                "low",
                "high",
                ("2017", "2018"),
                "dollars",
                "Dollars",
                emphasise=list(top.hospital[:5]),
            ),
            top,
        )
    )
    parts = release.table("waterfall")
    parts["name"] = parts.stage.map(STAGES)
    release.show_figure(
        Figure("multiples", "By stage", "Small lines.", "Beneficiaries.",
               figures.small_multiples(parts, "name", "year", {"benes": "All"}, "short_count",
                                       "Beneficiaries", columns=3), parts))  # fmt: skip


def cells():
    md, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    return [
        md("# Year 1 attribution under the Medicare Performance Adjustment"),
        (code('run = "demo"\nwork = ""', metadata={"tags": ["parameters"]}), None),
        md("To which hospital does each Medicare beneficiary of Maryland belong, and what did"
           " Medicare spend on them?"),
        (code("page.summary(release)\nassert shares_sum_to_one(release)"), say),
        md("## How the waterfall splits beneficiaries\n\nMost are attributed by a clinician."),
        (code("page.waterfall(release)\nassert True"), waterfall),
        (code("page.lines(release)"), lines),
        md("## Hospitals\n\nHidden cells carry a mark."),
        (code("page.hospitals(release)\nassert True"), hospitals),
        (code("page.table(release)"), lambda r: r.show_table(
            "hospital_year",
            {"hospital": "Hospital", "ccn": "CCN", "benes": "Beneficiaries",
             "per_capita": "Per capita", "low": "Low", "high": "High"},
            {"per_capita": "dollars", "low": "dollars", "high": "dollars"})),
        md("## Where they live"),
        (code("page.lives(release)"), lives),
        md("## Clinicians' scores"),
        (code("page.scores(release)"), scores),
        md("## Other charts"),
        (code("page.more(release)"), more),
        md("## Assumptions"),
        (code("page.assumptions(release)"), assume),
        md("## Data notes"),
        (code("release.show_provenance()"), lambda r: r.show_provenance()),
    ]  # fmt: skip


def say(release):
    frame = release.table("hospital_year")
    release.say(
        f"In **2018** spending per beneficiary-year was {words.dollars(11667)} at the median"
        f" hospital and {words.dollars(frame.per_capita.max())} at the highest;"
        f" Holy Cross has {words.plural(frame.benes[3], 'beneficiary', 'beneficiaries')}."
        " The data are invented, so *nothing* here is a finding."
    )
    release.show_numbers(
        [
            ("Beneficiaries, 2018", words.count(794315), "eligible for a month or more"),
            ("TCOC, 2018", words.short_dollars(9.67e9)),
            ("ACO-like stage", words.percent(0.304), "of beneficiaries"),
        ]
    )


def assume(release):
    from tcoc.report.display import publish_html
    from tcoc.report.provenance import assumptions_html

    publish_html(assumptions_html(USES), "assumptions", "assumptions")


def executed(release, number, cell, show):
    cell.execution_count = number
    if show:
        with capture_output() as captured:
            show(release)
        cell.outputs = [
            nbformat.v4.new_output("display_data", o.data, metadata=o.metadata)
            for o in captured.outputs
        ]
    return cell


def demo_notebook(release) -> nbformat.NotebookNode:
    InteractiveShell.instance()
    done = []
    for number, cell in enumerate(cells(), start=1):
        done.append(executed(release, number, *cell) if isinstance(cell, tuple) else cell)
        done[-1].id = f"cell-{number:02d}"
    return nbformat.v4.new_notebook(cells=done, metadata={"language_info": {"name": "python"}})


__all__ = ["FACTS", "demo_notebook", "demo_release", "style"]
