"""The delivery that the import is measured on is a whole one: it imports without loss."""

from pathlib import Path

import pyarrow.parquet as pq
from benchmarks.delivery import from_store

from tcoc.store.importers import import_files
from tcoc.store.synth import write_synthetic_store

YEAR = 2016
COLUMNS = ["claim_id", "npi", "paid_amount"]


def test_a_year_of_a_store_comes_back_from_its_delivery(tmp_path: Path) -> None:
    store, delivery, back = (tmp_path / name for name in ("store", "in", "back"))
    write_synthetic_store(store, 300, 11, (YEAR, YEAR))
    from_store(store, YEAR, 10**9, delivery)
    summary = import_files("rif", delivery, back)
    for kind in summary.types.values():
        assert kind.rows.get("quarantined", 0) == 0
    before, after = (
        pq.read_table(folder / "professional", columns=COLUMNS).sort_by(
            [("claim_id", "ascending"), ("paid_amount", "ascending")]
        )
        for folder in (store, back)
    )
    assert after.num_rows > 0
    assert after.cast(before.schema).equals(before)


def test_it_has_no_more_lines_than_asked_for(tmp_path: Path) -> None:
    write_synthetic_store(tmp_path / "store", 300, 11, (YEAR, YEAR))
    from_store(tmp_path / "store", YEAR, 50, tmp_path / "in")
    assert len((tmp_path / "in" / "carrier.csv").read_text().splitlines()) == 51
