"""A new data year: every year moves by one step, and what must be looked up anew is left out."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tcoc.cli import app
from tcoc.errors import InputError
from tcoc.params import load_run
from tcoc.run.new_year import dated_values, new_year, render_dated

SPEC = {
    "name": "cy2018", "store": "store", "years": [2017, 2018], "base_year": 2017,
    "performance_year": 2018, "qp_years": [2018], "rate_years": [2020],
    "completion": {2017: 0.99, 2018: "measured"},
    "national_growth": {2020: {"value": 0.02, "source": "x"}},
    "deliverables": ["y1_attribution", "risk_adjustment", "qp_preliminary", "mpa_options"],
}  # fmt: skip


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "cy2018.yml"
    file.write_text(yaml.safe_dump(SPEC))
    return file


def test_all_years_move_and_what_was_measured_or_looked_up_goes(old: Path) -> None:
    file, values = new_year(2019, old)
    assert file.name == "cy2019.yml"
    moved = {"name": "cy2019", "years": [2018, 2019], "base_year": 2018,
             "performance_year": 2019, "qp_years": [2019], "rate_years": [2021],
             "completion": {2018: "measured"}}  # fmt: skip
    text = file.read_text()
    expected = {**SPEC, **moved}
    del expected["national_growth"]
    assert yaml.safe_load(text) == expected
    assert text.startswith("# Made from cy2018.yml. Look at every line")
    assert "# completion of 2019: add a factor if its claims end before 31 March 2020" in text
    assert "# national_growth: {2021: {value: , source: }}" in text
    assert {value.year for value in values} == {2019, 2021}


def test_two_years_on_no_factor_is_left(old: Path) -> None:
    file, _ = new_year(2020, old)
    assert "completion" not in yaml.safe_load(file.read_text())


def test_a_value_says_whether_it_is_of_the_year_or_held_or_missing(old: Path) -> None:
    changed = {**SPEC, "qp_years": [2016], "years": [2016, 2018]}
    old.write_text(yaml.safe_dump(changed))
    found = {value.name: value for value in dated_values(load_run(old))}
    assert (found["qp.payment_threshold"].state, found["qp.payment_threshold"].since) == (
        "missing", 2017,
    )  # fmt: skip
    old.write_text(yaml.safe_dump({**SPEC, "qp_years": [2018]}))
    found = {value.name: value for value in dated_values(load_run(old))}
    assert (found["qp.payment_threshold"].state, found["qp.payment_threshold"].since) == (
        "held", 2017,
    )  # fmt: skip
    assert found["qp.mips_low_volume_benes"].state != "held"
    lines = render_dated(list(found.values()), ["risk.seed"]).splitlines()
    held = [n for n, line in enumerate(lines) if "held over from" in line]
    assert held == list(range(len(held)))
    assert lines[-1] == "  risk.seed: assumed, not dated"
    assert render_dated([]) == "  no dated policy value is used"


@pytest.mark.parametrize(("year", "said"), [(2018, "found 2018, expected a year after 2018"),
                                            (2019, "exists already")])  # fmt: skip
def test_a_year_that_cannot_be_made(old: Path, year: int, said: str) -> None:
    old.with_name("cy2019.yml").write_text("")
    with pytest.raises(InputError, match=said):
        new_year(year, old)


def test_a_name_without_the_year_gets_it(old: Path) -> None:
    old.write_text(yaml.safe_dump({**SPEC, "name": "sample"}))
    assert new_year(2019, old)[0].name == "sample-2019.yml"


def test_the_command_writes_and_lists(old: Path) -> None:
    done = CliRunner().invoke(app, ["new-year", "2019", "--from", str(old)])
    assert done.exit_code == 0, done.output
    assert "cy2019.yml: written" in done.output
    assert "policy values of 2019:" in done.output
    assert "mpa.threshold = " in done.output
