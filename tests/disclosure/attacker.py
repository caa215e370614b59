"""A reader who tries to work out hidden counts. Written apart from the gate, on another footing.

The gate reasons about published cells and sums among them. This attacker reasons about the people
behind them: each smallest combination of labels is one unknown ("atom") that is not negative, each
published number is a sum of atoms, and he asks what a hidden number, a sum of atoms too, can be.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import highspy
import numpy as np


@dataclass
class Attacker:
    atoms: int
    shown: list[tuple[frozenset[int], float]] = field(default_factory=list)

    def see(self, atoms, number):
        self.shown.append((frozenset(atoms), number))

    def row(self, atoms):
        return [1 if a in atoms else 0 for a in range(self.atoms)]

    def knows(self, atoms) -> bool:
        """Exact: is the wanted sum a combination of the sums shown?"""
        rows = [[Fraction(v) for v in self.row(a)] for a in {a for a, _ in self.shown}]
        return _in_row_space(rows, [Fraction(v) for v in self.row(atoms)])

    def bounds(self, wanted, known=None):
        """Least and most of each wanted sum, by linear programming; `known` are bounds of sums."""
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("threads", 1)
        columns = np.arange(self.atoms, dtype=np.int32)
        solver.addVars(self.atoms, np.zeros(self.atoms), np.full(self.atoms, 1e5))
        for atoms, number in self.shown:
            members = np.array(sorted(atoms), dtype=np.int32)
            solver.addRow(
                number - 1e-9, number + 1e-9, len(members), members, np.ones(len(members))
            )
        for atoms, (low, high) in (known or {}).items():
            members = np.array(sorted(atoms), dtype=np.int32)
            solver.addRow(low, high, len(members), members, np.ones(len(members)))
        found = []
        for atoms in wanted:
            ends = []
            for sign in (1.0, -1.0):
                cost = sign * np.array(self.row(atoms), dtype=float)
                solver.changeColsCost(self.atoms, columns, cost)
                solver.run()
                assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
                ends.append(sign * solver.getInfo().objective_function_value)
            found.append((ends[0], ends[1]))
        return found


def _in_row_space(rows, wanted) -> bool:
    basis = []
    for row in rows:
        reduced = _reduce(basis, row)
        if any(reduced):
            pivot = next(i for i, v in enumerate(reduced) if v)
            basis.append((pivot, [v / reduced[pivot] for v in reduced]))
    return not any(_reduce(basis, wanted))


def _reduce(basis, row):
    for pivot, vector in basis:
        if row[pivot]:
            factor = row[pivot]
            row = [a - factor * b for a, b in zip(row, vector, strict=True)]
    return row
