"""One source file to one staged Parquet file: the needed fields, typed, in the order of the file.

Streaming: DuckDB reads the text once and never holds more than its memory limit. Staged files are
named by the sha256 of the source and by the layout, so that a second call after an interruption
takes up the files that are finished.
"""
# ruff: noqa: S608  (the names in the SQL come from layouts and headers, and are quoted)

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from tcoc.errors import InputError
from tcoc.resources.shortage import shortage
from tcoc.store.importers import values
from tcoc.store.importers.layouts import FieldSpec, Layout, Resolved, TypeSpec, resolve
from tcoc.store.importers.sources import Header, SourceFile, stamp_of_name
from tcoc.store.importers.values import literal, quoted

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

EVENT_RULE = ("_event = 9", "the row's action is not INSERT, UPDATE or DELETE", "NULL")

Connection: TypeAlias = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class TextFile:
    """A source file that DuckDB can read: where its text is, its header, sha256 and remarks."""

    source: SourceFile
    path: Path
    header: Header
    sha256: str
    identity: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Staged:
    """A staged file: its source, type, Parquet files and what was counted on the way."""

    name: str
    type: str
    sha256: str
    identity: str
    bytes: int
    first_line: int
    parquet: str
    rejects: str
    hashed: bool
    rows: int = 0
    rejected: int = 0
    unusable: int = 0
    blank_lines: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()
    blanked: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """All rows of the file, usable or not."""
        return self.rows + self.rejected


def stage(
    con: Connection, text: TextFile, layout: Layout, kind: str, folder: Path, hashed: bool
) -> Staged:
    """Read one file into its staged Parquet file. Raises InputError where DuckDB can't read it.

    `hashed` takes a hash of each whole row, which says whether two rows of one key are the same.
    """
    spec = layout.types[kind]
    resolved = resolve(text.source.name, layout, kind, text.header.names)
    name = f"{text.identity}-{kind}{'-hashed' if hashed else ''}"
    staged = Staged(
        name=text.source.name,
        type=kind,
        sha256=text.sha256,
        identity=text.identity,
        bytes=text.source.bytes,
        first_line=text.header.line,
        blank_lines=text.header.blank_lines,
        parquet=f"{name}.parquet",
        rejects=f"{name}.rejects.parquet",
        hashed=hashed,
        absent=resolved.absent,
        notes=text.notes,
    )
    reader = _fixed(text) if text.header.positions else _reader(text)
    select = _select(layout, spec, resolved, text, reader, hashed)
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
    return _count(con, spec, staged, folder)


_REJECTS = (
    "SELECT line, error_type, left(csv_line, 2000) AS found FROM (SELECT *, row_number() OVER"
    " (PARTITION BY line ORDER BY column_idx, error_type) AS one FROM rejects_rows)"
    " WHERE one = 1 ORDER BY line"
)


def save(staged: Staged, folder: Path, fingerprint: str) -> None:
    """Mark a staged file as finished; the mark is written last, and in one step."""
    mark = _mark(folder, staged.identity, staged.type, fingerprint, staged.hashed)
    partial = mark.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(staged)), encoding="utf-8")
    partial.replace(mark)


def reuse(folder: Path, identity: str, kind: str, fingerprint: str, name: str) -> Staged | None:
    """Return a finished staged file of the same bytes, type and layout, if there is one."""
    for hashed in (True, False):
        mark = _mark(folder, identity, kind, fingerprint, hashed)
        if mark.is_file():
            saved: dict[str, Any] = json.loads(mark.read_text(encoding="utf-8"))
            for key in ("blank_lines", "absent", "notes"):
                saved[key] = tuple(saved[key])
            return Staged(**{**saved, "name": name})
    return None


def _mark(folder: Path, identity: str, kind: str, fingerprint: str, hashed: bool) -> Path:
    return folder / f"{identity}-{kind}{'-hashed' if hashed else ''}-{fingerprint}.json"


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


def _select(
    layout: Layout, spec: TypeSpec, resolved: Resolved, text: TextFile, reader: str, hashed: bool
) -> str:
    """Return the SQL that stages a file: raw texts, then values, then the reason of a bad row."""
    header = text.header
    whole = [n for n in sorted(header.names, key=str.upper) if n and n != resolved.event]
    row_hash = f"hash({', '.join(quoted(n) for n in whole)})" if hashed else "0::UBIGINT"
    raw = [
        f"{row_hash} AS _hash",
        f"{_event(resolved, layout.later_replaces)} AS _event",
        f"{_final(resolved)} AS _final",
    ]
    typed = ["_hash", "_event", "_final"]
    rules = [EVENT_RULE]
    if text.header.positions:
        raw.append("_length")
        typed.append("_length")
        rules = [_cut_off(spec), *rules]
    for name, spec_field in spec.fields.items():
        columns = resolved.columns[name]
        if spec_field.months or spec_field.repeats:
            raw += [f"{values.raw_text(c, layout.nulls)} AS {quoted('r_' + c)}" for c in columns]
            typed.append(f"{_list(spec_field, columns)} AS {name}")
            rules += _list_rules(spec_field, columns)
            typed += [quoted("r_" + c) for c in columns if spec_field.kind in values.STRICT]
            continue
        raw_value = values.raw_text(columns[0], layout.nulls) if columns else "NULL::VARCHAR"
        raw.append(f"{raw_value} AS r_{name}")
        typed += [f"{values.typed(spec_field, f'r_{name}')} AS {name}", f"r_{name}"]
        rules += _field_rules(spec, name, columns[0] if columns else spec_field.names[0])
    rules += _type_rules(spec)
    return (
        f"WITH raws AS (SELECT {', '.join(raw)} FROM {reader}),"
        f" typed AS (SELECT {', '.join(typed)} FROM raws)"
        f" SELECT {', '.join(spec.fields)}{_stamp(spec, text)}, _hash,"
        f" CAST(coalesce(_event, 0) AS TINYINT) AS _event, _final,"
        f" {_case(rules, 1)} AS _reason, {_case(rules, 2)} AS _found{_blanked(spec)} FROM typed"
    )


def _field_rules(spec: TypeSpec, name: str, column: str) -> list[tuple[str, str, str]]:
    """Return what makes a row unusable by one field; a DELETE needs no more than its key."""
    spec_field = spec.fields[name]
    always = "" if name in spec.key else "_event <> 2 AND "
    unless = f"NOT coalesce({spec_field.unless}, false) AND " if spec_field.unless else ""
    return [
        (f"{always}{unless}{condition}", reason, f"r_{name}")
        for condition, reason in values.problem(spec_field, column, f"r_{name}", name)
    ]


def _list_rules(spec_field: FieldSpec, columns: Sequence[str]) -> list[tuple[str, str, str]]:
    """A text in one of several columns of a field that is not what the field says."""
    if spec_field.kind not in values.STRICT:
        return []
    words = values.STRICT[spec_field.kind]
    return [
        (
            f"{raw} IS NOT NULL AND {values.typed(spec_field, raw)} IS NULL",
            f"{c} is not {words}",
            raw,
        )
        for c in columns
        for raw in [quoted("r_" + c)]
    ]


def _fixed(text: TextFile) -> str:
    """Cut fixed-width lines; a line that ends before its last field gives blank fields."""
    lines = _reader(replace(text, header=replace(text.header, names=("line",))))
    cut = ", ".join(
        f"substr(line, {first}, {length}) AS {quoted(name)}"
        for name, (first, length) in text.header.positions.items()
    )
    return f"(SELECT {cut}, length(line) AS _length FROM {lines})"


def _cut_off(spec: TypeSpec) -> tuple[str, str, str]:
    """A fixed-width line must reach the end of the last field that a row can't do without."""
    needed = [sum(f.at) - 1 for f in spec.fields.values() if f.at and f.need == "row"]
    words = f"the line ends before position {max(needed)}"
    return (f"_length < {max(needed)}", words, "NULL")


def _stamp(spec: TypeSpec, text: TextFile) -> str:
    """Return the column `year` that the file's name gives to all its rows, where the type has one.

    By month it is YYYYMM, of the rows' own FILE_DATE where there is one.
    """
    if not spec.stamp:
        return ""
    stamp = stamp_of_name(text.source, spec.stamp)
    if spec.stamp == "year":
        return f", {stamp} AS year"
    if stamp is None and "FILE_DATE" not in [n.upper() for n in text.header.names]:
        raise InputError(
            f"{text.source.name}: neither the name nor a column FILE_DATE says the file's month"
        )
    own = "year(file_date) * 100 + month(file_date)"
    return f", CAST(coalesce({own}, {stamp or 'NULL'}) AS INTEGER) AS year"


def _list(spec_field: FieldSpec, columns: Sequence[str]) -> str:
    if not columns:
        return f"CAST([{', '.join(['NULL'] * 12)}] AS VARCHAR[])"
    parts = [values.typed(spec_field, quoted("r_" + c)) for c in columns]
    return f"[{', '.join(parts)}]"


def _event(resolved: Resolved, later_replaces: bool) -> str:
    if not resolved.event:
        return "1" if later_replaces else "0"
    text = f"upper({values.raw_text(resolved.event)})"
    return (
        f"CASE WHEN {text} IS NULL OR {text} = 'INSERT' THEN 0 WHEN {text} = 'UPDATE' THEN 1"
        f" WHEN {text} = 'DELETE' THEN 2 ELSE 9 END"
    )


def _final(resolved: Resolved) -> str:
    if not resolved.final_action:
        return "true"
    return f"coalesce(upper({values.raw_text(resolved.final_action)}) <> 'N', true)"


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


def _blanked(spec: TypeSpec) -> str:
    """One flag per lenient field: text stood there that is not well formed."""
    return "".join(
        f", (r_{name} IS NOT NULL AND {name} IS NULL) AS _blank_{name}"
        for name, field in spec.fields.items()
        if field.kind in values.LENIENT and not field.repeats and not field.months
    )


def _count(con: Connection, spec: TypeSpec, staged: Staged, folder: Path) -> Staged:
    flags = [n for n, f in spec.fields.items() if f.kind in values.LENIENT and not f.repeats]
    sums = "".join(f", count(*) FILTER (WHERE _blank_{n})" for n in flags)
    row = con.execute(
        f"SELECT count(*), count(*) FILTER (WHERE _reason IS NOT NULL){sums}"
        f" FROM read_parquet({literal(str(folder / staged.parquet))})"
    ).fetchone()
    rejected = con.execute(
        f"SELECT count(*) FROM read_parquet({literal(str(folder / staged.rejects))})"
    ).fetchone()
    assert row is not None
    assert rejected is not None
    return Staged(
        **{
            **asdict(staged),
            "rows": row[0],
            "rejected": rejected[0],
            "unusable": row[1] + rejected[0],
            "blanked": {n: row[2 + i] for i, n in enumerate(flags) if row[2 + i]},
        }
    )
