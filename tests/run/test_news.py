"""What the cover says is new since the last release."""

import json
import shutil

import pandas as pd

from tcoc.disclosure import Column, Draft, gate, write_csvs
from tcoc.paths import LEDGER
from tcoc.run.news import since_release
from tcoc.run.release import HANDED


def tables(dollars):
    frame = pd.DataFrame(
        {"rate_year": 2020, "ccn": ["210001", "210002"], "hospital": ["Alpha", "Beta"],
         "benes": 900.0, "mpa_dollars": dollars}
    )  # fmt: skip
    entries = {
        "hospital": Column("Hospital", "label"),
        "benes": Column("People", "count"),
        "mpa_dollars": Column("Dollars", "dollars", of=("benes",)),
    }
    draft = Draft(
        name="mpa_hospitals",
        title="Dollars",
        frame=frame,
        keys=("rate_year", "ccn"),
        columns=entries,
    )
    return dict(gate({"demo": [draft]}).tables)


def test_the_cover_says_whose_dollars_changed_since_the_last_release(tmp_path):
    folder = tmp_path / "one"
    write_csvs(tables([50_000.0, -70_000.0]), folder / "tables")
    first = since_release(folder, tmp_path, "one")
    assert first == "No edition of this run has been released yet, so all of it is new."
    entry = {"number": 1, "run": "one", "edition": "stakeholder", "by": "A", "date": "2026-01-31",
             "store": [], "files": {}}  # fmt: skip
    place = tmp_path / LEDGER / "0001"
    place.mkdir(parents=True)
    (place / "entry.json").write_text(json.dumps(entry))
    handed = tmp_path / HANDED / "0001-one-stakeholder"
    assert "no longer here" in since_release(folder, tmp_path, "one")
    shutil.copytree(folder, handed)
    assert since_release(folder, tmp_path, "one").endswith(
        "No hospital's dollars of the MPA differ."
    )
    write_csvs(tables([10_000.0, -71_000.0]), folder / "tables")
    said = since_release(folder, tmp_path, "one")
    assert said.startswith("Since release 1 of 2026-01-31, ")
    assert "The dollars of 2 hospitals differ, most those of Alpha, which are now $10,000." in said
    assert since_release(folder, tmp_path, "two") == first
