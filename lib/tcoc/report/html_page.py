"""The parts that every page of a run has: frame, style, script, header facts, provenance footer."""

import base64
import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template

from tcoc.folders import write_whole
from tcoc.report.formats import heading
from tcoc.report.provenance import Provenance, value_words
from tcoc.report.tables import text

KINDS = {"system": "Health systems", "aco": "ACOs", "county": "Counties"}
"""The kinds of groups that have a sheet, as a list of them is headed."""

TEMPLATES = Path(__file__).with_name("template")
_FONTS = Path(__file__).with_name("fonts")
_FACES = (
    ("SourceSans3-Regular", 400, "normal"),
    ("SourceSans3-SemiBold", 600, "normal"),
    ("SourceSans3-Italic", 400, "italic"),
)


@dataclass(frozen=True)
class Section:
    """A part of a page under one heading; title and content are HTML."""

    anchor: str
    title: str
    html: str


@dataclass(frozen=True)
class Choices:
    """Systems, ACOs or counties that a reader can choose: (sheet's name, name, CCNs)."""

    label: str
    rows: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class Page:
    """A page: what stands in the frame of template/frame.html.j2."""

    title: str
    eyebrow: str
    summary: str
    sections: Sequence[Section]
    footer: str
    run: str = ""
    home: str = ""
    facts: Sequence[str] = field(default_factory=list)
    synthetic: bool = False
    hospitals: Sequence[tuple[str, str]] = ()
    sheets: Collection[str] = ()
    groups: Sequence[Choices] = ()
    dollars: Mapping[str, str] = field(default_factory=dict)

    @property
    def style(self) -> str:
        """The page's style sheet with its typeface inside."""
        return _style()

    @property
    def script(self) -> str:
        """The small script for long tables, the hospital picker and the what-if."""
        return (TEMPLATES / "page.js").read_text(encoding="utf-8")

    @property
    def mark(self) -> str:
        """What the top of each printed page says, as a CSS string."""
        words = re.sub(r"<[^>]*>", "", self.title) + (f" · {self.run}" if self.run else "")
        return '"' + re.sub(r'["\\<>\n]', "", words) + '"'


def sheets_beside(folder: Path) -> list[str]:
    """Return the hospitals, by CCN, whose sheets stand beside the pages of a run folder."""
    return sorted(f.stem for f in (folder / "hospitals").glob("*.html") if f.stem.isdigit())


def groups_beside(folder: Path) -> list[Choices]:
    """Return the systems, ACOs and counties whose sheets stand beside the pages of a run folder."""
    file = folder / "tables" / "groups.csv"
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [r for r in csv.DictReader(lines) if (folder / _sheet(r["group"])).is_file()]
    found = [
        Choices(label, [(r["group"], r["name"], r["hospitals"]) for r in rows if r["kind"] == kind])
        for kind, label in KINDS.items()
    ]
    return [choices for choices in found if choices.rows]


def _sheet(name: str) -> str:
    return f"hospitals/{name}.html"


@cache
def _style() -> str:
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    return "\n".join([*(_face(*face) for face in _FACES), css])


def _face(name: str, weight: int, slope: str) -> str:
    data = base64.b64encode((_FONTS / f"{name}.woff2").read_bytes()).decode()
    return (
        f'@font-face{{font-family:"Source Sans 3";font-weight:{weight};font-style:{slope};'
        f"src:url(data:font/woff2;base64,{data})format('woff2')}}"
    )


def write_page(page: Page, out: Path) -> None:
    """Write a page in the one frame that reports, cover, portfolio and comparisons share."""
    write_whole(out, (_frame().render(page=page).strip() + "\n").encode(), 0o666)


@cache
def _frame() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False)  # noqa: S701
    return environment.get_template("frame.html.j2")  # its parts are escaped


def slug(title: str, taken: set[str]) -> str:
    """Return an anchor for a heading that no other heading of the page has."""
    plain = re.sub(r"<[^>]*>|&[a-z]+;", "", title).lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "section"
    anchor, number = base, 2
    while anchor in taken:
        anchor, number = f"{base}-{number}", number + 1
    taken.add(anchor)
    return anchor


def header_facts(facts: Provenance, assumptions: str = "") -> list[str]:
    """Return the facts under a page's title: run, data, vintage, and the Draft mark."""
    lines = [f"Run <strong>{text(facts.run)}</strong>"]
    lines += [f"Data <strong>{text(facts.data)}</strong>"] if facts.data else []
    lines += [f"Vintage <strong>{text(facts.vintage)}</strong>"] if facts.vintage else []
    lines += [draft_badge(facts, assumptions)] if facts.draft else []
    return [*lines, NOT_RELEASED] if not facts.released else lines


NOT_RELEASED = '<span class="badge">Not released: for review</span>'
"""What every page says until an edition is signed off (`tcoc release`)."""


def draft_badge(facts: Provenance, assumptions: str = "") -> str:
    """Return the Draft mark, which leads to the list of assumptions where the page has one."""
    names = {use.name for use in (*facts.assumed, *facts.replaced)}
    label = f"Draft: rests on {len(names)} assumed value{'' if len(names) == 1 else 's'}"
    inner = f'<a href="#{assumptions}">{label}</a>' if assumptions else label
    return f'<span class="badge">{inner}</span>'


def provenance_html(facts: Provenance, remarks: Sequence[tuple[str, str]] = ()) -> str:
    """Return the footer: run, data, parameters, code and versions, how to reproduce."""
    changed = [f"{use.name} = {value_words(use.value)}" for use in facts.replaced]
    rows = [
        ("Run", text(facts.run)),
        ("Data", text(facts.data)),
        ("Vintage", text(facts.vintage)),
        ("Settings", text("; ".join(f"{heading(k)}: {v}" for k, v in facts.settings.items()))),
        ("Policy values replaced", _one_per_line(changed) or "none: every value as filed"),
        ("Code", text(facts.commit or "not under version control")),
        ("Versions", text(", ".join(f"{k} {v}" for k, v in facts.versions.items()))),
        ("Reused", text(facts.reused)),
        ("To reproduce", f"<code>{text(facts.command)}</code>"),
        *((label, text(words)) for label, words in remarks),
    ]
    items = "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows if value)
    return (
        f'<h2 id="provenance">Where the numbers come from</h2><dl class="provenance">{items}</dl>'
    )


def _one_per_line(lines: Sequence[str]) -> str:
    return "<br>".join(text(line) for line in dict.fromkeys(lines))
