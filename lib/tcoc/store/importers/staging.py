"""One source file to one staged Parquet file: the needed fields, typed, in the order of the file.

Streaming: DuckDB reads the text once and never holds more than its memory limit. Staged files are
named by the sha256 of the source and by the layout, so that a second call after an interruption
takes up the files that are finished. What was mended in a file's texts, its rows by year and its
dollars are counted here, over every row that was read (rules I7, I8).
"""
# ruff: noqa: S608  (the names in the SQL come from layouts and headers, and are quoted)

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from tcoc.errors import InputError
from tcoc.resources.shortage import shortage
from tcoc.store.importers import values
from tcoc.store.importers.layouts import FieldSpec, Layout, Resolved, TypeSpec, resolve
from tcoc.store.importers.sources import Header, SourceFile, stamp_of_name
from tcoc.store.importers.values import Text, literal, quoted

MAX_LINE = 16_000_000
STRUCTURE = {
    "MISSING COLUMNS": "too few columns",
    "TOO MANY COLUMNS": "too many columns",
    "UNQUOTED VALUE": "a quote that does not close",
    "LINE SIZE OVER MAXIMUM": "a line of more than 16 million characters",
    "INVALID ENCODING": "characters that are not text",
    "INVALID STATE": "a quote inside a field",
}

TYPE_RULES = {
    "facility": (("from_date > thru_date", "the from date is after the thru date"),),
    "beneficiary": (("death_date < birth_date", "the death date is before the birth date"),),
}

NO_LINE_END = "the last line has no line end; check that the file is whole"

EVENT_RULE = ("_event = 9", "the row's action is not INSERT, UPDATE or DELETE", "NULL")

Connection: TypeAlias = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class TextFile:
    """A source file that DuckDB can read: where its text is, its header, sha256 and remarks.

    `lines` counts its lines with text below the header.
    """

    source: SourceFile
    path: Path
    header: Header
    sha256: str
    identity: str
    lines: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repair:
    """Texts of one column that were mended in one way: how many, in rows of one year (0: none)."""

    column: str
    repair: int
    year: int
    count: int


@dataclass(frozen=True)
class Staged:
    """A staged file: its source, type, Parquet files and what was counted on the way.

    `by_year` counts rows by the year of their service or reference (0: none); `dollars` adds up
    what all its rows say, usable or not; `unread_bytes` are those of rows that are no rows.
    """

    name: str
    type: str
    sha256: str
    identity: str
    bytes: int
    first_line: int
    parquet: str
    rejects: str
    lines: int = 0
    rows: int = 0
    rejected: int = 0
    unusable: int = 0
    dollars: str = "0.00"
    unread_bytes: int = 0
    text_bytes: int = 0
    cut_off: bool = False
    by_year: dict[int, int] = field(default_factory=dict)
    unusable_by_year: dict[int, int] = field(default_factory=dict)
    repairs: tuple[Repair, ...] = ()
    cells: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    used: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    blank_lines: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """All rows of the file, usable or not."""
        return self.rows + self.rejected

    def repaired(self, number: int) -> dict[str, int]:
        """Return texts with one repair, by column."""
        found: dict[str, int] = {}
        for repair in self.repairs:
            if repair.repair == number:
                found[repair.column] = found.get(repair.column, 0) + repair.count
        return found


def stage(con: Connection, text: TextFile, layout: Layout, kind: str, folder: Path) -> Staged:
    """Read one file into its staged Parquet file. Raises InputError where DuckDB can't read it."""
    spec = layout.types[kind]
    names = text.header.names
    resolved = resolve(text.source.name, layout, kind, names)
    used = {c for columns in resolved.columns.values() for c in columns}
    used |= {resolved.event, resolved.final_action}
    name = f"{text.identity}-{kind}"
    staged = Staged(
        name=text.source.name,
        type=kind,
        sha256=text.sha256,
        identity=text.identity,
        bytes=text.source.bytes,
        first_line=text.header.line,
        lines=text.lines,
        blank_lines=text.header.blank_lines,
        parquet=f"{name}.parquet",
        rejects=f"{name}.rejects.parquet",
        absent=resolved.absent,
        cells={name: len(columns) for name, columns in resolved.columns.items()},
        labels={name: _label(columns) for name, columns in resolved.columns.items() if columns},
        used=tuple(n for n in names if n and n in used),
        unused=tuple(n for n in names if n and n not in used),
        notes=text.notes,
    )
    reader = _fixed(text) if text.header.positions else _reader(text)
    texts = _texts(layout, spec, resolved)
    select = _select(layout, spec, resolved, text, reader, texts)
    try:
        con.execute("DROP TABLE IF EXISTS rejects_rows; DROP TABLE IF EXISTS rejects_scans")
        con.execute(f"COPY ({select}) TO {literal(str(folder / staged.parquet))}")
        con.execute(f"COPY ({_REJECTS}) TO {literal(str(folder / staged.rejects))}")
    except duckdb.Error as error:
        if shortage(error):
            raise
        first = str(error).split("\n", 1)[0]
        raise InputError(
            f"{text.source.name}: can't be read as a table: {_clean(first)}"
        ) from error
    return _count(con, spec, staged, texts, folder)


def _label(columns: Sequence[str]) -> str:
    """Name the source columns of a field: the one, or the first and last of twelve months."""
    return columns[0] if len(columns) == 1 else f"{columns[0]} to {columns[-1]}"


_REJECTS = (
    "SELECT line, error_type, left(csv_line, 2000) AS found, strlen(csv_line) + 1 AS bytes"
    " FROM (SELECT *, row_number() OVER"
    " (PARTITION BY line ORDER BY column_idx, error_type) AS one FROM rejects_rows)"
    " WHERE one = 1 ORDER BY line"
)


MARK = 2
"""Raised where what a staged file holds changes, so that no older one is taken up."""


def save(staged: Staged, folder: Path, fingerprint: str) -> None:
    """Mark a staged file as finished; the mark is written last, and in one step."""
    mark = _mark(folder, staged.identity, staged.type, fingerprint)
    partial = mark.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(staged)), encoding="utf-8")
    partial.replace(mark)


def reuse(folder: Path, identity: str, kind: str, fingerprint: str, name: str) -> Staged | None:
    """Return a finished staged file of the same bytes, type and layout, if there is one."""
    mark = _mark(folder, identity, kind, fingerprint)
    if not mark.is_file():
        return None
    saved: dict[str, Any] = json.loads(mark.read_text(encoding="utf-8"))
    for key in ("blank_lines", "absent", "notes", "used", "unused"):
        saved[key] = tuple(saved[key])
    for key in ("by_year", "unusable_by_year"):
        saved[key] = {int(year): count for year, count in saved[key].items()}
    saved["repairs"] = tuple(Repair(**repair) for repair in saved["repairs"])
    return Staged(**{**saved, "name": name})


def _mark(folder: Path, identity: str, kind: str, fingerprint: str) -> Path:
    return folder / f"{identity}-{kind}-{fingerprint}-{MARK}.json"


def _clean(message: str) -> str:
    """Keep what DuckDB says of the form, not the values that it quotes."""
    return message.split('"', 1)[0].split(":", 2)[-1].strip()[:160]


def _reader(text: TextFile) -> str:
    header, source = text.header, text.source
    columns = ", ".join(f"{literal(n or f'_{i}')}: 'VARCHAR'" for i, n in enumerate(header.names))
    packed = source.packing in ("gzip", "zstd") and text.path == source.path
    packing = f", compression = '{source.packing}'" if packed else ""
    return (
        f"read_csv({literal(str(text.path))}, delim = {literal(header.delimiter)}, header = false,"
        f" skip = {header.line}, columns = {{{columns}}}, auto_detect = false,"
        f" quote = {literal(header.quote)}, escape = {literal(header.quote)},"
        f" max_line_size = {MAX_LINE}, ignore_errors = true, store_rejects = true, rejects_limit"
        f" = 0, rejects_table = 'rejects_rows', rejects_scan = 'rejects_scans'{packing})"
    )


def _texts(layout: Layout, spec: TypeSpec, resolved: Resolved) -> dict[str, list[Text]]:
    """Return the source columns of each field, each on its way to a value."""
    texts: dict[str, list[Text]] = {}
    for name, spec_field in spec.fields.items():
        columns = resolved.columns[name]
        codes = layout.codes(spec_field)
        several = bool(spec_field.months or spec_field.repeats)
        keys = columns if several else (name,) if columns else ()
        texts[name] = [
            Text(
                spec_field,
                codes,
                t=quoted(f"t_{key}"),
                r=quoted(f"r_{key}"),
                p=quoted(f"p_{key}"),
                v=quoted(key),
                f=quoted(f"f_{key}"),
            )
            for key in keys
        ]
    return texts


def _select(
    layout: Layout,
    spec: TypeSpec,
    resolved: Resolved,
    text: TextFile,
    reader: str,
    texts: Mapping[str, Sequence[Text]],
) -> str:
    """Return the SQL that stages a file: texts, values, repairs, a bad row's reason."""
    carried = ["_event", "_final"]
    raw = [
        f"{_event(resolved, layout.later_replaces)} AS _event",
        f"{_final(resolved)} AS _final",
    ]
    rules = [EVENT_RULE]
    if text.header.positions:
        raw.append("_length")
        carried.append("_length")
        rules = [_cut_off(spec, resolved, text.header.positions), *rules]
    every = [
        (column, one)
        for name in spec.fields
        if texts[name]
        for column, one in zip(resolved.columns[name], texts[name], strict=True)
    ]
    raw += [f"{values.trimmed(c)} AS {x.t}" for c, x in every]
    read = [f"{x.readable(layout.nulls)} AS {x.r}" for _, x in every]
    parsed = [f"{x.parsed()} AS {x.p}" for _, x in every if x.parses]
    typed = [f"{x.value()} AS {x.v}" for _, x in every]
    absent = [n for n, f in spec.fields.items() if not (texts[n] or f.months or f.repeats)]
    typed += [f"{_nothing(spec.fields[name])} AS {name}" for name in absent]
    fixed = [f"CAST({x.repair()} AS TINYINT) AS {x.f}" for _, x in every]
    for name in spec.fields:
        for column, one in zip(resolved.columns[name], texts[name], strict=True):
            rules += _field_rules(spec, name, column, one)
    rules += _type_rules(spec)
    if spec.stamp == "month":
        no_month = "neither FILE_DATE nor the file's name says the month"
        rules.append(("_month IS NULL", no_month, "NULL"))
    fields = ", ".join(
        n if n in absent else f"{_field(spec.fields[n], texts[n])} AS {n}" for n in spec.fields
    )
    numbers = ", ".join(x.f for _, x in every)
    return (
        f"WITH raws AS (SELECT {', '.join(raw)} FROM {reader}),"
        f" texts AS (SELECT *, {', '.join(read)} FROM raws),"
        f" parsed AS (SELECT {', '.join(['*', *parsed])} FROM texts),"
        f" typed AS (SELECT *, {', '.join(typed)} FROM parsed),"
        f" fixed AS (SELECT *, {', '.join(fixed)}{_stamp(spec, text)} FROM typed),"
        f" judged AS (SELECT *, {_case(rules, 1)} AS _reason, {_case(rules, 2)} AS _found"
        " FROM fixed)"
        f" SELECT {fields}{', _month AS year' if spec.stamp else ''},"
        f" CAST(coalesce(_event, 0) AS TINYINT) AS _event, _final, _reason, _found,"
        f" {_dollars(texts)} AS _dollars,"
        f" CASE WHEN greatest({numbers}) > 0 THEN [{numbers}] END AS _repairs"
        " FROM judged"
    )


def _field(spec_field: FieldSpec, texts: Sequence[Text]) -> str:
    """Return the SQL of a field's value: a list for twelve months or repeated lines."""
    if spec_field.months or spec_field.repeats:
        if not texts:
            return f"CAST([{', '.join(['NULL'] * 12)}] AS VARCHAR[])"
        return f"[{', '.join(x.v for x in texts)}]"
    return texts[0].v


def _nothing(spec_field: FieldSpec) -> str:
    """Return the SQL of the value of a field whose column is absent."""
    if spec_field.kind in values.DATES:
        return "CAST(NULL AS DATE)"
    return "0" if spec_field.kind == "line" else "CAST(NULL AS VARCHAR)"


def _dollars(texts: Mapping[str, Sequence[Text]]) -> str:
    """Return the dollars that an unusable row says, whatever else is wrong with it (rule I8)."""
    paid = texts.get("paid_amount") or texts.get("paid") or ()
    if not paid:
        return "CAST(NULL AS DECIMAL(18, 2))"
    total = " + ".join(f"coalesce({values.dollars(x.r)}, 0)" for x in paid)
    return f"CASE WHEN _reason IS NOT NULL THEN CAST({total} AS DECIMAL(18, 2)) END"


def _field_rules(spec: TypeSpec, name: str, column: str, text: Text) -> list[tuple[str, str, str]]:
    """Return what makes a row unusable by one field; a DELETE needs no more than its key."""
    spec_field = spec.fields[name]
    always = "" if name in spec.key else "_event <> 2 AND "
    unless = f"NOT coalesce({spec_field.unless}, false) AND " if spec_field.unless else ""
    return [
        (f"{always}{unless}{condition}", reason, text.t)
        for condition, reason in text.problems(column)
    ]


def _fixed(text: TextFile) -> str:
    """Cut fixed-width lines; a line that ends before its last field gives blank fields."""
    lines = _reader(replace(text, header=replace(text.header, names=("line",))))
    cut = ", ".join(
        f"substr(line, {first}, {length}) AS {quoted(name)}"
        for name, (first, length) in text.header.positions.items()
    )
    return f"(SELECT {cut}, length(line) AS _length FROM {lines} WHERE line <> '')"


def _cut_off(
    spec: TypeSpec, resolved: Resolved, positions: Mapping[str, tuple[int, int]]
) -> tuple[str, str, str]:
    """A fixed-width line must reach the end of the last field that a row can't do without."""
    needed = [
        sum(positions[column]) - 1
        for name, spec_field in spec.fields.items()
        if spec_field.need == "row"
        for column in resolved.columns[name]
    ]
    return (f"_length < {max(needed)}", f"the line ends before position {max(needed)}", "NULL")


def _stamp(spec: TypeSpec, text: TextFile) -> str:
    """Return the column `_month` that a file's name gives to its rows, where the type has one.

    Of a stamp by year it is the year; by month YYYYMM, of the row's own FILE_DATE if it has one.
    """
    if not spec.stamp:
        return ""
    stamp = stamp_of_name(text.source, spec.stamp)
    if spec.stamp == "year":
        return f", {stamp} AS _month"
    if "FILE_DATE" not in [n.upper() for n in text.header.names]:
        if stamp is None:
            raise InputError(
                f"{text.source.name}: neither the name nor a column FILE_DATE says the file's month"
            )
        return f", CAST({stamp} AS INTEGER) AS _month"
    own = "year(file_date) * 100 + month(file_date)"
    return f", CAST(coalesce({own}, {stamp or 'NULL'}) AS INTEGER) AS _month"


def _event(resolved: Resolved, later_replaces: bool) -> str:
    if not resolved.event:
        return "1" if later_replaces else "0"
    text = f"upper({values.trimmed(resolved.event)})"
    return (
        f"CASE WHEN {text} IS NULL OR {text} = 'INSERT' THEN 0 WHEN {text} = 'UPDATE' THEN 1"
        f" WHEN {text} = 'DELETE' THEN 2 ELSE 9 END"
    )


def _final(resolved: Resolved) -> str:
    if not resolved.final_action:
        return "true"
    return f"coalesce(upper({values.trimmed(resolved.final_action)}) <> 'N', true)"


def _type_rules(spec: TypeSpec) -> list[tuple[str, str, str]]:
    rules = [(c, r, "NULL") for c, r in TYPE_RULES.get(spec.table, ())]
    if spec.claim_types and "claim_type" in spec.fields:
        allowed = ", ".join(literal(t) for t in spec.claim_types)
        words = " or ".join(spec.claim_types)
        rules.append(
            (f"claim_type NOT IN ({allowed})", f"the claim type is not {words}", "claim_type")
        )
    return rules


def _case(rules: Sequence[tuple[str, str, str]], what: int) -> str:
    parts = [f"WHEN {rule[0]} THEN {literal(rule[1]) if what == 1 else rule[2]}" for rule in rules]
    return f"CASE {' '.join(parts)} ELSE CAST(NULL AS VARCHAR) END"


YEAR_OF = {"beneficiary": "year", "segment": "year", "facility": "year(thru_date)"}
"""By which year rows of a table are counted; lines count by the day of their service."""


def _year_of(spec: TypeSpec) -> str:
    """Return the SQL of a staged row's year, 0 where it has none."""
    if spec.stamp == "month":
        return "coalesce(year // 100, 0)"
    known = {"professional": "year(service_date)", "dme": "year(service_date)", **YEAR_OF}
    return f"coalesce({known.get(spec.table, '0')}, 0)"


def _count(
    con: Connection,
    spec: TypeSpec,
    staged: Staged,
    texts: Mapping[str, Sequence[Text]],
    folder: Path,
) -> Staged:
    """Count a staged file: rows, dollars and repairs, by year."""
    table = f"read_parquet({literal(str(folder / staged.parquet))})"
    paid = "paid_amount" if "paid_amount" in spec.fields else "NULL"
    if "paid" in spec.fields:
        paid = "list_sum(paid)"
    rows = con.execute(
        f"SELECT CAST({_year_of(spec)} AS INTEGER), count(*),"
        " count(*) FILTER (WHERE _reason IS NOT NULL),"
        f" CAST(coalesce(sum(coalesce(_dollars, {paid}, 0)), 0) AS DECIMAL(18, 2))"
        f" FROM {table} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    rejected = con.execute(
        "SELECT count(*), coalesce(sum(bytes), 0), coalesce(max(line), 0)"
        f" FROM read_parquet({literal(str(folder / staged.rejects))})"
    ).fetchone()
    assert rejected is not None
    last = staged.first_line + staged.lines + sum(b > staged.first_line for b in staged.blank_lines)
    return replace(
        staged,
        rows=sum(row[1] for row in rows),
        rejected=rejected[0],
        unusable=sum(row[2] for row in rows) + rejected[0],
        unread_bytes=int(rejected[1]),
        cut_off=rejected[2] == last and NO_LINE_END in staged.notes,
        dollars=f"{sum((row[3] for row in rows), Decimal(0)):.2f}",
        by_year={row[0]: row[1] for row in rows},
        unusable_by_year={row[0]: row[2] for row in rows if row[2]},
        repairs=tuple(_count_repairs(con, spec, texts, table)),
    )


def _count_repairs(
    con: Connection, spec: TypeSpec, texts: Mapping[str, Sequence[Text]], table: str
) -> list[Repair]:
    names = [name for name in spec.fields for _ in texts[name]]
    rows = con.execute(
        "SELECT place, repair, year, count(*) FROM (SELECT unnest(_repairs) AS repair,"
        f" generate_subscripts(_repairs, 1) AS place, CAST({_year_of(spec)} AS INTEGER) AS year"
        f" FROM {table} WHERE _repairs IS NOT NULL) WHERE repair > 0 GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found: dict[tuple[str, int, int], int] = {}
    for place, repair, year, count in rows:
        key = (names[place - 1], repair, year)
        found[key] = found.get(key, 0) + count
    return [Repair(*key, count) for key, count in sorted(found.items())]
