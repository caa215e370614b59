"""Drafts of public tables between runs: exact numbers, in the cache and for the owner alone."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tcoc.disclosure import Column, Draft


def write_drafts(drafts: Iterable[Draft], file: Path) -> None:
    """Write drafts with their exact numbers, as they are after `checked`; for the owner alone."""
    content = [
        {**vars(d), "columns": {c: asdict(e) for c, e in d.columns.items()}, "frame": _exact(d)}
        for d in (draft.checked() for draft in drafts)
    ]
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, default=_said), encoding="utf-8")


def _said(value: Any) -> Any:
    # days are texts in a public table
    return value.item() if isinstance(value, np.generic) else str(value)


def _exact(draft: Draft) -> dict[str, Any]:
    frame = draft.frame
    cells = {c: [None if v is pd.NA else v for v in frame[c].tolist()] for c in frame.columns}
    return {c: [str(frame[c].dtype), values] for c, values in cells.items()}


def read_drafts(file: Path) -> list[Draft]:
    """Read what `write_drafts` wrote."""
    found = []
    for said in json.loads(file.read_text(encoding="utf-8")):
        cells = {c: pd.Series(values, dtype=kind) for c, (kind, values) in said["frame"].items()}
        columns = {c: Column(**{**e, "of": tuple(e["of"])}) for c, e in said["columns"].items()}
        made = {"frame": pd.DataFrame(cells), "columns": columns, "keys": tuple(said["keys"])}
        found.append(Draft(**said | made))
    return found
