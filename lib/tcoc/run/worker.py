"""The process in which pages are executed: it has public tables and nothing else.

The runner starts one such process from its own interpreter, with an environment of its own. It
loads the drawing libraries once and then forks per notebook; each fork locks itself in before the
first cell and hands the executed notebook back through a file that was opened for it. It never
hears of a store, a restricted folder or a run's folder. Spoken with in lines of JSON.
"""

import json
import os
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tcoc.resources.memory import collect_seldom, loaded

PRELOADED = ("IPython", "matplotlib.pyplot", "nbformat", "pandas", "papermill", "pyarrow.parquet",
             "scipy.stats", "seaborn", "tcoc.report.release", "tcoc.run.session")  # fmt: skip
"""What every page needs; a fork finds it loaded."""

UNUSED = "rfc3987_syntax"
"""What checks web addresses in JSON schemas takes two seconds to load, and no page has any."""

ENGINE = "tcoc"

PRINTED = (
    "cell {cell} printed; a page shows what passed the disclosure gate, by release.show,"
    " release.show_table or release.say"
)
REFUSED = (
    "cell {cell} was refused a file or program ({said}); a page is made of public tables alone and"
    " reads, writes and starts nothing else"
)
WROTE = "cell {cell} wrote a file; a page writes none"


@dataclass(frozen=True)
class Ask:
    """A notebook to execute; the public tables are in `public`, relative to `folder`."""

    name: str
    source: str
    target: str
    folder: str
    parameters: Mapping[str, str]
    hook_only: bool = False


@dataclass
class Answer:
    """What came of it: an error in one sentence, or none; seconds, peak megabytes, isolation."""

    name: str
    error: str = ""
    kind: str = ""
    seconds: float = 0.0
    peak_mb: float = 0.0
    isolation: str = ""
    warned: list[str] = field(default_factory=list)


class CellError(Exception):
    """A cell that may not have done what it did, or failed at it."""

    def __init__(self, sentence: str, kind: str = "") -> None:
        super().__init__(sentence)
        self.kind = kind


# ---------------------------------------------------------------- one notebook


def execute(ask: Ask, on_cell: Callable[[], None]) -> Answer:
    """Execute a notebook in this very process, after it is locked in."""
    import nbformat
    import papermill
    from papermill.engines import papermill_engines

    warned: list[str] = []
    answer = Answer(ask.name, warned=warned)
    target = os.open(ask.target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    stray = os.open(f"{ask.target}.stray", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    scratch = Path(ask.folder) / f"tmp-{ask.name}"
    scratch.mkdir(mode=0o700)
    _quiet(stray, scratch)
    os.chdir(ask.folder)
    answer.isolation = _lock_in(ask, scratch)
    shell = _Shell(on_cell, stray, scratch)
    papermill_engines.register(ENGINE, _engine(shell))
    try:
        executed = papermill.execute_notebook(
            ask.source,
            None,
            parameters=dict(ask.parameters),
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    except CellError as error:
        answer.error, answer.kind = str(error), error.kind
        executed = shell.notebook
    warned += shell.warned
    if executed is not None:
        _write(target, nbformat.writes(_plain(executed)))
    return answer


def _write(stream: int, text: str) -> None:
    with os.fdopen(stream, "wb", closefd=True) as out:
        out.write(text.encode())


def _lock_in(ask: Ask, scratch: Path) -> str:
    from tcoc.run.isolate import confine, own_files

    readable = [*own_files(), Path(ask.folder) / "public", Path(ask.source)]
    return confine(readable, [scratch], ask.hook_only)


def _quiet(stray: int, scratch: Path) -> None:
    """Let nothing of the runner's environment or output be in reach of a cell."""
    os.environ.clear()
    told = {"HOME": str(scratch), "TMPDIR": str(scratch), "LC_ALL": "C.UTF-8",
            "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # fmt: skip
    os.environ.update(told)
    for stream in (1, 2):
        os.dup2(stray, stream)


def _plain(notebook: Any) -> Any:
    """Leave out what differs from run to run: times, paths, and the tool's own notes."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    return notebook


class _Shell:
    """IPython in this process: what a cell displays is kept, what else it does is an error."""

    def __init__(self, on_cell: Callable[[], None], stray: int, scratch: Path) -> None:
        self.on_cell, self.stray, self.scratch = on_cell, stray, scratch
        self.warned: list[str] = []
        self.notebook: Any = None
        self.own: set[Path] = set()

    def run(self, manager: Any) -> None:
        """Run all code cells in order; raises CellError for the first that fails."""
        from IPython.core.interactiveshell import InteractiveShell

        self.notebook = manager.nb
        # history would be a database in the home folder
        InteractiveShell.history_load_length = 0
        shell = InteractiveShell.instance(history_length=0)
        shell.history_manager.enabled = False
        warnings.showwarning = self._warn
        self.own = set(self.scratch.rglob("*"))  # the shell makes a profile of its own there
        number = 0
        for cell in manager.nb.cells:
            # cells are counted as the notebook has them, without the one that papermill adds
            number += "injected-parameters" not in cell.metadata.get("tags", [])
            if cell.cell_type != "code":
                continue
            self._cell(shell, number, cell)
            self.on_cell()

    def _warn(self, message: Any, category: Any, *_: Any, **__: Any) -> None:
        line = f"{category.__name__}: {message}"
        if line not in self.warned:
            self.warned.append(line)

    def _cell(self, shell: Any, number: int, cell: Any) -> None:
        from IPython.utils.capture import capture_output
        from nbformat.v4 import new_output

        with capture_output() as captured:
            result = shell.run_cell(cell.source, store_history=True)
        cell.execution_count = shell.execution_count - 1
        cell.outputs = [
            new_output("display_data", data=_texts(o.data), metadata=o.metadata or {})
            for o in captured.outputs
        ]
        failed = result.error_before_exec or result.error_in_exec
        if failed is not None:
            raise _failure(number, failed)
        self._check(number, captured.stdout + captured.stderr)

    def _check(self, number: int, printed: str) -> None:
        if printed or os.fstat(self.stray).st_size:
            raise CellError(PRINTED.format(cell=number))
        if set(self.scratch.rglob("*")) - self.own:
            raise CellError(WROTE.format(cell=number))


def _texts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a display's content as a notebook holds it: pictures as base64 text."""
    import base64

    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }


def _failure(number: int, error: BaseException) -> CellError:
    from tcoc.resources.shortage import ShortageError, shortage

    if isinstance(error, ShortageError):
        return CellError(str(error), "disk" if error.disk else "memory")
    if short := shortage(error):
        return CellError(str(short), "disk" if short.disk else "memory")
    if isinstance(error, PermissionError) or "Permission denied" in str(error):
        said = str(getattr(error, "filename", None) or type(error).__name__)
        return CellError(REFUSED.format(cell=number, said=Path(said).name))
    return CellError(f"cell {number} failed with {type(error).__name__}: {error}")


def _engine(shell: _Shell) -> Any:
    from papermill.engines import Engine

    class InProcess(Engine):  # type: ignore[misc]
        """papermill's way with notebooks, and our shell in place of a kernel found by its name."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **_: Any) -> None:
            shell.run(nb_man)

    return InProcess


# ---------------------------------------------------------------- the server


def identity() -> dict[str, str]:
    """Return which code and libraries this process runs, to be held against the runner's."""
    from tcoc.identity import PAGES, libraries, package_digest

    return {"code": package_digest(), "executable": sys.executable, **libraries(PAGES)}


def serve() -> None:
    """Answer asks from standard input until it ends; then end what is still at work."""
    out = os.dup(1)
    os.dup2(2, 1)
    _load()
    _say(out, {"hello": identity(), "threads": _threads()})
    children: dict[int, tuple[Ask, float, str]] = {}
    waiting = b""
    while True:
        ready = select.select([0], [], [], 0.05)[0]
        if ready:
            data = os.read(0, 65536)
            if not data:
                break
            waiting += data
            *lines, waiting = waiting.split(b"\n")
            for line in lines:
                ask = Ask(**json.loads(line))
                children[_fork(ask, out)] = ask, time.perf_counter(), f"{ask.target}.answer"
        _reap(children, out)
    for pid in children:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _load() -> None:
    """Load, and make ready, once what each page would: a fork has it all."""
    collect_seldom()
    sys.modules[UNUSED] = None  # type: ignore[assignment]
    for name in PRELOADED:
        __import__(name)
    import nbformat

    from tcoc.deliverables import registry
    from tcoc.report.style import use_style

    nbformat.validate(nbformat.v4.new_notebook())
    use_style()
    for deliverable in registry.deliverables():
        deliverable.sentences()
    loaded()


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


def _fork(ask: Ask, out: int) -> int:
    note = os.open(f"{ask.target}.answer", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    pid = os.fork()
    if pid:
        os.close(note)
        return pid
    status = 1
    try:
        os.close(0)
        answer = execute(ask, lambda: _say(out, {"cell": ask.name}))
        _write(note, json.dumps(asdict(answer)))
        status = 0
    except BaseException as error:
        said = traceback.format_exception_only(error)[-1].strip()
        _write(note, json.dumps(asdict(Answer(ask.name, f"could not be executed: {said}"))))
    finally:
        os._exit(status)


def _reap(children: dict[int, tuple[Ask, float, str]], out: int) -> None:
    while children:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid not in children:
            continue
        ask, started, file = children.pop(pid)
        content = Path(file).read_text(encoding="utf-8")
        Path(file).unlink(missing_ok=True)
        answer = json.loads(content) if content else asdict(Answer(ask.name, kind="killed"))
        answer["seconds"] = round(time.perf_counter() - started, 2)
        answer["peak_mb"] = round(used.ru_maxrss / 1e3, 1)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            answer["kind"] = "killed" if number == signal.SIGKILL else "ended"
            answer["error"] = signal.Signals(number).name
        _say(out, {"done": answer})


def _say(stream: int, content: Any) -> None:
    os.write(stream, json.dumps(content).encode() + b"\n")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runner, which ends this one
    serve()
