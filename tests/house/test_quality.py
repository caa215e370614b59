"""The quality paper: current, and made only where its evidence is there."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import quality_paper  # noqa: E402


def test_the_paper_is_current() -> None:
    made = "run `python tools/quality_paper.py`"
    assert quality_paper.PAGE.read_text(encoding="utf-8") == quality_paper.paper(), made


@pytest.mark.parametrize("evidence", ["no/such.py", "README.md::no such words stand in it"])
def test_evidence_that_is_not_there_stops_the_paper(evidence: str) -> None:
    with pytest.raises(SystemExit, match="is not there"):
        quality_paper.shown(evidence)
