"""A figure as inline SVG with real text: searchable, readable aloud, the same bytes every time.

What matplotlib writes is made small and at home in a page: marks get their words as `<title>` and
their hospital as `data-ccn`, ids get the figure's name so that no two figures of a page share one,
and everything that nothing refers to goes.
"""

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

from tcoc.report import marks

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d*\.\d{2,}")
_FONT = re.compile(r"font:[^;]*;?")
_FAMILY = '"Source Sans 3","DejaVu Sans",sans-serif'
_URL = re.compile(r"url\(#([^)]+)\)")


def svg(picture: Figure, name: str, label: str = "", shown: str = "") -> str:
    """Return a figure as an SVG element for a page; `name` makes its ids its own.

    `label` is the text alternative; `shown` a class that says in which layout it is seen.
    """
    raw = io.StringIO()
    empty = {"Date": None, "Creator": None, "Format": None, "Type": None}
    picture.savefig(raw, format="svg", metadata=empty)
    root = ET.fromstring(raw.getvalue())  # noqa: S314 - written by matplotlib, just above
    for tag in ("metadata",):
        for child in root.findall(f"{{{_SVG}}}{tag}"):
            root.remove(child)
    _tell_marks(root)
    _shrink(root)
    _own_ids(root, name)
    width, height = (float(root.get(side, "0").removesuffix("pt")) for side in ("width", "height"))
    for side in ("width", "height", "version"):
        root.attrib.pop(side, None)
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("style", f"aspect-ratio:{width:g}/{height:g};max-width:{width * 1.6:.0f}px")
    root.set("role", "img")
    if label:
        root.set("aria-label", label)
    if shown:
        root.set("class", shown)
    ET.register_namespace("", _SVG)
    text = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    text = text.replace("xlink:href", "href").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    return re.sub(r">\s+<", "><", text).strip()


def _tell_marks(root: ET.Element) -> None:
    """Turn the id of each marked artist into its title and its hospital."""
    for element in root.iter():
        found = marks.read(element.get("id"))
        if found is None:
            continue
        del element.attrib["id"]
        if found.role in ("mark", "line"):
            title = ET.Element(f"{{{_SVG}}}title")
            title.text = found.said
            element.insert(0, title)
        if found.key:
            element.set("data-ccn", found.key)
        element.set("class", f"m-{found.role}")


def _shrink(root: ET.Element) -> None:
    """Round coordinates to hundredths of a point and drop what nothing refers to."""
    used = set(_references(root))
    for element in root.iter():
        if element.get("id") and element.get("id") not in used:
            del element.attrib["id"]
        for key in ("d", "transform", "x", "y", "width", "height", "points", "style"):
            value = element.get(key)
            if value:
                element.set(key, _short(key, value, element.tag))
    _unwrap(root)


def _references(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == _LINK:
                yield value.removeprefix("#")
            else:
                yield from _URL.findall(value)


def _short(key: str, value: str, tag: str) -> str:
    if key == "style":
        return _short_style(value, tag)
    value = _NUMBER.sub(lambda found: f"{float(found.group(0)):.2f}".rstrip("0").rstrip("."), value)
    if key == "d":
        value = re.sub(r"\s+", " ", value).strip()
        value = re.sub(r" ?([MLCQzZ]) ?", r"\1", value)
    if key == "transform":
        value = re.sub(r" ?(rotate\((?:-?0)[ ,][^)]*\)|rotate\(-?0\))", "", value).strip()
    return value


def _short_style(value: str, tag: str) -> str:
    parts = [part.strip() for part in _FONT.sub(_font, value).split(";") if part.strip()]
    dull = {"stroke-linejoin: miter", "stroke-linecap: butt", "opacity: 1", "text-anchor: start"}
    return ";".join(re.sub(r":\s+", ":", p) for p in parts if p not in dull)


def _font(found: re.Match[str]) -> str:
    """Keep size and weight; the page says the family once."""
    text = found.group(0)
    size = re.search(r"([\d.]+)px", text)
    weight = re.search(r"\b(600|700|bold)\b", text)
    return f"font-size: {size.group(1) if size else '10'}px;" + ("font-weight: 600;" if weight else "")


def _unwrap(root: ET.Element) -> None:
    """Replace a group that says nothing by what it holds, and drop empty ones."""
    changed = True
    while changed:
        changed = False
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag != f"{{{_SVG}}}g" or child.attrib:
                    continue
                place = list(parent).index(child)
                parent.remove(child)
                for offset, inner in enumerate(list(child)):
                    parent.insert(place + offset, inner)
                changed = True


def _own_ids(root: ET.Element, name: str) -> None:
    """Number the ids that are referred to, with the figure's name before them."""
    ids = [e.get("id", "") for e in root.iter() if e.get("id")]
    new = {old: f"{name}-{number}" for number, old in enumerate(dict.fromkeys(ids))}
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == "id":
                element.set(key, new[value])
            elif key == _LINK:
                element.set(key, "#" + new.get(value.removeprefix("#"), value))
            elif "url(#" in value:
                element.set(key, _URL.sub(lambda f: f"url(#{new.get(f.group(1), f.group(1))})", value))


def standalone(inline: str) -> str:
    """Return an inline SVG as a file of its own, with the typeface's name for who has it."""
    style = f"<style>text{{font-family:{_FAMILY}}}</style>"
    return re.sub(r"^(<svg[^>]*>)", lambda found: found.group(1) + style, inline, count=1) + "\n"
