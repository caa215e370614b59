"""What the outside reaches: known vulnerabilities of the lock, JupyterLab's door, code of data."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import advisories  # noqa: E402

SECONDS = 90.0


def test_every_locked_package_is_asked_about() -> None:
    locked = advisories.pins(ROOT / "requirements.txt")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert len(locked) == sum("==" in line and line[0].isalnum() for line in lines if line)
    assert "jupyterlab" in dict(locked)


def test_a_known_vulnerability_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("a==1.0 \\\n    --hash=sha256:0\nb==2.0 ; python_version < '4'\n")
    monkeypatch.setattr(sys, "argv", ["advisories", str(lock)])
    known = {"vulns": [{"id": "X-2"}, {"id": "X-1"}]}
    monkeypatch.setattr(advisories, "ask", lambda _: [{}, known])
    assert advisories.main() == 1
    assert capsys.readouterr().out == "b 2.0: X-1, X-2\n"
    monkeypatch.setattr(advisories, "ask", lambda _: [{}, {}])
    assert advisories.main() == 0


def test_without_a_network_nothing_is_said_to_be_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(advisories, "ADDRESS", "http://127.0.0.1:9/none")
    monkeypatch.setattr(sys, "argv", ["advisories"])
    assert advisories.main() == 0
    assert capsys.readouterr().out.startswith("advisories: not checked")


WAIVED = {"S108", "S310", "S314", "S506", "S603", "S608", "S701"}
"""What the linter may be told to pass over, each with its reason beside it. Not among them: S301
(pickle), S307 (eval), S102 (exec), S602, S604 and S605 (a shell)."""


def test_no_code_is_made_of_data_and_no_shell_is_called() -> None:
    chosen = re.search(r"^select = .*$", (ROOT / "pyproject.toml").read_text(), re.M)
    assert chosen
    assert '"S"' in chosen[0]
    for file in (*(ROOT / "lib").rglob("*.py"), *(ROOT / "tools").rglob("*.py")):
        for names in re.findall(r"noqa: ((?:S\d+[, ]*)+)", file.read_text(encoding="utf-8")):
            assert set(re.findall(r"S\d+", names)) <= WAIVED, file.name


@pytest.fixture
def lab(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start JupyterLab by the Makefile's own line, without a browser."""
    line = re.search(r"^\t\$\(BIN\)/jupyter lab(.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert line
    folders = dict.fromkeys(("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"), str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *line[1].split(), "--no-browser", "--allow-root",
         "--ServerApp.port=0"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, **folders},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def listening(process: int) -> list[str]:
    """Return the addresses on which a process takes connections."""
    found = psutil.Process(process).net_connections(kind="inet")
    return [f"{c.laddr.ip}:{c.laddr.port}" for c in found if c.status == psutil.CONN_LISTEN]


@pytest.mark.slow
def test_jupyterlab_is_reached_from_this_machine_alone_and_by_its_token(
    lab: "subprocess.Popen[bytes]",
) -> None:
    began = time.monotonic()
    while not (places := listening(lab.pid)) and time.monotonic() - began < SECONDS:
        assert lab.poll() is None
        time.sleep(0.2)
    assert places
    assert all(place.startswith("127.0.0.1:") for place in places)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://{places[0]}/api/contents", timeout=60)
    assert refused.value.code == 403
