"""One source file to one staged Parquet file: the needed fields, typed, in the order of the file.

Streaming: DuckDB reads the text once and never holds more than its memory limit. Staged files are
named by the sha256 of the source and by the layout, so that a second call after an interruption
takes up the files that are finished.
"""
# ruff: noqa: S608  (the names in the SQL come from layouts and headers, and are quoted)

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from tcoc.errors import InputError
from tcoc.store.importers import values
from tcoc.store.importers.layouts import FieldSpec, Layout, Resolved, TypeSpec
from tcoc.store.importers.sources import Header, SourceFile
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

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Staged:
    """A staged file: its source, type, Parquet files and what was counted on the way."""

    name: str
    type: str
    sha256: str
    bytes: int
    rows: int
    rejected: int
    unusable: int
    first_line: int
    blank_lines: tuple[int, ...]
    parquet: str
    rejects: str
    absent: tuple[str, ...]
    blanked: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def read(self) -> int:
        """All rows of the file, usable or not."""
        return self.rows + self.rejected


def stage(
    con: Connection,
    source: SourceFile,
    plain: Path,
    header: Header,
    layout: Layout,
    kind: str,
    resolved: Resolved,
    digest: str,
    folder: Path,
    notes: Sequence[str] = (),
) -> Staged:
    """Read one file into its staged Parquet file. Raises InputError where DuckDB can't read it."""
    parquet = folder / f"{digest[:24]}-{kind}.parquet"
    rejects = folder / f"{digest[:24]}-{kind}.rejects.parquet"
    spec = layout.types[kind]
    reader = _reader(plain, source, header)
    try:
        con.execute("DROP TABLE IF EXISTS rejects_rows; DROP TABLE IF EXISTS rejects_scans")
        con.execute(f"COPY ({_select(spec, resolved, header, reader)}) TO {literal(str(parquet))}")
        con.execute(
            "COPY (SELECT line, error_type, left(csv_line, 2000) AS found FROM (SELECT *,"
            " row_number() OVER (PARTITION BY line ORDER BY column_idx, error_type) AS one"
            f" FROM rejects_rows) WHERE one = 1 ORDER BY line) TO {literal(str(rejects))}"
        )
    except duckdb.Error as error:
        first = str(error).split("\n", 1)[0]
        raise InputError(f"{source.name}: can't be read as a table: {_clean(first)}") from error
    return _count(
        con,
        spec,
        Staged(
            source.name,
            kind,
            digest,
            source.bytes,
            0,
            0,
            0,
            header.line,
            header.blank_lines,
            str(parquet.name),
            str(rejects.name),
            resolved.absent,
            {},
            tuple(notes),
        ),
        folder,
    )


def save(staged: Staged, folder: Path, fingerprint: str) -> None:
    """Mark a staged file as finished; the mark is written last, and in one step."""
    mark = folder / f"{staged.sha256[:24]}-{staged.type}-{fingerprint}.json"
    partial = mark.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(staged)), encoding="utf-8")
    partial.replace(mark)


def reuse(folder: Path, digest: str, kind: str, fingerprint: str, name: str) -> Staged | None:
    """Return a finished staged file of the same bytes, type and layout, if there is one."""
    mark = folder / f"{digest[:24]}-{kind}-{fingerprint}.json"
    if not mark.is_file():
        return None
    saved: dict[str, Any] = json.loads(mark.read_text(encoding="utf-8"))
    for key in ("blank_lines", "absent", "notes"):
        saved[key] = tuple(saved[key])
    return Staged(**{**saved, "name": name})


def _clean(message: str) -> str:
    """Keep what DuckDB says of the form, not the values that it quotes."""
    return message.split('"', 1)[0].split(":", 2)[-1].strip()[:160]


def _reader(plain: Path, source: SourceFile, header: Header) -> str:
    columns = ", ".join(f"{literal(n or f'_{i}')}: 'VARCHAR'" for i, n in enumerate(header.names))
    packed = source.packing in ("gzip", "zstd") and plain == source.path
    packing = f", compression = '{source.packing}'" if packed else ""
    return (
        f"read_csv({literal(str(plain))}, delim = {literal(header.delimiter)}, header = false,"
        f" skip = {header.line}, columns = {{{columns}}}, auto_detect = false,"
        f" quote = {literal(header.quote)}, escape = {literal(header.quote)},"
        f" max_line_size = {MAX_LINE}, ignore_errors = true, store_rejects = true,"
        f" rejects_limit = 0, rejects_table = 'rejects_rows', rejects_scan = 'rejects_scans'{packing})"
    )


def _select(spec: TypeSpec, resolved: Resolved, header: Header, reader: str) -> str:
    hashed = ", ".join(
        quoted(n) for n in sorted(header.names, key=str.upper) if n and n != resolved.event
    )
    raw = [
        f"hash({hashed}) AS _hash",
        f"{_event(resolved)} AS _event",
        f"{_final(resolved)} AS _final",
    ]
    typed, rules = ["_hash", "_event", "_final"], []
    for name, field in spec.fields.items():
        columns = resolved.columns[name]
        if len(columns) > 1 or field.months or field.repeats:
            typed.append(f"{_list(field, columns)} AS {name}")
            raw += [f"{values.raw_text(c)} AS {quoted('r_' + c)}" for c in columns]
            continue
        text = values.raw_text(columns[0]) if columns else "CAST(NULL AS VARCHAR)"
        raw.append(f"{text} AS r_{name}")
        typed += [f"{values.typed(field, f'r_{name}')} AS {name}", f"r_{name}"]
        column = columns[0] if columns else field.names[0]
        always = "" if name in spec.key else "_event <> 2 AND "
        rules += [
            (f"{always}{condition}", reason, f"r_{name}")
            for condition, reason in values.problem(field, column, f"r_{name}", name)
        ]
    rules += _type_rules(spec)
    return (
        f"WITH raws AS (SELECT {', '.join(raw)} FROM {reader}),"
        f" typed AS (SELECT {', '.join(typed)} FROM raws)"
        f" SELECT {', '.join(spec.fields)}, _hash, CAST(coalesce(_event, 0) AS TINYINT) AS _event,"
        f" _final, {_case(rules, 1)} AS _reason, {_case(rules, 2)} AS _found{_blanked(spec)} FROM typed"
    )


def _list(field: FieldSpec, columns: Sequence[str]) -> str:
    if not columns:
        return f"CAST([{', '.join(['NULL'] * 12)}] AS VARCHAR[])"
    parts = [values.typed(field, quoted("r_" + c)) for c in columns]
    return f"[{', '.join(parts)}]"


def _event(resolved: Resolved) -> str:
    if not resolved.event:
        return "0"
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
    rules = [("_event = 9", "the row's action is not INSERT, UPDATE or DELETE", "NULL")]
    rules += [(c, r, "NULL") for c, r in TYPE_RULES.get(spec.table, ())]
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
    assert row is not None and rejected is not None
    return Staged(
        **{
            **asdict(staged),
            "rows": row[0],
            "rejected": rejected[0],
            "unusable": row[1] + rejected[0],
            "blanked": {n: row[2 + i] for i, n in enumerate(flags) if row[2 + i]},
        }
    )
