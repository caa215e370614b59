"""One run's release: its audited tables, and the only ways in which they are shown (rule D4)."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure as Picture

from tcoc.errors import TcocError
from tcoc.params import PolicyUse
from tcoc.report import READER, display, guard, picture, tables, words
from tcoc.report.audited import (
    FOLDER,
    AuditedTable,
    audit_all,
    find,
    load,
    page,
    publish,
    release_key,
    save,
)
from tcoc.report.provenance import (
    assumptions_html,
    data_are_whole,
    data_words,
    policy_years,
    settings_words,
    vintage_words,
)

Format = str | Callable[..., str]

ABOUT = Path(".internal") / "about.json"

_ROWS_BELOW_FIGURE = 60


@dataclass(frozen=True)
class Figure:
    """A figure with all it needs to leave the building.

    `title` states the finding, `alt` says what the picture shows to who cannot see it, `caption`
    explains how to read it; `data` is the audited frame (or rows of it) that is drawn. `columns`
    and `formats` name and write the columns of `data` in the table below the picture.
    """

    name: str
    title: str
    alt: str
    caption: str
    picture: Picture
    data: pd.DataFrame
    columns: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=dict)
    source: str = ""


@dataclass
class Release:
    """A run's audited tables; `folder` is where shown tables and figures are also written."""

    study: Any
    audited: Mapping[str, AuditedTable]
    folder: Path | None = None
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._visible = guard.visible_values(
            (t.frame, (*t.facts.counts, *t.facts.values)) for t in self.audited.values()
        )
        self._counts = {name for t in self.audited.values() for name in t.facts.counts}

    def __repr__(self) -> str:
        names = ", ".join(sorted(self.audited))
        return f"Release of run {self.study.run.name}: {names or 'no public tables'}"

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.table(name)

    def _ipython_key_completions_(self) -> list[str]:
        return sorted(self.audited)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the release's public tables."""
        return tuple(self.audited)

    def table(self, name: str) -> pd.DataFrame:
        """Return an audited frame; hidden cells are missing."""
        found = find(self.audited, name)
        frame = found.frame.copy()
        frame.attrs["tcoc_table"] = name
        return frame

    def hidden(self, name: str) -> pd.DataFrame:
        """Return which cells of an audited frame are hidden."""
        return find(self.audited, name).hidden.copy()

    def show_table(
        self,
        name: str,
        columns: Mapping[str, str] | None = None,
        formats: Mapping[str, Format] | None = None,
        caption: str = "",
        *,
        frame: pd.DataFrame | None = None,
        shown_as: str = "",
        heading_columns: int = 1,
        note: str = "",
    ) -> None:
        """Show a public table, or `frame`: rows or an arrangement of its audited frame.

        `columns` chooses and names the columns, in order; `formats` says how each is written
        (dollars, cents, percent, change, count, number, text, year, flag, or a function).
        `shown_as` names an arrangement that is worth a data file of its own; otherwise the
        download is the whole table.
        Raises TcocError for an unknown name, and for a number that did not pass the gate.
        """
        source = find(self.audited, name)
        data = source.frame if frame is None else frame
        chosen = dict(columns) if columns else {c: heading_of(c) for c in data.columns}
        where = f"table {shown_as or name}"
        view = tables.TableView(
            name=shown_as or name,
            caption=caption or source.facts.title,
            frame=data,
            hidden=self._hidden_cells(source, data),
            columns=tuple(
                tables.column(data, c, heading, self._format(source, c, data, formats or {}))
                for c, heading in chosen.items()
            ),
            heading_columns=heading_columns,
            unit=source.facts.unit,
            note=note or source.facts.note,
            source=source.facts.source,
            csv=self._csv(source, data if shown_as else source.frame),
            anchor=self._anchor(shown_as or name),
        )
        guard.check_frame(where, data, self._visible, self._counts)
        for text in (view.caption, view.note):
            guard.check_text(where, text)
        self._write("tables", f"{view.name}.csv", view.csv)
        self.shown.append(view.name)
        display.publish_html(tables.as_html(view), tables.as_text(view), "table", name=view.name)

    def show_figure(self, figure: Figure) -> None:
        """Show a figure with title, text alternative, caption, and the data behind it.

        Raises TcocError where its data, title, text alternative or caption hold a number that did
        not pass the gate, or where the text alternative or the caption is empty.
        """
        where = f"figure {figure.name}"
        guard.check_complete(where, title=figure.title, alt=figure.alt, caption=figure.caption)
        guard.check_frame(where, figure.data, self._visible, self._counts)
        for text in (figure.title, figure.alt, figure.caption):
            guard.check_text(where, text)
        png = picture.png(figure.picture)
        svg = picture.svg_or_none(figure.picture) if self.folder else None
        csv = self._figure_csv(figure)
        self._write("figures", f"{figure.name}.png", png)
        if svg is not None:
            self._write("figures", f"{figure.name}.svg", svg.encode())
        self._write("figures", f"{figure.name}.csv", csv)
        self._write("figures", f"{figure.name}.txt", f"{figure.title}\n\n{figure.alt}\n".encode())
        self.shown.append(figure.name)
        plain = f"{figure.title}\n\n{figure.alt}\n\n{figure.caption}"
        display.publish_figure(
            title=figure.title,
            alt=figure.alt,
            png=png,
            svg=svg,
            below=self._below(figure, csv),
            plain=plain,
            name=figure.name,
        )

    def say(self, markdown: str) -> None:
        """Show a paragraph in Markdown; its numbers come from audited tables through words."""
        guard.check_text("paragraph", markdown)
        content = f'<div class="tcoc-say">{display.markdown(markdown)}</div>'
        display.publish_html(content, display.plain_words(markdown), "say")

    def show_numbers(self, numbers: Sequence[tuple[str, str] | tuple[str, str, str]]) -> None:
        """Show a few key numbers large: (what it is, the number in words[, a remark]) each."""
        full = [(n[0], n[1], n[2] if len(n) > 2 else "") for n in numbers]
        for label, number, remark in full:
            guard.check_text("key number", f"{number} {label} {remark}")
        plain = "\n".join(f"{label}: {number} {remark}".rstrip() for label, number, remark in full)
        display.publish_html(display.tiles(full), plain, "numbers")

    def headline(self, deliverable: str) -> str:
        """Return a deliverable's one sentence for the index, after the same look as any other."""
        sentence = str(page(deliverable).headline(self))
        guard.check_text(f"headline of {deliverable}", sentence)
        return sentence

    def uses(self, prefixes: Sequence[str]) -> list[PolicyUse]:
        """Return the assumed and replaced policy values under some prefixes."""
        run = self.study.run
        found = run.policy.uses(prefixes, policy_years(run))
        return [use for use in found if use.replaced or use.status == "assumed"]

    def show_assumptions(self, prefixes: Sequence[str]) -> None:
        """Show the assumed and replaced policy values that the deliverable rests on."""
        uses = self.uses(prefixes)
        plain = "\n".join(f"{u.name} = {u.value} ({u.rule or 'no rule'})" for u in uses)
        display.publish_html(assumptions_html(uses), plain or "No value is assumed.", "assumptions")

    def show_provenance(self) -> None:
        """Show which run and data the numbers come from; versions stand in the page's footer."""
        settings = settings_words(self.study.run)
        lines = {"run": self.study.run.name, **about(self.study), **settings}
        rows = [[heading_of(key), value] for key, value in lines.items()]
        plain = "\n".join(f"{key}: {value}" for key, value in rows)
        content = tables.simple_table(
            "run", "What this run was asked for", ["What", "This run"], rows
        )
        display.publish_html(content, plain, "provenance")

    def data_are_whole(self) -> bool:
        """Whether the store still holds just the rows that were written to it."""
        return data_are_whole(self.study.store)

    def _anchor(self, name: str) -> str:
        before = self.shown.count(name)
        return f"table-{name}" + (f"-{before + 1}" if before else "")

    def _format(
        self,
        source: AuditedTable,
        name: str,
        data: pd.DataFrame,
        formats: Mapping[str, Format],
    ) -> Format:
        if name in formats:
            return formats[name]
        if name in source.facts.counts:
            return "count"
        return guess_format(name, data[name]) if name in data.columns else "text"

    def _hidden_cells(self, source: AuditedTable, data: pd.DataFrame) -> pd.DataFrame:
        """Find a view's hidden cells by key.

        Where a view has no keys, or calls them otherwise, what is missing counts as hidden in
        those columns in which the audited table hides anything.
        """
        found = pd.DataFrame(False, index=data.index, columns=data.columns)
        hiding = [name for name in source.hidden.columns if bool(source.hidden[name].any())]
        rows = _places(source, data)
        for name in data.columns:
            if name in hiding:
                column, missing = source.hidden[name].tolist(), data[name].isna().tolist()
                found[name] = [
                    missing[i] if row is None else column[row] for i, row in enumerate(rows)
                ]
            elif hiding and name not in source.frame.columns:
                found[name] = data[name].isna()
        return found

    def _csv(self, source: AuditedTable, data: pd.DataFrame) -> bytes:
        hidden = self._hidden_cells(source, data)
        if data is source.frame:
            return tables.as_csv(data, hidden, source.reasons)
        return tables.as_csv(data, hidden)

    def _figure_source(self, figure: Figure) -> AuditedTable | None:
        return self.audited.get(str(figure.data.attrs.get("tcoc_table", "")))

    def _figure_csv(self, figure: Figure) -> bytes:
        source = self._figure_source(figure)
        if source is None:
            return tables.as_csv(figure.data, figure.data.isna() & False)
        return self._csv(source, figure.data)

    def _below(self, figure: Figure, csv: bytes) -> str:
        source = self._figure_source(figure)
        origin = figure.source or (source.facts.source if source else "")
        lines = [display.markdown(figure.caption)]
        lines += [f'<p class="tcoc-source">Source: {tables.text(origin)}</p>'] if origin else []
        if 0 < len(figure.data) <= _ROWS_BELOW_FIGURE:
            table = tables.as_html(self._figure_view(figure, source))
            lines.append(f"<details><summary>The numbers as a table</summary>{table}</details>")
        return f'<div class="tcoc-below">{"".join(lines)}{tables.download(figure.name, csv)}</div>'

    def _figure_view(self, figure: Figure, source: AuditedTable | None) -> tables.TableView:
        data = figure.data
        hidden = self._hidden_cells(source, data) if source else data.isna() & False
        names = figure.columns or {c: heading_of(c) for c in data.columns}
        columns = tuple(
            tables.column(
                data, name, heading, figure.formats.get(name) or self._guess(name, data[name])
            )
            for name, heading in names.items()
        )
        caption = f"Data: {figure.title}"
        anchor = f"data-{figure.name}"
        return tables.TableView(figure.name, caption, data, hidden, columns, anchor=anchor)

    def _guess(self, name: str, column: pd.Series) -> Format:
        return "count" if name in self._counts else guess_format(name, column)

    def _write(self, folder: str, name: str, content: bytes) -> None:
        if self.folder is not None:
            file = self.folder / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _places(source: AuditedTable, data: pd.DataFrame) -> list[int | None]:
    """Return the row of the audited table that each row of a view is, None where not known."""
    keys = list(source.facts.keys)
    if not keys or not set(keys) <= set(data.columns):
        return [None] * len(data)
    known = {key: row for row, key in enumerate(_row_keys(source.frame, keys))}
    return [known.get(key) for key in _row_keys(data, keys)]


def _row_keys(frame: pd.DataFrame, keys: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(frame[key].map(str) for key in keys), strict=True))


_HEADINGS = {
    "ccn": "Hospital (CCN)",
    "npi": "NPI",
    "benes": "Beneficiaries",
    "tcoc": "TCOC",
    "aco_id": "ACO",
    "zip": "ZIP",
    "qp": "QP",
    "mpa": "MPA",
}


def heading_of(name: str) -> str:
    """Return a readable heading for a column that has none: `per_capita` is Per capita."""
    if name in _HEADINGS:
        return _HEADINGS[name]
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def guess_format(name: str, column: pd.Series) -> str:
    """Return how a column without a given format is written, by its name and type."""
    if name == "year" or name.endswith("_year"):
        return "year" if pd.api.types.is_numeric_dtype(column) else "text"
    if pd.api.types.is_bool_dtype(column):
        return "flag"
    if not pd.api.types.is_numeric_dtype(column):
        return "text"
    if any(part in name for part in ("dollars", "tcoc", "per_capita", "payment", "amount")):
        return "dollars"
    if any(part in name for part in ("share", "rate", "percent", "growth")):
        return "percent"
    return "count" if pd.api.types.is_integer_dtype(column) else "number"


def prepare_release(study: Any, deliverables: Sequence[str] = ()) -> Release:
    """Audit the public tables of a run's deliverables as one release, and keep and publish them.

    The runner calls this once; the notebooks' processes then read what it wrote. All audited
    tables become WORK/tables/NAME.csv, and each deliverable's headline is kept for the index.
    """
    names = list(deliverables or study.run.spec.deliverables)
    work = Path(study.work)
    release = Release(study, _audit_and_keep(study, names), work)
    publish(release.audited, work / "tables")
    headlines = {name: release.headline(name) for name in names}
    text = json.dumps({"headlines": headlines, **about(study)}, indent=1, ensure_ascii=False)
    (work / ABOUT).write_text(text + "\n", encoding="utf-8")
    return release


def _audit_and_keep(study: Any, names: Sequence[str]) -> Mapping[str, AuditedTable]:
    folder, key = Path(study.work) / FOLDER, release_key(study, names)
    save(audit_all(study, names), folder, key)
    kept = load(folder, key)
    if kept is None:
        raise TcocError(f"{folder}: the audited tables were not kept")
    return kept


def open_release(run: str | Path, work: str | Path = "") -> Release:
    """Open a run's release for a notebook.

    With `work`, the runner's folder, shown tables and figures are also written there. Without it
    the run's tables are computed or read in a work folder of their own, and nothing is written.
    A notebook that the runner executes gets its own deliverable's tables only, so that what it
    shows depends on nothing else.
    Raises InputError for a run that is not usable.
    """
    from tcoc.study import open_study

    study = open_study(run, work)
    names = study.run.spec.deliverables
    with study.held():
        kept = load(Path(study.work) / FOLDER, release_key(study, names))
        audited = kept if kept is not None else _audit_and_keep(study, names)
    reader = os.environ.get(READER, "") if work else ""
    if reader:
        audited = _limited(study, audited, reader)
    plain = f"Release of run {study.run.name}"
    display.publish_html(display.NOTEBOOK_STYLE, plain, "style", **about(study))
    return Release(study, audited, Path(work) if work else None)


def _limited(
    study: Any, audited: Mapping[str, AuditedTable], deliverable: str
) -> Mapping[str, AuditedTable]:
    from tcoc.study import page_scope

    study.confine(page_scope(deliverable, page(deliverable).POLICY))
    return {name: t for name, t in audited.items() if t.facts.deliverable == deliverable}


def about(study: Any) -> dict[str, str]:
    """Say which data stand behind a run, for the header of its pages."""
    return {"data": data_words(study.store), "vintage": vintage_words(study.store)}


__all__ = ["Figure", "Release", "open_release", "prepare_release", "words"]
