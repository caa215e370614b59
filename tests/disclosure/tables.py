"""Small drafts for the gate's tests: a state of four hospitals, made up."""

import pandas as pd

from tcoc.disclosure import Column, Draft

COLUMNS = {
    "benes": Column("Beneficiaries", "count"),
    "tcoc": Column("Total cost of care", "dollars", of=("benes",)),
    "per_capita": Column("Per capita", "per_capita", base="benes"),
}


def hospitals(counts, year=2018, each=11650.25, universe="people", name="hospitals"):
    """A table by hospital with its total; dollars are people times `each`."""
    rows = [*counts.items(), ("STATE", sum(counts.values()))]
    frame = pd.DataFrame({"year": year, "ccn": [c for c, _ in rows], "benes": [n for _, n in rows]})
    frame["tcoc"] = frame["benes"] * each
    frame["per_capita"] = frame["tcoc"] / frame["benes"].where(frame["benes"] > 0)
    return Draft(
        name=name,
        title="By hospital",
        frame=frame,
        keys=("year", "ccn"),
        columns=COLUMNS,
        totals={"ccn": "STATE"},
        universe=universe,
    )


def plain(name, frame, keys, columns, **more):
    """A draft with a title nobody reads."""
    return Draft(
        name=name,
        title="A table",
        frame=frame,
        keys=keys,
        columns=columns,
        universe=more.pop("universe", name),
        **more,
    )
