"""Random releases with small counts, and the attacker's view of them."""

from itertools import product

import numpy as np
import pandas as pd
from attacker import Attacker

from tcoc.disclosure import PublicTable

TOTAL = {"year": "all", "ccn": "STATE", "stage": "all", "sex": "all"}


class People:
    """A cube of people: labels of each dimension, and how many have each combination."""

    def __init__(self, seed, sizes, *, fractional=False, family=None):
        rng = np.random.default_rng(seed)
        self.labels = {d: [f"{d[0]}{i}" for i in range(n)] for d, n in sizes.items()}
        self.family = family or {}
        self.combinations = list(product(*self.labels.values()))
        mean = rng.choice([2.0, 3.0, 4.0])
        numbers = np.floor(rng.lognormal(mean, 1.3, len(self.combinations)))
        numbers[rng.random(len(numbers)) < 0.12] = 0
        if fractional:
            numbers = np.round(numbers * rng.choice([0.5, 0.37, 1.0], len(numbers)), 2)
        self.numbers = numbers if fractional else numbers.astype("int64")
        self.dimensions = tuple(sizes)

    def atoms(self, cell):
        """The atoms of a cell given as {dimension: label}; a label may be a parent."""
        picks = [
            {
                label
                for label in self.labels[d]
                if d not in cell or cell[d] in (label, TOTAL[d], self.family.get(label))
            }
            for d in self.dimensions
        ]
        return frozenset(
            i
            for i, combination in enumerate(self.combinations)
            if all(label in pick for label, pick in zip(combination, picks, strict=True))
        )

    def table(self, name, dimensions, *, totals=True, drop_zero=False, part=None):
        choices = [
            self.labels[d] + self._parents(d) + ([TOTAL[d]] if totals else []) for d in dimensions
        ]
        rows = []
        for labels in product(*choices):
            atoms = self.atoms(dict(zip(dimensions, labels, strict=True)))
            row = dict(zip(dimensions, labels, strict=True))
            row["benes"] = self.numbers[list(atoms)].sum() if atoms else 0
            if part is not None:
                row["met"] = self.numbers[[a for a in atoms if a in part]].sum()
            if row["benes"] or not drop_zero:
                rows.append(row)
        counts = ("benes",) if part is None else ("benes", "met")
        frame = pd.DataFrame(rows, columns=[*dimensions, *counts])
        frame["tcoc"] = frame.benes * 917.25
        frame["per_capita"] = 917.25
        return PublicTable(
            name,
            name,
            frame,
            tuple(dimensions),
            counts,
            {"tcoc": ("benes",), "per_capita": ("benes",)},
            totals={d: TOTAL[d] for d in dimensions} if totals else {},
            parents={d: self.family for d in dimensions if self._parents(d)},
            within={} if part is None else {"met": "benes"},
        )

    def _parents(self, dimension):
        return sorted({p for c, p in self.family.items() if c in self.labels[dimension]})


def release(seed):
    """One of seven kinds of release, by the seed."""
    rng = np.random.default_rng(seed)
    a, b = (int(n) for n in rng.integers(2, 5, 2))
    kind = seed % 7
    if kind == 0:
        people = People(seed, {"ccn": a + 1, "stage": b})
        return people, [people.table("cross", ["ccn", "stage"])], None
    if kind == 1:
        people = People(seed, {"year": 2, "ccn": a, "stage": b})
        return people, [people.table("cube", ["year", "ccn", "stage"])], None
    if kind == 2:
        family = {"c0": "group", "c1": "group"}
        people = People(seed, {"ccn": a + 1, "stage": b}, family=family)
        return people, [people.table("grouped", ["ccn", "stage"])], None
    if kind == 3:
        people = People(seed, {"ccn": a, "stage": b, "sex": 2})
        tables = [
            people.table("by_stage", ["ccn", "stage"]),
            people.table("by_sex", ["ccn", "sex"]),
            people.table("plain", ["stage", "sex"], totals=False),
        ]
        return people, tables, None
    if kind == 4:
        people = People(seed, {"ccn": a, "stage": b}, fractional=True)
        return people, [people.table("shares", ["ccn", "stage"], drop_zero=True)], None
    if kind == 5:
        people = People(seed, {"ccn": a + 2, "stage": 2})
        part = {i for i in range(len(people.numbers)) if people.combinations[i][1] == "s0"}
        return people, [people.table("met", ["ccn"], part=part)], part
    people = People(seed, {"ccn": a, "stage": b})
    tables = [
        people.table("parts", ["ccn", "stage"], totals=False),
        people.table("hospitals", ["ccn"], totals=False),
        people.table("all", ["stage"]),
    ]
    return people, tables, None


def attack(people, tables, part, audited):
    """Return the attacker with all he sees, and the hidden sums with their true numbers."""
    attacker = Attacker(len(people.numbers))
    wanted = {}
    for table in tables:
        frame, hidden = audited.frame(table.name), audited.hidden(table.name)
        listed = set()
        for row, cell in enumerate(table.frame[list(table.keys)].to_dict("records")):
            atoms = people.atoms(cell)
            listed |= atoms if len(atoms) == 1 else set()
            for column in table.counts:
                chosen = atoms if column == "benes" else frozenset(a for a in atoms if a in part)
                if hidden[column].iloc[row]:
                    wanted[chosen] = float(table.frame[column].iloc[row])
                else:
                    attacker.see(chosen, float(frame[column].iloc[row]))
        if set(table.keys) == set(people.dimensions):
            for absent in set(range(len(people.numbers))) - listed:
                attacker.see({absent}, 0.0)
    return attacker, wanted
