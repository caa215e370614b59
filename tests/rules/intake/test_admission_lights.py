"""Lights of what an import says of its delivery (rules I7, I8)."""

import json
from pathlib import Path

from tcoc.rules import intake
from tcoc.store.importers import import_files
from tests.store.importers.rif_files import write_delivery


def lights_of(store: Path) -> dict[tuple[str, str], str]:
    found = intake.admission_lights(json.loads((store / "store.json").read_text()))
    return {(row.check, row.place): row.light for row in found.itertuples()}


def test_lights_follow_what_the_import_counted(tmp_path: Path) -> None:
    people = [{"BENE_ID": f"B{i}"} for i in range(4)]
    lines = [{"CLM_ID": f"C{i}", "BENE_ID": f"B{i}" if i else "NOBODY",
              "LINE_PRCSG_IND_CD": "D" if i == 3 else "A"} for i in range(4)]  # fmt: skip
    source = write_delivery(
        tmp_path / "in", {"beneficiary": people, "carrier": lines,
                          "inpatient": [{"BENE_ID": "B1"}], "outpatient": [{"BENE_ID": "B1"}]},
    )  # fmt: skip
    import_files("rif", source, tmp_path / "store", accept="a test")
    lights = lights_of(tmp_path / "store")
    assert lights[("of_nobody", "carrier.csv")] == "red"
    assert lights[("denied", "carrier.csv")] == "amber"
    assert lights[("control_totals", "carrier.csv: lines")] == "green"
    assert "unmatched_cancellations" not in {check for check, _ in lights}


def test_a_store_that_was_not_imported_has_no_light() -> None:
    assert intake.admission_lights({"rows": {}}).empty
