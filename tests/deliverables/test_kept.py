"""A table that is written leaves nothing in the engine: what it kept is dropped."""

from pathlib import Path

from tcoc.deliverables import registry
from tcoc.params import load_run
from tcoc.store.synth import write_synthetic_store

RUN = """
name: kept
store: {store}
years: [2017, 2018]
base_year: 2017
performance_year: 2018
rate_years: [2020]
national_growth: {{2020: {{value: 0.024, source: invented}}}}
completion: {{2017: 1.0, 2018: 1.0}}
deliverables: [{names}]
"""
LEFT = "SELECT table_name FROM duckdb_tables() WHERE temporary"


def test_no_table_leaves_anything_kept(tmp_path: Path) -> None:
    names = registry.names()
    write_synthetic_store(tmp_path / "store", 600, 7, (2015, 2018))
    file = tmp_path / "kept.yml"
    file.write_text(RUN.format(store=tmp_path / "store", names=", ".join(names)))
    with registry.study(load_run(file), tmp_path / "work", "500MB") as study:
        people = study.table("beneficiary_year")
        mine = study.connection.keep(people)
        with people.limit(5).cache() as theirs:  # as an analyst does in a notebook
            there = sorted(table.op().name for table in (mine, theirs))
            for product in (p for name in names for p in registry.find(name).tables):
                study.path(product.name)
                left = study.connection.backend.con.sql(LEFT).fetchall()
                assert sorted(name for (name,) in left) == there, product.name
