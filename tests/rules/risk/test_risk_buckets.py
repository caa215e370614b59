"""R1: the declared scheme has 66 buckets; R5: slide 18; R3: the factors against hccinfhir."""

from dataclasses import replace
from itertools import product

import pandas as pd
import pytest
import yaml

from tcoc.errors import InputError
from tcoc.params import load_policy
from tcoc.paths import params_dir
from tcoc.rules.risk import BucketScheme, new_enrollee_factors, risk_settings
from tcoc.rules.risk.published import check_published
from tests.rules.risk.risk_support import factors, settings, world


def test_declared_scheme_has_66_buckets():
    scheme = settings().scheme
    assert len(scheme.buckets) == len(set(scheme.buckets)) == 66
    assert sum(scheme.is_esrd) == 2
    assert scheme.age_bands == factors().ages


@pytest.mark.parametrize(
    ("bands", "split", "count"),
    [
        ([0, 65], "sex", 2 * 4 + 2),
        ([0], "none", 4 + 1),
        ([0, 65, 85], "dual_and_sex", 3 * 4 + 4),
        # The other cut that gives 66: eleven bands by sex and non-dual, dual, ESRD is not ours,
        # but eleven bands with our statuses can be declared.
        ([0, 35, 45, 55, 60, 65, 70, 75, 80, 85, 90], "dual", 46),
    ],
)
def test_scheme_can_be_changed(bands, split, count):
    policy = load_policy(options={"risk.age_bands": bands, "risk.esrd_split": split})
    assert len(risk_settings(policy).scheme.buckets) == count


def test_every_profile_lies_in_one_bucket():
    scheme = settings().scheme
    found = {
        scheme.bucket(age, sex, dual, esrd)
        for age, sex, dual, esrd in product(range(111), "FMU", (False, True), (False, True))
    }
    assert found == set(scheme.buckets)
    assert scheme.bucket(64, "U", True, False) == "F 60-64 dual"
    assert scheme.bucket(200, "M", False, False) == "M 95+ non-dual"
    assert scheme.bucket(66, "M", True, True) == "ESRD dual"


@pytest.mark.parametrize(
    ("bands", "split"), [((1, 5), "dual"), ((0, 5, 5), "dual"), ((0,), "duall")]
)
def test_bad_scheme_is_refused(bands, split):
    with pytest.raises(InputError, match=r"risk\.yml"):
        BucketScheme(bands, split)


def test_engine_cuts_ages_as_the_scheme_does():
    chosen = settings()
    ages = [0, 34, 35, 64, 65, 69, 70, 94, 95, 110]
    made = world([{"year": 2015, "bene_id": f"B{a}", "age": a, "tcoc": 1} for a in ages])
    rows = made.people(chosen).to_pandas()
    assert sorted(rows["age_from"]) == [0, 0, 35, 60, 65, 69, 70, 90, 95, 95]


def test_originally_disabled_counts_from_65():
    chosen = settings()
    made = world(
        [
            {"year": 2015, "bene_id": f"B{a}", "age": a, "originally_disabled": True, "tcoc": 1}
            for a in (64, 65)
        ]
    )
    rows = made.people(chosen).to_pandas().sort_values("age_from")
    assert list(rows["originally_disabled"]) == [False, True]


def test_unknown_sex_is_counted():
    made = world([{"year": 2015, "bene_id": "B", "ccn": "210001", "sex": "U", "tcoc": 1}])
    cells = made.cells(settings())
    assert list(cells["unknown_sex"]) == [1, 1]
    assert set(cells["sex"]) == {"F"}


# ---------------------------------------------------------------- factors


def _cms(age, sex, dual, orec):
    """The V22 new enrollee score by hccinfhir: demographics, interactions, coefficients."""
    from hccinfhir.defaults import coefficients_default
    from hccinfhir.model_coefficients import apply_coefficients
    from hccinfhir.model_demographics import categorize_demographics
    from hccinfhir.model_interactions import apply_interactions

    model = "CMS-HCC Model V22"
    person = categorize_demographics(age, sex, "02" if dual else "00", orec, new_enrollee=True)
    terms = apply_interactions(person, set(), model)
    return sum(apply_coefficients(person, set(), terms, model, coefficients_default).values())


def explained(age, orec):
    """Why hccinfhir scores a cell otherwise; empty where it must agree."""
    if age == 64 and orec == "0":
        return "who entered by age and is 64 on 1 February turns 65 in the year: CMS scores 65"
    if orec == "2" and 65 <= age <= 69:
        return "reason 2 is ESRD: hccinfhir takes the ESRD band 65-69, for which V22 has no factor"
    if orec == "3" and age >= 65:
        return "CMS's program counts reason 1 alone as originally disabled, rule P4 counts 1 or 3"
    return ""


def test_new_enrollee_scores_agree_with_hccinfhir_cell_by_cell():
    pytest.importorskip("hccinfhir")
    table = factors()
    cells = list(product(range(111), "FM", (False, True), ("0", "1", "2", "3")))
    differing = [
        cell
        for cell in cells
        if _cms(*cell) != pytest.approx(table.score(*cell[:3], cell[3] in ("1", "3")), abs=1e-12)
    ]
    expected = [cell for cell in cells if explained(cell[0], cell[3])]
    assert len(cells) == 111 * 2 * 2 * 4
    assert differing == expected
    assert len(expected) == 4 + 5 * 4 + 46 * 4


def test_the_differences_vanish_under_cms_own_rule():
    """At 64 the cell is 65's; reason 3 without the originally disabled column agrees again."""
    pytest.importorskip("hccinfhir")
    table = factors()
    for sex, dual in product("FM", (False, True)):
        assert _cms(64, sex, dual, "0") == table.score(65, sex, dual, False)
        assert _cms(80, sex, dual, "3") == table.score(80, sex, dual, False)


def test_factor_table_is_complete_and_strict():
    file = params_dir() / "reference" / "cms_hcc_new_enrollee.csv"
    table = pd.read_csv(file, dtype=str)
    for version in ("V22", "V23", "V24"):
        assert len(new_enrollee_factors(table, version).factors) == 108
    with pytest.raises(InputError, match="did you mean"):
        new_enrollee_factors(table, "V2")
    with pytest.raises(InputError, match="no factor"):
        new_enrollee_factors(table.drop(index=0), "V22")
    with pytest.raises(InputError, match="twice"):
        new_enrollee_factors(pd.concat([table, table.head(1)]), "V22")
    with pytest.raises(InputError, match="flag"):
        new_enrollee_factors(table.assign(dual="yes"), "V22")


def test_printed_factors():
    table = factors()
    assert table.score(65, "F", False, False) == 0.522
    assert table.score(65, "F", True, True) == 1.566
    assert table.score(110, "M", True, True) == 2.202
    assert table.score(34, "U", False, True) == 0.664


# ---------------------------------------------------------------- slide 18


def _slide():
    return yaml.safe_load((params_dir() / "published" / "slide18.yml").read_text())


def test_slide_18_reproduces_from_its_dollars():
    checked = check_published(_slide()).set_index(["method", "quantity"])
    assert checked["within_rounding"].all()
    assert list(checked.index[~checked["agrees"]]) == [("new_enrollee", "difference_points")]
    assert checked.loc[("new_enrollee", "difference_points"), "recomputed"] == -0.18
    growth = {m: checked.loc[(m, "growth_percent"), "recomputed"] for m in _slide()["methods"]}
    assert growth == {"none": -0.15, "demographic": -0.21, "new_enrollee": -0.33}
    assert checked.loc[("demographic", "factor"), "recomputed"] == 1.001
    assert checked.loc[("new_enrollee", "factor"), "recomputed"] == 1.002


def test_slide_18_check_can_fail():
    slide = _slide()
    slide["methods"]["demographic"]["growth_percent"] = -0.33
    checked = check_published(slide)
    assert not checked["within_rounding"].all()


def test_settings_name_methods():
    chosen = settings()
    assert chosen.variant("demographic") == "demographic_own"
    assert replace(chosen, bucket_cost="statewide").variant("demographic").endswith("statewide")
    with pytest.raises(InputError, match="unknown"):
        chosen.variant("hcc")
