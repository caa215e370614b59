"""The quality paper, docs/quality.md, made of the repository: python tools/quality_paper.py.

Assumptions, the log of data, the history of methods, and a checklist with its evidence. It says
nothing of its own: each line is counted or taken from the file that it names.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from parameter_pages import load_rules

from tcoc.params import load_policy
from tcoc.params.evidence import GRADES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "quality.md"
CHECKLIST = Path(__file__).with_suffix(".yml")
LONGEST = 110
LEAD = (
    "For who reviews the analysis: what it assumes, what it reads, what changed, and what shows"
    " that it is made as it should be."
)
MADE = "<!-- Made by `python tools/quality_paper.py`; change what it reads, not this page. -->"


def paper() -> str:
    """Return the page."""
    parts = [
        MADE,
        "# Quality paper",
        LEAD,
    ]
    sections = {"Assumptions": assumptions, "Data log": data_log, "History of methods": history,
                "Checklist": checklist}  # fmt: skip
    for title, section in sections.items():
        parts += [f"## {title}", *section()]
    return "\n\n".join(parts) + "\n"


def assumptions() -> Iterator[str]:
    """Count policy values by what they rest on; the ledger lists each."""
    graded: Counter[tuple[str, str]] = Counter()
    for entry in load_policy().entries.values():
        for value in [entry.value] if entry.value else entry.values.values():
            grade = value.evidence.grade if value.evidence else "none"
            graded[grade, value.status] += 1
    yield (
        "Each value, its evidence, and what its alternatives move: [evidence.md](evidence.md)."
        " Readings that the rules leave open: [decisions.md](decisions.md)."
    )
    rows = [
        f"| {grade} | {words} | {graded[grade, 'sourced']} | {graded[grade, 'assumed']} |"
        for grade, words in {**GRADES, "none": "no evidence is kept beside it"}.items()
        if graded[grade, "sourced"] + graded[grade, "assumed"]
    ]
    yield table("evidence | meaning | sourced values | assumed values", rows)
    kinds = Counter(rule.status for rule in load_rules().values())
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    yield f"Rules by status: {said} ([rules.md](rules.md))."


def data_log() -> Iterator[str]:
    """List every file of data that is kept here, with its size and its source."""
    yield (
        "Claims are not kept here: a run's manifest lists its store, reference tables and their"
        " SHA-256, and `tcoc verify` holds them again. Kept here are:"
    )
    rows = []
    for folder in ("reference", "published", "synthetic"):
        for file in sorted((ROOT / "params" / folder).iterdir()):
            if file.suffix in (".csv", ".yml"):
                size, source = of_csv(file) if file.suffix == ".csv" else of_yaml(file)
                rows.append(f"| `params/{folder}/{file.name}` | {size} | {source} |")
    yield table("file | holds | source", rows)


def of_csv(file: Path) -> tuple[str, str]:
    """Return how many rows a table has, and its most frequent source."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    sources = Counter(row["source"] for row in rows if row.get("source"))
    if not sources:
        return f"{len(rows):,} rows", beside(file)
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return f"{len(rows):,} rows", short(sources.most_common(1)[0][0]) + more


def of_yaml(file: Path) -> tuple[str, str]:
    """Return how many keys a file has, and the source that it names itself."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    named = content.get("source") or content.get("sources") if isinstance(content, dict) else None
    if isinstance(named, dict):
        named = "; ".join(str(words) for words in named.values())
    return f"{len(content):,} keys", short(str(named)) if named else beside(file)


def beside(file: Path) -> str:
    """Say where the source of a file stands that names none in itself."""
    readme = file.with_name("README.md")
    if readme.is_file() and file.name in readme.read_text(encoding="utf-8"):
        return f"`params/{file.parent.name}/README.md`"
    cited = "source:" in file.read_text(encoding="utf-8")
    return "beside each value" if cited else "`docs/synthetic.md`"


def history() -> Iterator[str]:
    """Say which versions there were and how many of their changes move numbers."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    rows = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        version, _, body = part.partition("\n")
        moving = re.search(r"### Numbers that move\n(.*?)(?=\n### |\Z)", body, re.DOTALL)
        changes = re.findall(r"^- (.*(?:\n  .*)*)", moving[1], re.M) if moving else []
        rules = sorted({rule for each in changes for rule in re.findall(r"\b[A-Z]\d+\b", each)})
        rows.append(f"| {version} | {len(changes)} | {', '.join(rules) or 'none'} |")
    hashes = (ROOT / "tests" / "house" / "policy_hashes.txt").read_text(encoding="utf-8")
    yield "What changed, in words: [CHANGELOG.md](../CHANGELOG.md)."
    yield table("version | changes that move numbers | rules they name", rows)
    yield (
        f"{len(hashes.splitlines())} policy values have a kept hash: none changes without a line"
        " of `tests/house/policy_hashes.txt` that a reviewer sees."
    )


def checklist() -> Iterator[str]:
    """List what a reproducible analytical pipeline has, and what shows it here."""
    levels = yaml.safe_load(CHECKLIST.read_text(encoding="utf-8"))
    yield (
        "Levels of the NHS RAP community of practice, in its words as recalled. The paper is made"
        " only where every file and text that is named as evidence is there."
    )
    rows = [
        f"| {level} | {line['item']} | {', '.join(map(shown, line['evidence']))}"
        f"{'. ' + line['open'] if 'open' in line else ''} |"
        for level, lines in levels.items()
        for line in lines
    ]
    yield table("level | item | evidence", rows)


def shown(evidence: str) -> str:
    """Return a piece of evidence for the page; SystemExit where it is not there."""
    name, _, text = evidence.partition("::")
    file = ROOT / name
    if not file.is_file() or text not in file.read_text(encoding="utf-8"):
        raise SystemExit(f"{CHECKLIST.name}: {evidence}: is not there")
    return f"`{name}` ({text.rstrip(':')})" if text else f"`{name}`"


def short(text: str) -> str:
    """Return a text for a cell of a table."""
    plain = " ".join(text.split()).replace("|", "/")
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 3].rsplit(" ", 1)[0] + " ..."


def table(head: str, rows: list[str]) -> str:
    """Return a table of Markdown."""
    lines = "|".join("---" for _ in head.split("|"))
    return "\n".join([f"| {head} |", f"|{lines}|", *rows])


def main() -> int:
    """Write the page."""
    PAGE.write_text(paper(), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
