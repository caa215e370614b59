"""The pages that parameter files make: docs/rules.md and docs/evidence.md.

python tools/parameter_pages.py           writes both; a test holds that they are current
python tools/parameter_pages.py TABLE     first takes over what `tcoc sensitivity` measured
"""

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
from pydantic import Field

from tcoc.params.evidence import GRADES, document, documents
from tcoc.params.policy import Policy, PolicyEntry, PolicyValue
from tcoc.params.typed import load_policy
from tcoc.params.yaml_file import Strict, parse, read_yaml
from tcoc.paths import params_dir, project_root, result_file

DOCS = project_root() / "docs"
EFFECTS = DOCS / "effects.csv"
"""What each alternative moves, as `tcoc sensitivity` measured it on synthetic data."""

_EFFECT_COLUMNS = ("assumption", "alternative", "dollars_moved", "people_moved")

MADE = "<!-- Made by `python tools/parameter_pages.py`; change the parameters, not this page. -->"


RULES_LEAD = (
    "What every number means. Code, parameter files, checks and pages cite a rule by its id. The"
    " readings that a rule leaves open are in [decisions.md](decisions.md), what each value rests"
    " on in [evidence.md](evidence.md), the tables' columns in [tables.md](tables.md)."
)
FIRST_LEAD = (
    "Assumed values by the dollars of the MPA that their strongest alternative moves between"
    " hospitals, each alone (`docs/effects.csv`, which `tcoc sensitivity` measured on synthetic"
    " data: the order is a guide, the amounts are not Maryland's)."
)


class Rule(Strict):
    """One rule in the project's words: params/rules.yml."""

    title: str
    words: str
    status: Literal["sourced", "assumed", "both", "ours"]
    modules: tuple[str, ...] = Field(min_length=1)
    tables: tuple[str, ...] = ()


STATUS = {
    "sourced": "sourced: a document that was read says so",
    "assumed": "assumed: the documents are silent or were not found",
    "both": "sourced in its principle, assumed in its details",
    "ours": "the project's own standard",
}


def load_rules(file: Path | None = None) -> dict[str, Rule]:
    """Read the rules by id; raises InputError for one that is not as described."""
    file = file or params_dir() / "rules.yml"
    return {key: parse(Rule, raw, f"{file.name}: {key}") for key, raw in read_yaml(file).items()}


def rules_page(policy: Policy, rules: Mapping[str, Rule]) -> str:
    """Return docs/rules.md: each rule with its parameters, modules and the tables it reaches."""
    lines = [
        MADE,
        "# Rules",
        "",
        RULES_LEAD,
    ]
    part = ""
    for key, rule in rules.items():
        if (found := PARTS[key[0]]) != part:
            part = found
            lines += ["", f"## {part}"]
        lines += ["", f'### <a id="{key}"></a>{key} {rule.title}', "", rule.words.strip(), ""]
        names = parameters_of(policy, key)
        listed = ", ".join(f"`{name}`" for name in names) if names else "none"
        lines += [f"- Status: {STATUS[rule.status]}", f"- Parameters: {listed}"]
        lines += [f"- Computed in: {', '.join(f'`{module}`' for module in rule.modules)}"]
        if rule.tables:
            links = [f"[`{name}`](tables.md#{name}-restricted)" for name in rule.tables]
            lines += [f"- Reaches: {', '.join(links)}"]
    return "\n".join(lines) + "\n"


PARTS = {
    "I": "Import",
    "P": "Population",
    "A": "Attribution",
    "T": "Spending",
    "R": "Risk adjustment and inference",
    "Q": "QP threshold scores",
    "M": "Medicare Performance Adjustment",
    "S": "Sensitivity",
    "D": "Disclosure",
}
"""The parts of the rules by the first letter of an id."""


def parameters_of(policy: Policy, rule: str) -> list[str]:
    """Return the names of the policy values that cite a rule."""
    return [n for n, e in policy.entries.items() if rule in e.rule.replace(",", " ").split()]


# ---------------------------------------------------------------- evidence


@dataclass(frozen=True)
class Line:
    """A line of the ledger: a value, what it rests on, and what its alternatives would move."""

    name: str
    entry: PolicyEntry
    value: PolicyValue
    dollars: float | None

    @property
    def grade(self) -> str:
        """The grade of the evidence, `not stated` where there is none."""
        return self.value.evidence.grade if self.value.evidence else "not stated"


def keep_effects(table: Path, file: Path = EFFECTS) -> None:
    """Keep what `tcoc sensitivity` measured, without the cases that the rules refused (rule S1).

    Whole dollars and whole tens of people, for synthetic data alone: the file is published.
    """
    rows = pq.read_table(table, columns=list(_EFFECT_COLUMNS)).to_pylist()
    measured = [r for r in rows if r["dollars_moved"] is not None and r["dollars_moved"] >= 0]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_EFFECT_COLUMNS)
        for row in sorted(measured, key=lambda r: (-r["dollars_moved"], r["assumption"])):
            dollars, people = round(row["dollars_moved"], -3), round(row["people_moved"], -1)
            writer.writerow(
                [row["assumption"], row["alternative"], f"{dollars:.0f}", f"{people:.0f}"]
            )


def keep_alternatives(table: Path) -> None:
    """Keep the whole of it with the code, so that the sample's report shows it (rule S1).

    For synthetic data alone, as the file is public.
    """
    rows = [
        {
            name: None if isinstance(value, float) and isnan(value) else value
            for name, value in row.items()
        }
        for row in pq.read_table(table).to_pylist()
    ]
    text = json.dumps({"alternatives": rows}, indent=1, allow_nan=False)
    result_file("sensitivity").write_text(f"{text}\n", encoding="utf-8")


def read_effects(file: Path = EFFECTS) -> dict[str, float]:
    """Return the most dollars that any alternative of a value moves, by its name."""
    found: dict[str, float] = {}
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                name = row["assumption"]
                found[name] = max(found.get(name, 0.0), float(row["dollars_moved"]))
    return found


def ledger(policy: Policy, effects: Mapping[str, float]) -> list[Line]:
    """Return all values, the one with most dollars at stake first; unmeasured ones by name."""
    lines = []
    for name, entry in policy.entries.items():
        values = {name: entry.value} if entry.value else {}
        values |= {f"{name} {year}": value for year, value in entry.values.items()}
        values |= {f"{name} under {key}": value for key, value in entry.under.items()}
        effect = effects.get(name)
        lines += [Line(where, entry, value, effect) for where, value in values.items() if value]
    return sorted(lines, key=lambda line: -(line.dollars if line.dollars is not None else -1.0))


def evidence_page(policy: Policy, effects: Mapping[str, float]) -> str:
    """Return docs/evidence.md: what to settle first, the documents, and every value's evidence."""
    lines = ledger(policy, effects)
    page = [
        MADE,
        "# Evidence",
        "",
        "What each policy value rests on. Grades:",
        "",
        *(f"- **{grade}**: {words}." for grade, words in GRADES.items()),
        "",
        "## What to settle first",
        "",
        FIRST_LEAD,
        "",
        "| value | as it is | alternatives | dollars moved | grade | what would settle it |",
        "|---|---|---|---|---|---|",
    ]
    open_lines = [x for x in lines if x.value.status == "assumed" and x.dollars is not None]
    page += [_open_row(line) for line in open_lines if " under " not in line.name]
    stated = [x for x in lines if x.entry.type == "statement"]
    page += ["", "What the data or the code take for granted, which no run can replace:", ""]
    page += [f"- `{x.name}` ({x.entry.rule}): {_cell(str(x.value.value))}" for x in stated]
    page += ["", "## Documents that would settle most", ""]
    page += _wanted(lines)
    page += ["", "## Every value", ""]
    page += ["| value | rule | as it is | status | grade | document | quote or place | read |"]
    page += ["|---|---|---|---|---|---|---|---|"]
    page += [_row(line) for line in sorted(lines, key=lambda line: line.name)]
    page += ["", "## Documents", "", "| key | title | published | where |", "|---|---|---|---|"]
    for key, found in documents().items():
        where = "not found: to ask for" if found.missing else found.address or "at hand"
        page.append(f"| {key} | {found.title} | {found.published} | {where} |")
    return "\n".join(page) + "\n"


def _open_row(line: Line) -> str:
    evidence = line.value.evidence
    settles = _title(evidence.settled_by) if evidence else ""
    others = "; ".join(_short(other) for other in line.entry.alternatives)
    moved = f"${line.dollars or 0.0:,.0f}"
    cells = (f"`{line.name}`", _short(line.value.value), others, moved, line.grade, settles)
    return f"| {' | '.join(cells)} |"


def _row(line: Line) -> str:
    found = line.value.evidence
    quote = f'"{found.quote}"' if found and found.quote else ""
    place = ", ".join(part for part in (found.location if found else "", quote) if part)
    cells = (
        f"`{line.name}`",
        line.entry.rule,
        _short(line.value.value),
        line.value.status,
        line.grade,
        (found.document if found else "") or _cell(line.value.source),
        _cell(place),
        found.read.isoformat() if found and found.read else "",
    )
    return f"| {' | '.join(cells)} |"


def _wanted(lines: Iterable[Line]) -> list[str]:
    """Return the documents that would settle values, the one with most of them first."""
    by_document: dict[str, list[str]] = {}
    for line in lines:
        key = line.value.evidence.settled_by if line.value.evidence else ""
        if key:
            by_document.setdefault(key, []).append(line.name)
    order = sorted(by_document, key=lambda key: (-len(by_document[key]), key))
    return [
        f"- {_title(key)}: {', '.join(f'`{name}`' for name in by_document[key])}" for key in order
    ]


def _title(key: str) -> str:
    return document(key).title if key in documents() else key


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return _cell(text if len(text) <= 90 else f"{text[:87]}...")


def _cell(text: str) -> str:
    """Return text that stays in its cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def pages() -> dict[Path, str]:
    """Return the pages by the file in which each stands."""
    policy = load_policy()
    return {
        DOCS / "rules.md": rules_page(policy, load_rules()),
        DOCS / "evidence.md": evidence_page(policy, read_effects()),
    }


def main() -> None:
    """Write the pages, after taking over a table of effects where one is named."""
    for table in sys.argv[1:2]:
        keep_effects(Path(table))
        keep_alternatives(Path(table))
    for file, text in pages().items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
