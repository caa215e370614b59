"""One run's release: its public tables, and the only ways in which they are shown (rule D4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tcoc.disclosure import PublicTable, as_csv, read_public
from tcoc.errors import TcocError, nearest
from tcoc.report import display, guard, picture, tables, whatif, words
from tcoc.report.charts import EMPTY, Chart
from tcoc.report.facts import RunFacts
from tcoc.report.formats import heading, name_column, row_keys, row_names
from tcoc.report.provenance import assumptions_html

CHECKS = "checks"
_ROWS_BELOW_FIGURE = 60


@dataclass
class Release:
    """A run's public tables; everything a page shows goes through here and writes no file.

    `opener` opens the study in JupyterLab; a batch run has none. `deliverable` names the page that
    is being made; where it is not given, it is the one whose table was asked for first.
    """

    tables: Mapping[str, PublicTable]
    facts: RunFacts
    deliverable: str = ""
    opener: Callable[[], Any] | None = None
    shown: list[str] = field(default_factory=list)

    @cached_property
    def _known(self) -> guard.Known:
        return guard.Known(self.tables.values(), guard.said_numbers(self.facts))

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.tables))
        return f"Release of run {self.facts.name}: {names or 'no public tables'}"

    def _ipython_key_completions_(self) -> list[str]:
        return sorted(self.tables)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the release's public tables."""
        return tuple(self.tables)

    @property
    def study(self) -> Any:
        """The open study, for restricted tables in JupyterLab; a batch run raises TcocError."""
        if self.opener is None:
            raise TcocError(
                "release.study opens restricted tables and works in JupyterLab only; a batch run"
                " sees public tables"
            )
        return self.opener()

    def table(self, name: str) -> PublicTable:
        """Return a public table; hidden cells are missing. TcocError names the nearest."""
        if name not in self.tables:
            raise TcocError(
                f'"{name}" is not a public table of this release{nearest(name, self.tables)}'
            )
        found = self.tables[name]
        self.deliverable = self.deliverable or found.deliverable
        return found

    __getitem__ = table

    def __contains__(self, name: str) -> bool:
        return name in self.tables

    # ------------------------------------------------------------ showing

    def show(self, chart: Chart, *, title: str, caption: str, alt: str = "") -> None:
        """Draw and show a chart: `title` states the finding, `caption` says how to read it.

        `alt` is said before the text alternative that the data make. TcocError for an empty title
        or caption, and for a number that stands in no public table. A chart of a table without
        rows is one sentence that says so; no picture, no title.
        """
        if chart.kind == EMPTY:
            self._nothing(chart.alt)
            return
        name = self._name(chart.name)
        where = f"figure {name}"
        guard.check_complete(where, title=title, caption=caption)
        told = f"{alt.rstrip('.')}. {chart.alt}" if alt else chart.alt
        for text in (title, alt, caption):
            self._check(where, text)
        csv = as_csv(chart.table)
        display.publish_figure(
            name=name,
            title=title,
            alt=told,
            wide=picture.svg(chart.draw("wide"), f"{name}-w", told, "wide"),
            narrow=picture.svg(chart.draw("narrow"), f"{name}-n", told, "narrow"),
            below=_below(name, chart, title, caption, csv),
            csv=csv.decode(),
        )

    def show_table(
        self,
        table: PublicTable,
        columns: Sequence[str] = (),
        *,
        caption: str = "",
        across: str = "",
        note: str = "",
    ) -> None:
        """Show a public table or a view of it; `across` puts years or tests into columns."""
        if not isinstance(table, PublicTable):
            raise TcocError(
                f"show_table: found a {type(table).__name__}, expected a public table or a view of"
                " one; frames have no marks of hidden cells"
            )
        for text in (caption, note):
            self._check(f"table {table.name}", text)
        if table.empty:
            self._nothing(f"{caption or table.title}: this table has no rows in this run.")
            return
        name = self._name(table.name)
        grid = tables.grid_of(
            table, columns, caption=caption, across=across, note=note,
            csv=as_csv(table), anchor=f"table-{name}",
        )  # fmt: skip
        display.publish_html(tables.as_html(grid), tables.as_text(grid), "table", name=name)

    def show_what_if(
        self,
        table: PublicTable,
        dimensions: Sequence[str],
        value: str,
        rows: str = "ccn",
        *,
        caption: str = "",
        start: Mapping[str, Any] | None = None,
    ) -> None:
        """Show controls for the options of a table: totals, and each hospital's own number.

        The table has one row per `rows` and combination of `dimensions`, all of them public;
        `start` is the choice that is shown first, such as the adopted terms.
        """
        name = self._name(f"{table.name}-what-if")
        self._check(f"what-if {name}", caption)
        html, plain = whatif.element(
            table, dimensions, value, rows, name=name, caption=caption, start=start or {}
        )
        display.publish_html(html, plain, "what-if", name=name)

    def say(self, markdown: str) -> None:
        """Show a paragraph in Markdown; its numbers come from public tables through words."""
        self._check("paragraph", markdown)
        content = f'<div class="tcoc-say">{display.markdown(markdown)}</div>'
        display.publish_html(content, display.plain_words(markdown), "say")

    def show_numbers(self, numbers: Sequence[tuple[str, str] | tuple[str, str, str]]) -> None:
        """Show a few key numbers large: (what it is, the number in words[, a remark]) each."""
        full = [(n[0], n[1], n[2] if len(n) > 2 else "") for n in numbers]
        for label, number, remark in full:
            self._check("key number", f"{number} {label} {remark}")
        plain = "\n".join(f"{label}: {number} {remark}".rstrip() for label, number, remark in full)
        display.publish_html(display.tiles(full), plain, "numbers")

    # ------------------------------------------------------------ what the numbers rest on

    def holds(self, check: str) -> bool:
        """Whether a check of the run held, as the public table `checks` says.

        TcocError for a check that the run did not compute, with the nearest name.
        """
        frame = self.table(CHECKS).frame
        mine = frame[frame["deliverable"] == self.deliverable] if self._own(frame) else frame
        found = mine[mine["name"] == check]
        if found.empty:
            raise TcocError(f'"{check}" is not a check of this run{nearest(check, mine["name"])}')
        return bool(found["holds"].astype(bool).all())

    def show_checks(self) -> None:
        """Show what was checked, with what was measured and what is allowed."""
        table = self.table(CHECKS)
        mine = table.where(deliverable=self.deliverable) if self._own(table.frame) else table
        wanted = ("words", "name", "rule", "holds", "measured", "allowed")
        present = [c for c in wanted if c in mine.frame.columns]
        columns = [c for c in present if not (c == "name" and "words" in present)]
        self.show_table(mine, columns, caption="What was checked before these numbers left")

    def show_assumptions(self) -> None:
        """Show the assumed and replaced policy values that the page rests on."""
        uses = self.facts.assumed(self.deliverable)
        plain = "\n".join(f"{u.name} = {u.value} ({u.rule or 'no rule'})" for u in uses)
        shown = assumptions_html(uses, self.facts.effects)
        display.publish_html(shown, plain or "No value is assumed.", "assumptions")

    def show_data_notes(self) -> None:
        """Show which data the numbers come from, how complete they are, and what was asked."""
        facts = self.facts
        lines = [("Data", facts.data), ("Vintage", facts.vintage)]
        lines += [
            (f"Completion factor for {year}", words.number(factor))
            for year, factor in sorted(facts.completeness.items())
        ]
        lines += [
            (heading(key), value)
            for key, value in facts.settings.items()
            if key not in ("deliverables", "engine")
        ]
        rows = [[label, value] for label, value in lines if value]
        plain = "\n".join(f"{label}: {value}" for label, value in rows)
        content = tables.simple_table(
            "data-notes", "The data behind this run", ["What", "This run"], rows
        )
        display.publish_html(content, plain, "data-notes")

    # ------------------------------------------------------------ parts

    @staticmethod
    def _nothing(said: str) -> None:
        """Say in the place of a figure or a grid that its table has no rows."""
        content = f'<p class="tcoc-say tcoc-nothing">{tables.text(said)}</p>'
        display.publish_html(content, said, "say")

    def _own(self, frame: Any) -> bool:
        return bool(self.deliverable) and bool((frame["deliverable"] == self.deliverable).any())

    def _check(self, where: str, text: str) -> None:
        guard.check_text(where, text)
        guard.check_numbers(where, text, self._known)

    def _name(self, name: str) -> str:
        """Give a second showing of the same thing a name of its own."""
        before = self.shown.count(name)
        self.shown.append(name)
        return name + (f"-{before + 1}" if before else "")


def open_public(folder: str | Path, deliverable: str = "") -> Release:
    """Open the folder of public tables of a run, as the process that renders sees it."""
    place = Path(folder)
    facts = RunFacts.read(place)
    release = Release(read_public(place), facts, deliverable)
    start(facts, release.tables)
    return release


def start(facts: RunFacts, public: Mapping[str, PublicTable] | None = None) -> None:
    """Send the notebook's style, and what the page's header says: data, vintage, hospitals."""
    said = {"data": facts.data, "vintage": facts.vintage, "synthetic": facts.synthetic,
            "completeness": {str(y): f for y, f in sorted(facts.completeness.items())},
            "hospitals": hospitals_of(public or {})}  # fmt: skip
    display.publish_html(display.NOTEBOOK_STYLE, f"Release of run {facts.name}", "style", **said)


def hospitals_of(found: Mapping[str, PublicTable]) -> list[list[str]]:
    """Return the hospitals that any public table names, as [CCN, name], by name: for the picker."""
    names: dict[str, str] = {}
    for table in found.values():
        frame = table.frame
        if "ccn" not in frame.columns or name_column(table, "ccn") == "ccn":
            continue
        for ccn, name in zip(row_keys(table), row_names(table, "ccn"), strict=True):
            if ccn:
                names.setdefault(ccn, name)
    return [[ccn, name] for ccn, name in sorted(names.items(), key=lambda pair: (pair[1], pair[0]))]


def _below(name: str, chart: Chart, title: str, caption: str, csv: bytes) -> str:
    lines = [display.markdown(caption)]
    lines += [f"<p>{tables.text(chart.note)}</p>"] if chart.note else []
    source = chart.table.source
    lines += [f'<p class="tcoc-source">Source: {tables.text(source)}</p>'] if source else []
    columns = list(dict.fromkeys(c for c in chart.columns if c in chart.table.frame.columns))
    grid = tables.grid_of(
        chart.table, columns, caption=f"Data: {title}", anchor=f"data-{name}",
        longest=_ROWS_BELOW_FIGURE,
    )  # fmt: skip
    table = tables.as_html(grid)
    lines.append(f"<details><summary>The numbers as a table</summary>{table}</details>")
    return f'<div class="tcoc-below">{"".join(lines)}{tables.download(name, csv)}</div>'


__all__ = ["Release", "open_public", "start"]
