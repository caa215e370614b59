"""The act of handing a run out: a review sheet, a name and a date, checksums, a ledger (rule D5).

A run folder is not released until `tcoc release` says so in its `release.json`. The ledger, for the
owner alone, stands beside the run folders in `.releases/`; it keeps of each release the record of
its numbers, with which the next one is attacked.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from tcoc.disclosure import read_csvs
from tcoc.disclosure.attacker import Difference, disclosed
from tcoc.disclosure.record import FILES, Record, record_digest
from tcoc.errors import InputError, TcocError, nearest
from tcoc.folders import private, write_whole
from tcoc.identity import sha256
from tcoc.manifest import Manifest, finished, read_manifest
from tcoc.paths import LEDGER

MARK, HANDED = "release.json", "released"
RESTRICTED = "restricted"
REVIEW, FACTS = f"{RESTRICTED}/review.md", f"{RESTRICTED}/facts.json"
EDITIONS = ("stakeholder", "working")
_WORKING_ONLY = ("notebooks", "manifest.json")
_MOST = 200


@dataclass(frozen=True)
class Entry:
    """What the ledger says of a release."""

    number: int
    run: str
    edition: str
    by: str
    date: str
    store: list[str]
    files: dict[str, str]


def mark_not_released(folder: Path) -> None:
    """Say in a run folder that it was not handed out."""
    said = {"released": False, "note": "Not released: for review only. Run `tcoc release`."}
    write_whole(folder / MARK, (json.dumps(said, indent=1) + "\n").encode())


def release_run(folder: Path, by: str, on: str = "", edition: str = EDITIONS[0]) -> Path:
    """Release a finished run and return the folder to hand out.

    1. The run is whole, every public file is the one that it wrote, and none says what stands in
       no public table.
    2. The attacker gets this edition and all earlier ones of the same data.
    3. Review sheet (restricted), checksums, mark and ledger are written, and the edition copied.
    Raises InputError for a run or date that is not usable, TcocError where the release would
    disclose, or a file is not as the run wrote it.
    """
    from tcoc.report.published import check_published

    if not by.strip():
        raise InputError("--by: a release needs the name of who answers for it")
    if edition not in EDITIONS:
        raise InputError(f'--edition: found "{edition}"{nearest(edition, EDITIONS)}')
    day = _day(on)
    files = _verified(folder)
    check_published(folder)
    if any(name.endswith(".xlsx") for name in files) and not (folder / FACTS).is_file():
        raise InputError(f"{folder.name}: the run has no {FACTS}; run it again and release that")
    record = Record.read(folder / RESTRICTED)
    ledger = folder.parent / LEDGER
    entries, store = read_ledger(ledger), store_of(read_manifest(folder))
    same = [entry for entry in entries if set(entry.store) & set(store)]
    earlier = [Record.read(place) for place in earlier_releases(folder.parent, store).values()]
    found = disclosed([record, *earlier])
    _review(folder, record, same, earlier, found)
    if found:
        others = f" together with release {same[-1].number} of {same[-1].date}" if same else ""
        raise TcocError(
            f"{folder.name}: not released: {len(found):,} numbers could be worked out{others};"
            f" the first is {found[0].column} of {found[0].cell}; {REVIEW} lists them"
        )
    entry = Entry(len(entries) + 1, folder.name, edition, by, day, store, _of(edition, files))
    return _hand_out(folder, ledger, entry, record)


def _day(on: str) -> str:
    try:
        return date.fromisoformat(on).isoformat() if on else datetime.now(UTC).date().isoformat()
    except ValueError:
        raise InputError(f'--date: found "{on}", expected a day such as 2026-05-31') from None


def _verified(folder: Path) -> dict[str, str]:
    """Return the public files with their sums, as the run wrote them and no others."""
    manifest = finished(folder)
    there = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.relative_to(folder).parts[0] != RESTRICTED
    }
    free = {"manifest.json", MARK}
    strange = [name for name in there if name not in manifest.files and name not in free]
    lost = [name for name in manifest.files if name not in there]
    changed = [n for n, s in manifest.files.items() if n in there and sha256(there[n]) != s]
    for names, what in ((strange, "was not written by the run"), (lost, "is missing"),
                        (changed, "was changed after the run")):  # fmt: skip
        if names:
            raise TcocError(f"{folder.name}: {names[0]} {what}; run it again and release that")
    return {name: sha256(file) for name, file in there.items() if name != MARK}


def store_of(manifest: Manifest) -> list[str]:
    """Return the sums of the store's files: two runs that share one are of the same data."""
    return sorted({i.sha256 for i in manifest.inputs if i.path.startswith("STORE/")})


def earlier_releases(outputs: Path, store: Sequence[str]) -> dict[str, Path]:
    """Return the ledger's records of the same data, the latest first, by the digest of each.

    An edition that was handed out twice is there once.
    """
    found: dict[str, Path] = {}
    for entry in reversed(read_ledger(outputs / LEDGER)):
        if set(entry.store) & set(store):
            place = outputs / LEDGER / f"{entry.number:04}"
            found.setdefault(record_digest(place), place)
    return found


def _of(edition: str, files: dict[str, str]) -> dict[str, str]:
    """Return the files of an edition: stakeholders get pages, tables and figures."""
    return {
        name: digest
        for name, digest in files.items()
        if edition == "working" or name.split("/")[0] not in _WORKING_ONLY
    }


def read_ledger(ledger: Path) -> list[Entry]:
    """Return the releases so far, in order."""
    files = sorted(ledger.glob("[0-9]*/entry.json"))
    return [Entry(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def _hand_out(folder: Path, ledger: Path, entry: Entry, record: Record) -> Path:
    target = folder.parent / HANDED / f"{entry.number:04}-{entry.run}-{entry.edition}"
    shutil.rmtree(target, ignore_errors=True)
    for name in entry.files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, target / name)
    if entry.edition == EDITIONS[0]:
        from tcoc.report.one_file import NAME, write_one_file
        from tcoc.report.stakeholders import trim

        manifest = read_manifest(folder)
        trim(target, manifest.synthetic, entry.date)
        _write_workbooks(folder, target)
        if (target / NAME).is_file():  # of the pages as they are handed out
            write_one_file(target, list(manifest.deliverables))
        there = {f.relative_to(target).as_posix(): f for f in sorted(target.rglob("*"))}
        handed = {name: sha256(f) for name, f in there.items() if f.is_file()}
        entry = replace(entry, files=handed)
    said: dict[str, Any] = {
        "released": True, "edition": entry.edition, "by": entry.by, "date": entry.date,
    }  # fmt: skip
    text = json.dumps(said, indent=1) + "\n"
    sums = "".join(f"{digest}  {name}\n" for name, digest in entry.files.items())
    write_whole(target / MARK, text.encode(), 0o666)
    write_whole(target / "SHA256SUMS", sums.encode(), 0o666)
    own = private(private(ledger) / f"{entry.number:04}")
    record.write(own)
    for file in FILES:
        (own / file).chmod(0o600)
    write_whole(own / "entry.json", (json.dumps(asdict(entry), indent=1) + "\n").encode())
    write_whole(folder / MARK, text.encode())
    return target


def _write_workbooks(folder: Path, target: Path) -> None:
    """Write an edition's workbooks again: of its tables as they are handed out, without jargon."""
    from tcoc.deliverables import registry
    from tcoc.report.facts import RunFacts
    from tcoc.report.workbook import write_workbook

    for book in sorted((target / "tables").glob("*.xlsx")):
        facts = replace(RunFacts.read(folder / RESTRICTED), name="")
        tables = read_csvs(target / "tables").values()
        own = [table for table in tables if table.deliverable == book.stem]
        write_workbook(own, facts, book, registry.find(book.stem).title)


# ---------------------------------------------------------------- the output checker's sheet


def _review(
    folder: Path,
    record: Record,
    same: Sequence[Entry],
    earlier: Sequence[Record],
    found: Sequence[Difference],
) -> None:
    """Write what an output checker looks through before the release: restricted."""
    log = pd.read_parquet(folder / RESTRICTED / "hidden_cells.parquet")
    lines = [f"# Review of {folder.name}", "", "Restricted: for the output checker alone.", ""]
    lines += ["## What together with earlier releases could be worked out", ""]
    lines += [f"- {difference}" for difference in found[:_MOST]] or ["Nothing."]
    lines += ["", f"## What is hidden and why: {len(log)} cells", ""]
    lines += _table(log.groupby(["table", "reason"]).size().rename("cells").reset_index())
    lines += ["", *_table(log.head(_MOST)), ""]
    if earlier:
        changes = _changes(record, earlier[0])
        lines += [f"## What differs from release {same[-1].number} ({same[-1].run})", ""]
        lines += [f"{len(changes)} numbers are shown in both and differ, or are new or gone.", ""]
        lines += _table(changes.head(_MOST))
    write_whole(folder / REVIEW, ("\n".join(lines) + "\n").encode())
    (folder / REVIEW).chmod(0o600)


def _changes(now: Record, before: Record) -> pd.DataFrame:
    name = ["universe", "column", "key"]
    columns = [*name, "exact", "hidden"]
    both = now.numbers[columns].merge(
        before.numbers[columns], how="outer", on=name, suffixes=("", "_before")
    )
    same = both["exact"].sub(both["exact_before"]).abs() < 1e-9
    return both[~(same & (both["hidden"] == both["hidden_before"]))].reset_index(drop=True)


def _table(frame: pd.DataFrame) -> list[str]:
    rows = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    rows += [[str(v).replace("|", " ") for v in row] for row in frame.itertuples(index=False)]
    return [f"| {' | '.join(row)} |" for row in rows]
