"""Is a store what the schema says? Types, keys, values, references, calendars, order, totals.

The report counts, by table and rule, and names no one. A store that an importer or the generator
has written passes; one that was edited, cut or copied in part does not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tcoc.errors import InputError
from tcoc.resources.shortage import shortage
from tcoc.store.connection import Connection, connect
from tcoc.store.layout import Store, open_store
from tcoc.store.schema import DOLLAR_SUM, TABLES, TableSpec

FIRST_DATE, LAST_DATE = "1850-01-01", "2100-12-31"
DATE_PAIRS = {"beneficiary": ("birth_date", "death_date"), "facility": ("from_date", "thru_date")}
KNOWN = {
    "store.json",
    "quarantine",
    "reference",
    "truth",
    "reconciliation.csv",
    "reconciliation.parquet",
    *TABLES,
    "beneficiary.parquet",
}


@dataclass(frozen=True)
class Check:
    """One rule on one table: how many rows or files break it, of how many."""

    table: str
    rule: str
    broken: int
    of: int
    unit: str = "rows"

    @property
    def ok(self) -> bool:
        """Whether nothing breaks the rule."""
        return self.broken == 0


@dataclass(frozen=True)
class CheckReport:
    """All checks of a store, and its rows by table."""

    root: Path
    checks: tuple[Check, ...]
    rows: dict[str, int]
    accepted: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)


def check_store(root: Path, memory_limit: str | None = None) -> CheckReport:
    """Check a whole store, a table at a time.

    Raises InputError where there is no store. Content is looked at only where a table's files have
    the declared columns: what can't be read can't be counted.
    """
    store = open_store(root)
    checks = list(_check_folder(store))
    rows: dict[str, int] = {}
    dollars: dict[str, str] = {}
    with (
        connect(memory_limit=memory_limit) as connection,
        connection.task(f"check of {store.root.name}"),
    ):
        for name, spec in TABLES.items():
            files = list(_check_files(store, spec))
            checks += files
            if all(check.ok for check in files):
                try:
                    content = list(_check_content(connection, store, spec))
                    dollars |= _dollars(connection, store, spec)
                except (duckdb.Error, InputError) as error:
                    if shortage(error):
                        raise
                    content = [Check(name, "every row can be read", 1, 1, "tables")]
                else:
                    rows[name] = next(c.of for c in content if c.rule.startswith("key"))
                checks += content
    checks += _check_info(store, rows, dollars)
    return CheckReport(store.root, tuple(checks), rows, str(store.info.get("accepted") or ""))


def render(report: CheckReport) -> str:
    """Return the report as text: rows by table, then what does not hold, then the verdict."""
    lines = [f"{report.root}"]
    lines += [f"  {name:<13}{rows:>15,} rows" for name, rows in report.rows.items()]
    for table in ("store", *TABLES):
        entries = [c for c in report.checks if c.table == table]
        held = sum(c.ok for c in entries)
        lines.append(f"{table}: {held} of {len(entries)} checks hold")
        lines += [
            f"  FAIL  {c.rule}: {c.broken:,} of {c.of:,} {c.unit}" for c in entries if not c.ok
        ]
    verdict = "holds" if report.ok else f"{len(report.failed)} checks do not hold"
    if report.accepted:
        lines.append(f"Accepted beyond the limits of admission: {report.accepted}")
    return "\n".join([*lines, f"The store {verdict}." if report.ok else f"{verdict}."]) + "\n"


# ---------------------------------------------------------------- folders and files


def _check_folder(store: Store) -> Iterator[Check]:
    names = sorted(p.name for p in store.root.iterdir() if not p.name.startswith("."))
    unknown = [n for n in names if n not in KNOWN]
    yield Check("store", "only known files and folders", len(unknown), len(names), "names")
    folders = [p for t in TABLES if TABLES[t].partitioned for p in (store.root / t).glob("*")]
    bad = [p for p in folders if not re.fullmatch(r"year=\d{4}", p.name)]
    yield Check("store", "partitions are named year=YYYY", len(bad), len(folders), "folders")


def _check_files(store: Store, spec: TableSpec) -> Iterator[Check]:
    files = store.files(spec.name)
    if not spec.partitioned:
        yield Check(spec.name, "the table has a file", int(not files), 1, "files")
    schemas = [_schema(f) for f in files]
    wanted = _arrow(spec)
    # a store written before a column was added lacks it in all of its files
    older = pa.schema([f for f in wanted if f.name not in spec.added])
    if schemas and all(s is not None and s.names == older.names for s in schemas):
        wanted = older
    unreadable = sum(s is None for s in schemas)
    yield Check(spec.name, "files are whole Parquet files", unreadable, len(files), "files")
    names = sum(s is not None and s.names != wanted.names for s in schemas)
    yield Check(spec.name, "files have the columns of the schema", names, len(files), "files")
    types = sum(
        s is not None and s.names == wanted.names and s.types != wanted.types for s in schemas
    )
    yield Check(spec.name, "columns have the types of the schema", types, len(files), "files")


def _schema(file: Path) -> pa.Schema | None:
    try:
        found = pq.read_schema(file)
    except (pa.ArrowException, OSError):
        return None
    return pa.schema([(f.name, _plain(f.type)) for f in found])


def _plain(kind: pa.DataType) -> pa.DataType:
    """Dictionary-encoded, large and view strings are strings."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) else kind


def _arrow(spec: TableSpec) -> pa.Schema:
    return pa.schema([(f.name, _plain(f.type)) for f in ibis.schema(spec.schema).to_pyarrow()])


# ---------------------------------------------------------------- content


def _check_content(connection: Connection, store: Store, spec: TableSpec) -> Iterator[Check]:
    table = connection.table(store, spec.name)
    counts = _counts(connection, table, _value_rules(table, spec))
    total = counts.pop("rows")
    yield from (Check(spec.name, rule, broken, total) for rule, broken in counts.items())
    yield Check(
        spec.name, f"key {', '.join(spec.key)} is unique", _repeated(connection, table, spec), total
    )
    if spec.name != "beneficiary":
        people = connection.table(store, "beneficiary").select("bene_id")
        strangers = table.anti_join(people, "bene_id").count().execute()
        yield Check(spec.name, "bene_id is in beneficiary", int(strangers), total)
    if spec.partitioned:
        yield Check(
            spec.name,
            f"{spec.year_of} lies in the year of its partition",
            _strays(connection, store, spec),
            total,
        )
    files = store.files(spec.name)
    unsorted = sum(not _is_sorted(f, spec.order[0]) for f in files)
    yield Check(
        spec.name, f"files are in the order of {spec.order[0]}", unsorted, len(files), "files"
    )


def _value_rules(table: ir.Table, spec: TableSpec) -> dict[str, ir.BooleanValue]:
    """Return, per rule on values, the condition under which a row breaks it."""
    rules: dict[str, ir.BooleanValue] = {}
    for column in spec.columns:
        value = table[column.name]
        if not column.nullable:
            rules[f"{column.name} is never null"] = value.isnull()
        if column.allowed:
            rules[f"{column.name} is one of {', '.join(column.allowed)}"] = ~value.isin(
                column.allowed
            )
        if column.pattern:
            rules[f"{column.name} is like {column.pattern}"] = ~value.re_search(column.pattern)
        if column.identifier:
            rules[f"{column.name} is not blank"] = value.strip() == ""
        if column.type == "date":
            first, last = (
                ibis.literal(FIRST_DATE).cast("date"),
                ibis.literal(LAST_DATE).cast("date"),
            )
            rules[f"{column.name} is from 1850 to 2100"] = ~value.between(first, last)
    return {**rules, **_table_rules(table, spec)}


def _table_rules(table: ir.Table, spec: TableSpec) -> dict[str, ir.BooleanValue]:
    rules: dict[str, ir.BooleanValue] = {}
    if spec.name == "member_month":
        rules["month is a first day"] = table.month.day() != 1
    if spec.name in DATE_PAIRS:
        early, late = DATE_PAIRS[spec.name]
        rules[f"{early} is not after {late}"] = table[early] > table[late]
    if "line_number" in spec.schema:
        rules["line_number is not negative"] = table.line_number < 0
    return rules


def _counts(
    connection: Connection, table: ir.Table, rules: dict[str, ir.BooleanValue]
) -> dict[str, int]:
    """Count all rules in one pass."""
    sums = {
        f"r{i}": rule.fill_null(False).cast("int32").sum() for i, rule in enumerate(rules.values())
    }
    row = connection.fetch(table.aggregate(rows=table.count(), **sums)).fillna(0).iloc[0]
    counted = {rule: int(row[f"r{i}"]) for i, rule in enumerate(rules)}
    return {"rows": int(row["rows"]), **counted}


def _repeated(connection: Connection, table: ir.Table, spec: TableSpec) -> int:
    groups = table.group_by(list(spec.key)).aggregate(n=table.count())
    result = connection.fetch(groups.filter(groups.n > 1).aggregate(rows=(groups.n - 1).sum()))
    return int(result["rows"].fillna(0).iloc[0])


def _dollars(connection: Connection, store: Store, spec: TableSpec) -> dict[str, str]:
    """Return a claims table's paid dollars, as store.json says them."""
    if "paid_amount" not in spec.schema:
        return {}
    table = connection.table(store, spec.name)
    paid = table.paid_amount.sum().cast(DOLLAR_SUM).fill_null(0)
    total = connection.fetch(table.aggregate(paid=paid))["paid"].iloc[0]
    return {spec.name: f"{total:.2f}"}


def _strays(connection: Connection, store: Store, spec: TableSpec) -> int:
    """Count rows that lie in the partition of another year."""
    count = 0
    for year in store.partitions(spec.name):
        table = connection.table(store, spec.name, [year])
        count += int(table.filter(table[spec.year_of].year() != year).count().execute())
    return count


def _is_sorted(file: Path, column: str) -> bool:
    """Read one column in the order of the file, a batch at a time."""
    last: str | None = None
    for batch in pq.ParquetFile(file).iter_batches(columns=[column]):
        values = batch.column(0).cast(pa.string())
        if len(values) == 0:
            continue
        if last is not None and values[0].as_py() < last:
            return False
        if not pc.all(pc.less_equal(values[:-1], values[1:])).as_py() and len(values) > 1:
            return False
        last = values[-1].as_py()
    return True


# ---------------------------------------------------------------- store.json


def _check_info(store: Store, rows: dict[str, int], dollars: dict[str, str]) -> list[Check]:
    said = store.info.get("rows")
    said = said if isinstance(said, dict) else {}
    wrong = [t for t, n in rows.items() if t in said and said[t] != n]
    missing = [t for t in TABLES if said and t not in said]
    found = {y for t in TABLES if TABLES[t].partitioned for y in store.partitions(t)}
    years = set(store.years) ^ found
    return [
        Check(
            "store",
            "rows per table are those of store.json",
            len(wrong) + len(missing),
            len(TABLES),
            "tables",
        ),
        Check(
            "store",
            "years are those of store.json",
            len(years),
            len(found | set(store.years)),
            "years",
        ),
        Check(
            "store",
            "synthetic is said in store.json",
            int(not isinstance(store.info.get("synthetic"), bool)),
            1,
            "keys",
        ),
        *_check_dollars(store, dollars),
    ]


def _check_dollars(store: Store, dollars: dict[str, str]) -> list[Check]:
    """Paid dollars are those of store.json; an import's lead there from its files to the cent."""
    said: dict[str, str] = store.info.get("dollars", {})
    wrong = [t for t, amount in dollars.items() if t in said and said[t] != amount]
    types: dict[str, dict[str, dict[str, str]]] = store.info.get("import", {}).get("types", {})
    differ = [
        t for t, e in types.items() if e.get("dollars", {}).get("difference", "0.00") != "0.00"
    ]
    checks = [
        Check("store", "paid dollars are those of store.json", len(wrong), len(said), "tables")
    ]
    rule = "dollars lead from the files to the store"
    return [
        *(checks if said else []),
        *([Check("store", rule, len(differ), len(types), "file types")] if types else []),
        *_check_admission(store.info),
    ]


def _check_admission(info: Mapping[str, Any]) -> list[Check]:
    """Rows are accounted for; control totals and limits hold, or a reason was given (rule I8)."""
    found = info.get("import", {})
    if "lights" not in found:
        return []
    types = found["types"].values()
    controls, lights = info.get("controls", []), found["lights"]
    accepted = bool(info.get("accepted"))
    broken = 0 if accepted else sum(not c["holds"] for c in controls)
    beyond = 0 if accepted else sum(not light["holds"] for light in lights)
    left = sum(entry.get("unexplained", 0) != 0 for entry in types)
    given = f" (accepted: {info['accepted']})" if accepted else ""
    return [
        Check("store", "every row that was read is accounted for", left, len(types), "file types"),
        Check("store", f"control totals are what was read{given}", broken, len(controls), "totals"),
        Check("store", f"shares of the delivery are within their limits{given}", beyond,
              len(lights), "shares"),
    ]  # fmt: skip
