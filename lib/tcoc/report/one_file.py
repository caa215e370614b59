"""The one-file edition: a run's cover and reports in one page, for e-mail.

It holds no link to another file, so what leads out of it (sheets, data files) is left out; tables,
what-if and the choice of a hospital work as on the pages.
"""

import html
import re
from collections.abc import Sequence
from pathlib import Path

NAME = "everything.html"
_MAIN = re.compile(r"<main[^>]*>(.*?)</main>", re.DOTALL)
_TITLE = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_TERMS = re.compile(r'<h2 id="terms">.*?</dl>', re.DOTALL)
_NAMING = re.compile(r'( (?:id|for|aria-labelledby|aria-describedby)="| (?:xlink:)?href="#|url\(#)')
_LANDMARK = re.compile(r'<section aria-labelledby="[^"]*"')
_LEADS_OUT = ("sheets", "downloads")
_SHEET = re.compile(r' data-sheet="[^"]*"')


def write_one_file(folder: Path, names: Sequence[str]) -> Path:
    """Write FOLDER/everything.html of the cover and the named reports that are there."""
    there = [name for name in names if (folder / f"{name}.html").is_file()]
    page = _cover((folder / "index.html").read_text(encoding="utf-8"))
    reports = "".join(
        _report(name, (folder / f"{name}.html").read_text(encoding="utf-8")) for name in there
    )
    page = page.replace("</main>", f"{reports}</main>", 1)
    for name in there:
        page = re.sub(rf'href="{name}\.html#([^"]+)"', rf'href="#{name}--\1"', page)
        page = page.replace(f'href="{name}.html"', f'href="#{name}"')
    page = page.replace('href="index.html"', 'href="#content"')
    target = folder / NAME
    target.write_text(page, encoding="utf-8")
    return target


def _cover(page: str) -> str:
    for section in _LEADS_OUT:
        page = re.sub(
            rf'<section aria-labelledby="{section}">.*?</section>\s*', "", page, flags=re.DOTALL
        )
        page = re.sub(rf'<li><a href="#{section}">.*?</a></li>\s*', "", page)
    return _SHEET.sub("", page)


def _report(name: str, page: str) -> str:
    """Return a report's title, text and terms as a part, its anchors under the report's name."""
    title, main, terms = (pattern.search(page) for pattern in (_TITLE, _MAIN, _TERMS))
    said = title.group(1) if title else html.escape(name)
    found = (main.group(1) if main else "") + (
        f'<div class="wrap">{terms.group(0)}</div>' if terms else ""
    )
    # several reports have a summary, contents, and parts of the same name: one landmark is theirs
    found = _LANDMARK.sub("<section", found).replace('role="region"', 'role="group"')
    found = (
        found.replace('aria-label="Summary"', "")
        .replace("<nav ", "<div ")
        .replace("</nav>", "</div>")
    )
    found = _NAMING.sub(rf"\g<1>{name}--", found)
    return (
        f'<article class="report" id="{name}"><div class="wrap"><h1>{said}</h1></div>'
        f"{found}</article>\n"
    )
