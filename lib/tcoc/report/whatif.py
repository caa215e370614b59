"""What-if on the page: controls over a public table of options, totals and a hospital's own.

Every number that the controls can reach is a cell of a public table: nothing is computed in the
browser but which cell is shown. Totals are rows of the table where it has them, else sums of
public cells, and say so.
"""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tcoc.disclosure import PublicTable
from tcoc.errors import TcocError
from tcoc.report import formats
from tcoc.report.tables import attribute, text

_WHOLE = formats.TOTALS


def element(
    table: PublicTable,
    dimensions: Sequence[str],
    value: str,
    rows: str,
    *,
    name: str,
    caption: str,
    start: Mapping[str, Any],
) -> tuple[str, str]:
    """Return the controls as HTML, and a sentence for plain text.

    `start` says which choice of a dimension is shown first: the adopted terms.

    Raises TcocError for a combination of the dimensions that stands twice for one of the rows.
    """
    frame = table.frame
    column = formats.column_of(table, value)
    twice = frame.duplicated([rows, *dimensions])
    if bool(twice.any()):
        raise TcocError(f"what-if over {table.name}: a {rows} has two rows for one set of options")
    choices = {d: list(dict.fromkeys(frame[d].tolist())) for d in dimensions}
    names = dict(zip(frame[rows].map(str), formats.row_names(table, rows), strict=True))
    cells: dict[str, dict[str, Any]] = {}
    for key, row in zip(_places(frame, choices), frame.to_dict("records"), strict=True):
        amount = row[value]
        cells.setdefault(key, {})[str(row[rows])] = (
            None if pd.isna(amount) else round(float(amount), 6)
        )
    data = {
        "names": names,
        "cells": cells,
        "dollars": column.kind in ("dollars", "per_capita"),
        "percent": formats.is_share(column),
        "digits": formats.digits_of(column),
        "whole": sorted(_WHOLE),
    }
    controls = "".join(_control(table, name, d, choices[d], start.get(d)) for d in dimensions)
    words = caption or f"{column.label} under other terms"
    note = f"<p>{text(table.note)}</p>" if table.note else ""
    shown = (
        f'<div class="what-if" id="what-if-{name}" role="group" aria-labelledby="what-if-{name}-t">'
        f'<h3 id="what-if-{name}-t">{text(words)}</h3><form>{controls}</form>'
        f'<output aria-live="polite" class="result">Choose terms to see the totals.</output>'
        f'{note}<script type="application/json" class="data">{_json(data)}</script></div>'
    )
    sets = len(cells)
    plain = f"{words}: {sets} sets of terms for {len(names)} rows; the page has the controls."
    return shown, plain


def _places(frame: pd.DataFrame, choices: dict[str, list[Any]]) -> list[str]:
    columns = [frame[d].map(known.index).map(str) for d, known in choices.items()]
    return ["|".join(parts) for parts in zip(*columns, strict=True)]


def _control(
    table: PublicTable, name: str, dimension: str, choices: Sequence[Any], start: Any
) -> str:
    column = formats.column_of(table, dimension)
    options = "".join(
        f'<option value="{place}"{" selected" if choice == start else ""}>'
        f"{html.escape(formats.write(column, choice))}</option>"
        for place, choice in enumerate(choices)
    )
    identity = f"what-if-{name}-{attribute(dimension)}"
    return (
        f'<div><label for="{identity}">{text(column.label)}</label>'
        f'<select id="{identity}" data-dimension autocomplete="off">{options}</select></div>'
    )


def _json(data: Any) -> str:
    """Return JSON that can stand inside a script element."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
