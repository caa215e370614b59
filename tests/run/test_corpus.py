"""Every input of the corpus ends as it is kept: one sentence, its status, within ten seconds."""

from collections import Counter
from pathlib import Path

import pytest

from tests.run.fuzz import Case, ending, kept, part_of, problem, write_home

CASES = kept()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_home(tmp_path_factory.mktemp("corpus").resolve())


def test_two_hundred_inputs_are_kept_of_every_kind_and_none_twice() -> None:
    assert len(CASES) >= 200
    assert set(Counter(case.kind for case in CASES)) == {"run", "table", "store", "line"}
    assert len({(c.kind, c.file, str(c.content)) for c in CASES}) == len(CASES)
    assert all(case.status in (1, 2) and case.says for case in CASES)


def test_what_they_were_changed_from_is_accepted(place: Path) -> None:
    valid = Case("run", (place / "run.yml").read_text(), 0, "")
    assert ending(valid, place) == (0, "")


@pytest.mark.parametrize("case", CASES, ids=[f"{c.kind}-{n}" for n, c in enumerate(CASES)])
def test_an_input_of_the_corpus(case: Case, place: Path) -> None:
    wrong, status, said = problem(case, place)
    assert not wrong
    assert status == case.status, said
    assert part_of(said, place) == case.says
