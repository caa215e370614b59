"""Every chart type draws the values of its table: positions of marks are compared, not pixels."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from tcoc.disclosure import Column, Draft, gate
from tcoc.errors import TcocError
from tcoc.report import charts, formats, picture
from tcoc.report.marks import read
from tests.report.made_up import STAGES, made_up

LAYOUTS = pytest.mark.parametrize("layout", charts.LAYOUTS)


@pytest.fixture(scope="module")
def tables():
    return made_up()


def every(tables):
    """One chart of each type."""
    hospitals, settings = tables["hospital_year"], tables["settings"]
    return {
        "bars": charts.bars(hospitals, "ccn", "mpa_dollars"),
        "dots": charts.dots(hospitals, "ccn", "per_capita", "low", "high", (11650, "statewide")),
        "heat": charts.heat(settings, "setting", "year", "dollars"),
        "histogram": charts.histogram(
            tables["qp_scores"], "left", "right", "clinicians", [(0.2, "20%")]
        ),
        "lines": charts.lines(tables["waterfall"].where(stage=STAGES), "year", "benes", "stage"),
        "scatter": charts.scatter(hospitals, "benes", "per_capita", "ccn"),
        "slope": charts.slope(hospitals, "ccn", "before", "per_capita"),
        "small_multiples": charts.small_multiples(settings, "setting", "year", "dollars"),
        "stacked_bars": charts.stacked_bars(settings, "year", "setting", "dollars"),
        "stacked_shares": charts.stacked_shares(
            tables["waterfall"], "year", "stage", "share_benes"
        ),
        "waterfall": charts.waterfall(
            tables["growth_steps"], "step", "change", levels=("before", "after")
        ),
        "zip_map": charts.zip_map(tables["home_zips"].where(ccn="210001")),
        "zip_maps": charts.zip_maps(tables["home_zips"], "ccn"),
    }


def test_every_type_is_here(tables):
    types = {
        n for n in charts.__all__ if n not in ("Chart", "EMPTY", "Layout", "LAYOUTS", "needs_rows")
    }
    assert set(every(tables)) == types


def drawn(chart, kind, layout="wide"):
    """The marked artists of a type, with what each says."""
    found = chart.draw(layout).findobj(kind)
    return [(a, read(a.get_gid())) for a in found if read(a.get_gid())]


def shown(table, column):
    values = formats.floats(table, column)
    return values[~np.isnan(values)]


def places(lines):
    """x and y of the dots among marked lines."""
    dots = [line for line, mark in lines if mark.role == "mark" and len(line.get_xdata()) == 1]
    return [(float(d.get_xdata()[0]), float(d.get_ydata()[0])) for d in dots]


@LAYOUTS
def test_bars_end_at_their_values_in_the_tables_order(tables, layout):
    table = tables["hospital_year"].sort("mpa_dollars", descending=True)
    bars = drawn(charts.bars(table, "ccn", "mpa_dollars"), Rectangle, layout)
    assert [b.get_width() for b, _ in bars] == list(shown(table, "mpa_dollars"))
    assert len(bars) == 46
    assert [m.key for _, m in bars] == table.frame["ccn"].tolist()[:46]
    tops = [b.get_y() for b, _ in bars]
    assert tops == sorted(tops)


@LAYOUTS
def test_dots_and_intervals_stand_at_their_values(tables, layout):
    table = tables["hospital_year"]
    chart = charts.dots(table, "ccn", "per_capita", "low", "high")
    assert [x for x, _ in places(drawn(chart, Line2D, layout))] == list(shown(table, "per_capita"))
    spans = [
        line.get_xdata()
        for line in chart.draw(layout).findobj(Line2D)
        if len(line.get_xdata()) == 2 and line.get_linewidth() == 1.7
    ]
    assert [tuple(s) for s in spans] == list(
        zip(shown(table, "low"), shown(table, "high"), strict=True)
    )


def test_dots_in_panels_share_their_scale(tables):
    table = tables["waterfall"].where(stage=STAGES)
    figure = charts.dots(table, "stage", "share_benes", facet="year").draw("wide")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 6
    assert len({axes.get_xlim() for axes in panels}) == 1
    assert [axes.get_title(loc="left") for axes in panels] == [str(y) for y in range(2013, 2019)]


@LAYOUTS
def test_shares_follow_on_and_fill_the_bar(tables, layout):
    table = tables["waterfall"]
    chart = charts.stacked_shares(table, "year", "stage", "share_benes")
    parts = [b for b, m in drawn(chart, Rectangle, layout) if m.role == "mark"]
    values = shown(table.where(stage=STAGES), "share_benes")
    assert [p.get_width() for p in parts] == pytest.approx(list(values))
    assert [p.get_x() for p in parts[:3]] == pytest.approx([0, values[0], values[0] + values[1]])


def hidden_part():
    """A year with two parts of a few people beside parts that are shown."""
    counts = {"a": 100.0, "b": 9.0, "c": 8.0, "d": 83.0}
    rows = [(2018, part, n, n / 200, n * 9000.0) for part, n in counts.items()]
    rows.append((2018, "all", 200.0, 1.0, 1800000.0))
    frame = pd.DataFrame(rows, columns=["year", "part", "benes", "share", "dollars"])
    columns = {
        "benes": Column("Beneficiaries", "count"),
        "share": Column("Share", "share", base="benes"),
        "dollars": Column("Dollars", "dollars", of=("benes",)),
    }
    draft = Draft(
        name="parts",
        title="Parts",
        frame=frame,
        keys=("year", "part"),
        columns=columns,
        totals={"part": "all"},
    )
    return gate({"d": [draft]}).tables["parts"]


@pytest.mark.parametrize("value", ["share", "dollars"])
def test_hidden_parts_are_one_grey_part_up_to_the_known_total(value):
    table = hidden_part()
    hidden = table.frame[value].isna()
    assert hidden.any()
    draw = charts.stacked_shares if value == "share" else charts.stacked_bars
    chart = draw(table, "year", "part", value)
    parts = [(b, m) for b, m in drawn(chart, Rectangle) if m.role == "mark"]
    known = table.where(part=["a", "b", "c", "d"])
    total = 1.0 if value == "share" else float(table.value(value, part="all"))
    rest, said = parts[-1]
    assert "hidden" in said.said
    assert rest.get_width() == pytest.approx(total - shown(known, value).sum())
    assert sum(b.get_width() for b, _ in parts) == pytest.approx(total)
    assert "hidden" in chart.alt


@LAYOUTS
def test_lines_go_through_their_points_and_break_at_hidden_ones(tables, layout):
    table = tables["waterfall"].where(stage=STAGES)
    lines = drawn(charts.lines(table, "year", "benes", "stage"), Line2D, layout)
    ways = [line for line, mark in lines if mark.role == "line"]
    assert len(ways) == 3
    for way, stage in zip(ways, STAGES, strict=True):
        assert list(way.get_xdata()) == [2013, 2014, 2015, 2016, 2017, 2018]
        assert list(way.get_ydata()) == list(formats.floats(table.where(stage=stage), "benes"))


def test_too_many_lines_are_refused(tables):
    with pytest.raises(TcocError, match="at most 6 are legible"):
        charts.lines(tables["home_zips"], "ccn", "benes", "zip")


def test_small_multiples_have_a_panel_each_on_one_scale(tables):
    table = tables["settings"]
    figure = charts.small_multiples(table, "setting", "year", "dollars").draw("wide")
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    for axes, setting in zip(figure.axes, table.frame["setting"].unique(), strict=True):
        values = list(formats.floats(table.where(setting=setting), "dollars"))
        assert list(axes.lines[0].get_ydata()) == values


def test_a_histogram_draws_its_bins_and_thresholds(tables):
    table = tables["qp_scores"]
    chart = charts.histogram(table, "left", "right", "clinicians", [(0.2, "20%")])
    bars = [b for b, m in drawn(chart, Rectangle) if m.role == "mark"]
    assert [b.get_height() for b in bars] == list(shown(table, "clinicians"))
    lines = [line for line, m in drawn(chart, Line2D) if m.role == "reference"]
    assert [list(line.get_xdata()) for line in lines] == [[0.2, 0.2]]
    assert chart.alt.endswith("A line marks 20%.")


def test_a_slope_runs_from_one_column_to_the_other(tables):
    table = tables["hospital_year"]
    lines = [line for line, m in drawn(charts.slope(table, "ccn", "before", "per_capita"), Line2D)]
    ends = [tuple(line.get_ydata()) for line in lines]
    assert ends == list(zip(shown(table, "before"), shown(table, "per_capita"), strict=True))


def test_a_scatter_stands_at_its_pairs(tables):
    table = tables["hospital_year"]
    found = places(drawn(charts.scatter(table, "benes", "per_capita", "ccn"), Line2D))
    pairs = zip(formats.floats(table, "benes"), formats.floats(table, "per_capita"), strict=True)
    assert found == [(x, y) for x, y in pairs if not np.isnan(x + y)]


def test_a_waterfall_leads_from_level_to_level(tables):
    table = tables["growth_steps"]
    chart = charts.waterfall(table, "step", "change", levels=("before", "after"))
    bars = [b for b, m in drawn(chart, Rectangle) if m.role == "mark"]
    ends = [b.get_x() + b.get_width() for b in bars]
    values = formats.floats(table, "change")
    assert ends == pytest.approx(
        [values[0], values[:2].sum(), values[:3].sum(), values[:4].sum(), values[4]]
    )
    assert [m.said for _, m in drawn(chart, Rectangle)][2] == "Joiners: −$120"


def test_a_map_draws_each_zip_that_is_shown_and_says_how_many_are_not(tables):
    table = tables["home_zips"].where(ccn="210001")
    chart = charts.zip_map(table)
    dots = [m for _, m in drawn(chart, Line2D) if m.role == "mark"]
    hidden = int(table.frame["benes"].isna().sum())
    unknown = len(table) - hidden - len(dots)
    assert dots
    assert f"{hidden} ZIP" in chart.note
    assert f"{unknown} ZIP" in chart.note
    value = table.value("benes", zip=dots[0].said.split(":")[0].removeprefix("ZIP "))
    assert dots[0].said.endswith(f"{int(value):,}")


def test_a_heat_writes_each_cell(tables):
    table = tables["settings"]
    cells = [m.said for _, m in drawn(charts.heat(table, "setting", "year", "dollars"), Rectangle)]
    assert len(cells) == len(table)
    assert "Skilled nursing facility, 2013: Medicare payments $800,000,000" in cells


@pytest.mark.parametrize("name", sorted(every(made_up())))
def test_alt_text_comes_from_the_data_and_bytes_are_the_same(name, tables):
    chart = every(tables)[name]
    assert len(chart.alt) > 40
    assert any(character.isdigit() for character in chart.alt)
    one, two = (picture.svg(chart.draw("narrow"), name, chart.alt) for _ in range(2))
    assert one == two
    assert "<text" in one
    assert "<title>" in one
    assert "xlink" not in one
    assert len(one) < 160_000
    assert any(read(artist.get_gid()) for artist in chart.draw("wide").findobj())


def test_a_chart_of_other_rows_says_and_draws_otherwise(tables):
    table = tables["hospital_year"]
    one, two = (charts.bars(table.head(n), "ccn", "benes") for n in (5, 6))
    assert one.alt != two.alt
    assert len(drawn(one, Rectangle)) + 1 == len(drawn(two, Rectangle))


def test_an_unknown_column_names_the_nearest(tables):
    with pytest.raises(TcocError, match='did you mean "per_capita"'):
        charts.bars(tables["hospital_year"], "ccn", "per_capta")


def test_a_table_without_rows_is_one_sentence_for_every_type(tables):
    for kind, chart in every(tables).items():
        empty = {name: t.head(0) for name, t in tables.items()}
        found = every(empty)[kind]
        assert (chart.kind, found.kind) == (kind, charts.EMPTY)
        assert "nothing to draw" in found.alt
        assert found.draw("narrow").axes == []


def test_small_multiples_with_own_scales_fill_every_panel(tables):
    settings = tables["settings"]
    common, own = (
        charts.small_multiples(settings, "setting", "year", "dollars", own_scale=own).draw("wide")
        for own in (False, True)
    )
    tops = [{axes.get_ylim()[1] for axes in f.axes if axes.lines} for f in (common, own)]
    assert len(tops[0]) == 1
    assert len(tops[1]) > 1
    assert {axes.get_ylim()[0] for axes in own.axes if axes.lines} == {0.0}


def test_labels_of_parts_leave_most_of_the_part_to_see(tables):
    chart = charts.stacked_shares(tables["waterfall"], "year", "stage", "share_benes")
    figure = chart.draw("wide")
    figure.canvas.draw()
    bars = [p for p in figure.findobj(Rectangle) if read(p.get_gid())]
    labels = [t for t in figure.axes[0].texts if t.get_bbox_patch() is not None]
    assert labels
    for label in labels:
        box = label.get_window_extent()
        under = [b.get_window_extent() for b in bars]
        covered = [b for b in under if b.x0 <= box.x0 and box.x1 <= b.x1 and b.y0 < box.y1 < b.y1]
        assert covered
        assert box.width < 0.5 * covered[0].width


@LAYOUTS
def test_labels_of_an_uneven_scale_never_touch(layout):
    sizes = pd.DataFrame({"size": [1000, 2500, 5000, 10000, 20000, 40000], "factor": 0.5})
    columns = {"size": Column("People", "number"), "factor": Column("Factor", "number")}
    draft = Draft(name="sizes", title="Sizes", frame=sizes, keys=("size",), columns=columns)
    table = gate({"d": [draft]}).tables["sizes"]
    figure = charts.lines(table, "size", "factor").draw(layout)
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in figure.axes[0].get_xticklabels() if t.get_text()]
    assert len(boxes) >= 3
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
