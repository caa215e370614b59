"""The front page of a run: a cover that answers first; and the page over all runs."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tcoc.disclosure import read_csvs
from tcoc.report import formats, words
from tcoc.report.executed import cells_of
from tcoc.report.facts import EFFECTS, effects_of
from tcoc.report.html_page import (
    Page,
    Section,
    groups_beside,
    header_facts,
    provenance_html,
    sheets_beside,
    write_page,
)
from tcoc.report.one_file import NAME as EVERYTHING
from tcoc.report.provenance import Provenance, assumptions_html, citation, citation_file
from tcoc.report.render import EYEBROW
from tcoc.report.tables import simple_table, text

DICTIONARY = "dictionary.json"
_NO_REPORT = "This run has no reports."


@dataclass(frozen=True)
class Report:
    """A report as the cover names it: title, the reader's question, the answer in a sentence.

    `readers` are whom it is for; an answer that is `on_data` stands with the data.
    Whatever is empty is taken from the executed notebook: its title, its first paragraph, its
    first words.
    """

    name: str
    title: str = ""
    question: str = ""
    headline: str = ""
    readers: str = ""
    on_data: bool = False


@dataclass(frozen=True)
class _Card:
    """A report on the cover, and what its notebook knows of the run's data."""

    name: str
    title: str
    question: str
    headline: str
    readers: str = ""
    on_data: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)


def render_index(
    work: Path,
    manifest: Mapping[str, Any],
    reports: Sequence[Report] = (),
    policy: Sequence[str] | None = None,
    news: str = "",
) -> None:
    """Write WORK/index.html: the answers, who should read what, data, downloads, assumptions.

    `reports` name title, question and headline of the run's deliverables; `policy` the policy
    files that they rest on (None: all); `news` says what is new since the last release.
    """
    given = {report.name: report for report in reports}
    names = list(manifest.get("deliverables", {}))
    cards = [_card(work, name, given.get(name, Report(name))) for name in names]
    about: Mapping[str, Any] = next((card.about for card in cards if card.about), {})
    said = {key: str(about[key]) for key in ("data", "vintage") if key in about}
    facts = Provenance.from_manifest(manifest, policy, **said)
    sections = [
        Section("reports", "Who should read what", _reports_html(cards)),
        Section("data", "What data these numbers come from", _data_html(facts, cards, manifest)),
        Section(
            "sheets", "A sheet for each hospital, system, ACO and county", _sheets_html(work, cards)
        ),
        Section("new", "What is new", _news_html(news)),
        Section("downloads", "Data to download", _tables_html(work, cards)),
        Section("assumptions", "What the numbers rest on", _assumptions_html(work, facts)),
        Section("cite", "How to cite, and whom to ask", _citation_html(facts)),
    ]
    page = Page(
        title="Maryland’s Total Cost of Care: what this run answers",
        eyebrow=EYEBROW,
        summary=_answers_html(cards),
        sections=[section for section in sections if section.html],
        footer=provenance_html(facts),
        run=facts.run,
        facts=header_facts(facts, "table-assumptions"),
        synthetic=facts.synthetic,
        hospitals=_hospitals(cards),
        sheets=sheets_beside(work),
        groups=groups_beside(work),
        dollars=_dollars(work),
    )
    write_page(page, work / "index.html")


def _hospitals(cards: Sequence[_Card]) -> list[tuple[str, str]]:
    found = {str(c): str(n) for card in cards for c, n in card.about.get("hospitals", [])}
    return sorted(found.items(), key=lambda pair: (pair[1], pair[0]))


def _card(work: Path, name: str, report: Report) -> _Card:
    file = work / "notebooks" / f"{name}.ipynb"
    title, question, headline, about = _of_notebook(file) if file.is_file() else ("", "", "", {})
    return _Card(
        name,
        report.title or title or words.name_of(name),
        report.question or question,
        report.headline or headline,
        report.readers,
        report.on_data,
        about,
    )


def _of_notebook(notebook: Path) -> tuple[str, str, str, dict[str, Any]]:
    """Return a notebook's title, first paragraph, first shown words, and its facts of the data."""
    title = question = headline = ""
    about: dict[str, Any] = {}
    for cell in cells_of(notebook):
        if cell["cell_type"] == "markdown":
            lines = [line.strip() for line in cell["source"].splitlines() if line.strip()]
            title = title or next((line[2:] for line in lines if line.startswith("# ")), "")
            question = question or next((line for line in lines if not line.startswith("#")), "")
        for output in cell.get("outputs", []):
            shown = output.get("metadata", {}).get("tcoc", {})
            if shown.get("kind") == "style":
                about = dict(shown)
            elif shown.get("kind") == "say" and not headline:
                headline = output["data"]["text/plain"].strip().split("\n")[0]
    return title, question, headline, about


def _answers_html(cards: Sequence[_Card]) -> str:
    """Answer in a sentence per report, each with the way to where it is shown."""
    if not cards:
        return f"<p>{_NO_REPORT}</p>"
    items = "".join(
        f'<li>{text(card.headline)} <a href="{html.escape(card.name)}.html">'
        f"{text(card.title)}</a></li>"
        for card in cards
        if card.headline and not card.on_data
    )
    return f'<ul class="answers">{items}</ul>' if items else ""


def _reports_html(cards: Sequence[_Card]) -> str:
    items = "".join(
        f'<li><div class="about"><h3><a href="{html.escape(card.name)}.html">{text(card.title)}'
        f"</a></h3><p>{text(card.question)}</p>"
        + (f'<p class="quiet">For {text(card.readers)}.</p>' if card.readers else "")
        + "</div></li>"
        for card in cards
    )
    return f'<ul class="cards">{items}</ul>' if items else ""


def _data_html(facts: Provenance, cards: Sequence[_Card], manifest: Mapping[str, Any]) -> str:
    """Say which data, which years, how complete they are, and what to know of them."""
    about: Mapping[str, Any] = next((card.about for card in cards if card.about), {})
    told = "".join(
        f'<p>{text(card.headline)} <a href="{html.escape(card.name)}.html">'
        f"{text(card.title)}</a></p>"
        for card in cards
        if card.on_data and card.headline
    )
    spec = manifest.get("parameters", {}).get("run", {})
    years = words.span(spec.get("years", [])) if spec.get("years") else ""
    rows = [("Data", facts.data), ("Claims", facts.vintage), ("Years reported", years)]
    rows += [
        (label, str(spec.get(key) or ""))
        for label, key in (("Base year", "base_year"), ("Performance year", "performance_year"))
    ]
    rows += [
        (f"Completion factor for {year}", words.number(factor))
        for year, factor in dict(about.get("completeness", {})).items()
    ]
    shown = [[label, value] for label, value in rows if value]
    return told + simple_table("data", "Dates and completeness", ["What", "This run"], shown)


def _dollars(work: Path) -> dict[str, str]:
    """Say the adjustment of each hospital, system, ACO and county that the picker can choose."""
    if not (work / "tables" / DICTIONARY).is_file():
        return {}
    found: dict[str, list[str]] = {}
    for table in read_csvs(work / "tables", _ADJUSTMENTS).values():
        names = ("rate_year", "mpa_dollars", "mpa_percent")
        if not {"ccn", *names} <= set(table.columns):
            continue
        for row in table.frame.to_dict("records"):
            year, dollars, percent = (formats.write(table.columns[n], row[n]) for n in names)
            share = "" if words.HIDDEN in (dollars, percent) else f", {percent} of its payments"
            said = f"rate year {year}: {dollars}{share}"
            found.setdefault(str(row["ccn"]), []).append(said)
    for of in groups_beside(work):
        for group, _, hospitals in of.rows:
            # the one hospital of a county or of an ACO is all that there is to add up
            found.setdefault(group, found.get(hospitals, []))
    return {key: "; ".join(said) for key, said in found.items() if said}


_ADJUSTMENTS = ("mpa_hospitals", "mpa_system", "mpa_aco", "mpa_county")


def _sheets_html(work: Path, cards: Sequence[_Card]) -> str:
    """List the sheets of hospitals, of systems, ACOs and counties, and of hospitals together."""
    names = dict(_hospitals(cards))
    single = sorted((names.get(ccn, ccn), f"{ccn}.html") for ccn in sheets_beside(work))
    shared = sorted(f.name for f in (work / "hospitals").glob("together-*.html"))
    lists = [("Hospitals", single)]
    lists += [
        (of.label, [(name, f"{group}.html") for group, name, _ in of.rows])
        for of in groups_beside(work)
    ]
    lists += [
        (
            "Hospitals judged together",
            [(_together(work / "hospitals" / name), name) for name in shared],
        )
    ]
    return "".join(
        f"<details><summary>{heading} ({len(links)})</summary>"
        '<ul class="sheets">'
        + "".join(
            f'<li><a href="hospitals/{html.escape(file)}">{text(name)}</a></li>'
            for name, file in links
        )
        + "</ul></details>"
        for heading, links in lists
        if links
    )


def _together(sheet: Path) -> str:
    """Return the name of hospitals that are judged together, as their sheet's title has it."""
    found = re.search(r"<title>(.*?) · ", sheet.read_text(encoding="utf-8"))
    return html.unescape(found.group(1)) if found else sheet.stem


def _news_html(news: str) -> str:
    return f"<p>{text(news)}</p>" if news else ""


def _tables_html(work: Path, cards: Sequence[_Card]) -> str:
    """List the run's public tables with what they hold, by report, with their files."""
    file = work / "tables" / DICTIONARY
    facts: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if not facts:
        return "<p>No public table was published.</p>"
    rows = "".join(
        f'<tr><th scope="row"><a href="tables/{html.escape(name)}.csv" download>{text(name)}</a>'
        f"</th><td>{text(fact['title'])}</td><td>{text(words.name_of(fact['deliverable']))}</td></tr>"
        for name, fact in sorted(facts.items(), key=lambda item: (item[1]["deliverable"], item[0]))
    )
    titles = {card.name: card.title for card in cards}
    books = "".join(
        f'<li><a href="tables/{html.escape(book.name)}" download>'
        f"{text(titles.get(book.stem, book.name))}</a></li>"
        for book in sorted((work / "tables").glob("*.xlsx"))
    )
    listed = f"<p>Excel workbooks, one per report:</p><ul>{books}</ul>" if books else ""
    whole = f'<p><a href="{EVERYTHING}">This page and all reports in one file</a>, for e-mail.</p>'
    return (
        f"{whole}{listed}<p>Every table as CSV, with a dictionary of its columns:"
        ' <a href="tables/dictionary.csv" download>dictionary.csv</a>.</p>'
        f"<details><summary>{words.plural(len(facts), 'public table')}</summary>"
        '<div class="tcoc-table" data-long><div class="tcoc-scroll" role="region" tabindex="0"'
        ' aria-labelledby="tables-caption"><table><caption><span class="tcoc-caption"'
        ' id="tables-caption">Public tables of this run</span></caption><thead><tr>'
        '<th scope="col">Table</th><th scope="col">What it holds</th><th scope="col">Report</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div></div></details>"
    )


def _assumptions_html(work: Path, facts: Provenance) -> str:
    there = (work / "tables" / DICTIONARY).is_file()
    effects = effects_of(read_csvs(work / "tables", [EFFECTS]) if there else {})
    return assumptions_html([*facts.replaced, *facts.assumed], effects)


def _citation_html(facts: Provenance) -> str:
    """Say how to cite the run, and where to ask."""
    about = citation_file()
    asked = about.get("contact") or about.get("repository-code") or ""
    where = asked if isinstance(asked, str) else words.listing([c.get("email", "") for c in asked])
    contact = (
        f"<p>Questions: {text(where)}.</p>"
        if where
        else ("<p>Ask whoever gave you this folder; name the run and the figure’s number.</p>")
    )
    return f"<p>{text(citation(facts))}</p>{contact}"


# ---------------------------------------------------------------- over all runs


def render_portfolio(outputs: Path, manifests: Sequence[Mapping[str, Any]] | None = None) -> Path:
    """Write OUTPUTS/index.html over all finished runs and return its path."""
    found = list(manifests) if manifests is not None else _manifests(outputs)
    rows = [_run_row(m, outputs) for m in found]
    summary = f"<p>{words.plural(len(rows), 'run')} under this folder, by name.</p>"
    sections = [Section("runs", "Runs", f'<ul class="cards">{"".join(rows)}</ul>')] if rows else []
    differing = _differences(found)
    if differing:
        sections.append(Section("differences", "What differs between them", differing))
    page = Page(
        "Runs",
        EYEBROW,
        summary,
        sections,
        "<p>Compare two runs with <code>tcoc compare RUN_A RUN_B</code>.</p>",
    )
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
    """Say what a run did, which is what it was asked for or less (`--only`)."""
    folder = str(manifest.get("folder") or manifest.get("run", ""))
    spec = manifest.get("parameters", {}).get("run", {})
    synthetic = ' <span class="badge">Synthetic data</span>' if manifest.get("synthetic") else ""
    there = (outputs / folder / "index.html").is_file()
    name = f'<a href="{html.escape(folder)}/index.html">{text(folder)}</a>' if there else folder
    years = words.span(spec.get("years", [])) if spec.get("years") else ""
    parts = words.listing([words.name_of(d) for d in manifest.get("deliverables", {})])
    started = str(manifest.get("started", ""))[:10]
    state = {"ok": "finished", "failed": "failed", "running": "running"}
    said = [years, started, state.get(str(manifest.get("state", "")), "state unknown")]
    return (
        f'<li><div class="about"><h3>{name}</h3><p>{text(parts)}</p>'
        f'<p class="quiet">{text(" · ".join(filter(None, said)))}{synthetic}</p></div></li>'
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
