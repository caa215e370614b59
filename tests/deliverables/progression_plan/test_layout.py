"""No text of a picture overlaps another or leaves the page, whatever the words."""

from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tcoc.deliverables.progression_plan import diagrams
from tcoc.deliverables.progression_plan import figures as progression_figures
from tcoc.deliverables.progression_plan.timeline import draw_timeline
from tcoc.reference.published import load_aims, load_diagram, load_timeline, load_values
from tcoc.rules import progression

SLACK = 1.0
"""Pixels by which two boxes may touch: half a leading between lines of one text."""


def boxes(picture: Picture) -> list[tuple[str, Bbox]]:
    picture.draw_without_rendering()
    renderer = picture.canvas.get_renderer()
    unseen = {id(label) for axes in picture.axes for label in ticks_outside(axes)}
    found = [
        t
        for t in picture.findobj(Text)
        if t.get_text().strip() and t.get_visible() and id(t) not in unseen
    ]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in found]


def ticks_outside(axes: Axes) -> list[Text]:
    """Labels of ticks that lie outside the axis, which are never drawn."""
    labels = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high or not axis.axes.axison:
                labels += [tick.label1, tick.label2]
    return labels


def problems(picture: Picture) -> list[str]:
    texts = boxes(picture)
    page = picture.bbox
    cut = [
        text
        for text, b in texts
        if b.x0 < page.x0 - SLACK
        or b.x1 > page.x1 + SLACK
        or b.y0 < page.y0 - SLACK
        or b.y1 > page.y1 + SLACK
    ]
    touching = [f"{a} | {b}" for (a, x), (b, y) in combinations(texts, 2) if overlap(x, y)]
    return cut + touching


def overlap(one: Bbox, other: Bbox) -> bool:
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    tall = min(one.y1, other.y1) - max(one.y0, other.y0)
    return wide > SLACK and tall > SLACK * 2.5


def test_the_check_sees_an_overlap():
    picture, axes = diagrams.paper(1.0)
    axes.text(1, 0.5, "one text", va="center")
    axes.text(1.2, 0.5, "another", va="center")
    assert problems(picture) == ["one text | another"]
    picture, axes = diagrams.paper(1.0)
    axes.text(6.8, 0.5, "cut at the edge", va="center")
    assert problems(picture) == ["cut at the edge"]


@pytest.mark.parametrize("name", ["driver_diagram_2013", "driver_diagram_updated"])
def test_driver_diagrams(name):
    rows = progression.diagram_rows(load_diagram(name))
    assert problems(diagrams.draw_drivers(rows, "Reconstruction, no copy of the original")) == []


def test_aims():
    rows = [{"aim": a.name, "item": item} for a in load_aims().aims for item in a.items]
    assert problems(diagrams.draw_aims(pd.DataFrame(rows))) == []


def test_timeline():
    assert problems(draw_timeline(progression.timeline_rows(load_timeline()))) == []


def test_metrics():
    metrics = progression.metrics(load_values("all_payer_model_metrics"))
    assert problems(progression_figures.draw_metrics(metrics)) == []


def test_a_phone_gets_an_outline_that_fits():
    aims = [(aim.name, list(aim.items)) for aim in load_aims().aims]
    assert problems(diagrams.outline(aims)) == []


WORDS = st.lists(
    st.sampled_from(
        ["care", "growth", "beneficiary", "hospitals", "coordination", "of", "the", "total", "cost"]
    ),
    min_size=1,
    max_size=14,
).map(" ".join)
DIAGRAM = st.lists(
    st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=5)), min_size=1, max_size=5
)


@settings(max_examples=4, deadline=None)
@given(aim=WORDS, blocks=DIAGRAM)
def test_an_edited_diagram_makes_room_for_itself(aim, blocks):
    rows = [
        {"aim": aim, "primary": f"{i} {name}", "secondary": s}
        for i, (name, secondary) in enumerate(blocks)
        for s in secondary
    ]
    assert problems(diagrams.draw_drivers(pd.DataFrame(rows), "Proposal")) == []


EVENTS = st.lists(
    st.tuples(st.integers(0, 2300), st.integers(0, 900), WORDS.map(lambda w: w[:34])),
    min_size=1,
    max_size=6,
)


@settings(max_examples=4, deadline=None)
@given(tracks=st.lists(EVENTS, min_size=1, max_size=4))
def test_an_edited_timeline_stays_legible(tracks):
    start = pd.Timestamp("2013-01-01")
    rows = [
        {
            "track": f"Track {i}",
            "event": label,
            "when": "31 December 2016 to 31 Jan 2017",
            "first": start + pd.Timedelta(days=first),
            "last": start + pd.Timedelta(days=first + length),
            "instant": length == 0,
            "status": "planned",
        }
        for i, events in enumerate(tracks)
        for first, length, label in events
    ]
    assert problems(draw_timeline(pd.DataFrame(rows))) == []
