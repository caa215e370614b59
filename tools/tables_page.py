"""Make docs/tables.md: every table of a run, its columns and its rules, restricted and public.

    python tools/tables_page.py outputs/sample

The columns of public tables are those of the run's own dictionary, the ones of restricted tables
the files' own; what a restricted table holds is said in its deliverable's tables.yml. A test holds
the page against the tables of a study.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import tcoc.deliverables
from tcoc.deliverables.registry import catalog, deliverables
from tcoc.params.yaml_file import read_yaml
from tcoc.paths import params_dir, project_root
from tcoc.reference import REFERENCE_SPECS
from tcoc.store.schema import TABLES

PAGE = project_root() / "docs" / "tables.md"
LEAD = """<!-- Made by `python tools/tables_page.py RUN`; change the dictionaries, not this. -->
# Tables

Every table of a run. A number on a page stands in a public table, whose name is in the line below
the figure or table (its CSV is `tables/NAME.csv` of the run folder); it was rounded from a
restricted table, Parquet under `restricted/`, exact and readable by the owner only. Each table
names its rules, and [rules.md](rules.md) gives a rule's words, parameters and module.
[published.md](published.md) says what of the published figures is compared.
"""

CHECKS = {
    "checks": "What the run's pages assert, and what was measured and is allowed: a row a check."
}

Dictionary = Mapping[str, Mapping[str, Any]]


def row(*cells: str) -> str:
    """One line of a table; a bar within a cell would end it."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def kind_of(kind: pa.DataType) -> str:
    """The type of a restricted column in a reader's words."""
    if pa.types.is_decimal(kind):
        return "dollars"
    known = {"string": "text", "bool": "yes or no", "double": "number", "date32[day]": "date"}
    return known.get(str(kind), "whole number")


def public_rows(entry: Mapping[str, Any]) -> list[str]:
    """The columns of a public table: a line for each entry of its dictionary."""
    return [
        row(f"`{name}`", c["label"], c["unit"] or c["kind"], c["description"])
        for name, c in entry["columns"].items()
    ]


def restricted_row(name: str, schema: pa.Schema) -> str:
    """The columns of a restricted table with their types, its key in bold."""
    key = catalog().product(name).key if name != "checks" else ("deliverable", "name")
    columns = [f"**{c.name}**" if c.name in key else c.name for c in schema]
    kinds = [kind_of(c.type) for c in schema]
    return ", ".join(f"{c} ({kind})" for c, kind in zip(columns, kinds, strict=True))


def page(dictionary: Dictionary, schemas: Mapping[str, pa.Schema]) -> str:
    """The page of a run's public dictionary and of its restricted tables' schemas."""
    rules, lines = rules_of(), [LEAD]
    for deliverable in deliverables():
        words = words_of(deliverable.name)
        lines += [f"## {deliverable.title}", "", *restricted(words, rules, schemas)]
        mine = [e for e in dictionary.values() if e["deliverable"] == deliverable.name]
        lines += public(sorted(mine, key=lambda e: str(e["name"])))
    lines += ["## The run", "", *restricted(CHECKS, rules, schemas)]
    lines += ["## The store", "", *store()]
    lines += ["## Reference tables of a run", "", *reference()]
    return "\n".join(lines).rstrip() + "\n"


def words_of(deliverable: str) -> dict[str, str]:
    """What each restricted table of a deliverable holds, by its name."""
    return read_yaml(Path(tcoc.deliverables.__path__[0]) / deliverable / "tables.yml")


def rules_of() -> dict[str, str]:
    """The rules that reach each restricted table, linked to their words."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, rule in read_yaml(params_dir() / "rules.yml").items():
        for table in rule.get("tables", ()):
            found[table].append(f"[{key}](rules.md#{key})")
    return {table: ", ".join(links) for table, links in found.items()}


def restricted(
    words: Mapping[str, str], rules: Mapping[str, str], schemas: Mapping[str, pa.Schema]
) -> Iterator[str]:
    """The restricted tables of a deliverable."""
    for name, text in words.items():
        yield f"### {name} (restricted)\n\n{text}\n"
        if name in schemas:
            yield f"Columns: {restricted_row(name, schemas[name])}.\n"
        if name in rules:
            yield f"Rules: {rules[name]}.\n"


def store() -> Iterator[str]:
    """The tables of a store: what `tcoc import` and `tcoc synth` write."""
    for name, table in TABLES.items():
        key = "each of " + ", ".join(f"`{c}`" for c in table.key)
        columns = [f"{c.name}{'?' * c.nullable} ({c.type})" for c in table.columns]
        yield f"### {name} (store)\n\nA row for {key}. ? may be null: {', '.join(columns)}.\n"


def reference() -> Iterator[str]:
    """The CSV files that a run file's `reference` names."""
    for name, spec in REFERENCE_SPECS.items():
        columns = ", ".join(
            f"{c.name}{'?' * (c.blank or c.optional)} ({c.kind})" for c in spec.columns
        )
        needed = "Every run needs it." if spec.mandatory else "A run may have it."
        yield f"### {name} (reference)\n\n{needed} Columns (? may be blank): {columns}.\n"


def public(entries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The public tables of a deliverable."""
    for entry in entries:
        counted = f" Counts: {entry['universe']}." if entry["universe"] else ""
        source = f" From {entry['source']}." if entry["source"] else ""
        keys = ", ".join(f"`{key}`" for key in entry["keys"])
        yield f"### {entry['name']}\n\n{entry['title']}. A row per {keys}.{counted}{source}\n"
        yield row("column", "heading", "unit", "what it is") + "\n" + row(*["---"] * 4)
        yield "\n".join(public_rows(entry)) + "\n"


def main() -> int:
    """Write the page of the run that the argument names."""
    run = Path(sys.argv[1])
    dictionary = json.loads((run / "tables" / "dictionary.json").read_text(encoding="utf-8"))
    schemas = {f.stem: pq.read_schema(f) for f in (run / "restricted").glob("*.parquet")}
    PAGE.write_text(page(dictionary, schemas), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
