"""Worlds: what is planted is written to truth/, is in the dollars, and can be switched off."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tcoc.errors import InputError
from tcoc.store.synth import load_world, world_names, write_synthetic_store
from tcoc.store.synth.worlds import COSTS, config_of
from tcoc.store.synth.write import make_world

YEARS = (2015, 2017)
BENES, SEED = 4_000, 5


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("worlds")
    quiet = replace(load_world("default"), name="quiet", effect=0.0)
    models = {
        "default": load_world("default"),
        "quiet": quiet,
        "drift": load_world("default_drift"),
        "none": load_world("none"),
        "frailty": load_world("frailty"),
        "complete": load_world("default").complete(),
    }
    for name, model in models.items():
        write_synthetic_store(folder / name, BENES, SEED, YEARS, world=model)
    return {name: folder / name for name in models}


def rows(query: str) -> list[tuple[float, ...]]:
    return duckdb.sql(query).fetchall()


def own_dollars(store: Path, year: int) -> dict[str, float]:
    """Facility dollars of each hospital's own people in a year, by the planted home."""
    return dict(
        rows(f"""
        select home_ccn, sum(paid_amount)::double from
        read_parquet('{store}/facility/year={year}/*.parquet') join
        (select * from '{store}/truth/beneficiary_year.parquet' where year = {year})
        using (bene_id) group by 1""")
    )


def test_every_world_can_be_made() -> None:
    assert {"default", "bucket", "frailty", "none", "default_drift", "no_effect"} <= set(
        world_names()
    )
    models = [load_world(name) for name in world_names()]
    assert {model.cost for model in models} == set(COSTS)
    for model in models:
        assert model.description
        world = make_world(100, 1, (2016, 2016), model)
        assert world.effect(2016).shape == (world.geo.count,)


def test_unknown_world_says_the_nearest() -> None:
    with pytest.raises(InputError, match=r'world: found "fraility".*"frailty"'):
        load_world("fraility")


def test_an_unknown_coefficient_is_an_error() -> None:
    model = replace(load_world("default"), overrides='{"settings": {"car": {}}}')
    with pytest.raises(InputError, match=r'unknown "car".*"care"'):
        config_of(model)


def test_effect_is_in_the_dollars_to_the_planted_multiple(stores: dict[str, Path]) -> None:
    """With and without effect the same claims are drawn; only their dollars differ."""
    for year in (2015, 2017):
        with_effect, without = (own_dollars(stores[n], year) for n in ("default", "quiet"))
        planted = dict(
            rows(f"""select ccn, effect from '{stores["default"]}/truth/hospital_year.parquet'
                     where year = {year}""")
        )
        assert with_effect.keys() == without.keys()
        for ccn, dollars in without.items():
            assert with_effect[ccn] / dollars == pytest.approx(planted[ccn], abs=1e-4)
        assert max(planted.values()) - min(planted.values()) > 0.05


def test_no_effect_is_none(stores: dict[str, Path]) -> None:
    found = rows(f"""select min(effect), max(effect), max(abs(cost_growth)), max(abs(cost_level))
                     from '{stores["quiet"]}/truth/hospital_year.parquet'""")
    assert found == [(1.0, 1.0, 0.0, 0.0)]


def test_effect_grows_by_the_planted_growth(stores: dict[str, Path]) -> None:
    found = rows(f"""
        select max(abs(b.effect / a.effect - (1 + 2 * a.cost_growth)))
        from (from '{stores["default"]}/truth/hospital_year.parquet' where year = 2015) a
        join (from '{stores["default"]}/truth/hospital_year.parquet' where year = 2017) b
        using (ccn)""")
    assert found[0][0] < 1e-8


def test_drift_moves_everybody_alike(stores: dict[str, Path]) -> None:
    for year, multiple in ((2015, 1.0), (2017, 1.01**2)):
        before, after = (own_dollars(stores[n], year) for n in ("default", "drift"))
        ratios = np.array([after[ccn] / before[ccn] for ccn in before])
        assert np.abs(ratios - multiple).max() < 1e-4


def test_without_risk_cost_does_not_follow_what_methods_see(stores: dict[str, Path]) -> None:
    """Of the same people, those with high CMS factors cost more by default, and not in `none`."""

    def ratio(store: Path) -> float:
        found = rows(f"""
            with paid as (
              select bene_id, sum(paid_amount)::double as paid from
              read_parquet(['{store}/professional/*/*.parquet', '{store}/facility/*/*.parquet'],
                           union_by_name = true) group by 1),
            people as (
              select bene_id, avg(factor) > 1.1 as high, count(*) as years from
              '{stores["default"]}/truth/beneficiary_year.parquet' group by 1)
            select high, sum(coalesce(paid, 0)) / sum(years) from people
            left join paid using (bene_id) group by 1 order by 1""")
        return found[1][1] / found[0][1]

    assert ratio(stores["default"]) > 1.5
    assert 0.8 < ratio(stores["none"]) < 1.2


def test_frailty_moves_by_the_planted_multiple(stores: dict[str, Path]) -> None:
    query = """
        select home_ccn, avg(f.need / d.need) from
        (from '{0}/truth/beneficiary_year.parquet' where year = 2017) d join
        (from '{1}/truth/beneficiary_year.parquet' where year = 2017) f
        using (bene_id, home_ccn) where d.need > 0 group by 1"""
    found = dict(rows(query.format(stores["default"], stores["frailty"])))
    planted = dict(
        rows(f"""select ccn, frailty from '{stores["frailty"]}/truth/hospital_year.parquet'
                 where year = 2017""")
    )
    assert all(found[ccn] == pytest.approx(planted[ccn], abs=1e-6) for ccn in found)
    assert max(planted.values()) > 1.02


def test_late_claims_are_missing_from_the_last_year_alone(stores: dict[str, Path]) -> None:
    """The extract misses about three percent of its last year; a complete one misses nothing."""
    held = {}
    for name in ("default", "complete"):
        for year in (2016, 2017):
            files = f"read_parquet('{stores[name]}/professional/year={year}/*.parquet')"
            held[name, year] = rows(f"select count(*) from {files}")[0][0]
    assert held["default", 2016] / held["complete", 2016] > 0.998
    assert 0.955 < held["default", 2017] / held["complete", 2017] < 0.985


def test_an_earlier_extract_holds_a_part_of_the_later_one(stores: dict[str, Path]) -> None:
    """What both hold is equal to the byte: claim numbers do not depend on the extract."""
    early, late = (
        f"(select claim_id, bene_id, thru_date, paid_amount, processed_date from"
        f" read_parquet('{stores[n]}/facility/*/*.parquet'))"
        for n in ("default", "complete")
    )
    assert rows(f"select count(*) from ({early} except {late})") == [(0,)]


@pytest.mark.parametrize("table", ["professional", "facility", "dme"])
def test_processing_follows_the_service(stores: dict[str, Path], table: str) -> None:
    day = "thru_date" if table == "facility" else "service_date"
    found = rows(f"""
        select count(*) filter (processed_date is null), min(processed_date - {day}),
               max(processed_date - {day}), count(distinct dayofweek(processed_date)),
               max(dayofweek(processed_date)), max(processed_date) <= date '2018-02-28'
        from read_parquet('{stores["default"]}/{table}/*/*.parquet')""")[0]
    missing, shortest, longest, days, friday, early = found
    assert (missing, days, friday, early) == (0, 1, 5, True)
    assert shortest >= 14
    assert 100 < longest <= 407
    lines = "claim_id" if table == "facility" else "claim_id, processed_date"
    repeated = rows(f"""select count(distinct claim_id), count(distinct ({lines}))
                        from read_parquet('{stores["default"]}/{table}/*/*.parquet')""")[0]
    assert repeated[0] == repeated[1], "a claim is processed once"


def test_skilled_nursing_visits_lie_within_stays(stores: dict[str, Path]) -> None:
    outside = rows(f"""
        select count(*) from read_parquet('{stores["complete"]}/professional/*/*.parquet') p
        anti join (select * from read_parquet('{stores["complete"]}/facility/*/*.parquet')
                   where setting = 'snf') f
        on p.bene_id = f.bene_id and p.service_date between f.from_date and f.thru_date
        where p.place_of_service = '31'""")
    assert outside == [(0,)]


def test_some_clinicians_round_in_hospitals(store: Path) -> None:
    """They bill office visits and hospital visits: the two readings of rule A7 differ on them."""
    found = rows(f"""
        with own as (
          select npi, sum(allowed_amount) filter (place_of_service in ('21', '22', '23'))
                 / sum(allowed_amount) as hospital,
                 count(*) filter (hcpcs in ('99213', '99214') and place_of_service = '11') as office
          from read_parquet('{store}/professional/*/*.parquet')
          join (from '{store}/truth/clinician.parquet' where "group" = 'rounding_internist')
          using (npi) where year(service_date) = 2016 group by 1)
        select count(*), count(*) filter (hospital > 0.3 and office > 50) from own""")[0]
    assert found[0] >= 3
    assert found[1] >= found[0] / 2


def test_planted_panels_are_the_people(store: Path) -> None:
    found = rows(f"""
        select count(*), count(*) filter (p.people is distinct from b.people),
               count(*) filter (p.ccn is distinct from c.ccn)
        from '{store}/truth/clinician_year.parquet' p full join
        (select year, npi, count(*) as people from '{store}/truth/beneficiary_year.parquet'
         where npi is not null group by 1, 2) b using (year, npi)
        left join '{store}/truth/clinician.parquet' c using (npi)""")[0]
    assert found[0] > 500
    assert found[1:] == (0, 0)


def test_health_center_people_have_no_own_clinician(store: Path) -> None:
    """Their primary care is outpatient claims (42 CFR 425.404), which the rules cannot see."""
    found = rows(f"""
        select count(*), count(npi), avg(visits) from
        (select npi, bene_id from '{store}/truth/beneficiary_year.parquet'
         where year = 2016 and health_center)
        left join (select bene_id, count(*) as visits from
          read_parquet('{store}/facility/year=2016/*.parquet')
          where substr(ccn, 1, 4) in ('2118', '2138') group by 1) using (bene_id)""")[0]
    assert found[0] > 100
    assert found[1] == 0
    assert found[2] > 1.5
