"""Kill a run at random moments, again and again: what stood stays whole, the next command works.

    python -m tests.run.kills 200 [SEED]

Each round starts `tcoc run` in a process of its own, kills it and all it started after a random
time, and then looks: outputs/NAME is the run before or a whole new one, `tcoc runs` lists it once,
and nothing of the killed is left once the next run has begun.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tcoc.run.key
import tcoc.run.render
from tcoc.deliverables import registry
from tcoc.manifest import list_runs, read_manifest
from tcoc.params import RunFile
from tcoc.progress import reporter
from tcoc.run.runner import RunRequest, execute_run, tidy
from tcoc.run.verify import verify
from tcoc.store.synth import write_synthetic_store
from tests.support.stand_ins import FIRST, OPEN, SECOND, SHOWN, write_page

RUN = """
name: tiny
store: store
years: [2016, 2017]
rate_years: [2020]
national_growth: {2020: {value: 0.024, source: invented}}
deliverables: [first, second]
"""


def work(home: Path, limit: float) -> None:
    """Run two stand-in deliverables, in this process, with an MPA value that changes."""
    known = {"first": FIRST, "second": SECOND}
    registry.deliverables = lambda: (FIRST, SECOND)  # type: ignore[assignment]
    registry.find = known.__getitem__  # type: ignore[assignment]
    sys.modules[RunFile.__module__].DELIVERABLES = ("first", "second")  # type: ignore[attr-defined]
    for module in (tcoc.run.render, tcoc.run.key):
        module.notebooks_dir = lambda: home / "notebooks"  # type: ignore[attr-defined]
    request = RunRequest(
        home / "tiny.yml", changes={"mpa.threshold": limit}, outputs=home / "outputs"
    )
    with reporter() as report:
        execute_run(request, report)


def start(home: Path, limit: float) -> "subprocess.Popen[bytes]":
    with (home / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.run.kills", "--work", str(home), f"{limit:.4f}"],
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=said,
        )  # fmt: skip


def prepare(home: Path) -> None:
    """Write a store, a run file and two pages."""
    write_synthetic_store(home / "store", 300, 7, (2014, 2017))
    (home / "tiny.yml").write_text(RUN)
    (home / "notebooks").mkdir()
    for name in ("first", "second"):
        write_page(home / "notebooks" / f"{name}.ipynb", OPEN, SHOWN.format(name=name))


def whole(outputs: Path) -> str:
    """Say what is wrong with the run that stands, or nothing."""
    place = outputs / "tiny"
    if not place.is_dir():
        return "outputs/tiny is gone"
    if read_manifest(place).state != "ok":
        return f"outputs/tiny is {read_manifest(place).state}"
    if not (found := verify(place)).ok:
        return "; ".join(found.wrong)
    listed = [name for name, manifest in list_runs(outputs) if manifest.state == "ok"]
    return "" if listed == ["tiny"] else f"listed as {listed}"


def left(outputs: Path) -> str:
    """Say what a killed run left after the next one tidied up, or nothing."""
    found = [f.name for f in outputs.glob(".*") if f.name not in (".cache", ".failed")]
    return f"left behind: {found}" if found else ""


def rounds(home: Path, count: int, seed: int) -> list[str]:
    """Kill so many runs and return what was wrong, by round."""
    chance, outputs = random.Random(seed), home / "outputs"
    clock = time.monotonic()
    if start(home, 0.02).wait():
        return [f"the run does not work: {(home / 'said').read_text().splitlines()[-1:]}"]
    takes = time.monotonic() - clock
    wrong = []
    for number in range(count):
        process = start(home, 0.01 + chance.random() / 100)
        time.sleep(chance.random() * takes)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        problems = [whole(outputs)]
        tidy(outputs)
        problems += [whole(outputs), left(outputs)]
        wrong += [f"round {number}: {problem}" for problem in problems if problem]
    if start(home, 0.03).wait():
        wrong.append("the next run does not work")
    return [*wrong, *([last] if (last := whole(outputs)) else [])]


def main() -> int:
    if sys.argv[1:2] == ["--work"]:
        work(Path(sys.argv[2]), float(sys.argv[3]))
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory(prefix="tcoc-kills-") as name:
        home = Path(name)
        prepare(home)
        wrong = rounds(home, count, seed)
    print("\n".join(wrong) or f"{count} kills survived")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
