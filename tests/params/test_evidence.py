"""The evidence ledger: what each value rests on, held against the documents that are at hand."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tcoc.errors import InputError
from tcoc.params import PolicyValue, documents, load_policy
from tcoc.params.evidence import Evidence
from tcoc.params.yaml_file import parse
from tcoc.paths import project_root

TEXTS = {
    "tcoc-workgroup-2018-04": "002_f3a40a1c4e1fc3f0.txt",
    "progression-plan-2016-08": "000_7b49bab9428537cf.txt",
}


def values() -> Iterator[tuple[str, Any, PolicyValue]]:
    """Every policy value with its name."""
    for name, entry in load_policy().entries.items():
        dated = {f"{name} {year}": value for year, value in entry.values.items()}
        sets = {f"{name} under {named}": value for named, value in entry.under.items()}
        own = {name: entry.value} if entry.value else {}
        for where, value in {**own, **dated, **sets}.items():
            yield where, entry, value


def text_of(document: str) -> str:
    """A document's words with single spaces; skips where its text is not at hand."""
    if document not in TEXTS:
        pytest.skip(f"the text of {document} is not at hand")
    file = project_root().parent / "shared" / "seeds" / TEXTS[document]
    if not file.is_file():
        pytest.skip(f"the text of {document} is not at hand")
    return " ".join(file.read_text(encoding="utf-8").split())


def begun() -> list[str]:
    """The policy files that state evidence: a file that begins states it for every value."""
    return sorted({where.split(".")[0] for where, _, value in values() if value.evidence})


@pytest.mark.parametrize("file", begun())
def test_a_file_with_evidence_has_it_for_every_value_and_alternatives_for_every_assumption(
    file: str,
) -> None:
    for where, entry, value in values():
        if where.split(".")[0] == file:
            assert value.evidence is not None, where
            assert value.status == "sourced" or entry.alternatives, f"{where}: no alternative"


def test_the_attribution_file_has_begun() -> None:
    assert "attribution" in begun()


def test_every_document_that_evidence_names_is_in_the_list() -> None:
    for where, _, value in values():
        if value.evidence and value.evidence.document:
            assert value.evidence.document in documents(), where


QUOTED = [
    pytest.param(value.evidence, value.value, id=where)
    for where, _, value in values()
    if value.evidence and value.evidence.quote
]


@pytest.mark.parametrize(("evidence", "value"), QUOTED)
def test_a_quote_stands_in_the_cited_document(evidence: Evidence, value: Any) -> None:
    assert evidence.quote in text_of(evidence.document)


@pytest.mark.parametrize(("evidence", "value"), QUOTED)
def test_a_quote_of_a_number_contains_it(evidence: Evidence, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        pytest.skip("the value is no number")
    assert any(form in evidence.quote for form in written(value)), evidence.quote


def written(value: float) -> set[str]:
    """A number as a document may write it: plain, with commas, in percent."""
    percent = f"{value * 100:.4f}".rstrip("0").rstrip(".")
    return {f"{value:g}", f"{value:,}", f"{percent}%", f"{percent} %", f"{value:.2f}"}


def test_the_quotes_are_of_documents_at_hand_and_there_are_some() -> None:
    assert any(e.values[0].document in TEXTS for e in QUOTED)


def test_a_false_quote_is_found() -> None:
    text = text_of("tcoc-workgroup-2018-04")
    assert "2017 ~99% Complete" in text
    assert "2017 ~98% Complete" not in text


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ({"grade": "primary", "document": "cfr-425-20"}, "needs document, read, and location"),
        ({"grade": "ours", "quote": "words"}, "neither quote nor date"),
        ({"grade": "recalled"}, "names the document"),
        ({"grade": "certain"}, "grade"),
    ],
)
def test_incomplete_evidence_is_one_sentence(block: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        parse(Evidence, block, "demo.yml")


def test_a_sourced_value_was_read(tmp_path: Path) -> None:
    block = {"value": 1, "source": "a", "status": "sourced", "evidence": {"grade": "ours"}}
    with pytest.raises(InputError, match="a sourced value was read somewhere"):
        parse(PolicyValue, block, "demo.yml")
