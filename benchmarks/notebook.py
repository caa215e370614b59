"""Measure an open notebook: to load, to see a first table and figure, and one value changed.

    python -m benchmarks.notebook RUN.yml

opens a run that the command has made, as an analyst does in JupyterLab, and prints one line of
JSON with seconds. The changed value is one that no run before had, so that no cache answers it.
"""

import argparse
import json
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcoc.report.release import Release

VALUE = {"mpa.threshold": {2020: 0.034}}
TABLE = "mpa_hospitals"
NAMES = ("import_seconds", "first_table_seconds", "first_figure_seconds", "value_seconds")


def measure(run: Path) -> dict[str, float]:
    """Return the seconds to import, to the first table, its first figure, and a changed table."""
    marks = [time.perf_counter()]
    import tcoc

    marks.append(time.perf_counter())
    filed = tcoc.open_release(str(run))
    first = filed.table(TABLE).frame
    marks.append(time.perf_counter())
    with redirect_stdout(StringIO()):
        _show(filed)
    marks.append(time.perf_counter())
    changed = tcoc.open_release(str(run), set=VALUE).table(TABLE).frame
    marks.append(time.perf_counter())
    if first.equals(changed):
        raise SystemExit(f"{TABLE}: the changed value changed nothing")
    pairs = zip(NAMES, marks, marks[1:], strict=False)
    return {name: round(after - before, 2) for name, before, after in pairs}


def _show(filed: "Release") -> None:
    """Draw each hospital's adjustment, as the notebook that ships for analysts does."""
    from tcoc.report import charts

    hospitals = filed.table(TABLE).sort("mpa_percent")
    ends = {"low": "percent_low", "high": "percent_high"}
    chart = charts.dots(hospitals, rows="hospital", value="mpa_percent", **ends)
    filed.show(chart, title="Adjustments", caption="Lines hold 95%.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure an open notebook.")
    parser.add_argument("run", type=Path)
    print(json.dumps(measure(parser.parse_args().run)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
