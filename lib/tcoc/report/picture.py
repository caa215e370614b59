"""A figure as bytes: the same drawing gives the same PNG and SVG, every time."""

import io
import re

from matplotlib.figure import Figure as Picture
from PIL import Image

_PIXELS_PER_INCH = 144
_COLOURS = 64
_LARGEST_SVG = 70_000


def settle(picture: Picture) -> None:
    """Lay the figure out once; PNG and SVG then need not do it again."""
    if picture.get_layout_engine() is not None:
        picture.draw_without_rendering()
        picture.set_layout_engine("none")


def png(picture: Picture) -> bytes:
    """Return a figure as a small PNG without metadata: 64 colours are enough for a chart."""
    settle(picture)
    raw = io.BytesIO()
    picture.savefig(raw, format="png", dpi=_PIXELS_PER_INCH, metadata={"Software": None})
    image = (
        Image.open(raw)
        .convert("RGB")
        .quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    small = io.BytesIO()
    image.save(small, format="png", optimize=True)
    return small.getvalue()


def svg(picture: Picture) -> str:
    """Return a figure as SVG without date or creator; letters are outlines, so no font is asked."""
    settle(picture)
    raw = io.StringIO()
    empty = {"Date": None, "Creator": None, "Format": None, "Type": None}
    picture.savefig(raw, format="svg", metadata=empty)
    text = raw.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' d="([^"]*)"', _shorter_path, text)
    return re.sub(r"\n\s*", "\n", text)


def _shorter_path(found: re.Match[str]) -> str:
    """Cut a path's coordinates to hundredths of a point, which no eye and no printer tells."""
    points = re.sub(r"(\.\d\d)\d+", r"\1", found.group(1))
    return f' d="{re.sub(chr(10), " ", points).strip()}"'


def svg_or_none(picture: Picture) -> str | None:
    """Return the SVG, or None where the drawing is so rich that the PNG is the smaller file."""
    text = svg(picture)
    return text if len(text) <= _LARGEST_SVG else None
