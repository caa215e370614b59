"""Measure an open notebook: how long to load, to open a run, and to see one value changed.

    python -m benchmarks.notebook RUN.yml

opens a run that the command has made, as an analyst does in JupyterLab, and prints one line of
JSON with seconds. The changed value is one that no run before had, so that no cache answers it.
"""

import argparse
import json
import sys
import time
from pathlib import Path

VALUE = {"mpa.threshold": {2020: 0.034}}
TABLE = "mpa_hospitals"


def measure(run: Path) -> dict[str, float]:
    """Return the seconds to import, to the first table, and to the table with a changed value."""
    marks = [time.perf_counter()]
    import tcoc

    marks.append(time.perf_counter())
    first = tcoc.open_release(str(run)).table(TABLE).frame
    marks.append(time.perf_counter())
    changed = tcoc.open_release(str(run), set=VALUE).table(TABLE).frame
    marks.append(time.perf_counter())
    if first.equals(changed):
        raise SystemExit(f"{TABLE}: the changed value changed nothing")
    names = ("import_seconds", "first_table_seconds", "value_seconds")
    pairs = zip(names, marks, marks[1:], strict=False)
    return {name: round(after - before, 2) for name, before, after in pairs}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure an open notebook.")
    parser.add_argument("run", type=Path)
    print(json.dumps(measure(parser.parse_args().run)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
