"""Terms and rules that a page uses: linked where they stand, explained at its end.

The rules' words come from docs/rules.md, the one place that says them; a page holds those that it
cites, so that it stays whole when it is sent on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tcoc.paths import project_root
from tcoc.report.tables import attribute, text

TERMS: Mapping[str, str] = {
    "ACO": "Accountable care organization: clinicians and hospitals that answer together for the"
    " cost and quality of their patients.",
    "CCN": "CMS Certification Number: the six digits by which Medicare knows a hospital.",
    "MDPCP": "Maryland Primary Care Program: Medicare pays primary care practices for managing"
    " their patients' care.",
    "MPA": "Medicare Performance Adjustment: raises or lowers a hospital's Medicare payments"
    " depending on how the cost of its attributed beneficiaries grows.",
    "NPI": "National Provider Identifier: the number of a clinician.",
    "PSA": "Primary service area: the ZIPs that a hospital names as its own.",
    "QP": "Qualifying APM participant: a clinician with enough payments or patients in the model"
    " to earn the incentive of advanced alternative payment models.",
    "TCOC": "Total cost of care: all Medicare Part A and Part B payments for a beneficiary.",
}
"""Terms of the field, each in one sentence."""

_RULE = re.compile(r"^### <a id=\"([A-Z]+\d+)\"></a>\1 (.+)$", re.MULTILINE)
_FACTS = ("- Parameters: ", "- Computed in: ", "- Reaches: ")
"""Lines of a rule that say where its values, its code and its results are."""

_FAMILIES = re.compile(r"(?<=\brules )[A-Z]\b(?:(?:, | and )[A-Z]\b)*")
"""All rules of some letters: the sources of most tables name them so."""

_RANGE = re.compile(r"\b([A-Z])(\d+)-\1(\d+)\b")
_TAG = re.compile(r"(<[^>]+>)")
_SKIPPED = ("a", "svg", "script", "style", "button", "select", "h1", "h2", "h3", "caption",
            "thead", "label", "code", "summary", "dt")  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """What a rule is called, what it says, and where its parameters, code and tables are."""

    title: str
    words: str
    facts: tuple[str, ...] = ()


@cache
def rules(file: Path | None = None) -> Mapping[str, Entry]:
    """Return the rules by id, from docs/rules.md; none where the project has no such page."""
    source = file or project_root() / "docs" / "rules.md"
    if not source.is_file():
        return {}
    content = source.read_text(encoding="utf-8")
    found = list(_RULE.finditer(content))
    ends = [match.start() for match in found[1:]] + [len(content)]
    return {
        match.group(1): _entry(match.group(2).strip(), content[match.end() : end])
        for match, end in zip(found, ends, strict=True)
    }


def _entry(title: str, block: str) -> Entry:
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", block).replace("`", "")
    first = next((part.strip() for part in plain.split("\n\n") if part.strip()), "")
    facts = [line[2:] for line in plain.splitlines() if line.startswith(_FACTS)]
    return Entry(title, first, tuple(line.replace("Reaches", "Tables") for line in facts))


def linked(html: str, known: Mapping[str, Entry], used: dict[str, str]) -> str:
    """Link each rule, and each term where it first stands, to its explanation on the page.

    A letter that stands for all its rules leads to the first, and all are explained. `used`
    collects the anchors of what was linked. Text of pictures, scripts, headings and links stays as
    it is.
    """
    ids = "|".join(sorted(known, key=len, reverse=True)) or r"(?!)"
    pattern = re.compile(rf"(?<![\w.-])(?:(?P<rule>{ids})|(?P<term>{'|'.join(TERMS)}))(?![\w-])")
    depth, out = 0, []
    for part in _TAG.split(html):
        if part.startswith("<"):
            name = re.match(r"</?([a-z0-9]+)", part)
            if name and name.group(1) in _SKIPPED and not part.endswith("/>"):
                depth += -1 if part.startswith("</") else 1
            out.append(part)
        elif depth:
            out.append(part)
        else:
            spelled = _RANGE.sub(r"\1\2 to \1\3", part)
            each = pattern.sub(lambda found: _link(found, known, used), spelled)
            out.append(_FAMILIES.sub(lambda found: _link_families(found, known, used), each))
    return "".join(out)


def _link(found: "re.Match[str]", known: Mapping[str, Entry], used: dict[str, str]) -> str:
    name = found.group(0)
    if found["rule"]:
        used[name] = f"rule-{name}"
        title = attribute(f"Rule {name}: {known[name].title}")
        return f'<a class="term" href="#rule-{name}" title="{title}">{name}</a>'
    if name in used:
        return name
    used[name] = f"term-{name}"
    return f'<a class="term" href="#term-{name}" title="{attribute(TERMS[name])}">{name}</a>'


def _link_families(found: "re.Match[str]", known: Mapping[str, Entry], used: dict[str, str]) -> str:
    def link(letter: "re.Match[str]") -> str:
        members = [name for name in known if name.rstrip("0123456789") == letter[0]]
        used.update({name: f"rule-{name}" for name in members})
        if not members:
            return letter[0]
        title = f"Rules {members[0]} to {members[-1]}"
        return f'<a class="term" href="#rule-{members[0]}" title="{title}">{letter[0]}</a>'

    return re.sub(r"\b[A-Z]\b", link, found[0])


def explained(used: Mapping[str, str], known: Mapping[str, Entry]) -> str:
    """Return what the linked terms and rules mean, for the end of the page."""
    terms = sorted(name for name in used if name in TERMS)
    cited = sorted(
        (n for n in used if n in known), key=lambda n: (n.rstrip("0123456789"), _number(n))
    )
    rows = [(f"term-{name}", name, text(TERMS[name])) for name in terms]
    rows += [(f"rule-{n}", f"{n} {known[n].title}", _words(known[n])) for n in cited]
    if not rows:
        return ""
    items = "".join(
        f'<dt id="{anchor}" tabindex="-1">{text(name)}</dt><dd>{words}</dd>'
        for anchor, name, words in rows
    )
    return (
        '<h2 id="terms">Terms and rules on this page</h2>'
        f'<dl class="provenance glossary">{items}</dl>'
    )


def _words(rule: Entry) -> str:
    """What a rule says, and below it where to look further."""
    return text(rule.words) + "".join(f"<br><small>{text(fact)}</small>" for fact in rule.facts)


def _number(rule: str) -> int:
    return int(re.sub(r"\D", "", rule) or 0)
