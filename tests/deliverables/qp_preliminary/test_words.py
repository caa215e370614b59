"""The page on QPs says no number that the tables behind it do not have (rule D4)."""

import pandas as pd
import pytest

from tcoc.deliverables.qp_preliminary import words
from tcoc.deliverables.qp_preliminary.public_clinicians import CRITERION_NAMES, METHOD_NAMES
from tcoc.deliverables.qp_preliminary.public_columns import CLINICIANS, LAW
from tcoc.disclosure import Column, Draft, gate
from tcoc.params import load_policy
from tcoc.report import guard

KEYS = ("year", "reading", "partner", "method", "criterion")


def routes(cells):
    rows = [
        (2017, LAW, "best", METHOD_NAMES[method], CRITERION_NAMES[criterion], n)
        for (method, criterion), n in cells.items()
    ]
    frame = pd.DataFrame(rows, columns=[*KEYS, "clinicians"])
    columns = {key: Column(key, "year" if key == "year" else "key") for key in KEYS}
    columns["clinicians"] = CLINICIANS
    draft = Draft(name="qp_routes", title="Routes", frame=frame, keys=KEYS, columns=columns)
    return gate({"qp_preliminary": [draft]}, load_policy()).tables["qp_routes"]


CELLS = {("both", "either"): 1500, ("both", "attributed"): 120, ("payments", "union"): 137,
         ("none", "none"): 200}  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "begins"),
    [
        (CELLS, "Of 1,757 clinicians who meet the test in force, 1,500 do so by both methods"),
        ({("both", "either"): 1500}, "All 1,500 clinicians who meet the test in force do so"),
        ({("payments", "union"): 137}, "Of 137 clinicians who meet the test in force, 0 do so"),
        ({("none", "none"): 200}, "No clinician meets the test in force"),
    ],
)
def test_routes_are_told_in_numbers_of_cells_and_of_those_who_meet(cells, begins):
    table = routes(cells)
    said = words.one_way(table, 2017)
    assert said.startswith(begins)
    meeting = sum(n for (method, _), n in cells.items() if method != "none")
    guard.check_numbers("the sentence", said, guard.Known([table], [meeting]))
