"""The listing of `tcoc runs`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from tcoc.manifest import Manifest


def render_runs(runs: Sequence[tuple[str, Manifest]], now: datetime | None = None) -> str:
    """Return one line per run: folder, state, age, years, what was done, what differs or failed."""
    if not runs:
        return "no runs yet: start one with `tcoc run params/runs/sample.yml`"
    rows: list[tuple[str, ...]] = [
        ("run", "state", "age", "years", "deliverables", "options or error")
    ]
    rows += [_row(name, manifest, now or datetime.now(UTC)) for name, manifest in runs]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
    )


def _row(folder: str, manifest: Manifest, now: datetime) -> tuple[str, ...]:
    parameters = manifest.parameters
    options = ", ".join(f"{k}={v}" for k, v in parameters.options.items())
    done = manifest.deliverables or parameters.run.get("deliverables", [])
    return (
        folder,
        _state(manifest),
        _age(manifest.started, now),
        _span(parameters.run.get("years", [])),
        ", ".join(done),
        manifest.error or options,
    )


def _state(manifest: Manifest) -> str:
    """Return a run's state, and how many of its reports are those of an earlier run."""
    done = manifest.deliverables.values()
    reused = [facts for facts in done if facts.reused.notebook]
    state: str = manifest.state
    return f"{state}, {len(reused)} of {len(done)} reused" if reused else state


def _age(started: str | None, now: datetime) -> str:
    if not started:
        return ""
    seconds = (now - datetime.fromisoformat(started)).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(max(seconds, 0))} s"


def _span(years: Sequence[int]) -> str:
    return f"{min(years)}-{max(years)}" if years else ""
