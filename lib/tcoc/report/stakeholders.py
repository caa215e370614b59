"""The edition for stakeholders: what a run's pages say beyond what its documents show goes (D5).

Published figures from memory (confidence recalled) go from tables, pages and figures; sections
about the synthetic truth go where the data are real; so does what only those who run it need.
The kit writes the pages, so their elements are cut as texts: nothing else of a page moves.
"""

import csv
import io
import re
from pathlib import Path

from tcoc.disclosure.files import DICTIONARY_CSV

TRUTH_TABLES = ("planted_truth",)
"""Public tables that compare with the truth of a synthetic state."""

_SAID_IN = ("confidence", "basis")
"""The columns that say where a published figure comes from."""

_MEMORY = re.compile(r"\bfrom memory\b|\brecalled\b", re.IGNORECASE)
_RECALLED = re.compile(r"<td[^>]*>Recalled</td>")
_SENTENCE = re.compile(r"[^.;]*from memory[^.;]*[.;]?")
_SECTION = re.compile(r'<section aria-labelledby="([^"]*)">.*?</section>\s*', re.DOTALL)
_FIGURE = re.compile(r'<figure id="figure-([^"]*)".*?</figure>\s*', re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_JARGON = re.compile(
    r"<dt>(?:Run|Settings|Code|Versions|Reused|To reproduce|Checks)</dt><dd>.*?</dd>"
    r"|<li>Run <strong>.*?</strong></li>\s*",
    re.DOTALL,
)
_NOT_RELEASED = "Not released: for review"


def trim(folder: Path, synthetic: bool, day: str) -> None:
    """Cut an edition's copy down to what stakeholders get."""
    tables = {file.stem for file in folder.glob("tables/*.csv") if _without_recalled(file)}
    figures = folder / "figures"
    dropped = {
        file.stem
        for file in figures.glob("*")
        if file.stem in tables
        or file.stem.rpartition("-")[0] in tables
        or any(file.stem.startswith(f"{table}-") for table in tables)
        or (file.suffix in (".svg", ".txt", ".csv") and _MEMORY.search(file.read_text("utf-8")))
    }
    for file in sorted(figures.glob("*")):
        if file.stem in dropped:
            file.unlink()
    for file in sorted(folder.glob("*.html")):
        page = trimmed(file.read_text(encoding="utf-8"), dropped | tables, synthetic, day)
        file.write_text(page, encoding="utf-8")


def trimmed(page: str, dropped: set[str], synthetic: bool, day: str) -> str:
    """Return a page without some figures, recalled rows and sentences, and run jargon."""
    page = _FIGURE.sub(lambda f: "" if f[1] in dropped or _MEMORY.search(f[0]) else f[0], page)
    if not synthetic:
        gone = [
            f for f in _SECTION.finditer(page) if any(f'"table-{t}' in f[0] for t in TRUTH_TABLES)
        ]
        for found in gone:
            page = page.replace(found[0], "")
            page = re.sub(rf'<li><a href="#{re.escape(found[1])}">.*?</a></li>\s*', "", page)
    page = _ROW.sub(lambda f: "" if _RECALLED.search(f[0]) else f[0], page)
    page = "<".join(_sentences(part) for part in page.split("<"))
    return _JARGON.sub("", page).replace(_NOT_RELEASED, f"Released {day}")


def _sentences(part: str) -> str:
    """Cut sentences with a number from memory out of one element's text."""
    if "from memory" not in part:
        return part
    tag, _, words = part.partition(">")
    return f"{tag}>{_SENTENCE.sub('', words)}"


def _without_recalled(file: Path) -> bool:
    """Take the recalled rows out of a table; returns whether there were any."""
    if file.name == DICTIONARY_CSV:
        return False
    rows = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    places = [n for n, head in enumerate(rows[0] if rows else []) if head in _SAID_IN]
    gone = {row[n].lower() for row in rows[1:] for n in places} & {"recalled"}
    # what is derived from figures of which some are from memory is no better than those
    gone |= {"derived"} if gone else set()
    kept = [row for row in rows if not gone & {row[n].lower() for n in places}]
    if len(kept) == len(rows):
        return False
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(kept)
    file.write_text(buffer.getvalue(), encoding="utf-8")
    return True
