"""Stage 1: from claims to restricted tables, the checks among them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from tcoc.deliverables import registry
from tcoc.deliverables.registry import CHECKS
from tcoc.progress import Reporter
from tcoc.resources.meter import Reading, metered
from tcoc.study import RESTRICTED, Study


def compute_tables(study: Study, names: Sequence[str], report: Reporter) -> dict[str, Reading]:
    """Make the restricted tables of some deliverables, and the table of their checks.

    They stand in WORK/restricted, with the internal ones that they rest on. Returns by deliverable
    what it took.
    """
    wanted = {
        name: [p.name for p in registry.find(name).tables if not p.internal] for name in names
    }
    report.start("tables", sum(map(len, wanted.values())) + 1)
    readings: dict[str, Reading] = {}
    for name, tables in wanted.items():
        with metered() as reading:
            for table in tables:
                study.path(table)
                report.advance("tables", table)
            study.path(f"{CHECKS}_{name}")
        readings[name] = reading
    study.path(CHECKS)
    report.advance("tables", CHECKS)
    return readings


def compute_rest(study: Study, names: Sequence[str]) -> None:
    """Make what is not there yet: internal tables that notebooks alone read."""
    for name in names:
        for product in registry.find(name).tables:
            study.path(product.name)


def rows_of(work: Path) -> dict[str, int]:
    """Return the rows of each restricted table of a run folder."""
    files = sorted((work / RESTRICTED).glob("*.parquet"))
    return {file.stem: pq.read_metadata(file).num_rows for file in files}


def failed_checks(study: Study) -> list[str]:
    """Return a sentence for each check that does not hold, by deliverable and name."""
    frame = study.frame(CHECKS)
    failed = frame[~frame["holds"].astype(bool)]
    return [f"{r.deliverable}: {r.name} does not hold (rule {r.rule})" for r in failed.itertuples()]
