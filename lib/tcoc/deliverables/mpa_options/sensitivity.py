"""Table sensitivity: what `tcoc sensitivity` measured for this run, where it still holds (S1)."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pandas as pd

from tcoc.deliverables.mpa_options import columns
from tcoc.deliverables.mpa_options.inputs import SINGLE
from tcoc.disclosure import Column, Draft
from tcoc.identity import digest_of
from tcoc.params import Policy
from tcoc.study import Study

FLOAT = "float64"

SENSITIVITY = {
    "assumption": "string",
    "alternative": "string",
    "now": "string",
    "description": "string",
    "rule": "string",
    "dollars_moved": FLOAT,
    "net_change": FLOAT,
    "hospitals_other_sign": "int32",
    "people_moved": FLOAT,
    "per_capita_change": FLOAT,
    "why": "string",
    "results": "string",
}


def in_words(policy: Policy, name: str, *values: str) -> list[str]:
    """Return an assumption and some of its values as a reader says them.

    What no policy file holds is a factor of the run file: the completeness of a year.
    """
    if name not in policy.entries:
        year, complete = name.rsplit(" ", 1)[-1], "taken as complete"
        return [f"Completeness of {year}", *(complete if v == "none (1)" else v for v in values)]
    entry = policy.about(name)
    plain = name.rsplit(".", 1)[-1].replace("_", " ").capitalize()
    return [entry.name or plain, *map(entry.in_words, values)]


def results_digest(dollars: pd.DataFrame) -> str:
    """Return a digest of hospitals' dollars (rate_year, ccn, mpa_dollars): of what was varied."""
    ordered = dollars.sort_values(["rate_year", "ccn"])
    cents = [str(Decimal(str(d)).quantize(Decimal("0.01"))) for d in ordered["mpa_dollars"]]
    return digest_of(list(zip(ordered["rate_year"].astype(int).tolist(), ordered["ccn"], cents,
                              strict=True)))  # fmt: skip


def sensitivity(study: Study) -> pd.DataFrame:
    """What each assumed value's alternatives move; empty where it was not measured (rule S1).

    A measurement of other dollars than this run's, or by code with other columns, is out of date
    and is not shown. Where the run has none of its own, that of the sample is kept with the code.
    """
    own = study.frame("mpa", exact=True)
    digest = results_digest(own[own["option"] == SINGLE])
    for frame in _measurements(study):
        if set(SENSITIVITY) <= set(frame.columns) and (frame["results"] == digest).all():
            return frame[list(SENSITIVITY)].astype(SENSITIVITY)
    return pd.DataFrame(columns=list(SENSITIVITY))


def _measurements(study: Study) -> Iterator[pd.DataFrame]:
    if (file := study.measured("sensitivity")) is not None:
        yield pd.read_parquet(file)
    if (kept := study.kept("sensitivity")) is not None:
        yield pd.DataFrame(json.loads(kept.read_text(encoding="utf-8"))["alternatives"])


def sensitivity_table(study: Study) -> Draft:
    """What each alternative moves, for the tornado (rule S1)."""
    frame = study.frame("sensitivity").drop(columns="results")
    shown = ["assumption", "alternative", "now"]
    said = [in_words(study.policy, *texts) for texts in frame[shown].astype(str).to_numpy()]
    frame[["value", *shown[1:]]] = pd.DataFrame(said, frame.index, range(3), dtype="object")
    frame = frame.assign(
        changed_value=frame["value"] + ": " + frame["alternative"] + ", not " + frame["now"]
    )
    return Draft(
        name="mpa_sensitivity",
        title="What each assumption moves",
        frame=frame,
        keys=("changed_value",),
        columns={
            "changed_value": Column("Assumption and alternative", "key"),
            "value": Column("Assumption", "label"),
            "alternative": Column("Alternative", "label"),
            "now": Column("As in this run", "label"),
            "assumption": Column("Parameter", "label", "Its name in params/policy."),
            "description": Column("What it says", "label"),
            "rule": Column("Rule", "label"),
            "dollars_moved": columns.dollars(
                "Dollars moved", "Absolute changes of hospitals' dollars together (S1).", False
            ),
            "net_change": columns.dollars("Change of the net", "All dollars together.", False),
            "hospitals_other_sign": columns.hospitals(
                "Hospitals with another sign", "Whose adjustment turns around (S1)."
            ),
            "people_moved": Column(
                "People who change hospital", "count", "Of the performance year (S1).", "people"
            ),
            "per_capita_change": columns.rate(
                "Change of the state's per capita", "Performance year (S1).", 2, False
            ),
            "why": Column("Remark", "label"),
        },
        note="One value at a time; the same run otherwise. Hospitals are judged alone.",
        source="tcoc sensitivity on this run's store",
    )
