"""Every page on stores in which next to nobody is eligible: it reports, and says what lacks."""

from typing import Any

import pytest

from tcoc.deliverables.registry import deliverables
from tcoc.errors import InputError
from tcoc.params import NationalGrowth
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
        told = show(release)
        assert "[say]" in told
        for sentence in SAID.get((store, name), ()):
            assert sentence in told
        assert "nan" not in told.lower().replace("finance", "").replace("maintenance", "").split()
