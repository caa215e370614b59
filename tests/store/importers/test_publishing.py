"""An import that is killed leaves the store that was there, or the new one: never neither."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tcoc.store.check import check_store
from tcoc.store.importers import import_files
from tests.store.importers.rif_files import write_delivery

IMPORT = """
import os, sys
from pathlib import Path
from tcoc import folders
from tcoc.store.importers import import_files

source, out, call, number = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
seen = 0

def dying(real):
    def wrapped(*a, **k):
        global seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), 9)
        return real(*a, **k)
    return wrapped

def without(source, target, flags, real=folders._rename):
    if flags == folders._EXCHANGE:
        raise OSError(22, "no exchange here")
    real(source, target, flags)

if call == "rename":
    folders._rename = dying(folders._rename)
elif call == "two renames":
    folders._rename = without
    Path.rename = dying(Path.rename)
elif call == "publish":
    folders.publish = dying(folders.publish)
elif call == "remove":
    folders.remove_held = dying(folders.remove_held)
import_files("rif", source, out)
"""

KILLS = [("publish", 1), ("rename", 1), ("rename", 2), ("remove", 1),
         *(("two renames", number) for number in (1, 2, 3))]  # fmt: skip


def delivered(folder: Path, people: int) -> Path:
    names = [f"B{number}" for number in range(1, people + 1)]
    rows = {
        "beneficiary": [{"BENE_ID": name} for name in names],
        "carrier": [{"CLM_ID": f"C{name}", "BENE_ID": name} for name in names],
    }
    return write_delivery(folder, rows)


def people_of(store: Path) -> int:
    return int(json.loads((store / "store.json").read_text())["rows"]["beneficiary"])


@pytest.mark.parametrize(("call", "number"), KILLS)
def test_a_kill_while_publishing_keeps_a_whole_store(
    call: str, number: int, tmp_path: Path
) -> None:
    out = tmp_path / "store"
    import_files("rif", delivered(tmp_path / "before", 2), out)
    source = delivered(tmp_path / "after", 3)
    arguments = [sys.executable, "-c", IMPORT, str(source), str(out), call, str(number)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if not out.exists():  # between two renames: the earlier store has its other name
        assert people_of(tmp_path / ".store.old") == 2
    else:
        assert people_of(out) in (2, 3)
        assert check_store(out).ok
    # the next import works, and nothing is left of the killed one
    import_files("rif", source, out)
    assert people_of(out) == 3
    left = {entry.name for entry in tmp_path.iterdir()} - {"store", "before", "after"}
    assert not left, left


def test_a_store_stays_where_the_next_delivery_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "store"
    import_files("rif", delivered(tmp_path / "before", 2), out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    bad = delivered(tmp_path / "bad", 3)
    (bad / "carrier.csv").write_bytes(os.urandom(500))
    with pytest.raises(Exception, match="carrier"):
        import_files("rif", bad, out)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
