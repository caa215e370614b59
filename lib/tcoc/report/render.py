"""An executed notebook as a page: no source, no stray output, nothing from elsewhere.

Only what a `Release` showed is taken over; a picture or a print that went around it stops the
report, because it also went around the disclosure gate (rule D4).
"""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any

from tcoc.errors import TcocError
from tcoc.report import display, glossary
from tcoc.report.executed import cells_of, check_executed
from tcoc.report.html_page import (
    Page,
    Section,
    groups_beside,
    header_facts,
    provenance_html,
    sheets_beside,
    slug,
    write_page,
)
from tcoc.report.picture import standalone
from tcoc.report.provenance import Provenance, citation, reused_words
from tcoc.report.tables import text

EYEBROW = "Maryland Total Cost of Care"
LARGEST_PAGE = 2_000_000
WIDE = "image/svg+xml"

_HEADING = re.compile(r"<h([12])>(.*?)</h\1>", re.DOTALL)
_PARAMETER_TAGS = {"parameters", "injected-parameters"}

Cells = Sequence[Mapping[str, Any]]


@dataclass
class _Draft:
    """A page in the making: parts before the first section, and sections."""

    title: str = ""
    summary: list[str] = field(default_factory=list)
    sections: list[tuple[str, list[str]]] = field(default_factory=list)
    figures: int = 0
    files: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, content: str) -> None:
        """Append to the section that is open, else to the summary."""
        (self.sections[-1][1] if self.sections else self.summary).append(content)


def render_report(
    notebook: Path,
    out: Path,
    source: Provenance | Mapping[str, Any],
    home: str = "index.html",
    prefixes: Sequence[str] | None = None,
) -> None:
    """Render an executed notebook to one self-contained HTML file.

    `source` is a Provenance or a run's manifest; `prefixes` are the policy files that the page
    rests on (None: all). The figures are written to `figures/` beside the page.

    Raises TcocError for a notebook with a code cell
    that was not executed or ended in an error, for output that did not come from a Release, and
    for a page above 2 MB.
    """
    cells = cells_of(notebook)
    check_executed(notebook.name, cells)
    facts = (
        source if isinstance(source, Provenance) else _facts(notebook.stem, cells, source, prefixes)
    )
    page, files = page_of(cells, facts, notebook.name, home)
    hospitals = [(ccn, name) for ccn, name in _about(cells).get("hospitals", [])]
    folder = out.parent
    page = replace(
        page, hospitals=hospitals, sheets=sheets_beside(folder), groups=groups_beside(folder)
    )
    write_page(page, out)
    if (size := out.stat().st_size) > LARGEST_PAGE:
        raise TcocError(f"{out.name}: the page has {size:,} bytes, at most {LARGEST_PAGE:,} fit")
    write_figures(files, out.parent / "figures")


def page_of(
    cells: Cells, facts: Provenance, name: str, home: str
) -> tuple[Page, dict[str, dict[str, str]]]:
    """Return the page of an executed notebook's cells, and its figures by name."""
    draft, checks = _Draft(), 0
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] == "markdown":
            _add_markdown(draft, cell["source"])
        elif cell["cell_type"] == "code" and not _PARAMETER_TAGS & set(_tags(cell)):
            checks += count_assertions(cell["source"])
            for part in output_parts(cell["outputs"], f"{name}: cell {number}", draft):
                draft.add(part)
    return _page(draft, facts, checks, home), draft.files


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell["metadata"].get("tags", []))


def _page(draft: _Draft, facts: Provenance, checks: int, home: str) -> Page:
    taken = {"content", "contents-title", "provenance", "terms"}
    known, used = glossary.rules(), dict[str, str]()
    summary = glossary.linked("\n".join(draft.summary), known, used)
    sections = [
        Section(slug(title, taken), title, glossary.linked("\n".join(parts), known, used))
        for title, parts in draft.sections
    ]
    listed = any('id="table-assumptions"' in section.html for section in sections)
    remarks = [("Checks", f"{checks} assertions of the notebook held")] if checks else []
    plain = unescape(re.sub(r"<[^>]*>", "", draft.title))
    remarks += [("Cite this page", citation(facts, plain))]
    return Page(
        title=draft.title or "Untitled",
        eyebrow=EYEBROW,
        summary=summary,
        sections=sections,
        footer=glossary.explained(used, known) + provenance_html(facts, remarks),
        run=facts.run,
        home=home,
        facts=header_facts(facts, "table-assumptions" if listed else ""),
        synthetic=facts.synthetic,
    )


def _add_markdown(draft: _Draft, source: str) -> None:
    """Split a markdown cell at its headings: the first level titles the page, the second parts."""
    html, end = display.markdown(source), 0
    for found in _HEADING.finditer(html):
        if before := html[end : found.start()].strip():
            draft.add(before)
        if found.group(1) == "1" and not draft.title:
            draft.title = found.group(2)
        else:
            draft.sections.append((found.group(2), []))
        end = found.end()
    if rest := html[end:].strip():
        draft.add(rest)


def count_assertions(source: str) -> int:
    """Return how many assertions a code cell makes."""
    return sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))


def output_parts(outputs: Iterable[Any], where: str, draft: _Draft) -> Iterable[str]:
    """Yield a cell's outputs as HTML; the three outputs of a figure become one element."""
    picture: dict[str, str] = {}
    for output in outputs:
        if output["output_type"] == "stream":
            continue
        facts = output.get("metadata", {}).get("tcoc")
        if facts is None:
            raise TcocError(
                f"{where} shows something that did not pass the disclosure gate; use"
                " release.show, release.show_table or release.say (rule D4)"
            )
        if facts["kind"] == "figure":
            draft.figures += 1
            picture = {**facts, "number": str(draft.figures)}
            for kind in (WIDE, display.NARROW, display.DATA):
                picture[kind] = output["data"][kind]
            draft.files[facts["name"]] = picture
        elif facts["kind"] == "figure-below":
            yield _figure(picture, output["data"]["text/html"])
        elif facts["kind"] not in ("figure-title", "style"):
            yield output["data"]["text/html"]


def _figure(picture: Mapping[str, str], below: str) -> str:
    anchor = f"figure-{picture['name']}"
    return (
        f'<figure id="{anchor}"><figcaption><a class="number" href="#{anchor}">'
        f"Figure {picture['number']}</a> {text(picture['title'])}</figcaption>"
        f'<div class="picture{_tall(picture[WIDE])}">{picture[WIDE]}{picture[display.NARROW]}</div>'
        f"{below}</figure>"
    )


def _tall(picture: str) -> str:
    """Return the class of a picture that takes a printed page to be read at arm's length."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    return " tall" if found and float(found[2]) > 0.8 * float(found[1]) else ""


def write_figures(files: Mapping[str, Mapping[str, str]], folder: Path) -> None:
    """Write each figure of a page as FOLDER/NAME.svg, with its data and its words beside it."""
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    for name, picture in files.items():
        (folder / f"{name}.svg").write_text(standalone(picture[WIDE]), encoding="utf-8")
        (folder / f"{name}.csv").write_text(picture[display.DATA], encoding="utf-8", newline="")
        words = f"{picture['title']}\n\n{picture['alt']}\n"
        (folder / f"{name}.txt").write_text(words, encoding="utf-8")


def _facts(
    deliverable: str, cells: Cells, manifest: Mapping[str, Any], prefixes: Sequence[str] | None
) -> Provenance:
    """Take provenance from the manifest, and data and vintage from what open_release left."""
    about = {key: str(v) for key, v in _about(cells).items() if key in ("data", "vintage")}
    facts = Provenance.from_manifest(manifest, prefixes, **about)
    return replace(facts, reused=reused_words(manifest, deliverable))


def _about(cells: Cells) -> dict[str, Any]:
    """Return what open_release left for the page's header."""
    for cell in cells:
        for output in cell.get("outputs", []):
            facts = output.get("metadata", {}).get("tcoc", {})
            if facts.get("kind") == "style":
                return {key: value for key, value in facts.items() if key != "kind"}
    return {}
