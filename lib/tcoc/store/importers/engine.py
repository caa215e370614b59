"""The work folder of an import, the engine in it, and how a store gets its name.

All work is done in a folder beside the store, `.NAME.import`; the store gets its name in one step
at the end. An interruption leaves the store that was there, or none, and that folder; the next call
takes up the staged files that are finished. Everything in either folder is for its owner only.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb

from tcoc import folders
from tcoc.errors import InputError
from tcoc.resources import shortage
from tcoc.resources.shortage import ShortageError
from tcoc.store.connection import spill_folder
from tcoc.store.importers.staging import Connection
from tcoc.store.importers.steps import Steps
from tcoc.store.importers.summary import ImportSummary
from tcoc.store.schema import FORMAT_VERSION

DEFAULT_MEMORY_LIMIT = "3GB"


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """Hold the work folder beside a store; it goes when the import is done.

    After an interruption the files that are read stay, for the next call to take up; after a full
    disk nothing does. Raises InputError where `out` is something else than a store, which an import
    must not replace, and where another import into `out` is at work.
    """
    if (
        out.exists()
        and not (out / "store.json").is_file()
        and (out.is_file() or any(out.iterdir()))
    ):
        raise InputError(f"{out}: is there already and is no store; name another folder for --out")
    work = out.parent / f".{out.name}.import"
    with folders.locked(work) as held:
        if not held:
            raise InputError(
                f"{out}: another import into this folder is at work; wait for its end or name"
                " another folder for --out"
            )
        work.chmod(0o700)
        with _cleaned(work, out):
            yield work
        folders.remove_held(work)


@contextmanager
def _cleaned(work: Path, out: Path) -> Iterator[None]:
    """Begin and, where the block fails, end with nothing in the work folder but files read."""
    _clean(work, out)
    try:
        (work / "staged").mkdir(exist_ok=True)
        yield
    except BaseException as error:
        _clean(work, out)
        full = isinstance(error, ShortageError) and error.disk
        if full or not any((work / "staged").glob("*.json")):
            folders.remove_held(work)
        raise


def _clean(work: Path, out: Path) -> None:
    """Remove what is half done, and give an older store its name back."""
    folders.recover(out.parent, out.name)
    for name in ("plain", "unpacked", "resolved", "store"):
        folders.remove(work / name)


@contextmanager
def open_engine(work: Path, memory_limit: str | None, steps: Steps) -> Iterator[Connection]:
    """Open DuckDB with a memory limit; what does not fit is spilled to the work folder.

    Raises InputError for a bad limit; ShortageError, with the step, where memory or disk end.
    """
    limit = shortage.memory_limit(memory_limit, DEFAULT_MEMORY_LIMIT)
    with spill_folder(work) as spill:
        con = duckdb.connect(config={"memory_limit": limit, "temp_directory": str(spill)})
        try:
            # a list of codes would become a join; staging has hundreds of them, one for each column
            con.execute("SET disabled_optimizers = 'in_clause'")
            # measured for the steps, not shown by the engine itself
            con.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
            with shortage.explained(lambda: steps.doing, shortage.Bounds(limit, spill), work):
                yield con
        finally:
            con.close()


def write_info(summary: ImportSummary, store: Path) -> None:
    """Write store.json, which makes the folder a store."""
    info = {
        "format_version": FORMAT_VERSION,
        "source": {"kind": summary.kind, "state": summary.state},
        "synthetic": summary.synthetic,
        "years": list(summary.years),
        "rows": summary.tables,
        "dollars": {name: f"{amount:.2f}" for name, amount in summary.dollars.items()},
        "files": summary.files_json(),
        "missing": list(summary.missing),
        "controls": summary.controls_json(),
        "accepted": summary.accepted,
        "import": summary.as_json(),
        "created_by": f"tcoc {_version()}",
    }
    text = json.dumps(info, indent=1, sort_keys=True)
    (store / "store.json").write_text(text + "\n", encoding="utf-8")


def _version() -> str:
    try:
        return version("tcoc")
    except PackageNotFoundError:
        return "unknown"


def publish(work: Path, out: Path) -> None:
    """Give the finished store its name in one step, in place of an older store of that name.

    The engine makes files as the umask of its own threads says: they are closed here once more.
    """
    folders.open_up(work / "store", folders.OWNER_ONLY)
    folders.publish(work / "store", out)
