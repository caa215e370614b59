"""Hold the locked packages against OSV's list of known vulnerabilities: one question for all.

    python tools/advisories.py [REQUIREMENTS]

Ends with 1 and a line per finding; where the list cannot be reached it says that nothing was
checked and ends with 0, so that an office without a network can build.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ADDRESS = "https://api.osv.dev/v1/querybatch"
SECONDS = 20
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
ROOT = Path(__file__).resolve().parents[1]


def pins(file: Path) -> list[tuple[str, str]]:
    """Return the locked packages of a requirements file with their versions."""
    return PIN.findall(file.read_text(encoding="utf-8"))


def ask(locked: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Ask the list about packages and return its answer, in their order."""
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in locked
    ]
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(ADDRESS, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - ADDRESS alone
        return list(json.load(answer)["results"])


def findings(locked: list[tuple[str, str]], answer: list[dict[str, Any]]) -> list[str]:
    """Return a line per package that the list knows something of."""
    return [
        f"{name} {version}: {', '.join(sorted(each['id'] for each in found['vulns']))}"
        for (name, version), found in zip(locked, answer, strict=True)
        if found.get("vulns")
    ]


def main() -> int:
    """Check the lock, or the file that is named."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "requirements.txt"
    locked = pins(file)
    try:
        said = findings(locked, ask(locked))
    except (OSError, ValueError, KeyError) as error:
        print(f"advisories: not checked, no answer from {ADDRESS} ({type(error).__name__})")
        return 0
    print("\n".join(said) or f"advisories: none on {len(locked)} locked packages")
    return 1 if said else 0


if __name__ == "__main__":
    raise SystemExit(main())
