"""Ways round the gate through a page: each ends with one sentence that names notebook and cell."""

import pandas as pd
import pytest

from tcoc.disclosure import Column, Draft, gate
from tcoc.errors import TcocError
from tcoc.report import guard
from tcoc.report.seal import seal

FRAME = pd.DataFrame({"ccn": ["a", "b", "STATE"], "benes": [1253, 407, 1660]})
COLUMNS = {"benes": Column("Beneficiaries", "count")}
DRAFT = Draft(
    name="hospitals",
    title="By hospital",
    frame=FRAME,
    keys=("ccn",),
    columns=COLUMNS,
    totals={"ccn": "STATE"},
    universe="people",
)
TABLES = list(gate({"y1": [DRAFT]}).tables.values())


def code(source="release.show_table(release.table('hospitals'))", *outputs):
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def shown(kind, html, name="", source="release.say(words.all(table))", **facts):
    data = {"text/html": html, "text/plain": "x"}
    metadata = {"tcoc": {"kind": kind, "name": name, "digest": seal(kind, name, data), **facts}}
    return code(source, {"output_type": "display_data", "data": data, "metadata": metadata})


def markdown(text):
    return {"cell_type": "markdown", "source": text}


def check(*cells, numbers=()):
    guard.check_notebook("page.ipynb", [markdown("# A page"), *cells], TABLES, numbers)


def test_a_page_of_the_kit_passes():
    check(
        markdown("In 2018 (rule A2, 42 CFR 414.1430) there were 2 methods and a 5% incentive."),
        shown("say", "<p>Hospital a has 1,250 beneficiaries of 1,660.</p>"),
        shown("table", "<table><tr><td>a</td><td>1,250</td></tr></table>", "hospitals"),
        code("import tcoc\nfrom tcoc.report import charts\nassert release.holds('x')"),
        numbers=[0.05],
    )


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (markdown("Hospital a has 1,253 people."), '"1,253" stands in no public table'),
        (markdown("Only 7 beneficiaries moved."), "states a count of 1 to 10 beneficiaries"),
        (shown("say", "<p>Hospital a has 1,253 people.</p>"), '"1,253" stands in no public table'),
        (shown("figure", "", "f", alt="a: 1,253 people"), '"1,253" stands in no public table'),
        (shown("figure-title", "<p>a holds 75.5%</p>"), '"75.5%" stands in no public table'),
        (shown("table", "<table><tr><td>1,253</td></tr></table>", "hospitals"), '"1,253" stands'),
        (shown("say", "<p title='1,253 people'>x</p>"), '"1,253" stands in no public table'),
        (code("release.show_table(release.table('hospitals'))",
              {"output_type": "stream", "text": "1253"}), "prints"),
        (code("table.frame", {"output_type": "execute_result", "data": {}}), "shows a value"),
        (code("x", {"output_type": "display_data", "data": {"text/html": "<b>1</b>"},
                    "metadata": {}}), "the kit did not make"),
        (code("x", {"output_type": "display_data", "data": {"text/html": "<b>1</b>"},
                    "metadata": {"tcoc": {"kind": "table", "name": "hospitals", "digest": "0"}}}),
         "the kit did not make"),
        (code("print(table)"), "calls print"),
        (code("from IPython.display import display, HTML"), "imports IPython.display.display"),
        (code("from tcoc.report.seal import seal"), "imports tcoc.report.seal"),
        (code("from tcoc.report import display"), "imports tcoc.report.display"),
        (code("import pandas as pd"), "imports pandas"),
        (code("open('tables/x.csv', 'w')"), "calls open"),
        (code("for row in table.frame: release.say(row)"), "has a for"),
        (code("release._known"), "reaches into _known"),
        (code("getattr(release, 'x')"), "calls getattr"),
        (code("%matplotlib inline"), "is not plain Python"),
    ],
)  # fmt: skip
def test_a_way_round_is_refused_in_one_sentence(cell, said):
    with pytest.raises(TcocError) as error:
        check(cell)
    message = str(error.value)
    assert message.startswith("page.ipynb: cell 2: ")
    assert said in message
    assert "\n" not in message


def test_an_output_that_was_changed_after_it_was_made_is_found():
    cell = shown("say", "<p>Hospital a has 1,250 people.</p>")
    cell["outputs"][0]["data"]["text/html"] = "<p>Hospital a has 1,660 people.</p>"
    with pytest.raises(TcocError, match="the kit did not make"):
        check(cell)
