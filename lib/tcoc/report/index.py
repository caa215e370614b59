"""The front page of a run, and the page over all runs."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from tcoc.report import words
from tcoc.report.html_page import Page, Section, header_facts, provenance_html, write_page
from tcoc.report.provenance import Provenance, assumptions_html, reused_words
from tcoc.report.render import EYEBROW, read_about
from tcoc.report.tables import simple_table, text

_NO_SUMMARY = "This run has no reports."


@dataclass(frozen=True)
class Card:
    """A deliverable on the front page: its title, headline, first picture, and state."""

    name: str
    title: str
    headline: str
    state: str
    seconds: float | None
    picture: str = ""
    alt: str = ""
    draft: bool = False
    reused: str = ""


def render_index(work: Path, manifest: Mapping[str, Any]) -> None:
    """Write WORK/index.html: what was run, headlines, pictures, status, assumptions, downloads."""
    about = read_about(work, ABOUT)
    said = {key: str(about[key]) for key in ("data", "vintage") if key in about}
    facts = Provenance.from_manifest(manifest, _prefixes(manifest), **said)
    cards = [
        replace(
            _card(work, name, done, str(about.get("headlines", {}).get(name, ""))),
            reused=reused_words(manifest, name),
        )
        for name, done in manifest.get("deliverables", {}).items()
    ]
    sections = [
        Section("reports", "Reports", _cards_html(cards)),
        Section("data", "Data to download", _tables_html(work)),
        Section("assumptions", "Assumptions", _assumptions_html(facts)),
    ]
    page = Page(
        title=f"Run {text(facts.run)}",
        eyebrow=EYEBROW,
        summary=_summary(manifest, cards),
        sections=sections,
        footer=provenance_html(facts, [("State", str(manifest.get("state", "")))]),
        run="",
        facts=header_facts(facts, "table-assumptions"),
        synthetic=facts.synthetic,
    )
    write_page(page, work / "index.html")


def _prefixes(manifest: Mapping[str, Any]) -> list[str] | None:
    """Return the prefixes of the policy values that the run's deliverables rest on."""
    found = [policy_prefixes(name) for name in manifest.get("deliverables", {})]
    known = [prefixes for prefixes in found if prefixes is not None]
    return sorted({p for prefixes in known for p in prefixes}) if len(known) == len(found) else None


def _summary(manifest: Mapping[str, Any], cards: Sequence[Card]) -> str:
    if not cards:
        return f"<p>{_NO_SUMMARY}</p>"
    names = words.listing([card.title for card in cards])
    years = manifest.get("parameters", {}).get("run", {}).get("years", [])
    period = f" for {words.span(years)}" if years else ""
    return (
        f"<p>{words.plural(len(cards), 'report')} from one run{period}: {text(names)}."
        " All numbers on these pages passed the disclosure gate together.</p>"
    )


def _card(work: Path, name: str, done: Mapping[str, Any], headline: str) -> Card:
    file = work / "notebooks" / f"{name}.ipynb"
    title, picture, alt = _first_sight(file) if file.is_file() else (name, "", "")
    state, seconds = str(done.get("state", "")), done.get("seconds")
    return Card(name, title or name, headline, state, seconds, picture, alt)


def _first_sight(notebook: Path) -> tuple[str, str, str]:
    """Return a notebook's title, and its first picture with its text alternative."""
    title = picture = alt = ""
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown" and not title:
            heads = [line[2:] for line in cell.source.splitlines() if line.startswith("# ")]
            title = heads[0].strip() if heads else ""
        for output in cell.get("outputs", []):
            facts = output.get("metadata", {}).get("tcoc", {})
            if facts.get("kind") == "figure" and not picture:
                picture, alt = "".join(output.data["image/png"]).replace("\n", ""), facts["alt"]
    return title, picture, alt


def _cards_html(cards: Sequence[Card]) -> str:
    items = "".join(f"<li>{_card_html(card)}</li>" for card in cards)
    return f'<ul class="cards">{items}</ul>' if items else f"<p>{_NO_SUMMARY}</p>"


def _card_html(card: Card) -> str:
    thumb = (
        f'<div class="thumb"><img src="data:image/png;base64,{card.picture}"'
        f' alt="{html.escape(card.alt)}"></div>'
        if card.picture
        else ""
    )
    state = "done" if card.state == "ok" else card.state
    took = f", {card.seconds:.0f} s" if isinstance(card.seconds, (int, float)) else ""
    headline = f"<p>{text(card.headline)}</p>" if card.headline else ""
    reused = f'<p class="quiet">{text(card.reused)}</p>' if card.reused else ""
    return (
        f'{thumb}<div class="about"><h3><a href="{html.escape(card.name)}.html">'
        f'{text(card.title)}</a></h3>{headline}<p class="quiet">{text(state)}{took}</p>'
        f"{reused}</div>"
    )


def _tables_html(work: Path) -> str:
    """List the run's public tables with what they hold, their rows, and a link to the CSV."""
    file = work / "tables" / TABLES_INDEX
    facts = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    rows = "".join(
        f'<tr><th scope="row"><a href="tables/{html.escape(name)}.csv" download>'
        f"{text(name)}</a></th><td>{text(fact['title'])}</td>"
        f'<td class="r">{words.count(fact["rows"])}</td>'
        f'<td class="r">{words.count(fact["hidden"])}</td></tr>'
        for name, fact in sorted(facts.items())
    )
    if not rows:
        return "<p>No public table was published.</p>"
    return (
        '<div class="tcoc-table"><div class="tcoc-scroll" role="region" tabindex="0"'
        ' aria-labelledby="tables-caption"><table><caption><span class="tcoc-caption"'
        ' id="tables-caption">Public tables of this run, as CSV</span></caption><thead><tr>'
        '<th scope="col">Table</th><th scope="col">What it holds</th>'
        '<th scope="col" class="r">Rows</th><th scope="col" class="r">Hidden cells</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div></div>"
    )


def _assumptions_html(facts: Provenance) -> str:
    return assumptions_html([*facts.replaced, *facts.assumed])


def render_portfolio(outputs: Path, manifests: Sequence[Mapping[str, Any]] | None = None) -> Path:
    """Write OUTPUTS/index.html over all finished runs and return its path."""
    found = list(manifests) if manifests is not None else _manifests(outputs)
    rows = [_run_row(m, outputs) for m in found]
    summary = f"<p>{words.plural(len(rows), 'run')} under this folder, by name.</p>"
    sections = [Section("runs", "Runs", f'<ul class="cards">{"".join(rows)}</ul>')] if rows else []
    differing = _differences(found)
    if differing:
        sections.append(Section("differences", "What differs between them", differing))
    page = Page("Runs", EYEBROW, summary, sections, "<p>Compare two runs with "
                "<code>tcoc compare RUN_A RUN_B</code>.</p>")  # fmt: skip
    target = outputs / "index.html"
    write_page(page, target)
    return target


def _manifests(outputs: Path) -> list[dict[str, Any]]:
    return [
        {**json.loads(file.read_text(encoding="utf-8")), "folder": file.parent.name}
        for file in sorted(outputs.glob("*/manifest.json"))
        if not file.parent.name.startswith(".")
    ]


def _run_row(manifest: Mapping[str, Any], outputs: Path) -> str:
    folder = str(manifest.get("folder") or manifest.get("run", ""))
    spec = manifest.get("parameters", {}).get("run", {})
    synthetic = ' <span class="badge">Synthetic data</span>' if manifest.get("synthetic") else ""
    there = (outputs / folder / "index.html").is_file()
    name = f'<a href="{html.escape(folder)}/index.html">{text(folder)}</a>' if there else folder
    years = words.span(spec.get("years", [])) if spec.get("years") else ""
    parts = words.listing([d.replace("_", " ") for d in manifest.get("deliverables", {})])
    started = str(manifest.get("started", ""))[:10]
    return (
        f'<li><div class="about"><h3>{name}</h3><p>{text(parts)}</p>'
        f'<p class="quiet">{text(" · ".join(filter(None, [years, started])))}'
        f" · {text(str(manifest.get('state', '')))}{synthetic}</p></div></li>"
    )


def _differences(manifests: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the run parameters in which the runs differ, or nothing."""
    from tcoc.report.compare import flat_parameters

    values = [flat_parameters(m) for m in manifests]
    names = sorted({name for value in values for name in value})
    rows = []
    for name in names:
        said = [value.get(name, "–") for value in values]
        if len(set(said)) > 1:
            rows.append([name, *said])
    if len(manifests) < 2 or not rows:
        return ""
    headings = ["Parameter", *(str(m.get("folder") or m.get("run", "")) for m in manifests)]
    return simple_table("differences", "Parameters that differ", headings, rows)
