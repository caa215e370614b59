"""Every page on stores in which next to nobody is eligible: it reports, and says what lacks."""

from dataclasses import asdict
from typing import Any

import pyarrow.parquet as pq
import pytest
from tools import tables_page

from tcoc.deliverables.registry import Deliverable, deliverables, find
from tcoc.errors import InputError
from tcoc.params import NationalGrowth
from tcoc.report.release import Release
from tcoc.study import Study
from tests.support.releases import release_of, show
from tests.support.tiny import tiny_study

MONTHS = "2017-01..2018-12"
ONE = {
    "people": [{"bene": "A", "zip": "21740", "months": MONTHS}],
    "claims": [
        {"bene": "A", "ccn": "210001", "date": f"{year}-05-01", "paid": 900}
        for year in (2017, 2018)
    ],
}
REFUSED = ("risk_adjustment", "mpa_options")
"""What compares two years of somebody's costs says in one sentence that there is nobody."""

STORES: dict[str, dict[str, Any]] = {
    "nobody is eligible": {**ONE, "options": {"attribution.resident_state": "MA"}},
    "one person": {**ONE, "options": {"mpa.missing_quality": "zero"}},
}


SAID = {
    ("one person", "progression_plan"): (
        "Nobody has three or more proxies of need",
        "No inpatient stay in 2018 follows another within the window",
        "one group has nobody",
        "No beneficiary is attributed through an ACO-like hospital",
    ),
}
"""What a page says in place of a finding that its rows cannot carry."""


PAGE_OF_TABLES = tables_page.PAGE.read_text(encoding="utf-8")


def check_page_of_tables(study: Study, release: Release) -> None:
    """docs/tables.md has every table of a deliverable as it is: run tools/tables_page.py."""
    for table in release.tables.values():
        if table.name != "checks":
            section = PAGE_OF_TABLES.split(f"\n### {table.name}\n")[1].split("\n### ")[0]
            entry = {"columns": {n: asdict(c) for n, c in table.columns.items()}}
            for line in tables_page.public_rows(entry):
                assert line in section
    for product in find(release.deliverable).tables:
        if not product.internal:
            row = tables_page.restricted_row(product.name, pq.read_schema(study.path(product.name)))
            section = PAGE_OF_TABLES.split(f"\n### {product.name} (restricted)\n")[1]
            assert row in section.split("\n### ")[0]


@pytest.mark.parametrize("deliverable", deliverables(), ids=lambda d: d.name)
def test_every_restricted_table_is_said_in_words(deliverable: Deliverable) -> None:
    names = {p.name for p in deliverable.tables if not p.internal}
    assert set(tables_page.words_of(deliverable.name)) == names


@pytest.mark.parametrize("name", [d.name for d in deliverables()])
@pytest.mark.parametrize("store", STORES)
def test_a_page_reports_on_a_store_with_next_to_nobody(name: str, store: str) -> None:
    years = STORES[store].get("years", [2017, 2018])
    full = {"completion": {year: {"value": 1.0, "source": "by hand"} for year in years}}
    with tiny_study({**full, **STORES[store], "years": years}) as study:
        study.store.info.update({"source": {"kind": "case"}})
        study.run.spec.base_year, study.run.spec.performance_year = years[0], years[-1]
        study.run.spec.rate_years = [2020]
        study.run.spec.national_growth = {2020: NationalGrowth(value=0.0233, source="by hand")}
        if store == "nobody is eligible" and name in REFUSED:
            with pytest.raises(InputError, match="no attributed beneficiary"):
                release_of(study, name)
            return
        release = release_of(study, name)
        check_page_of_tables(study, release)
        told = show(release)
        assert "[say]" in told
        for sentence in SAID.get((store, name), ()):
            assert sentence in told
        assert "nan" not in told.lower().replace("finance", "").replace("maintenance", "").split()
