"""Print a finished run's cover and reports as one PDF, by chromium where it is installed.

    python tools/print_pdf.py outputs/sample        # writes outputs/sample.pdf

The file stands beside the run folder: a run and its manifest stay as they are.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OFFLINE = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-pdf-header-footer",
)  # fmt: skip
MOST_PAGES = 80
SECONDS = 900

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_BODY = re.compile(r"<body[^>]*>(.*?)</body>", re.DOTALL)
_DROPPED = re.compile(r"<script.*?</script>|<a class=\"skip\".*?</a>", re.DOTALL)
_BETWEEN = """<style>@media print {
  .report + .report { break-before: page; }
  .report:not(:last-child) footer, .report + .report .contents { display: none; }
  .report + .report #table-assumptions, .report + .report #table-checks { display: none; }
  .report #table-data-notes { display: none; }
  .report + .report section:has(#table-assumptions, #table-checks, #table-data-notes
    ):not(:has(figure, .tcoc-say, .tcoc-table:not(#table-assumptions, #table-checks,
    #table-data-notes))) { display: none; }
  body { font-size: 9pt; line-height: 1.3; } h2 { margin-top: 10pt; } p { margin-bottom: 5pt; }
  header { padding: 4pt 0; }
  .summary { font-size: 10.5pt; } figure { margin: 6pt 0 8pt; }
  .report { zoom: .93; }
  .picture:not(.tall) svg { max-height: 4.7in; } .picture.tall svg { max-height: 8.7in; }
}</style>"""
"""One footer, one list of contents, the cover's assumptions and data do for all; two figures a
sheet, or one that is tall; type a little smaller, so that no table is wider than the paper."""


def one_page(files: list[Path]) -> str:
    """Return the pages as one HTML text: the first one's style, each body from a new sheet."""
    texts = [file.read_text(encoding="utf-8") for file in files]
    styles = "".join(_STYLE.findall(texts[0]))
    bodies = [_DROPPED.sub("", found.group(1)) for t in texts if (found := _BODY.search(t))]
    reports = "".join(f'<article class="report">{body}</article>' for body in bodies)
    return (
        '<!doctype html><html lang="en-US"><head><meta charset="utf-8">'
        f"<title>Reports</title>{styles}{_BETWEEN}</head><body>{reports}</body></html>"
    )


def pages_of(pdf: Path) -> int:
    """Return how many pages a PDF that chromium wrote has."""
    return len(re.findall(rb"/Type\s*/Page(?!s)\b", pdf.read_bytes()))


def _reports(run: Path) -> list[Path]:
    """Return the pages of a run's reports; the cover and the one-file edition are others."""
    return sorted(f for f in run.glob("*.html") if f.stem not in ("index", "everything"))


def print_run(run: Path, browser: str) -> tuple[Path, int]:
    """Print a run folder's cover and reports; returns the file and how many pages it has."""
    files = [run / "index.html", *_reports(run)]
    target = run.parent / f"{run.name}.pdf"
    with TemporaryDirectory() as folder:
        page = Path(folder) / "reports.html"
        page.write_text(one_page(files), encoding="utf-8")
        made = Path(folder) / "reports.pdf"
        command = [browser, *OFFLINE, f"--user-data-dir={folder}/profile"]
        subprocess.run(
            [*command, f"--print-to-pdf={made}", page.as_uri()],
            check=True, capture_output=True, timeout=SECONDS,
        )  # fmt: skip
        shutil.copyfile(made, target)
    return target, pages_of(target)


def main(arguments: list[str]) -> int:
    """Print one run; without chromium, or a run, say so."""
    run = Path(arguments[0] if arguments else "outputs/sample").resolve()
    if not (run / "index.html").is_file():
        print(f"{run}: there is no finished run here")
        return 2
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        print("No PDF is made: chromium is not installed. Each page prints from any browser.")
        return 0
    try:
        file, pages = print_run(run, browser)
    except subprocess.TimeoutExpired:
        print(f"No PDF is made: {browser} did not end within {SECONDS} seconds.")
        return 1
    print(f"{file}: {pages} pages")
    if pages > MOST_PAGES:
        print(f"More than {MOST_PAGES} pages: some table belongs into the workbook")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
