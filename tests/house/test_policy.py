"""A policy value for a past year never changes silently: its hash stands in policy_hashes.txt.

A deliberate change is accepted with the command that the failure prints.
"""

import hashlib
import json
import sys
from pathlib import Path

from tcoc.params import load_policy

HASHES = Path(__file__).with_name("policy_hashes.txt")


def current() -> dict[str, str]:
    found = {}
    for name, entry in load_policy().entries.items():
        values = {"all": entry.value} if entry.value else entry.values
        for year, value in values.items():
            text = json.dumps(value.value, sort_keys=True, default=str)
            found[f"{name} {year}"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return found


def kept() -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in HASHES.read_text().splitlines())  # type: ignore[misc]


def write() -> None:
    HASHES.write_text("".join(f"{key} {value}\n" for key, value in sorted(current().items())))


def test_no_policy_value_changed_silently() -> None:
    now, then = current(), kept()
    changed = sorted(key for key in {*now, *then} if now.get(key) != then.get(key))
    accept = "python -m tests.house.test_policy accept"
    assert not changed, f"changed: {', '.join(changed)}; if that is meant, run `{accept}`"


def test_every_assumed_value_names_its_rule_and_every_value_its_source() -> None:
    for name, entry in load_policy().entries.items():
        values = [entry.value] if entry.value else list(entry.values.values())
        assert all(value.source for value in values), name
        if any(value.status == "assumed" for value in values):
            assert entry.rule, f"{name} is assumed and names no rule"


if __name__ == "__main__" and sys.argv[1:] == ["accept"]:
    write()
