"""The listing of `tcoc runs`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any


def render_runs(manifests: Sequence[dict[str, Any]], now: datetime | None = None) -> str:
    """Return one line per run: folder, state, age, years, deliverables, what differs or failed."""
    if not manifests:
        return "no runs yet: start one with `tcoc run params/runs/sample.yml`"
    rows: list[tuple[str, ...]] = [
        ("run", "state", "age", "years", "deliverables", "options or error")
    ]
    rows += [_row(m, now or datetime.now(UTC)) for m in manifests]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
    )


def _row(manifest: dict[str, Any], now: datetime) -> tuple[str, ...]:
    parameters = manifest.get("parameters", {})
    run = parameters.get("run", {})
    options = ", ".join(f"{k}={v}" for k, v in parameters.get("options", {}).items())
    return (
        str(manifest.get("folder", "")),
        _state(manifest),
        _age(manifest.get("started"), now),
        _span(run.get("years", [])),
        ", ".join(run.get("deliverables", [])),
        str(manifest.get("error") or options),
    )


def _state(manifest: dict[str, Any]) -> str:
    """Return a run's state, and how many of its reports are those of an earlier run."""
    state = str(manifest.get("state", "unknown"))
    done = manifest.get("deliverables", {}).values()
    reused = [facts for facts in done if (facts.get("reused") or {}).get("notebook")]
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
