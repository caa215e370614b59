"""Seven ways round the gate, in a run that is executed and rendered: each fails it (rule D4).

Four of them are ordinary slips. The sentence names the notebook and its cell, nothing is published,
and what the cell tried to say is not said by the refusal itself.
"""

import re

import nbformat
import pytest

from tcoc.errors import TcocError
from tests.run.conftest import Home
from tests.support.stand_ins import OPEN, SHOWN

CODE = {
    "a number in say": "release.say('There are 1,253 beneficiaries.')",
    "a renamed frame in show_table": (
        "frame = release.table('first_people').frame.rename(columns={'benes': 'people'})\n"
        "release.show_table(frame)"
    ),
    "a print": "print(1253)",
    "foreign HTML": (
        "from IPython.display import HTML, display\ndisplay(HTML('<p>1,253 people</p>'))"
    ),
    "metadata made by hand": (
        "from IPython.display import display\n"
        "display({'text/html': '<p>1,253 people</p>'}, raw=True,"
        " metadata={'tcoc': {'kind': 'say', 'name': '', 'seal': 'x'}})"
    ),
    "a file in the release folder": "open('../../tables/more.csv', 'w').write('1253')",
}


def refused(home: Home) -> TcocError:
    with pytest.raises(TcocError) as caught:
        home.run()
    assert not (home.outputs / "tiny" / "index.html").exists()
    return caught.value


@pytest.mark.parametrize("way", CODE)
def test_a_way_round_fails_the_run_and_names_the_cell(home: Home, way: str) -> None:
    home.page("first", OPEN, SHOWN.format(name="first"), CODE[way])
    error = refused(home)
    assert error.exit_status in (1, 2)
    assert re.match(r"first(\.ipynb)?: cell 5[ :]", str(error)), str(error)
    assert "\n" not in str(error)


def test_a_number_in_markdown_fails_the_run_and_names_the_cell(home: Home) -> None:
    file = home.page("first", OPEN, SHOWN.format(name="first"))
    book = nbformat.read(file, as_version=4)
    book.cells.append(nbformat.v4.new_markdown_cell("There are 1,253 people.", id="cell-9"))
    nbformat.write(book, file)
    error = refused(home)
    assert error.exit_status in (1, 2)
    assert re.match(r"first(\.ipynb)?: cell 5[ :]", str(error)), str(error)
