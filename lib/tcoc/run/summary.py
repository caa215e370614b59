"""What a finished run and the cache say on one line."""

from pathlib import Path

from tcoc.cache import Usage
from tcoc.manifest import read_manifest
from tcoc.resources.shortage import words
from tcoc.run.key import HOW_TO_REDO


def summary(folder: Path) -> str:
    """Say on one line what a finished run reused and how to redo it, or nothing."""
    done = read_manifest(folder).deliverables
    whole = [n for n, d in done.items() if d.reused.tables is True and d.reused.notebook]
    tables = [n for n, d in done.items() if d.reused.tables and n not in whole]
    parts = [
        f"{label} of {', '.join(found)}"
        for label, found in (("tables and pages", whole), ("tables", tables))
        if found
    ]
    return f"reused unchanged: {'; '.join(parts)} ({HOW_TO_REDO})" if parts else ""


def render_usage(usage: Usage, cleared: bool) -> str:
    """Say what the cache holds, or held before it was cleared."""
    pages = sum(n for kind, n in usage.entries.items() if kind.startswith("page-"))
    tables = sum(usage.entries.values()) - pages
    size = f"{words(usage.size)} in {usage.objects:,} files: {tables} tables, {pages} pages"
    if cleared:
        return f"cleared: {size}"
    return f"{size} (limit {words(usage.limit)}; `tcoc cache --clear` empties it)"
