"""A study's tables and the cache: what a table read decides when it is made again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tcoc.identity
from tcoc.cache import Cache
from tcoc.errors import TcocError
from tcoc.params import Run, load_run
from tcoc.store.connection import connect
from tcoc.store.layout import open_store
from tcoc.store.synth import write_synthetic_store
from tcoc.study import Catalog, Product, Study
from tests.support.stand_ins import FIRST, SECOND

RUN = """
name: tiny
store: store
years: [2016, 2017]
rate_years: [2020]
deliverables: [y1_attribution]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    write_synthetic_store(made / "store", 300, 7, (2015, 2017))
    (made / "tiny.yml").write_text(RUN)
    return made


Opened = Callable[..., Any]


@pytest.fixture
def opened(folder: Path, tmp_path: Path) -> Opened:
    """Open the run with some changes, in a new work folder, on one cache."""
    count = iter(range(100))

    @contextmanager
    def entered(
        changes: dict[str, Any] | None = None, parts: Any = (FIRST, SECOND)
    ) -> Iterator[Study]:
        run: Run = load_run(folder / "tiny.yml", changes)
        work = tmp_path / f"work-{next(count)}"
        with connect() as connection:
            store = open_store(run.store_path)
            yield Study(run, store, connection, work, Catalog(parts), Cache(tmp_path / "cache"))

    return entered


def made(study: Study) -> set[str]:
    """Ask for every table and say which were computed."""
    for name in ("doubled", "limit"):
        study.path(name)
    return set(study.made)


def test_only_what_read_a_changed_value_is_made_again(opened: Opened) -> None:
    with opened() as study:
        assert made(study) == {"people", "doubled", "limit"}
    with opened() as study:
        assert made(study) == set()
        assert set(study.taken) == {"people", "doubled", "limit"}
    with opened({"mpa.threshold": 0.05}) as study:
        assert made(study) == {"limit"}
    with opened({"attribution.min_eligible_months": 12}) as study:
        assert "people" in made(study)
        assert "limit" not in study.made
    with opened({"attribution.window": "same_year"}) as study:
        assert made(study) == set()  # nobody read it
    with opened({"years": [2016]}) as study:
        assert made(study) == {"people", "doubled"}


def test_a_table_that_comes_out_the_same_makes_nothing_above_it_again(opened: Opened) -> None:
    with opened() as study:
        made(study)
    # one month or none: the same people, so what reads them is as it was
    with opened({"attribution.min_eligible_months": 2}) as study:
        same = study.frame("people").equals(study.frame("people"))
        assert same
        again = made(study)
    with opened() as study:
        before = study.frame("people")
    with opened({"attribution.min_eligible_months": 2}) as study:
        assert ("doubled" in again) == (not before.equals(study.frame("people")))


def test_another_library_version_makes_every_table_again(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as study:
        made(study)
    real = tcoc.identity.metadata.version
    monkeypatch.setattr(
        tcoc.identity.metadata, "version", lambda name: "9.9" if name == "pyarrow" else real(name)
    )
    with opened() as study:
        assert made(study) == {"people", "doubled", "limit"}


def test_a_changed_store_makes_again_what_read_it(opened: Opened, folder: Path) -> None:
    with opened() as study:
        made(study)
    info = folder / "store" / "store.json"
    text = info.read_text()
    try:
        info.write_text(text.replace("{", '{"note": "x", ', 1))
        with opened() as study:
            found = made(study)
            assert "people" in found
            assert "limit" not in found
    finally:
        info.write_text(text)


def test_a_measurement_kept_with_the_code_is_an_input(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json
    from dataclasses import replace

    import pandas as pd

    import tcoc.study

    kept = tmp_path / "verdicts.json"
    monkeypatch.setattr(tcoc.study, "result_file", lambda name: tmp_path / f"{name}.json")

    def rates(study: Study) -> Any:
        file = study.kept("verdicts")
        number = json.loads(file.read_text())["rate"] if file else 0
        return pd.DataFrame({"year": [2016], "rate": [number]})

    product = Product("rates", ("year",), rates, {"year": "int32", "rate": "int32"})
    parts = (FIRST, replace(SECOND, uses=(), tables=(product,)))
    found = []
    for text in (None, '{"rate": 1}', '{"rate": 1}', '{"rate": 2}'):
        if text:
            kept.write_text(text)
        with opened(parts=parts) as study:
            found.append((int(study.frame("rates")["rate"].iloc[0]), "rates" in study.made))
    assert found == [(0, True), (1, True), (1, False), (2, True)]


def test_an_undeclared_read_is_an_error(opened: Opened) -> None:
    from dataclasses import replace

    def reads_policy(study: Study) -> Any:
        return study.policy.get("qp.reading")

    def reads_table(study: Study) -> Any:
        return study.frame("people")

    for compute, words in ((reads_policy, "policy value"), (reads_table, "reads the table people")):
        product = Product("nosy", ("year",), compute, {"year": "int32"})
        nosy = replace(SECOND, uses=(), tables=(product,))
        with opened(parts=(FIRST, nosy)) as study, pytest.raises(TcocError, match=words):
            study.path("nosy")


def test_a_name_that_is_no_table_gets_the_nearest(opened: Opened) -> None:
    with opened() as study, pytest.raises(TcocError, match='did you mean "people"'):
        study.path("peopel")


def test_two_parts_cannot_have_a_table_of_one_name() -> None:
    from dataclasses import replace

    with pytest.raises(TcocError, match="is also one of first"):
        Catalog([FIRST, replace(SECOND, tables=FIRST.tables)])


def test_a_measurement_that_no_run_knows_of_is_refused(opened: Opened) -> None:
    with opened() as study, pytest.raises(TcocError, match=r'verdict is not.*"verdicts"'):
        study.kept("verdict")


def test_a_note_in_a_list_changes_neither_the_cache_nor_another_run(opened: Opened) -> None:
    from dataclasses import replace

    listed = replace(FIRST.tables[0], csv=True)
    parts = (replace(FIRST, tables=(listed, *FIRST.tables[1:])), SECOND)
    texts = []
    for _ in range(3):
        with opened(parts=parts) as study:
            file = study.path(listed.name).with_suffix(".csv")
            texts.append(file.read_text())
            file.write_text("noted")
    assert texts[0].startswith(",".join(listed.key[:1]))
    assert texts == texts[:1] * 3
    assert set(study.taken) == {listed.name}
