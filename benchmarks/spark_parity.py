"""Every table of a run on DuckDB and on Spark: equal to the byte, and how long each takes.

    python -m benchmarks.spark_parity params/runs/cy2018.yml --percent 10 [--only qp_preliminary]
        [--out benchmarks/results/new.spark.json]

Needs `make spark` and a Java runtime. TCOC_SPARK_MASTER and TCOC_SPARK_SHARED choose a cluster, as
docs/spark.md says; `--workers 2` starts one for the length of the comparison: a standalone master
and two workers on this machine's loopback, ready before the time counts. Exit status 1 where a
table differs. A file of --out keeps one measurement for each size and kind of cluster, with what
the executors did: time of tasks and of the collector, bytes read and shuffled.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.commands import machine
from benchmarks.sizes import WORK, benes, run_of_size

from tcoc.deliverables.registry import find, study
from tcoc.identity import sha256
from tcoc.params import load_run

PORT = 17_077
"""Where the cluster's master listens, on loopback."""

PAGE = 17_078
"""Where the master says which workers it has."""

READY_SECONDS = 60

OVERHEAD_MB = 384
"""What Spark adds to an executor's memory; a worker has to have both."""

Steps = dict[str, float]
"""Seconds by table."""


def compute(
    file: Path, engine: str, work: Path, limit: str, only: list[str]
) -> tuple[Steps, dict[str, float]]:
    """Compute a run's tables on one engine; return the seconds of each, and what Spark counted."""
    run = load_run(file, {"engine": engine})
    found: Steps = {}
    work.mkdir()
    with study(run, work, limit) as opened:
        for deliverable in [d for d in run.spec.deliverables if not only or d in only]:
            for product in find(deliverable).tables:
                start = time.perf_counter()
                opened.path(product.name)
                found[product.name] = time.perf_counter() - start
                print(f"{engine:7s} {product.name:30s} {found[product.name]:8.1f} s", flush=True)
        connection = opened.connection
        return found, counted(connection.backend._session) if engine == "spark" else {}


def counted(session: Any) -> dict[str, float]:
    """Return what the executors of a session have done so far, all together."""
    executors = session.sparkContext._jsc.sc().statusStore().executorList(False)
    each = [executors.apply(number) for number in range(executors.size())]
    return {
        "partitions": int(session.conf.get("spark.sql.shuffle.partitions")),
        "executors": sum(one.totalCores() > 0 and one.id() != "driver" for one in each),
        "tasks": sum(one.totalTasks() for one in each),
        "task_seconds": round(sum(one.totalDuration() for one in each) / 1e3, 1),
        "collector_seconds": round(sum(one.totalGCTime() for one in each) / 1e3, 1),
        "read_mb": round(sum(one.totalInputBytes() for one in each) / 1e6, 1),
        "shuffled_mb": round(sum(one.totalShuffleWrite() for one in each) / 1e6, 1),
    }


@contextmanager
def cluster(workers: int, memory_mb: int, shared: Path) -> Iterator[None]:
    """Run a standalone master and workers of one core each on loopback, and name them to Spark.

    They are there before the block begins, as a cluster is before a job.
    """
    import pyspark

    starter = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    deploy = "org.apache.spark.deploy"
    at = ["--host", "127.0.0.1"]
    master = [f"{deploy}.master.Master", *at, "--port", str(PORT), "--webui-port", str(PAGE)]
    worker = [f"{deploy}.worker.Worker", *at, "--cores", "1", "--memory", f"{memory_mb}m"]
    # neither computes anything: the two cores are for the driver and the executors
    quick = {"SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    executors = f"--conf spark.executor.memory={memory_mb - OVERHEAD_MB}m pyspark-shell"
    address = f"spark://127.0.0.1:{PORT}"
    with ExitStack() as stack:
        for command in [master, *[[*worker, address]] * workers]:
            process = subprocess.Popen(
                [starter, *command],
                cwd=shared,
                env={**os.environ, **quick},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        _wait_for(workers)
        os.environ |= {
            "TCOC_SPARK_MASTER": address,
            "TCOC_SPARK_SHARED": str(shared),
            "PYSPARK_SUBMIT_ARGS": executors,
        }
        yield


def _wait_for(workers: int) -> None:
    """Wait until the master has so many workers; SystemExit where they don't come."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{PAGE}/json/", timeout=1) as page:
            if json.load(page)["aliveworkers"] == workers:
                return
        time.sleep(0.2)
    raise SystemExit(f"the cluster had not {workers} workers within {READY_SECONDS} seconds")


def differing(folders: tuple[Path, Path]) -> list[str]:
    """Return the tables that are not the same bytes in two work folders."""
    files = sorted(folders[0].glob("*/*.parquet"))
    others = [folders[1] / file.relative_to(folders[0]) for file in files]
    return [a.stem for a, b in zip(files, others, strict=True) if sha256(a) != sha256(b)]


def keep(out: Path, name: str, result: dict[str, Any]) -> None:
    """Put a measurement into a file beside those of other sizes and clusters."""
    kept = json.loads(out.read_text()) if out.is_file() else {}
    out.write_text(json.dumps(kept | {name: result}, indent=1, sort_keys=True) + "\n")


def where(workers: int) -> str:
    """Say on what Spark ran."""
    if workers:
        return f"standalone cluster of {workers} workers on loopback"
    return "cluster" if os.environ.get("TCOC_SPARK_MASTER") else "local"


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold Spark's tables against DuckDB's.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--percent", type=int, choices=[1, 10, 100, 300], help="of a state")
    parser.add_argument("--workers", type=int, default=0, help="of a cluster on loopback")
    parser.add_argument("--worker-mb", type=int, default=2048, help="memory of each worker")
    parser.add_argument("--memory-limit", default="4GB", help="of DuckDB, and of Spark's driver")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    run = chosen.run
    if chosen.percent:
        run = run_of_size(load_run(run), chosen.percent, WORK)
    base = Path(tempfile.mkdtemp(prefix="tcoc-parity-"))
    folders = (base / "duckdb", base / "spark")
    try:
        asked = chosen.memory_limit, chosen.only
        # before the cluster: its start would take half of the cores from it
        ours, _ = compute(run, "duckdb", folders[0], *asked)
        with cluster(chosen.workers, chosen.worker_mb, base) if chosen.workers else nullcontext():
            theirs, did = compute(run, "spark", folders[1], *asked)
        wrong = differing(folders)
    finally:
        shutil.rmtree(base)
    people = benes(load_run(run).store_path)
    if chosen.out:
        result = {
            "benes": people,
            "spark": where(chosen.workers),
            "differing": wrong,
            "duckdb_seconds": round(sum(ours.values()), 1),
            "spark_seconds": round(sum(theirs.values()), 1),
            "counted": did,
            "worker_mb": chosen.worker_mb if chosen.workers else None,
            "steps": {n: {"duckdb": round(ours[n], 2), "spark": round(theirs[n], 2)} for n in ours},
            **machine(("pyspark",)),
        }
        keep(chosen.out, f"{people:,} beneficiaries, {where(chosen.workers)}", result)
    verdict = f"differing: {', '.join(wrong)}" if wrong else "all equal to the byte"
    print(
        f"{len(ours)} tables: DuckDB {sum(ours.values()):.0f} s,"
        f" Spark {sum(theirs.values()):.0f} s; {verdict}"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
