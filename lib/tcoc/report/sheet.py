"""A hospital's sheet: two printed pages that say its adjustment, how sure it is, and whose it is.

One template, two editions. The public edition is made of public tables and nothing else; each of
its numbers is a cell of one (rule D4). The confidential edition takes the same rows with exact
numbers and adds lists of clinicians.
"""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import pandas as pd

from tcoc.disclosure import Column, PublicTable
from tcoc.errors import TcocError
from tcoc.report import formats, guard, words
from tcoc.report.html_page import TEMPLATES

CONFIDENTIAL = "Confidential: not for release"
NOT_RELEASED = "Not released: for review"
SYNTHETIC = "Synthetic data: people, clinicians, and amounts are invented."
LARGEST = 300_000
"""A sheet is sent by mail and opened on a phone: it has at most so many bytes."""

TABLES = (
    "mpa_hospitals", "mpa_reliability", "mpa_heterogeneity", "mpa_terms", "mpa_option_hospitals",
    "mpa_option_totals", "mpa_combined", "combined_hospitals", "risk_combined",
    "hospitals_by_stage", "where_they_live", "hospital_per_capita", "risk_hospitals",
    "growth_by_who_moved", "risk_parts",
    "groups", "settings_by_hospital", "settings_by_aco", "settings_by_county", "systems_by_stage",
    "counties_by_stage", "aco_hospitals", "homes_by_county", "acos_by_county", "mpa_system",
    "mpa_aco", "mpa_county", "qp_hospitals",
)  # fmt: skip
"""The public tables that a sheet can show; a run of fewer reports has fewer of them."""

Record = Mapping[str, Any]


class SheetTable(Protocol):
    """What a sheet needs of a table: its rows, what its columns mean, where it comes from."""

    @property
    def columns(self) -> Mapping[str, Column]: ...  # noqa: D102
    @property
    def frame(self) -> pd.DataFrame: ...  # noqa: D102


@dataclass(frozen=True)
class ExactTable:
    """A restricted table's rows under a public table's headings, for the confidential edition."""

    columns: Mapping[str, Column]
    frame: pd.DataFrame


@dataclass
class Source:
    """The tables of one edition, by hospital. `exact` numbers are written to the cent."""

    tables: Mapping[str, SheetTable]
    exact: bool = False
    synthetic: bool = False
    run: str = ""
    known: guard.Known | None = None
    _rows: dict[str, dict[str, list[Record]]] = field(default_factory=dict)

    def rows(self, name: str, ccn: str = "", **where: Any) -> list[Record]:
        """Return a table's rows of a hospital (or all), None for what is absent, NA for hidden."""
        if name not in self.tables:
            return []
        if name not in self._rows:
            self._rows[name] = _by_hospital(self.tables[name])
        found = self._rows[name].get(ccn, [])
        return [r for r in found if all(str(r[k]) == str(v) for k, v in where.items())]

    def say(self, name: str, record: Record, column: str) -> str:
        """Write one cell as a reader sees it; hidden ones are the word, absent ones a dash."""
        value = record[column]
        if value is None:
            return "–"
        entry = self.tables[name].columns[column]
        return _exactly(entry, value) if self.exact else formats.write(entry, value)

    def label(self, name: str, column: str) -> str:
        """Return the heading of a column."""
        return self.tables[name].columns[column].label


def public_source(tables: Mapping[str, PublicTable], **facts: Any) -> Source:
    """Return the source of the public edition; TcocError for what is no public table (rule D4)."""
    for name, table in tables.items():
        if not isinstance(table, PublicTable):
            raise TcocError(f"sheet: {name} did not pass the disclosure gate")
    chosen = {name: tables[name] for name in TABLES if name in tables}
    # 95%: how sure every interval of the reports is (rule R6)
    return Source(chosen, known=guard.Known(chosen.values(), [0.95]), **facts)


def _by_hospital(table: SheetTable) -> dict[str, list[Record]]:
    """Return the rows of each hospital; under the empty name all of them."""
    frame = table.frame
    hidden = table.hidden if isinstance(table, PublicTable) else None
    names = list(map(str, frame.columns))
    columns = []
    for name in names:
        absent = frame[name].isna().tolist()
        masks = hidden[name].tolist() if hidden is not None else [False] * len(absent)
        columns.append(
            [
                (pd.NA if mask else None) if gone or mask else value
                for value, gone, mask in zip(frame[name].tolist(), absent, masks, strict=True)
            ]
        )
    cells = zip(*columns, strict=True)
    rows: list[Record] = [dict(zip(names, values, strict=True)) for values in cells]
    found: dict[str, list[Record]] = {"": rows}
    for row in rows if "ccn" in names else []:
        found.setdefault(str(row["ccn"]), []).append(row)
    return found


def _exactly(column: Column, value: Any) -> str:
    """Write a restricted number in full: cents, and two decimals more than the public edition."""
    if words.is_hidden(value):
        return "–"
    if column.kind in formats.TEXTS or column.kind in ("flag", "year"):
        return formats.write(column, value)
    if column.kind in ("dollars", "per_capita"):
        return words.money(value, 2)
    if column.kind in ("growth", "percent"):
        return words.change(value, 3)
    if formats.is_share(column):
        return words.percent(value, 2)
    return words.plain_number(value, 4)


def drawn(value: Any) -> float | None:
    """Return a cell as a length to draw, None where it is hidden or absent."""
    return None if value is None or words.is_hidden(value) else float(value)


# ---------------------------------------------------------------- a sheet


def hospitals(source: Source) -> dict[str, str]:
    """Return the hospitals of which there are sheets, with their names, by CCN."""
    found: dict[str, str] = {}
    for name in TABLES:
        for row in source.rows(name):
            ccn, called = str(row.get("ccn", "")), row.get("hospital")
            if ccn.isdigit() and called:
                found.setdefault(ccn, str(called))
    return dict(sorted(found.items()))


def combinations(source: Source) -> dict[str, list[str]]:
    """Return the combined hospitals of the run with their members' CCN, by name."""
    found: dict[str, list[str]] = {}
    for row in source.rows("mpa_combined"):
        members = found.setdefault(str(row["combination"]), [])
        if str(row["ccn"]) not in members:
            members.append(str(row["ccn"]))
    return dict(sorted(found.items()))


def render_sheet(source: Source, ccn: str, name: str, lists: str = "") -> str:
    """Return a hospital's sheet as one HTML text that asks nothing of any other file.

    `lists` is what the confidential edition adds. Raises TcocError for a public sheet with a
    number that stands in no public table, and for one that is too large.
    """
    from tcoc.report.sheet_parts import PAGES

    pages = [[part(source, ccn, name) for part in parts] for parts in PAGES]
    return render_pages(source, name, f"CCN {ccn}", ccn, pages, lists)


def render_combination(source: Source, name: str, members: Sequence[str]) -> str:
    """Return the sheet of combined hospitals: the shared adjustment beside each one's own."""
    from tcoc.report.sheet_system import parts_of

    pages = [parts_of(source, name, members)]
    return render_pages(source, name, "Hospitals that are judged together", "", pages)


def render_pages(
    source: Source,
    name: str,
    about: str,
    choice: str,
    pages: Sequence[Iterable[str]],
    lists: str = "",
) -> str:
    """Return a sheet of some pages of parts; `choice` is what the cover's picker calls it."""
    back = f"../index.html#hospital={choice}" if choice else "../index.html"
    body = "".join(_page(source, name, about, parts, n == 0) for n, parts in enumerate(pages))
    # the confidential edition says so at the head of every page, not once
    marks = [] if source.exact else [NOT_RELEASED]
    marks += [SYNTHETIC] if source.synthetic else []
    home = "../" + back if source.exact else back
    content = _FRAME.format(
        title=_text(f"{name} · {about} · {source.run}"),
        style=_style(),
        margin=_margin(source, f"{name} · run {source.run}"),
        home=html.escape(home, quote=True),
        marks="".join(f"<p>{_text(mark)}</p>" for mark in marks),
        body=body + lists,
        foot=_text(_foot(source)),
    )
    _look_at(source, name, content)
    return content


def _page(source: Source, name: str, about: str, parts: Iterable[str], first: bool) -> str:
    mark = f'<p class="confidential">{CONFIDENTIAL}</p>' if source.exact else ""
    shown = "".join(part for part in parts if part)
    head = "h1" if first else "strong"
    return (
        f'<section class="page">{mark}<div class="about"><{head}>{_text(name)}</{head}>'
        f" <span>{_text(about)} · run {_text(source.run)}</span></div>"
        f'<div class="cells">{shown}</div></section>'
    )


def cell(title: str, *content: str, wide: bool = False) -> str:
    """Return one part of a sheet under its heading, or nothing where it has no content."""
    inner = "".join(content)
    if not inner:
        return ""
    return f'<div class="cell{" wide" if wide else ""}"><h2>{_text(title)}</h2>{inner}</div>'


def say(text: str, kind: str = "") -> str:
    """Return a paragraph of a sheet."""
    return f"<p{f' class={kind!r}' if kind else ''}>{_unbroken(text)}</p>" if text else ""


def _unbroken(text: str) -> str:
    """Escape a sentence; a line does not end between a minus and its dollars."""
    return re.sub(r"−\$[\d,.]*\d", r'<span class="n">\g<0></span>', _text(text))


def grid(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a small table of texts, the first of each row its name."""
    if not rows:
        return ""
    head = "".join(
        f'<th scope="col"{"" if i == 0 else " class=n"}>{_text(h)}</th>' if h else "<td></td>"
        for i, h in enumerate(heads)
    )
    body = "".join(
        f'<tr><th scope="row">{_text(row[0])}</th>'
        + "".join(f'<td class="n">{_text(value)}</td>' for value in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(caption)}"><table>'
        f"<caption>{_text(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _look_at(source: Source, name: str, content: str) -> None:
    if len(content.encode()) > LARGEST and not source.exact:
        raise TcocError(f"sheet of {name}: has more than {LARGEST:,} bytes")
    if source.known is not None:
        guard.check_html(f"sheet of {name}", content, source.known)


def _foot(source: Source) -> str:
    if source.exact:
        return (
            "Exact numbers from the run's restricted tables. For the hospital's own use under its"
            " data use agreement. What is behind each number: docs/rules.md."
        )
    return (
        "Numbers about people are rounded, so parts need not add up; a number that could tell of a"
        " few people is hidden. Intervals hold the true value in 95% of cases. Rules in brackets"
        " are those of docs/rules.md."
    )


def _margin(source: Source, mark: str) -> str:
    """Return what the margins of each printed page say, as CSS."""
    top = CONFIDENTIAL if source.exact else "Synthetic data" if source.synthetic else ""
    plain = "".join(c for c in mark if c not in '"\\<>\n')
    return (
        f'@page{{@top-center{{content:"{top}"}}@bottom-left{{content:"{plain}"}}'
        '@bottom-right{content:"Page " counter(page) " of " counter(pages)}}'
    )


@cache
def _style() -> str:
    return (TEMPLATES / "sheet.css").read_text(encoding="utf-8")


def _text(content: Any) -> str:
    return html.escape(str(content), quote=True)


Part = Callable[[Source, str, str], str]

_FRAME = """<!doctype html>
<html lang="en-US">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}{margin}
</style>
</head>
<body>
<header><p><a href="{home}">All hospitals and reports of this run</a></p>
<div class="marks">{marks}</div></header>
<main>
{body}
</main>
<footer><p>{foot}</p></footer>
</body>
</html>
"""
