"""Draw one-line mutants of the rules, the gate and the runner with cosmic-ray's operators.

    python tests/mutants/draw.py COUNT SEED > drawn.json

Runs in an environment of its own (`make mutation`): cosmic-ray is no part of the project's. Every
place that an operator can change is as likely as any other; of a place's changes one is drawn. A
place is drawn by its own text, so that a change elsewhere draws the same ones again.
Left out are annotations and zip's `strict`, which change nothing, and operators whose every result
any test would notice (a sum as a shift): they would only raise the share that is killed.
"""

import ast
import difflib
import hashlib
import json
import re
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("lib/tcoc/rules", "lib/tcoc/disclosure", "lib/tcoc/run")
ODD = re.compile(r"Shift|BitXor|Is(Not)?$|_Is(Not)?_|Mod$|Pow$|Variable|Invert|UAdd")
SWAPS = {"Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Div_FloorDiv", "FloorDiv_Div", "Mod_Div",
         "Mod_FloorDiv", "Pow_Mul", "BitOr_BitAnd", "BitAnd_BitOr"}  # fmt: skip


def sensible(operator: str) -> bool:
    """Whether an operator makes what a person could have written."""
    name = operator.removeprefix("core/")
    kind, _, swap = name.partition("Operator_")
    return swap in SWAPS if kind == "ReplaceBinary" else not ODD.search(name)


def idle(code: str) -> set[tuple[int, int]]:
    """Return the places inside annotations and `strict=`, as pairs of line and column."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        strict = node.value if isinstance(node, ast.keyword) and node.arg == "strict" else None
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None), strict):
            for inner in ast.walk(part) if part is not None else ():
                if hasattr(inner, "lineno"):
                    found |= {
                        (inner.lineno, c) for c in range(inner.col_offset, inner.end_col_offset)
                    }
    return found


def changes(file: Path) -> dict[tuple[int, int], list[tuple[str, int]]]:
    """Return what can be changed in a file: place -> operators, each with its occurrence."""
    code = file.read_text(encoding="utf-8")
    tree, left_out = get_ast(code), idle(code)
    places = defaultdict(list)
    for name in filter(sensible, sorted(operator_names())):
        operator, occurrence = get_operator(name)(), 0
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                if start not in left_out:
                    places[start].append((name, occurrence))
                occurrence += 1
    return places


def mutant(file: Path, name: str, occurrence: int) -> dict[str, object] | None:
    """Return a mutant as the lines before and after, None where a line is not all that changes.

    `nth` says how many lines above it read the same.
    """
    code = file.read_text(encoding="utf-8")
    changed = mutate_code(code, get_operator(name)(), occurrence)
    before, after = code.splitlines(keepends=True), (changed or code).splitlines(keepends=True)
    matched = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    blocks = [block for block in matched if block[0] != "equal"]
    if len(blocks) != 1:
        return None
    _, first, last, start, end = blocks[0]
    return {"file": file.relative_to(ROOT).as_posix(), "line": first + 1,
            "nth": before[:first].count(before[first]) if first < len(before) else 0,
            "operator": name.removeprefix("core/"), "before": "".join(before[first:last]),
            "after": "".join(after[start:end])}  # fmt: skip


def lots(file: Path, seed: int) -> list[tuple[str, Path, list[tuple[str, int]]]]:
    """Return a file's places, each with its lot, which depends on the seed and its line's text."""
    lines = file.read_text(encoding="utf-8").splitlines()
    name, found = file.relative_to(ROOT).as_posix(), []
    for (row, column), operators in changes(file).items():
        line = lines[row - 1]
        what = [seed, name, line, lines[: row - 1].count(line), column]
        found.append((hashlib.sha256(json.dumps(what).encode()).hexdigest(), file, operators))
    return found


def main(count: int, seed: int) -> None:
    """Print the drawn mutants as JSON, in the order in which they are drawn."""
    files = [f for folder in FOLDERS for f in sorted((ROOT / folder).rglob("*.py"))]
    every = sorted((lot for file in files for lot in lots(file, seed)), key=lambda lot: lot[0])
    drawn = []
    for lot, file, operators in every:
        name, occurrence = operators[int(lot[:8], 16) % len(operators)]
        if (made := mutant(file, name, occurrence)) is not None:
            drawn.append(made)
        if len(drawn) == count:
            break
    about = {"tool": f"cosmic-ray {version('cosmic-ray')}", "drawn": len(drawn),
             "places": len(every), "seed": seed}  # fmt: skip
    print(json.dumps({**about, "mutants": drawn}, indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
