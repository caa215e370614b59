"""What is new since the last release of a run: the cover's sentences, from what was handed out."""

from pathlib import Path

from tcoc.disclosure import read_csvs
from tcoc.paths import LEDGER
from tcoc.report import formats, words
from tcoc.run.release import HANDED, read_ledger

_DOLLARS = "mpa_hospitals"


def since_release(folder: Path, outputs: Path, run: str) -> str:
    """Say which tables and whose dollars differ from the run's last released edition."""
    entry = next((e for e in reversed(read_ledger(outputs / LEDGER)) if e.run == run), None)
    if entry is None:
        return "No edition of this run has been released yet, so all of it is new."
    last = f"release {entry.number} of {entry.date}"
    before = outputs / HANDED / f"{entry.number:04}-{entry.run}-{entry.edition}" / "tables"
    if not before.is_dir():
        return f"The files of {last} are no longer here to compare with."
    now, then = (
        {f.name: f.read_bytes() for f in place.glob("*.csv")}
        for place in (folder / "tables", before)
    )
    differ = sum(now[name] != then[name] for name in now.keys() & then.keys())
    said = (
        f"Since {last}, {words.plural(differ, 'table')} of {len(now)}"
        f" {'differs' if differ == 1 else 'differ'}, {len(now.keys() - then.keys())} are new, and"
        f" {len(then.keys() - now.keys())} are gone."
    )
    return f"{said}{_dollars(folder / 'tables', before)}"


def _dollars(now: Path, then: Path) -> str:
    """Say whose dollars are others, and the largest change by the hospital's amount now."""
    both = [read_csvs(place, [_DOLLARS]).get(_DOLLARS) for place in (now, then)]
    if both[0] is None or both[1] is None:
        return ""
    key = ["rate_year", "ccn"]
    one, other = (table.frame[[*key, "mpa_dollars"]] for table in both if table is not None)
    joined = one.merge(other, on=key, suffixes=("", "_before")).dropna()
    change = joined["mpa_dollars"].sub(joined["mpa_dollars_before"]).abs()
    if not (change > 0).any():
        return " No hospital's dollars of the MPA differ."
    row = joined.iloc[int(change.to_numpy().argmax())]
    table = both[0].where(rate_year=row["rate_year"], ccn=row["ccn"])
    amount = formats.write(table.columns["mpa_dollars"], row["mpa_dollars"])
    return (
        f" The dollars of {words.plural(int((change > 0).sum()), 'hospital')} differ, most those of"
        f" {table.frame['hospital'].iloc[0]}, which are now {amount}."
    )
