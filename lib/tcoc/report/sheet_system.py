"""The sheet of hospitals that are judged together: the shared adjustment beside each one's own."""

from collections.abc import Sequence

from tcoc.report.sheet import Source, cell, drawn, grid, say
from tcoc.report.sheet_marks import Bar, bars

_TABLE = "mpa_combined"


def parts_of(source: Source, name: str, members: Sequence[str]) -> list[str]:
    """Return the parts of a combination's sheet (rule A12)."""
    rows = [r for ccn in members for r in source.rows(_TABLE, ccn) if r["combination"] == name]
    own = [
        Bar(str(r["hospital"]), drawn(r["single_dollars"]), source.say(_TABLE, r, "single_dollars"))
        for r in rows
    ]
    shared = [
        Bar(str(r["hospital"]), drawn(r["mpa_dollars"]), source.say(_TABLE, r, "mpa_dollars"))
        for r in rows
    ]
    percents = [
        [
            str(r["hospital"]),
            *(source.say(_TABLE, r, c) for c in ("benes", "single_percent", "mpa_percent")),
        ]
        for r in rows
    ]
    return [
        cell(
            "Together and alone",
            say(
                f"{name}: its members share one adjustment, worked out from the dollars and months"
                " of all their people (rule A12). Each pays it on its own Medicare payments."
            ),
            bars("Dollars, each hospital alone", own),
            bars("Dollars, judged together", shared),
            grid("Adjustment", ["Hospital", "People", "Alone", "Together"], percents),
        ),
        cell("Dollars per person", _years(source, name)),
        cell("Growth by method", _methods(source, name)),
    ]


def _years(source: Source, name: str) -> str:
    table = "combined_hospitals"
    rows = [
        [str(r["year"]), *(source.say(table, r, c) for c in ("benes", "per_capita"))]
        for r in source.rows(table, name)
    ]
    return grid("All members, by year (rule T2)", ["Year", "People", "Per capita"], rows)


def _methods(source: Source, name: str) -> str:
    table = "risk_combined"
    rows = [
        [str(r["method"]), *(source.say(table, r, c) for c in ("factor", "growth"))]
        for r in source.rows(table, name)
    ]
    return grid("All members (rule R4)", ["Method", "Factor", "Growth"], rows)
