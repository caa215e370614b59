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
_PATH, _USE, _GROUP, _TEXT, _DEFS = (
    f"{{{_SVG}}}{tag}" for tag in ("path", "use", "g", "text", "defs")
)
_CIRCLE = re.compile(r"^M ?0 ([\d.]+) ?C")
_TILES = {
    "up": ("0 0 6 6", "M-1 1L1 -1M0 6L6 0M5 7L7 5"),
    "down": ("0 0 6 6", "M-1 5L1 7M0 0L6 6M5 -1L7 1"),
    "cross": ("0 0 8 8", "M0 8L8 0M0 0L8 8"),
    "flat": ("0 0 6 6", "M0 3L6 3"),
    "dots": ("0 0 6 6", ""),
}


def svg(picture: Figure, name: str, label: str = "", shown: str = "") -> str:
    """Return a figure as an SVG element for a page; `name` makes its ids its own.

    `label` is the text alternative; `shown` a class that says in which layout it is seen.
    """
    raw = io.StringIO()
    empty = {"Date": None, "Creator": None, "Format": None, "Type": None}
    picture.savefig(raw, format="svg", metadata=empty)
    root = ET.fromstring(raw.getvalue())  # noqa: S314 - written by matplotlib, just above
    for tag in ("metadata", "defs"):
        for child in root.findall(f"{{{_SVG}}}{tag}"):
            if not any(child.iter(f"{{{_SVG}}}pattern")):
                root.remove(child)
    _tell_marks(root)
    _share(root)
    _circles(root)
    _tiles(root)
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
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    text = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    text = text.replace("xlink:href", "href").replace(
        ' xmlns:xlink="http://www.w3.org/1999/xlink"', ""
    )
    return re.sub(r">\s+<", "><", text).replace(" />", "/>").strip()


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
        if found.role == "shared":
            element.set("data-said", found.said)
        element.set("class", f"m-{found.role}")


def _share(root: ET.Element) -> None:
    """Draw a shape that stands in many panels once, and repeat it by reference."""
    first: dict[str, tuple[float, float]] = {}
    for element in list(root.iter()):
        if element.get("class") != "m-shared":
            continue
        key, (x, y) = (
            element.attrib.pop("data-ccn"),
            map(float, element.attrib.pop("data-said").split(";")),
        )
        if key not in first:
            first[key] = (x, y)
            element.set("id", f"shared-{key}")
            continue
        place = {"x": f"{x - first[key][0]:g}", "y": f"{y - first[key][1]:g}"}
        for child in list(element):
            element.remove(child)
        ET.SubElement(element, _USE, {_LINK: f"#shared-{key}", **place})


def _circles(root: ET.Element) -> None:
    """Write round markers as circles, which take a third of the letters."""
    sizes: dict[str, str] = {}
    for path in root.iter(_PATH):
        found = _CIRCLE.match(re.sub(r"\s+", " ", path.get("d", "")).strip())
        if path.get("id") and found:
            sizes[path.get("id", "")] = found.group(1)
    for use in root.iter(_USE):
        size = sizes.get(use.get(_LINK, "").removeprefix("#"))
        if size is not None:
            del use.attrib[_LINK]
            use.tag = f"{{{_SVG}}}circle"
            use.set("cx", use.attrib.pop("x"))
            use.set("cy", use.attrib.pop("y"))
            use.set("r", size)


def _tiles(root: ET.Element) -> None:
    """Replace matplotlib's hatches, a page of lines each, by small tiles of the same look."""
    for pattern in root.iter(f"{{{_SVG}}}pattern"):
        rect, path = list(pattern)
        lines = path.get("d", "")
        box, tile = _TILES[_hatch(lines)]
        side = box.split(" ")[2]
        fill = rect.get("fill", "#ffffff")
        for child in (rect, path):
            pattern.remove(child)
        pattern.attrib.update({"width": side, "height": side})
        ET.SubElement(pattern, f"{{{_SVG}}}rect", {"width": side, "height": side, "fill": fill})
        if tile:
            ET.SubElement(pattern, _PATH, {"d": tile, "stroke": "#fff", "stroke-width": "0.9"})
        else:
            ET.SubElement(
                pattern, f"{{{_SVG}}}circle", {"cx": "3", "cy": "3", "r": "0.9", "fill": "#fff"}
            )


def _hatch(lines: str) -> str:
    """Return which hatch a path draws, by the directions of its first strokes."""
    if "C" in lines:
        return "dots"
    ways = set()
    for x, y, to_x, to_y in re.findall(r"M (\S+) (\S+)\s+L (\S+) (\S+)", lines):
        way = (float(to_x) - float(x)) * (float(to_y) - float(y))
        ways.add("flat" if way == 0 else "up" if way < 0 else "down")
    return "cross" if ways >= {"up", "down"} else ways.pop()


def _shrink(root: ET.Element) -> None:
    """Round coordinates to hundredths of a point and drop what nothing refers to."""
    for element in root.iter():
        element.attrib.pop("clip-path", None)
    used = set(_references(root))
    _forget(root, used)
    for element in root.iter():
        if element.get("id") and element.get("id") not in used:
            del element.attrib["id"]
        for key in ("d", "transform", "x", "y", "width", "height", "points", "style"):
            value = element.get(key)
            if value:
                element.set(key, _short(key, value))
        if element.get("transform") == "":
            del element.attrib["transform"]
    _unwrap(root)
    _hoist(root)


def _forget(root: ET.Element, used: set[str]) -> None:
    """Remove definitions that nothing refers to, then empty groups."""
    for parent in list(root.iter()):
        for child in list(parent):
            defined = parent.tag == _DEFS and child.get("id") not in used and child.tag != _GROUP
            if defined or child.tag == f"{{{_SVG}}}clipPath":
                parent.remove(child)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == _DEFS and not len(child):
                parent.remove(child)


def _hoist(root: ET.Element) -> None:
    """Say a style that all children of a group share once, on the group."""
    for group in root.iter(_GROUP):
        drawn = [c for c in group if c.tag != f"{{{_SVG}}}title"]
        styles = {c.get("style") for c in drawn}
        if len(drawn) > 1 and len(styles) == 1 and None not in styles and not group.get("style"):
            group.set("style", styles.pop() or "")
            for child in drawn:
                del child.attrib["style"]


def _references(root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == _LINK:
                yield value.removeprefix("#")
            else:
                yield from _URL.findall(value)


def _short(key: str, value: str) -> str:
    if key == "style":
        return _short_style(value)
    value = _NUMBER.sub(lambda found: f"{float(found.group(0)):.2f}".rstrip("0").rstrip("."), value)
    if key == "d":
        value = re.sub(r"\s+", " ", value).strip()
        value = re.sub(r" ?([MLCQzZ]) ?", r"\1", value)
    if key == "transform":
        value = re.sub(r" ?(rotate\((?:-?0)[ ,][^)]*\)|rotate\(-?0\))", "", value).strip()
    return value


def _short_style(value: str) -> str:
    parts = [part.strip() for part in _FONT.sub(_font, value).split(";") if part.strip()]
    parts = [part for part in parts if not part.startswith("font-family")]
    dull = {"stroke-linejoin: miter", "stroke-linecap: butt", "opacity: 1", "text-anchor: start"}
    return ";".join(re.sub(r":\s+", ":", p) for p in parts if p not in dull)


def _font(found: re.Match[str]) -> str:
    """Keep size and weight; the page says the family once."""
    text = found.group(0)
    if text.startswith("font-"):
        return text
    size = re.search(r"([\d.]+)px", text)
    weight = re.search(r"\b(600|700|bold)\b", text)
    return f"font-size: {size.group(1) if size else '10'}px;" + (
        "font-weight: 600;" if weight else ""
    )


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
                element.set(
                    key, _URL.sub(lambda f: f"url(#{new.get(f.group(1), f.group(1))})", value)
                )


def standalone(inline: str) -> str:
    """Return an inline SVG as a file of its own, which names its typeface."""
    style = f"<style>text{{font-family:{_FAMILY}}}</style>"
    return re.sub(r"^(<svg[^>]*>)", lambda found: found.group(1) + style, inline, count=1) + "\n"
