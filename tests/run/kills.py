"""Kill a run at random moments, again and again: what stood stays whole, the next command works.

    python -m tests.run.kills 200 [SEED]

Each round starts a run in a process of its own, kills it and all it started at a random moment, and
then looks: outputs/NAME is the run before or a whole new one, `tcoc runs` lists it once, and
nothing of the killed is left once the next run has begun. Every twentieth round a run goes to its
end. Moments are counted in computing, not by the clock: a busy machine kills no earlier.
Two hundred kills or more are kept in benchmarks/results/kills.json.
"""

import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

import tcoc.run.key
import tcoc.run.render
from tcoc.deliverables import registry
from tcoc.manifest import list_runs, read_manifest
from tcoc.progress import reporter
from tcoc.run.runner import RunRequest, execute_run, tidy
from tcoc.run.verify import verify
from tcoc.store.synth import write_synthetic_store
from tests.support.stand_ins import FIRST, OPEN, SECOND, SHOWN, write_page

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "benchmarks" / "results" / "kills.json"
ENOUGH = 200
"""Fewer kills prove little: they are not kept."""

STEP = 0.05
"""How often a run is looked at, in seconds: to look is to compute too."""

WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["tcoc.run.runner", "tcoc.report.index", "tcoc.run.sheets"])

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
    for module in (tcoc.run.render, tcoc.run.key):
        module.notebooks_dir = lambda: home / "notebooks"  # type: ignore[attr-defined]
    request = RunRequest(
        home / "tiny.yml", changes={"mpa.threshold": limit}, outputs=home / "outputs"
    )
    with reporter() as report:
        execute_run(request, report)


def start(home: Path, limit: float) -> ForkServerProcess:
    """Start a run in a session of its own, off a process that has the library loaded."""
    process = WARM.Process(target=_alone, args=(home, limit))
    process.start()
    return process


def _alone(home: Path, limit: float) -> None:
    os.setsid()
    for stream, name in ((1, os.devnull), (2, home / "said")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    work(home, limit)


def finish(process: ForkServerProcess) -> tuple[bool, float]:
    """Wait for a run; whether it worked, and the computing seen of it and of all it started."""
    spent = 0.0
    while process.exitcode is None:
        spent = max(spent, computed(process))
        time.sleep(STEP)
    return process.exitcode == 0, spent


def computed(process: ForkServerProcess) -> float:
    """Return the seconds that a run and all it started have computed."""
    try:
        top = psutil.Process(process.pid)
        return sum(sum(each.cpu_times()[:4]) for each in (top, *top.children(recursive=True)))
    except psutil.Error:
        return 0.0


def kill(process: ForkServerProcess, after: float) -> None:
    """Kill a run and all it started once they have computed for so many seconds."""
    assert process.pid is not None
    while process.exitcode is None and computed(process) < after:
        time.sleep(STEP)
    for signalled in (os.killpg, os.kill):  # before it has a session it is one process
        try:
            signalled(process.pid, signal.SIGKILL)
            break
        except ProcessLookupError:
            continue
    process.join()


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


def moment(outputs: Path) -> str:
    """Say how far a killed run had come, by what it has left."""
    for work in outputs.glob(".tiny.*.partial"):
        if (work / "index.html").is_file():
            return "publishing"
        for part, doing in (("notebooks", "rendering"), ("tables", "gated"), ("", "computing")):
            if (work / part).is_dir():
                return doing
    return "before its first or after its last step"


def rounds(home: Path, count: int, seed: int, moments: Counter[str] | None = None) -> list[str]:
    """Kill so many runs and return what was wrong, by round; counts when each was killed."""
    chance, outputs = random.Random(seed), home / "outputs"
    for limit in (0.02, 0.021):  # the first run of all makes what the others find
        worked, takes = finish(start(home, limit))
        if not worked:
            return [f"the run does not work: {(home / 'said').read_text().splitlines()[-1:]}"]
    wrong, seen = [], Counter[str]() if moments is None else moments
    for number in range(count):
        kill(start(home, 0.01 + chance.random() / 100), chance.random() * takes)
        seen[moment(outputs)] += 1
        problems = [whole(outputs)]
        tidy(outputs)
        problems += [whole(outputs), left(outputs)]
        if number % 20 == 19 and not finish(start(home, 0.02 + number / 1e5))[0]:
            problems.append("the next run does not work")
        wrong += [f"round {number}: {problem}" for problem in problems if problem]
    if not finish(start(home, 0.03))[0]:
        wrong.append("the next run does not work")
    return [*wrong, *([last] if (last := whole(outputs)) else [])]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    moments = Counter[str]()
    with tempfile.TemporaryDirectory(prefix="tcoc-kills-") as name:
        home = Path(name)
        prepare(home)
        wrong = rounds(home, count, seed, moments)
    if count >= ENOUGH:
        found = {"kills": count, "seed": seed, "when": dict(sorted(moments.items())),
                 "wrong": wrong}  # fmt: skip
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(wrong) or f"{count} kills survived")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
