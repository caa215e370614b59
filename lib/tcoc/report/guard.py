"""The last look before anything is said: only what the gate let through may pass (rule D4).

Tables and figures can only be made of public tables. A sentence is free text, so each number in
one must stand in a public table of the run, be a year, a rule, a policy value or a small whole
number such as a count of rows; and no sentence may state a count of 1 to 10 people.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from html.parser import HTMLParser
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tcoc.disclosure import PublicTable
from tcoc.errors import TcocError
from tcoc.report.facts import RunFacts
from tcoc.report.seal import seal

PEOPLE = (
    "beneficiaries|beneficiary|benes|bene|people|persons|person|patients|patient|claims|claim"
    "|individuals|enrollees|members|residents"
)
_SMALL = "[1-9]|10|one|two|three|four|five|six|seven|eight|nine|ten"
_SMALL_COUNT = re.compile(
    rf"(?<![\w.,$−-])(?<!\b1 to )(?:{_SMALL})(?:\.\d+)?[\s\u00a0-]+"
    rf"(?:[a-z-]+[\s\u00a0]+){{0,2}}(?:{PEOPLE})\b",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"\b(?:[A-Z]{1,2}\d{1,2}[a-z]?|\d+ CFR [\d.()a-z§ ]+|20\d\d[–-](?:20)?\d\d"
    r"|\d[\d,]*[\s\u00a0](?:more )?(?:rows?|values?|cells?|kB))\b"
)
"""Rules, laws, spans of years, and how much a page or file holds: no numbers about people."""

_TOKEN = re.compile(
    r"(?<![\w.])(?P<sign>[−+-]?)(?P<dollar>\$?)(?P<digits>\d[\d,]*(?:\.\d+)?)"
    r"(?P<unit>%|[\s\u00a0](?:percentage[\s\u00a0])?points?\b|[\s\u00a0](?:million|billion)\b|[BMK]\b)?"
)
_SCALES = {"million": 1e-6, "billion": 1e-9, "M": 1e-6, "B": 1e-9, "K": 1e-3}
_KEPT = "_numbers_in_it"
_SMALL_WHOLE = 100
"""Whole numbers up to this one may count rows, methods, hospitals: they need no table."""


class HasFrame(Protocol):
    """A public table, or its cells as a finished file has them."""

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, rounded; hidden cells are NA."""


class Known:
    """The numbers that may stand in a sentence: those of the public tables, and policy values."""

    def __init__(self, tables: Iterable[HasFrame], others: Iterable[float] = ()) -> None:
        looked = [_numbers_in(table) for table in tables]
        given = np.array([abs(float(v)) for v in others], dtype=float)
        self._values = np.unique(np.concatenate([given, *(values for values, _ in looked)]))
        self._labels = frozenset[str]().union(*(labels for _, labels in looked))

    def knows(self, value: float, digits: int, scales: Iterable[float]) -> bool:
        """Whether a value, written with so many decimals at one of the scales, is a known one."""
        half = 0.5000001 * 10.0**-digits
        for scale in scales:
            low, high = (value - half) / scale, (value + half) / scale
            place = int(np.searchsorted(self._values, low))
            if place < len(self._values) and self._values[place] <= high:
                return True
        return False

    def labels(self, text: str) -> bool:
        """Whether a number is part of a label: a CCN, a ZIP, an age group."""
        return text in self._labels


def _numbers_in(table: HasFrame) -> tuple[np.ndarray, frozenset[str]]:
    """Return the sizes of a table's numbers, its number of rows, and the numbers in its labels."""
    kept = vars(table) if isinstance(table, PublicTable) else {}
    if _KEPT not in kept:  # a public table never changes, and each page looks at it
        kept[_KEPT] = _looked_at(table.frame)
    found: tuple[np.ndarray, frozenset[str]] = kept[_KEPT]
    return found


def _looked_at(frame: pd.DataFrame) -> tuple[np.ndarray, frozenset[str]]:
    labels = set[str]()
    found = [np.array([float(len(frame))])]
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            found.append(np.abs(column.dropna().astype("float64").to_numpy()))
        else:
            labels.update(map(str, column.dropna().unique()))
    numbers = (number for label in labels for number in re.findall(r"\d[\d,.]*\d|\d", label))
    return np.unique(np.concatenate(found)), frozenset(numbers)


def said_numbers(facts: RunFacts) -> list[float]:
    """Return the numbers of a run that are public by themselves: policy values and completeness."""
    policy = [n for use in facts.policy for n in _numbers(use.value)]
    return [*policy, *map(float, facts.completeness.values())]


def _numbers(value: Any) -> list[float]:
    """Return the numbers of a policy value, nested or not."""
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, (int, float)):
        return [float(value)]
    if isinstance(value, Mapping):
        return [n for each in value.values() for n in _numbers(each)]
    if isinstance(value, (list, tuple)):
        return [n for each in value for n in _numbers(each)]
    return []


def check_numbers(where: str, text: str, known: Known) -> None:
    """Refuse a sentence with a number that stands in no public table (TcocError).

    Years, rule ids, labels of the tables and whole numbers up to 100 without a unit are free.
    """
    for found in strange_numbers(text, known):
        raise TcocError(
            f'{where}: "{found}" stands in no public table of this run;'
            " take it from PublicTable.value(...) through tcoc.report.words (rule D4)"
        )


def strange_numbers(text: str, known: Known) -> list[str]:
    """Return the numbers of a text that stand in no public table, as they are written."""
    plain = _RULE.sub(" ", re.sub(r"[*_`]|\]\([^)]*\)", " ", text))
    return [f.group(0).strip() for f in _TOKEN.finditer(plain) if not _allowed(f, known)]


def _allowed(found: "re.Match[str]", known: Known) -> bool:
    digits = found["digits"].rstrip(",")
    value = float(digits.replace(",", ""))
    decimals = len(digits.partition(".")[2])
    unit = (found["unit"] or "").replace("\u00a0", " ").strip()
    bare = not found["dollar"] and not unit
    if bare and decimals == 0 and (value <= _SMALL_WHOLE or 1900 <= value <= 2100):
        return True
    if known.labels(digits):
        return True
    if unit == "%" or unit.endswith(("point", "points")):
        return value in (0, 100) or known.knows(value, decimals, (100.0, 1.0))
    scales = (_SCALES[unit],) if unit in _SCALES else (1.0,)
    return (value == 0) or known.knows(value, decimals, scales)


def small_count(text: str) -> str:
    """Return the count of 1 to 10 people in digits that a text states, or an empty string."""
    found = [f.group(0) for f in _SMALL_COUNT.finditer(re.sub(r"[*_`]", "", text))]
    return next((f for f in found if f[0].isdigit()), "")


def check_html(where: str, content: str, known: Known) -> None:
    """Refuse a page made without a notebook of which a number stands in no public table (D4).

    Looked at is all that a reader sees or hears: text, alternatives, labels of marks.
    """
    for text in _said(content):
        check_numbers(where, text, known)


def check_text(where: str, text: str, spelled: bool = True) -> None:
    """Refuse a sentence, title or text alternative that states a count of 1 to 10 people.

    `spelled` takes "one beneficiary" for a count too; prose that was written before the data does
    not mean one.
    """
    found = _SMALL_COUNT.search(re.sub(r"[*_`]", "", text))
    if found and (spelled or found.group(0)[0].isdigit()):
        noun = found.group(0).split()[-1]
        raise TcocError(
            f"{where}: states a count of 1 to 10 {noun} (rule D1); write it with tcoc.report.words"
            " from a public table"
        )


def check_complete(where: str, **texts: str) -> None:
    """Refuse a figure whose title, text alternative or caption is empty."""
    for name, text in texts.items():
        if not text.strip():
            raise TcocError(f"{where}: its {name} is empty")


# ---------------------------------------------------------------- a whole notebook

KINDS = frozenset(
    ("style", "table", "figure-title", "figure", "figure-below", "say", "numbers", "assumptions",
     "data-notes", "what-if", "provenance")
)  # fmt: skip
"""What the kit shows; an output of another kind is not the kit's."""

_FREE = frozenset(("style", "assumptions", "data-notes", "provenance", "what-if"))
"""Kinds that tell of the run, its policy and its data, which are public by themselves."""

_BUILTINS = frozenset(("dict", "int", "len", "list", "max", "min", "set", "sorted", "str", "tuple"))
_MODULES = re.compile(
    r"tcoc|tcoc\.report\.(charts|words)(\.\w+)*|tcoc\.deliverables\.\w+\.(words|figures)\w*"
)
_REFUSED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.With, ast.Try,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Delete, ast.Global, ast.Raise,
)  # fmt: skip
_READ = ("alt", "title", "aria-label", "aria-description", "label", "placeholder", "content")
"""Attributes that a reader is told."""


def check_notebook(
    name: str,
    cells: Iterable[Mapping[str, Any]],
    tables: Iterable[PublicTable],
    policy_numbers: Iterable[float] = (),
) -> None:
    """Refuse an executed notebook that shows anything but public tables through the kit (D4).

    Looked at are the words of markdown cells, what the code may do at all, and each output: it must
    be the kit's, as the kit made it, and its numbers must stand in public tables. Raises TcocError
    in one sentence that says which cell of which notebook, counted as its author counts them.
    """
    found, number = list(tables), 0
    known, by_name = Known(found, policy_numbers), {table.name: table for table in found}

    @cache
    def own(name: str) -> Known | None:
        return Known([by_name[name]]) if name in by_name else None

    for cell in cells:
        # the cell with a run's parameters is the executed notebook's alone
        number += "injected-parameters" not in cell.get("metadata", {}).get("tags", [])
        where, source = f"{name}: cell {number}", cell["source"]
        if cell["cell_type"] == "markdown":
            check_text(where, source, spelled=False)
            check_numbers(where, source, known)
        elif cell["cell_type"] == "code":
            check_source(where, source)
            for output in cell.get("outputs", ()):
                _check_output(where, output, known, own)


def check_source(where: str, source: str) -> None:
    """Refuse code that is not a call of the kit: its modules, names and statements alone.

    With this an output can only be one of the kit's, so its seal cannot be made by hand.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        raise TcocError(f"{where}: is not plain Python; a page has no magics") from None
    for node in ast.walk(tree):
        if said := _refusal(node):
            raise TcocError(f"{where}: {said}; a page calls the kit with public tables alone")


def _refusal(node: ast.AST) -> str:
    if isinstance(node, ast.Import | ast.ImportFrom):
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        modules = [module + alias.name for alias in node.names]
        strange = [m for m in modules if not _MODULES.fullmatch(m)]
        return f"imports {strange[0]}" if strange else ""
    if isinstance(node, _REFUSED):
        return f"has a {type(node).__name__.lower()}"
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        return f"reaches into {node.attr}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return "" if node.func.id in _BUILTINS else f"calls {node.func.id}"
    return ""


def _check_output(
    where: str, output: Mapping[str, Any], known: Known, own: Callable[[str], Known | None]
) -> None:
    if output["output_type"] != "display_data":
        what = {"stream": "prints", "error": "ends with an error"}.get(output["output_type"])
        raise TcocError(f"{where}: {what or 'shows a value'}; a page shows through release alone")
    told = dict(output.get("metadata", {}).get("tcoc", {}))
    kind, name = str(told.get("kind", "")), str(told.get("name", ""))
    data = output["data"]
    if kind not in KINDS or told.get("digest") != seal(kind, name, data):
        raise TcocError(f"{where}: shows something that the kit did not make of a public table")
    if kind in _FREE:
        return
    texts = [
        *_said(data.get("text/html", "")),
        str(told.get("alt", "")),
        str(told.get("title", "")),
    ]
    table = own(re.sub(r"-\d+$", "", name)) or own(name) if kind == "table" else None
    for text in texts:
        if kind != "table":
            check_text(where, text)
        if table is None or not _stands(text, table):
            check_numbers(where, text, known)


def _stands(text: str, table: Known) -> bool:
    return all(_allowed(found, table) for found in _TOKEN.finditer(_RULE.sub(" ", text)))


class _Reader(HTMLParser):
    """The texts of some HTML that a reader sees or hears, cell by cell."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.mute = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.mute += tag in ("style", "script")
        self.texts += [value for key, value in attrs if key in _READ and value]
        if tag in ("td", "th", "p", "li", "dt", "dd", "caption", "small", "div"):
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.mute -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self.mute:
            last = self.texts.pop() if self.texts else ""
            self.texts.append(last + data)


def _said(html: str) -> list[str]:
    reader = _Reader()
    # the kit sets a dollar sign in an element of its own; its download is a file, not a sentence
    plain = re.sub(r"</?span[^>]*>", "", html.replace("<span>$</span>", "$"))
    reader.feed(re.sub(r'<p class="tcoc-download">.*?</p>', "", plain, flags=re.DOTALL))
    return [text.strip() for text in reader.texts if text.strip()]
