"""The style page: every chart type with invented numbers, for who makes a new figure.

`python -m tcoc.report.style_page OUT.html` writes it.
"""

import base64
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Picture

from tcoc.report import charts as figures
from tcoc.report import picture, style, words
from tcoc.report.html_page import Page, Section, write_page
from tcoc.report.render import EYEBROW
from tcoc.report.tables import simple_table, text

STAGES = style.STAGE_NAMES


@dataclass(frozen=True)
class Example:
    """A chart type: its function's name, when to use it, what the example shows."""

    function: str
    use: str
    alt: str
    draw: Callable[[], Picture]


def hospitals() -> pd.DataFrame:
    """Return ten invented hospitals with an estimate and its interval, one of them hidden."""
    draws = np.random.default_rng(1)
    frame = pd.DataFrame({"hospital": [f"Hospital {letter}" for letter in "ABCDEFGHIJ"]})
    frame["estimate"] = np.sort(draws.normal(11650, 900, 10).round(2))
    frame["low"], frame["high"] = frame["estimate"] - 340, frame["estimate"] + 340
    frame["before"] = frame["estimate"] - draws.normal(150, 200, 10)
    frame.loc[4, ["estimate", "low", "high"]] = np.nan
    return frame


def years() -> pd.DataFrame:
    """Return four years of invented shares by stage."""
    return pd.DataFrame(
        {
            "year": [2015, 2016, 2017, 2018],
            "aco_like": [0.28, 0.29, 0.29, 0.30],
            "mdpcp_like": [0.43, 0.44, 0.44, 0.44],
            "geographic": [0.29, 0.27, 0.27, 0.26],
        }
    )


def facets() -> pd.DataFrame:
    """Return six invented hospitals over four years."""
    draws = np.random.default_rng(2)
    rows = [
        (f"Hospital {letter}", year, 11000 + 600 * i + float(draws.normal(0, 250)))
        for i, letter in enumerate("ABCDEF")
        for year in (2015, 2016, 2017, 2018)
    ]
    return pd.DataFrame(rows, columns=["hospital", "year", "per_capita"])


def bins() -> pd.DataFrame:
    """Return twenty bins of an invented distribution, the last one hidden."""
    left = np.arange(0, 1, 0.05).round(2)
    counts = (2500 * np.exp(-((left - 0.45) ** 2) / 0.05)).round()
    counts[-1] = np.nan
    return pd.DataFrame({"left": left, "right": left + 0.05, "clinicians": counts})


def zips() -> pd.DataFrame:
    """Return nine ZIPs with invented numbers of beneficiaries."""
    codes = ["21201", "21215", "21401", "21502", "21601", "21701", "21740", "21801", "20601"]
    return pd.DataFrame({"zip": codes, "benes": [90.0 * (i + 1) for i in range(len(codes))]})


EXAMPLES = (
    Example("dots", "Compare hospitals, with uncertainty.", "Dots with intervals in rows.",
            lambda: figures.dots(hospitals(), "hospital", "estimate", "dollars",
                                 "Dollars per beneficiary-year", low="low", high="high",
                                 reference=(11650, "statewide"))),
    Example("bars", "Amounts from zero, with their values written.", "Bars in rows.",
            lambda: figures.bars(zips(), "zip", "benes", "count", "Beneficiaries")),
    Example("stacked_shares", "Parts of a whole.", "Bars of 100 percent by year.",
            lambda: figures.stacked_shares(years(), "year", STAGES, "Share of beneficiaries")),
    Example("curves", "A few series over time.", "Three lines over four years.",
            lambda: figures.curves(years(), "year", STAGES, "percent", "Share", digits=0)),
    Example("small_multiples", "Many series over time.", "A small line chart per hospital.",
            lambda: figures.small_multiples(facets(), "hospital", "year", {"per_capita": "All"},
                                            "dollars", "Dollars per capita", columns=3)),
    Example("slope", "Before and after, some rows named.", "Lines between two years.",
            lambda: figures.slope(hospitals(), "hospital", "before", "estimate",
                                  ("2017", "2018"), "dollars", "Dollars",
                                  emphasise=["Hospital A", "Hospital D", "Hospital J"])),
    Example("histogram", "A distribution against thresholds.", "Bars of bins with thresholds.",
            lambda: figures.histogram(bins(), "left", "right", "clinicians", "percent", "Score",
                                      thresholds=[(0.25, "25 %"), (0.5, "50 %")])),
    Example("zip_map", "Where people live.", "A map of Maryland's counties with dots.",
            lambda: figures.zip_map(zips(), marker=(-76.6252, 39.2946, "a hospital"))),
)  # fmt: skip


def render_style_page(out: Path) -> None:
    """Write the style page: number formats, colours, and each chart type once."""
    sections = [
        Section("numbers", "Numbers", _numbers()),
        Section("colours", "Colours", _colours()),
        *(Section(e.function, e.function.replace("_", " ").capitalize(), _shown(e))
          for e in EXAMPLES),
    ]  # fmt: skip
    summary = "<p>One theme for every figure. All numbers on this page are invented.</p>"
    write_page(Page("House style", EYEBROW, summary, sections, "", synthetic=True), out)


def _numbers() -> str:
    said = {
        "dollars(11667)": words.dollars(11667),
        "short_dollars(9.67e9)": words.short_dollars(9.67e9),
        "count(794315)": words.count(794315),
        "percent(0.021)": words.percent(0.021),
        "change(-0.0021, 2)": words.change(-0.0021, 2),
        "points(0.004)": words.points(0.004),
        "number(1.0016)": words.number(1.0016),
        "dollars(NA)": words.dollars(None),
    }
    rows = [[call, result] for call, result in said.items()]
    return simple_table("number-formats", "tcoc.report.words", ["Call", "Text"], rows)


def _colours() -> str:
    rows = [
        [tint, style.ink(tint), style.HATCHES[i] or "plain", style.MARKERS[i]]
        for i, tint in enumerate(style.PALETTE)
    ]
    headings = ["Colour", "As text", "Hatch", "Marker"]
    return simple_table("palette", "Series, in order", headings, rows)


def _shown(example: Example) -> str:
    data = base64.b64encode(picture.png(example.draw())).decode()
    return (
        f"<figure><figcaption>{text(example.use)}</figcaption>"
        f'<div class="zoom" role="region" tabindex="0" aria-label="{text(example.use)}">'
        f'<img src="data:image/png;base64,{data}" alt="{text(example.alt)}"></div>'
        f'<div class="tcoc-below"><p><code>figures.{example.function}</code></p></div></figure>'
    )


if __name__ == "__main__":
    render_style_page(Path(sys.argv[1]))
