"""Look at files before they are committed: size, paths of a machine, where outputs come from.

    python tools/check_committed.py FILE...

A notebook may carry outputs made from a synthetic store only; real data stay in run folders. Ends
with 1 and a line per finding.
"""

import re
import sys
from pathlib import Path

import nbformat

LARGEST = 1_600_000
MACHINE = re.compile(r"(?<![\w.~-])/(?:home|root|Users|tmp)/[\w.-]+")
TEXT = {".py", ".md", ".yml", ".yaml", ".toml", ".ipynb", ".cfg", ".json"}


def findings(file: Path) -> list[str]:
    """Say what is wrong with a file, one sentence each."""
    said = []
    if file.stat().st_size > LARGEST and file.suffix != ".txt":
        said.append(f"{file}: {file.stat().st_size:,} bytes, at most {LARGEST:,} are committed")
    if file.suffix in TEXT and "tests" not in file.parts:
        text = file.read_text(encoding="utf-8")
        if found := MACHINE.search(text):
            said.append(f"{file}: names a path of a machine, {found.group(0)}")
    if file.suffix == ".ipynb":
        said += _notebook(file)
    return said


def _notebook(file: Path) -> list[str]:
    outputs = [
        output
        for cell in nbformat.read(file, as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    if not outputs:
        return []
    data = [o.get("metadata", {}).get("tcoc", {}).get("data", "") for o in outputs]
    if not any("Synthetic" in str(words) for words in data):
        return [f"{file}: its outputs do not say that they come from synthetic data; clear them"]
    return []


def main() -> int:
    """Check the files named."""
    said = [line for name in sys.argv[1:] if Path(name).is_file() for line in findings(Path(name))]
    print("\n".join(said), file=sys.stderr if said else sys.stdout)
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
