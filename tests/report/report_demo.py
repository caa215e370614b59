"""A small report to look at: made-up tables through the real gate, outputs without a kernel."""

import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tcoc.params import PolicyUse
from tcoc.report import charts, words
from tcoc.report.facts import RunFacts
from tcoc.report.provenance import Provenance
from tcoc.report.release import Release, start
from tests.report.made_up import STAGES, made_up

USES = tuple(
    PolicyUse(f"attribution.{name}", None, value, "assumed", "our reading", text, rule, False)
    for name, value, text, rule in (
        ("min_eligible_months", 1, "Months that make an eligible beneficiary.", "P2"),
        ("window", {"calendar_years": 1}, "Window in which services count.", "A1"),
        ("hospital_use", "payments", "What a clinician's hospital use is measured by.", "A8"),
    )
)
RUN_FACTS = RunFacts(
    "demo",
    years=(2013, 2014, 2015, 2016, 2017, 2018),
    base_year=2017,
    performance_year=2018,
    synthetic=True,
    data="Synthetic Maryland: invented people, clinicians and amounts",
    vintage="claims 2012–2018",
    completeness={2017: 1.0, 2018: 0.985},
    policy=USES,
    settings={"years": "2013–2018", "engine": "duckdb"},
)
FACTS = Provenance(
    run="demo",
    data=RUN_FACTS.data,
    vintage=RUN_FACTS.vintage,
    synthetic=True,
    command="tcoc run params/runs/demo.yml",
    commit="0123456789",
    versions={"python": "3.11", "duckdb": "1.5.6", "pandas": "3.1"},
    assumed=USES,
    settings={"years": "2013–2018", "engine": "duckdb"},
)


def demo_release() -> Release:
    return Release(made_up(), RUN_FACTS, "demo")


def say(release):
    waterfall = release.table("waterfall")
    hospitals = release.table("hospital_year")
    share = waterfall.value("share_benes", year=2018, stage="aco_like")
    release.say(
        f"In **2018** the ACO-like stage took {words.percent(share)} of beneficiaries;"
        f" Holy Cross has {words.count(hospitals.value('benes', ccn='210004'))} of them."
        " The data are invented, so *nothing* here is a finding."
    )
    everyone = waterfall.value("benes", year=2018, stage="all")
    release.show_numbers(
        [
            ("Beneficiaries, 2018", words.count(everyone), "eligible for a month or more"),
            ("ACO-like stage", words.percent(share), "of beneficiaries"),
        ]
    )


def waterfall(release):
    table = release.table("waterfall")
    first, last = (
        words.percent(table.value("share_benes", year=y, stage="aco_like")) for y in (2013, 2018)
    )
    release.show(
        charts.stacked_shares(table, rows="year", parts="stage", value="share_benes"),
        title=f"The ACO-like stage takes {last} of beneficiaries in 2018, up from {first} in 2013",
        caption="Shares of eligible beneficiaries. The first stage that matches wins (rule A1).",
    )
    release.show_table(
        table,
        ["stage", "year", "benes", "share_benes"],
        across="year",
        caption="Beneficiaries by stage",
    )


def lines(release):
    table = release.table("waterfall").where(stage=STAGES)
    release.show(
        charts.lines(table, x="year", value="benes", series="stage"),
        title="ACO-like beneficiaries grow as geographic ones decline",
        caption="Counts of beneficiaries (sums of shares).",
    )


def hospitals(release):
    table = release.table("hospital_year").sort("per_capita", descending=True)
    release.show(
        charts.dots(table, "ccn", "per_capita", "low", "high", (11650, "statewide")),
        title="Per capita spending differs between hospitals",
        caption="Dots are estimates, lines 95% intervals; ‡ marks a hidden value.",
    )
    release.show_table(
        table, ["ccn", "per_capita", "mpa_dollars", "mpa_percent", "benes", "low", "high", "year"]
    )
    release.show(
        charts.bars(table.sort("mpa_dollars", descending=True), "ccn", "mpa_dollars"),
        title="What the adjustment pays and takes",
        caption="Dollars of one rate year.",
    )


def lives(release):
    table = release.table("home_zips")
    release.show(
        charts.zip_map(table.where(ccn="210001")),
        title="Most of a hospital's beneficiaries live near it",
        caption="A dot is a ZIP's centroid; its area is the number of beneficiaries.",
    )
    release.show(charts.zip_maps(table, "ccn"), title="Six hospitals' areas", caption="One scale.")
    release.show_table(table, ["ccn", "zip", "benes"])


def scores(release):
    thresholds = [(0.20, "2017–18: 20%"), (0.35, "2019–20: 35%"), (0.5, "2021+: 50%")]
    release.show(
        charts.histogram(release.table("qp_scores"), "left", "right", "clinicians", thresholds),
        title="Most clinicians pass the first patient threshold",
        caption="Bins of five percentage points.",
    )


def more(release):
    settings, hospitals = release.table("settings"), release.table("hospital_year")
    top = hospitals.sort("benes", descending=True).head(12)
    drawn = (
        charts.bars(top, "ccn", "benes", name="largest"),
        charts.slope(top, "ccn", "before", "per_capita"),
        charts.scatter(hospitals, "benes", "per_capita", "ccn", emphasize=["210008"]),
        charts.small_multiples(settings, "setting", "year", "dollars"),
        charts.stacked_bars(settings, "year", "setting", "dollars"),
        charts.heat(settings, "setting", "year", "dollars"),
        charts.waterfall(
            release.table("growth_steps"), "step", "change", levels=("before", "after")
        ),
    )
    for chart in drawn:
        release.show(chart, title=f"Example of {chart.kind.replace('_', ' ')}", caption="Invented.")


def what_if(release):
    release.show_what_if(
        release.table("mpa_what_if"),
        dimensions=["threshold", "revenue_at_risk"],
        value="mpa_dollars",
        caption="The adjustment under other terms",
    )


def cells():
    md, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    return [
        md("# Year 1 attribution under the Medicare Performance Adjustment"),
        (code('run = "demo"\npublic = ""', metadata={"tags": ["parameters"]}), None),
        (code("release = tcoc.open_release(run, public)"), lambda r: start(r.facts, r.tables)),
        md(
            "To which hospital does each Medicare beneficiary of Maryland belong, and what did"
            " Medicare spend on them?"
        ),
        (code('say(release)\nassert release.holds("shares_sum_to_one")'), say),
        md("## How the waterfall splits beneficiaries\n\nMost are attributed by a clinician."),
        (code("waterfall(release)\nassert True"), waterfall),
        (code("lines(release)"), lines),
        md("## Hospitals\n\nHidden cells carry a mark."),
        (code("hospitals(release)\nassert True"), hospitals),
        md("## What if the terms were different?"),
        (code("what_if(release)"), what_if),
        md("## Where they live"),
        (code("lives(release)"), lives),
        md("## Clinicians' scores"),
        (code("scores(release)"), scores),
        md("## Other charts"),
        (code("more(release)"), more),
        md("## Checks and assumptions"),
        (code("release.show_checks()"), lambda r: r.show_checks()),
        (code("release.show_assumptions()"), lambda r: r.show_assumptions()),
        md("## Data notes"),
        (code("release.show_data_notes()"), lambda r: r.show_data_notes()),
    ]


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
