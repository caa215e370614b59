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

from tcoc.manifest import list_runs, read_manifest
from tcoc.run.runner import tidy
from tcoc.run.verify import verify
from tcoc.store.synth import write_synthetic_store

RUN = """
name: tiny
store: store
years: [2016, 2017]
completion: {2017: 0.99}
deliverables: [y1_attribution]
"""

WORK = """
import sys
from pathlib import Path
from tcoc.progress import reporter
from tcoc.run.runner import RunRequest, execute_run
with reporter() as report:
    changes = {"completion": {2017: float(sys.argv[2])}}
    execute_run(RunRequest(Path(sys.argv[1]) / "tiny.yml", changes=changes,
                           outputs=Path(sys.argv[1]) / "outputs"), report)
"""


def start(home: Path, factor: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", WORK, str(home), f"{factor:.4f}"], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


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
    if start(home, 0.99).wait():
        return ["the run does not work at all"]
    takes = time.monotonic() - clock
    wrong = []
    for number in range(count):
        process = start(home, 0.9 + chance.random() / 10)
        time.sleep(chance.random() * takes)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        problems = [whole(outputs)]
        tidy(outputs)
        problems += [whole(outputs), left(outputs)]
        wrong += [f"round {number}: {problem}" for problem in problems if problem]
    if start(home, 0.95).wait():
        wrong.append("the next run does not work")
    return [*wrong, *([last] if (last := whole(outputs)) else [])]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory(prefix="tcoc-kills-") as name:
        home = Path(name)
        write_synthetic_store(home / "store", 300, 7, (2014, 2017))
        (home / "tiny.yml").write_text(RUN)
        wrong = rounds(home, count, seed)
    print("\n".join(wrong) or f"{count} kills survived")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
