"""A second process that makes tables of the same run, beginning elsewhere in the list.

An engine uses all cores in the middle of a query and one at its ends; statistics use one. After
some seconds of work a second process joins: in the same work folder and through the same cache it
makes first the tables that rest on no other, then those of the last deliverables, then drafts what
these would publish. A lock for each keeps both from making the same one. Nothing depends on it but
the time: what it cannot make the first process makes, or says why it cannot be made.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

import yaml

from tcoc.cache import FOLDER, Cache
from tcoc.deliverables import registry
from tcoc.deliverables.registry import CHECKS
from tcoc.errors import TcocError
from tcoc.identity import package_digest, parameter_digest
from tcoc.params import load_run
from tcoc.progress import Reporter
from tcoc.resources.memory import collect_seldom
from tcoc.resources.shortage import halved
from tcoc.run.gate import draft
from tcoc.run.key import RunRequest
from tcoc.store.facts import claim_rows
from tcoc.study import Study

AFTER_SECONDS = 4.0
"""Work shorter than this ends before a second process would have loaded its libraries."""

MANY_ROWS = 5_000_000
"""Claims of a year that are work for two from the start, where no cache can answer."""

END_SECONDS = 10.0
STOP = b"stop\n"
BROKEN = "the second process that makes tables failed; one process made the rest"


@dataclass
class _Helper:
    """The second process as the first one sees it: started by a timer, stopped at the end."""

    request: RunRequest
    study: Study
    names: Sequence[str]
    outputs: Path
    report: Reporter
    _process: "subprocess.Popen[bytes] | None" = None
    _listener: threading.Thread = field(default_factory=threading.Thread)
    _found: dict[str, Any] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _starting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def at_work(self) -> bool:
        """Whether it was started, so that this process had half of the memory."""
        with self._starting:  # the memory is halved first
            return self._process is not None

    def start(self) -> None:
        """Start it with half of the memory; where this process cannot do with half, don't."""
        limit = self.study.connection.bounds.limit
        with self._starting:
            if self._ended.is_set() or not self.study.connection.keep_to(halved(limit)):
                return
            said = {
                "file": str(self.study.run.file),
                "changes": yaml.safe_dump(dict(self.request.changes or {})),
                "names": [*self.names],
                "work": str(self.study.work),
                "cache": str(self.outputs / FOLDER),
                "run": self.study.cache.run if self.study.cache else "",
                "memory_limit": halved(limit),
                "fresh": self.request.fresh,
                "code": _code(),
            }
            code = str(Path(__file__).resolve().parents[2])
            paths = [code, *filter(None, [os.environ.get("PYTHONPATH")])]
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "tcoc.run.beside"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                    start_new_session=True,
                )
            except OSError as error:
                self.study.connection.keep_to(limit)
                self.report.say(f"{BROKEN} ({error.strerror})")
                return
            self._say(json.dumps(said).encode() + b"\n")
            self._listener = threading.Thread(target=self._listen, daemon=True)
            self._listener.start()

    def _listen(self) -> None:
        """Note what it says until it has ended; then this process has all of the memory."""
        process = cast("subprocess.Popen[bytes]", self._process)
        for line in process.stdout or ():
            with suppress(ValueError, TypeError):  # cut off, or said by a library
                self._found |= json.loads(line)
        process.wait()
        self.study.connection.keep_to(self.study.connection.bounds.limit)

    def stop(self) -> None:
        """End it, and take over what it noted of the tables that it made or found."""
        self._ended.set()
        with self._starting:
            if self._process is None:
                return
        self._say(STOP)
        self._listener.join(END_SECONDS)
        self._process.kill()  # one that has ended does not mind
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                cast(IO[bytes], stream).close()
        self.study.made.update(self._found.get("made", {}))
        self.study.taken.update(self._found.get("taken", {}))
        if self._process.returncode:
            self.report.say(f"{BROKEN} (status {self._process.returncode})")

    def _say(self, line: bytes) -> None:
        process = cast("subprocess.Popen[bytes]", self._process)
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended by itself
            process.stdin.write(line)
            process.stdin.flush()


@contextmanager
def joined(
    request: RunRequest, study: Study, names: Sequence[str], outputs: Path, report: Reporter
) -> Iterator["_Helper"]:
    """Let a second process make tables too, for the length of a block that is not short."""
    helper = _Helper(request, study, names, outputs, report)
    alone = study.connection.engine != "duckdb" or (os.cpu_count() or 1) < 2
    if alone or not halved(study.connection.bounds.limit):
        yield helper
        return
    timer = threading.Timer(0.0 if _all_to_make(request, study) else AFTER_SECONDS, helper.start)
    timer.daemon = True
    timer.start()
    try:
        yield helper
    finally:
        timer.cancel()
        helper.stop()


def _all_to_make(request: RunRequest, study: Study) -> bool:
    """Whether a run of a large store takes nothing from the cache."""
    if not request.fresh and study.cache is not None and study.cache.latest(CHECKS):
        return False
    return claim_rows(study._store, max(study.run.years)) > MANY_ROWS


def _code() -> list[str]:
    """Return what code and parameters a process works by; the first time it asks decides."""
    return [package_digest(), parameter_digest()]


# ---------------------------------------------------------------- the second process


def serve(said: dict[str, Any], tell: Callable[[Any], None] = lambda _: None) -> dict[str, Any]:
    """Make what can be made, and return which tables were made and which were found.

    It is told after each, for one that is killed returns nothing.
    """
    cache, work = Cache(Path(said["cache"]), run=said["run"]), Path(said["work"])
    found: dict[str, Any] = {"made": {}, "taken": {}}
    if said["code"] != _code():  # changed while this process began: it would make other tables
        return found
    # the first process meets the same error, and says it
    with suppress(KeyboardInterrupt, TcocError):
        run = load_run(Path(said["file"]), yaml.safe_load(said["changes"]))
        spec = run.spec.model_copy(update={"deliverables": said["names"]})
        own = replace(run, spec=spec)
        with registry.study(own, work, said["memory_limit"], None, cache, said["fresh"]) as study:
            found = {"made": study.made, "taken": study.taken}
            for name in order(said["names"]):
                study.make_if_free(name)
                tell(found)
            for name in reversed(said["names"]):
                draft(study, name, wait=False)
                tell(found)
    return found


def order(names: Sequence[str]) -> list[str]:
    """Return in which order a second process makes the tables of some deliverables."""
    tables = [product for name in names for product in registry.find(name).tables]
    alone = [product.name for product in tables if product.alone]
    rest = [p.name for p in reversed(tables) if not p.alone and not p.internal]
    return [*alone, *rest, *(p.name for p in reversed(tables) if not p.alone and p.internal)]


def _wait_for_the_end() -> None:
    """End with the first process: at its word in good order, at its death at once."""
    if sys.stdin.buffer.readline() == STOP:
        os.kill(os.getpid(), signal.SIGINT)
    else:
        os._exit(1)


def main() -> None:
    """Do what the first line of the input asks for."""
    collect_seldom()
    # a shell lets what it starts in the background ignore it, and here it is the word to end
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer

    def tell(found: Any) -> None:
        os.write(out, b"\n" + json.dumps(found).encode() + b"\n")  # apart from one that is cut off

    said = json.loads(sys.stdin.buffer.readline())
    with suppress(KeyboardInterrupt):
        threading.Thread(target=_wait_for_the_end, daemon=True).start()
        found = serve(said, tell)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what was made is told whole
        tell(found)


if __name__ == "__main__":
    main()
