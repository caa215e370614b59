"""Plain US English: words and forms that a reader in Maryland would not write."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from tcoc.paths import notebooks_dir

LIB = Path(__file__).resolve().parents[2] / "lib" / "tcoc"

BRITISH = [
    "aeroplane",
    "analyse",
    "analysed",
    "analysing",
    "ageing",
    "behaviour",
    "cancelled",
    "catalogue",
    "centre",
    "centred",
    "cheque",
    "colour",
    "coloured",
    "defence",
    "dialogue",
    "enrol",
    "enrolment",
    "enrolments",
    "enrols",
    "favour",
    "favourable",
    "fulfil",
    "fulfilment",
    "grey-scale",
    "honour",
    "judgement",
    "labelled",
    "labelling",
    "labour",
    "licence",
    "metre",
    "metres",
    "modelled",
    "modelling",
    "neighbour",
    "neighbours",
    "organisation",
    "organise",
    "organised",
    "practise",
    "programme",
    "programmes",
    "recognise",
    "recognised",
    "rumour",
    "summarise",
    "summarised",
    "totalled",
    "travelled",
    "travelling",
    "whilst",
    "amongst",
    "learnt",
    "spelt",
    "emphasise",
    "emphasised",
    "minimise",
    "minimised",
    "maximise",
    "maximised",
    "standardise",
    "standardised",
    "utilise",
]
STIFF = {
    r"\bdearest\b": "costliest",
    r"\d[\u00a0 ]%": "no space before the percent sign",
    r"\bfor who (?!the\b|they\b|is\b|are\b|was\b|were\b)": "for those who",
    r"\bto who\b": "to whom",
    r"\bof all that (?:are|is)\b": "of all",
    r"\bthe half of\b": "half of",
    r"\bhold(?:s)? for of\b": "",
    r"\bas of now\b": "now",
    r"\bin the years? \d{4}\b": "in 2018",
    r"\bsocalled\b": "so-called",
    r"\binformations\b": "information",
    r"\bper cent\b": "percent",
    r"\$\d[\d,.]*[\u00a0 ][MBK]\b": "$1.2 million",
    r"-\$\d": "a minus sign, not a hyphen",
    r"\bcould be not\b": "could not be",
    r"\bmore better\b": "better",
    r"\ball what\b": "all that",
    r"\bthat what\b": "what",
    r"\bhow .{2,20} looks like\b": "what it looks like",
    r"\bsince \d+ (?:years|months)\b": "for",
}
WORDS = re.compile(rf"\b(?:{'|'.join(BRITISH)})\b", re.IGNORECASE)


def faults(text):
    """What of a text is not plain US English, with what to write instead."""
    found = [f"{w.group(0)} (British)" for w in WORDS.finditer(text)]
    for form, better in STIFF.items():
        found += [f"{m.group(0)} ({better})" for m in re.finditer(form, text)]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "the dearest 1 % of people",
        "enrolment rose",
        "a list for who codes",
        "the colour of it",
        "−5 %",
        "$1.2 M",
        "a loss of -$300",
        "in the programme",
    ],
)
def test_the_list_finds_what_it_is_for(text):
    assert faults(text)


@pytest.mark.parametrize(
    "text",
    ["the costliest 1% of people", "enrollment rose", "for those who code", "−$300 in color"],
)
def test_plain_english_passes(text):
    assert faults(text) == []


def texts_of(file):
    """The strings and docstrings of a module: what pages, messages and help are made of."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [
        n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]


def reading(folder):
    return sorted((LIB / folder).rglob("*.py"))


@pytest.mark.parametrize("file", reading("report"), ids=lambda f: f.name)
def test_the_kit_speaks_plain_english(file):
    assert [fault for text in texts_of(file) for fault in faults(text)] == []


@pytest.mark.parametrize(
    "file",
    [f for f in reading("deliverables") if re.match(r"words|checks|public", f.name)],
    ids=lambda f: f"{f.parent.name}-{f.name}",
)
def test_what_deliverables_say_is_plain_english(file):
    assert [fault for text in texts_of(file) for fault in faults(text)] == []


@pytest.mark.parametrize("notebook", sorted(notebooks_dir().glob("*.ipynb")), ids=lambda f: f.stem)
def test_notebooks_say_it_in_plain_english(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    said = [cell.source for cell in cells]
    assert [fault for text in said for fault in faults(text)] == []


@pytest.mark.parametrize("name", ["page.js", "frame.html.j2"])
def test_the_page_itself_speaks_plain_english(name):
    text = (LIB / "report" / "template" / name).read_text(encoding="utf-8")
    text = re.sub(r"{[%{].*?[%}]}", "", text)
    assert faults(text) == []
