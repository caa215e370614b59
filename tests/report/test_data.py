"""The data notes' assertion: a store is what was written, or the page is not."""

import shutil
from pathlib import Path

import pytest

from tcoc.report.provenance import data_are_whole
from tcoc.store.layout import open_store
from tcoc.store.synth import write_synthetic_store


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("data") / "store"
    write_synthetic_store(store, 60, 3, (2016, 2017))
    return store


@pytest.mark.parametrize("harm", ["none", "lost", "doubled", "another's"])
def test_a_store_that_is_no_longer_what_was_written(
    harm: str, written: Path, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    shutil.copytree(written, root)
    part = root / "professional" / "year=2017" / "part-0.parquet"
    other = part.parents[1] / "year=2016" / "part-0.parquet"
    if harm == "lost":
        part.unlink()
    elif harm == "doubled":
        shutil.copy(part, part.with_name("part-1.parquet"))
    elif harm == "another's":
        shutil.copy(other, part)
    assert data_are_whole(open_store(root)) == (harm == "none")
