"""The audited tables of a release on disk, so that every notebook of a run reads the same ones.

All deliverables of a run are one release: their tables are audited together (rule D2), once, and
kept in the work folder. A process that finds them there, made from the same inputs and code,
reads them; otherwise it makes them.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.errors import TcocError, nearest
from tcoc.report.tables import as_csv

PUBLIC = Path(".internal") / "public"
FOLDER = Path(".internal") / "audited"
TABLES_INDEX = "tables.json"
_INDEX = "release.json"


@dataclass(frozen=True)
class TableFacts:
    """What a public table says of itself; its numbers are in the audited frame."""

    name: str
    deliverable: str
    title: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    values: tuple[str, ...]
    unit: str
    note: str
    source: str


@dataclass(frozen=True)
class AuditedTable:
    """An audited frame, which of its cells are hidden, and why, by (row, column)."""

    facts: TableFacts
    frame: pd.DataFrame
    hidden: pd.DataFrame
    reasons: Mapping[tuple[int, str], str]


def collect(study: Any, deliverables: Sequence[str]) -> dict[str, list[Any]]:
    """Return the public tables of each of some deliverables.

    Raises TcocError for a table name that two deliverables use.
    """
    tables: dict[str, list[Any]] = {}
    owners: dict[str, str] = {}
    for deliverable in deliverables:
        tables[deliverable] = list(page(deliverable).public_tables(study))
        for table in tables[deliverable]:
            if table.name in owners:
                raise TcocError(
                    f'{deliverable}: public table "{table.name}" is also one of'
                    f" {owners[table.name]}; names are unique in a run"
                )
            owners[table.name] = deliverable
    return tables


def page(deliverable: str) -> Any:
    """Return the module with a deliverable's public tables, sections and headline."""
    return import_module(f"tcoc.deliverables.{deliverable}.sections")


def audit_all(study: Any, deliverables: Sequence[str]) -> dict[str, AuditedTable]:
    """Pass the tables of all deliverables through the gate together and return them by name."""
    from tcoc.disclosure import Draft, gate, write_public
    from tcoc.disclosure.old import draft_of_old

    drafts = {
        deliverable: [t if isinstance(t, Draft) else draft_of_old(t) for t in part]
        for deliverable, part in collect(study, deliverables).items()
    }
    gated = gate(drafts, study.policy)
    write_public(gated.tables, Path(study.work) / PUBLIC)
    gated.log.to_parquet(Path(study.work) / "restricted" / "hidden_cells.parquet", index=False)
    return {name: _audited(table) for name, table in gated.tables.items()}


def _audited(table: Any) -> AuditedTable:
    counts = tuple(c for c, entry in table.columns.items() if entry.kind == "count")
    plain = ("key", "label", "year", "flag", "count")
    values = tuple(c for c, entry in table.columns.items() if entry.kind not in plain)
    facts = TableFacts(
        table.name, table.deliverable, table.title, table.keys, counts, values, "",
        table.note, table.source,
    )  # fmt: skip
    return AuditedTable(facts, _one_type(table.frame), table.hidden, {})


def _one_type(frame: pd.DataFrame) -> pd.DataFrame:
    """Write labels of mixed types (2018 and "all") as text, so that Parquet can hold them."""
    out = frame.copy()
    for name in out.columns:
        kinds = {type(value) for value in out[name].dropna()} if out[name].dtype == object else ()
        if len(kinds) > 1:
            out[name] = out[name].map(str, na_action="ignore")
    return out


def save(tables: Mapping[str, AuditedTable], folder: Path, key: str) -> None:
    """Write audited tables, whole or not at all; the last writer of the same key wins."""
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, table in tables.items():
        table.frame.to_parquet(partial / f"{name}.parquet", index=False)
        table.hidden.to_parquet(partial / f"{name}.hidden.parquet", index=False)
    index = {
        "key": key,
        "tables": [asdict(table.facts) for table in tables.values()],
        "reasons": {
            name: [[row, column, why] for (row, column), why in table.reasons.items()]
            for name, table in tables.items()
        },
    }
    (partial / _INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def load(folder: Path, key: str) -> dict[str, AuditedTable] | None:
    """Read audited tables, or return None where there are none of this key."""
    index_file = folder / _INDEX
    if not index_file.is_file():
        return None
    index = json.loads(index_file.read_text(encoding="utf-8"))
    if index["key"] != key:
        return None
    return {facts["name"]: _read(folder, facts, index["reasons"]) for facts in index["tables"]}


def _read(folder: Path, facts: dict[str, Any], reasons: dict[str, Any]) -> AuditedTable:
    name = facts["name"]
    lists = {key: tuple(facts[key]) for key in ("keys", "counts", "values")}
    return AuditedTable(
        TableFacts(**{**facts, **lists}),
        pd.read_parquet(folder / f"{name}.parquet"),
        pd.read_parquet(folder / f"{name}.hidden.parquet"),
        {(row, column): why for row, column, why in reasons[name]},
    )


def digest_of(folder: Path, deliverable: str) -> str:
    """Hash the audited tables of one deliverable: facts, numbers, which are hidden and why."""
    index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    digest = hashlib.sha256()
    for facts in index["tables"]:
        if facts["deliverable"] == deliverable:
            said = [facts, index["reasons"][facts["name"]]]
            digest.update(json.dumps(said, sort_keys=True).encode())
            for ending in ("parquet", "hidden.parquet"):
                content = (folder / f"{facts['name']}.{ending}").read_bytes()
                digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def release_key(study: Any, deliverables: Sequence[str]) -> str:
    """Hash what the audited tables depend on beside the work folder they stand in.

    A work folder belongs to one run on one store, so their content is not hashed again; paths are
    left out because the runner hands notebooks a run file with absolute ones.
    """
    spec = study.run.spec.model_dump(mode="json", exclude={"store", "reference", "deliverables"})
    digest = hashlib.sha256(json.dumps([spec, list(deliverables)], sort_keys=True).encode())
    here = Path(__file__).resolve().parent
    gate = here.parent / "disclosure"
    code = [*here.glob("*.py"), *gate.rglob("*.py"), gate.with_suffix(".py")]
    for file in [*study.policy.files.values(), *sorted(code)]:
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def publish(tables: Mapping[str, AuditedTable], folder: Path) -> None:
    """Write every audited table as CSV, and tables.json, which says what each of them is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        content = as_csv(table.frame, table.hidden, table.reasons)
        (folder / f"{name}.csv").write_bytes(content)
    facts = {
        name: asdict(table.facts)
        | {"rows": len(table.frame), "hidden": int(table.hidden.to_numpy().sum())}
        for name, table in tables.items()
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (folder / TABLES_INDEX).write_text(text + "\n", encoding="utf-8")


def find(tables: Mapping[str, AuditedTable], name: str) -> AuditedTable:
    """Return an audited table, or raise TcocError that names the nearest."""
    if name not in tables:
        raise TcocError(f'"{name}" is not a public table of this release{nearest(name, tables)}')
    return tables[name]
