"""Terms and rules are linked where they stand, and explained at the end of the page."""

import pytest

from tcoc.report import glossary

RULES = """# Rules

### <a id="A5"></a>A5 Clinician to hospital

A clinician leads to `one` hospital; see [decisions](d.md).

- Status: sourced
- Parameters: `attribution.roster_links`
- Computed in: `lib/tcoc/rules/attribution/aco_like.py`
- Reaches: [`attribution`](tables.md#attribution-restricted)

### <a id="A12"></a>A12 Combinations

Hospitals that share one percentage.
"""


@pytest.fixture
def known(tmp_path):
    (tmp_path / "rules.md").write_text(RULES)
    return glossary.rules(tmp_path / "rules.md")


def test_rules_are_read_with_title_and_first_words(known):
    assert list(known) == ["A5", "A12"]
    assert known["A5"].title == "Clinician to hospital"
    assert known["A5"].words == "A clinician leads to one hospital; see decisions."


def test_each_rule_is_linked_and_each_term_once(known):
    used = {}
    html = glossary.linked(
        "<p>The MPA (rules A5 and A12). The MPA again, A5, A51.</p>", known, used
    )
    assert html.count('href="#rule-A5"') == 2
    assert html.count('href="#rule-A12"') == 1
    assert html.count('href="#term-MPA"') == 1
    assert "A51" in html
    assert set(used) == {"MPA", "A5", "A12"}


@pytest.mark.parametrize(
    "html",
    [
        '<a href="#x">A5</a>',
        "<svg><text>A5</text></svg>",
        "<h3>MPA</h3>",
        '<p title="A5">x</p>',
        "<thead><tr><th>MPA</th></tr></thead>",
    ],
)
def test_links_headings_pictures_and_attributes_stay(html, known):
    assert glossary.linked(html, known, {}) == html


def test_what_is_linked_is_explained_on_the_page(known):
    used = {}
    glossary.linked("<p>A12, QP, A5</p>", known, used)
    said = glossary.explained(used, known)
    assert [said.index(f'id="{a}"') for a in ("term-QP", "rule-A5", "rule-A12")] == sorted(
        said.index(f'id="{a}"') for a in used.values()
    )
    assert "Hospitals that share one percentage." in said
    assert "<small>Parameters: attribution.roster_links</small>" in said
    assert "<small>Tables: attribution</small>" in said


def test_a_letter_stands_for_all_its_rules_and_a_range_for_its_ends(known):
    used = {}
    html = glossary.linked("<p>rules A, T and A12; rules A5-A12</p>", known, used)
    assert 'href="#rule-A5" title="Rules A5 to A12">A</a>, T and' in html
    assert html.endswith(">A5</a> to " + html.split(" to ")[-1])
    assert used == {"A5": "rule-A5", "A12": "rule-A12"}


def test_without_the_rules_page_only_terms_are_linked(tmp_path):
    none = glossary.rules(tmp_path / "absent.md")
    used = {}
    assert "rule-" not in glossary.linked("<p>A5 and QP</p>", none, used)
    assert used == {"QP": "term-QP"}
