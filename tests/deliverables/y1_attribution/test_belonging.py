"""Who people belong to is kept apart from their hospitals: what asks for no hospital stays."""

import pandas as pd
import pytest

from tcoc.cache import Cache
from tcoc.deliverables import registry
from tcoc.params import load_run
from tcoc.rules.attribution.belonging import BELONGING
from tcoc.store.synth import write_synthetic_store

RUN = """
name: links
store: {store}
years: [2016, 2017]
rate_years: [2020]
completion: {{2016: 1.0, 2017: 1.0}}
deliverables: [y1_attribution, progression_plan]
"""
TABLES = ("attribution", "clinic_care", "progression_people", "attribution_splits")


Made = dict[str, tuple[set[str], pd.DataFrame, pd.DataFrame]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What two runs of one cache made, and the tables of attribution, of two links of panels."""
    folder = tmp_path_factory.mktemp("links")
    write_synthetic_store(folder / "store", 3_000, 7, (2014, 2017))
    file = folder / "links.yml"
    file.write_text(RUN.format(store=folder / "store"))
    found = {}
    for use in ("payments", "visits"):
        run = load_run(file, {"attribution.hospital_use": use})
        cache = Cache(folder / "cache")
        with registry.study(run, folder / use, "500MB", None, cache) as study:
            for name in TABLES:
                study.path(name)
            frames = [study.frame(n) for n in ("attribution", "attribution_people")]
            found[use] = set(study.made), *frames
    return found


def test_other_links_of_panels_make_only_what_asks_for_a_hospital(made: Made) -> None:
    first, then = made["payments"], made["visits"]
    assert {*TABLES} <= first[0]
    assert not first[1].equals(then[1])  # some panel goes elsewhere
    assert first[2].equals(then[2])
    assert then[0] == {"attribution", "attribution_people"}


def test_belonging_is_what_all_rows_of_a_person_have(made: Made) -> None:
    rows, one = made["payments"][1:]
    by = ["year", "bene_id"]
    want = rows.groupby(by, as_index=False).agg(
        stage=("stage", "first"),
        npi=("npi", "first"),
        aco_id=("aco_id", "first"),
        hospitals=("ccn", "nunique"),
    )
    assert (rows.groupby(by)[["stage", "npi", "aco_id"]].nunique() <= 1).all(axis=None)
    assert list(one.columns) == [*BELONGING]
    assert (one["hospitals"] > 1).any()
    pd.testing.assert_frame_equal(one, want[[*BELONGING]], check_dtype=False)
