"""Find inputs that a command refuses, and keep one of each sentence: the corpus of bad inputs.

    python -m tests.run.fuzz [--seed N] [--tries N] [--add] [--accepted]

Valid inputs are changed at random: run files and options, reference tables, stores, command lines.
What ends in a traceback, in no sentence, or not within ten seconds is said and ends this with 1.
`--add` keeps in corpus/*.yml what ends in a sentence that none there has; `--accepted` prints the
changed inputs that were taken, for somebody to look whether they are nonsense.
"""

import argparse
import math
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from typer.testing import CliRunner

from tcoc.cli import app
from tcoc.errors import TcocError
from tcoc.params import load_policy
from tcoc.run.runner import RunRequest, judged
from tcoc.store.check import check_store
from tcoc.store.synth import write_synthetic_store

CORPUS = Path(__file__).with_name("corpus")
LONGEST_PART = 120
LONGEST = 4_000
"""Characters of an input that is kept; a file of a store that has a bit turned is longer."""

SECONDS = 10
"""No input may keep a machine busy for longer."""

RUN: dict[str, Any] = {
    "name": "tiny", "store": "store", "years": [2016, 2017], "base_year": 2016,
    "performance_year": 2017, "qp_years": [2017], "rate_years": [2020],
    "national_growth": {2020: {"value": 0.024, "source": "invented"}}, "completion": {2017: 0.99},
    "deliverables": ["data_intake", "y1_attribution", "risk_adjustment", "qp_preliminary",
                     "mpa_options", "policy_lab", "progression_plan"],
    "options": {"mpa.threshold": 0.02, "mpa.base_year": 2016, "mpa.performance_year": 2017},
}  # fmt: skip
"""A run file that is accepted beside the store of `write_home`."""


@dataclass(frozen=True)
class Case:
    """An input, how it ends, and a part of the sentence.

    kind     run (the text of a run file), table or store (a file with its content), line (words)
    file     of a table or store: the changed file, below the store
    content  text, or hexadecimal digits for what is no text; of a command line its words; of a
             file that is cut off the share that is left of it
    """

    kind: str
    content: Any
    status: int
    says: str
    file: str = ""


# ---------------------------------------------------------------- how an input ends


def write_home(folder: Path) -> Path:
    """Write a tiny store and a run file beside it: what inputs are changed from."""
    write_synthetic_store(folder / "store", 60, 7, (2015, 2017))
    for file in (folder / "store" / "reference").glob("*.csv"):
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(lines[:12]))
    (folder / "run.yml").write_text(yaml.safe_dump(RUN, sort_keys=False))
    return folder


def ending(case: Case, home: Path) -> tuple[int, str]:
    """Return the status and the sentence with which an input ends; 0 where it is accepted.

    Raises what nobody foresaw.
    """
    if case.kind == "line":
        return _of_line(case.content, home)
    if case.kind == "run":
        (home / "changed.yml").write_bytes(as_bytes(case.content))
        return _of_run(home / "changed.yml")
    file = home / "store" / case.file
    before = file.read_bytes()
    share = case.content if isinstance(case.content, float) else None
    try:
        _put(file, as_bytes(case.content) if share is None else before[: int(share * len(before))])
        return _of_run(home / "run.yml", whole=case.kind == "store")
    finally:
        _put(file, before)


def _put(file: Path, content: bytes) -> None:
    """Write a file anew: a table that is open by the engine keeps its content."""
    file.unlink()
    file.write_bytes(content)


def _of_run(file: Path, whole: bool = False) -> tuple[int, str]:
    try:
        asked = judged(RunRequest(file))
        if whole and not (report := check_store(asked.store.root)).ok:
            first = report.failed[0]
            return 1, f"{first.table}: {first.rule}"
    except TcocError as error:
        return error.exit_status, str(error)
    return 0, ""


def _of_line(words: Sequence[str], home: Path) -> tuple[int, str]:
    before = Path.cwd()
    os.chdir(home)
    try:
        done = CliRunner().invoke(app, list(words))
    finally:
        os.chdir(before)
    if isinstance(done.exception, TcocError):
        return done.exception.exit_status, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    said = [line for line in done.output.splitlines() if line.startswith("Error: ")]
    return done.exit_code, said[-1] if said else ""


def problem(case: Case, home: Path) -> tuple[str, int, str]:
    """Return what is wrong with how an input ends ('' for nothing), its status and sentence."""
    began = time.process_time()
    try:
        status, said = ending(case, home)
    except Exception as error:  # what nobody foresaw is what is looked for
        return f"unexpected {type(error).__name__}: {error}", 1, ""
    took = time.process_time() - began
    if took > SECONDS:
        return f"took {took:.0f} seconds", status, said
    if status and (not said or "\n" in said or "Traceback" in said):
        return f"does not end in one sentence: {said!r}", status, said
    if status not in (0, 1, 2):
        return f"ends with {status}", status, said
    return "", status, said


def as_bytes(content: str) -> bytes:
    """Return a case's content as bytes."""
    if content.startswith("hex:"):
        return bytes.fromhex(content.removeprefix("hex:"))
    return content.encode()


def as_text(content: bytes) -> str:
    """Return bytes as text that YAML keeps as it is, else as hexadecimal digits."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"hex:{content.hex()}"
    kept = text.isprintable() or all(c.isprintable() or c == "\n" for c in text)
    return text if kept and not text.startswith("hex:") else f"hex:{content.hex()}"


# ---------------------------------------------------------------- changing what is valid

ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 10**30, 2, 11, 99, 0.5, -0.01, 1.5, 1e308, math.nan, math.inf, "",
    " ", "x", "MD", "2016", "nan", ".nan", "\x00", "../x", "é" * 300, [], {}, [[]], [None],
    {"a": 1}, {1: 2}, {2016: 0.5}, {"2016": 0.5}, [2016, 2016], [2017, 2016], [0.5, 0.5], [-1],
    ["ZZ"], {2016: math.nan}, {2020: {"value": 0.02}}, {2020: {"value": math.nan, "source": "x"}},
    {2020: {"value": 0.02, "source": ""}}, "measured", "02-30", "31/2/2018", 2016, 2018, 1899, 3000,
)  # fmt: skip
PIECES = (
    b",", b"\n", b'"', b"'", b"\x00", b"\xff", b"nan", b"-1", b"inf", b"1e400", b"\r", b"\t", b";",
    b"\xef\xbb\xbf", b"9" * 40, b",,,,,,", b"[", b"{", b"? ", b"&a ", b"*a", b"<<: *a\n", b"---\n",
    b"!!python/name:os.system ", b"%YAML 9\n", b"|\n", b": ", b"#", b"210001", b"x", b"0", b"2016",
)  # fmt: skip
WORDS = (
    "run", "synth", "check", "compare", "verify", "explain", "mpa", "qp", "attribution", "feed",
    "beneficiary", "release", "import", "inspect", "rif", "cclf", "synpuf", "sheet", "new-year",
    "2019", "cache", "runs", "--set", "a=1", "=", "mpa.threshold=nan", "years=[2018]", "--out",
    "--only", "frist", "--from", "--benes", "0", "-1", "1e99", "--years", "2018-2012", "--seed",
    "x", "run.yml", "store", "nowhere", "/dev/null", "", "\x01", "--world", "Narnia", "--run",
    "--npi", "--bene", "--ccn", "--memory-limit", "2XB", "--by", "--date", "31/2/2018", "--workers",
    "--engine", "flink", "--", "-", "--no-such", "é" * 300, "a" * 300, "--rerun", "--clear",
    "--accept", "--state", "ZZ", "--edition", "--option", "--debug",
)  # fmt: skip


def piece_replaced(content: bytes, draw: random.Random) -> bytes:
    """Return bytes with a piece taken out, put in or replaced."""
    at, length = draw.randrange(len(content) + 1), draw.choice((0, 0, 1, 3, 20, 200))
    return content[:at] + draw.choice(PIECES) + content[at + length :]


def changed_run(draw: random.Random, options: Sequence[str]) -> str:
    """Return a run file with one or two keys or options of odd values, or a piece replaced."""
    if draw.random() < 0.25:
        return as_text(piece_replaced(yaml.safe_dump(RUN, sort_keys=False).encode(), draw))
    made, changed = dict(RUN), dict(RUN["options"])
    for _ in range(draw.choice((1, 1, 2))):
        if draw.random() < 0.7:
            changed[draw.choice(options)] = draw.choice(ODD)
            made["options"] = changed
        else:
            made[draw.choice([*RUN, "engine", "reference", "no_such"])] = draw.choice(ODD)
    return as_text(yaml.safe_dump(made, sort_keys=False, allow_unicode=True).encode())


def changed_table(content: bytes, draw: random.Random) -> str:
    """Return a CSV table with a cell, a line or a piece changed."""
    lines = content.decode().splitlines()
    how, row = draw.randrange(6), draw.randrange(len(lines))
    cells = lines[row].split(",")
    column = draw.randrange(len(cells))
    if how <= 2:
        cells[column] = str(draw.choice([v for v in ODD if not isinstance(v, (list, dict))]))
    elif how == 3:
        del cells[column]
    elif how == 4:
        cells += [cells[column]]
    lines[row] = ",".join(cells)
    if how == 5:
        return as_text(piece_replaced(content, draw))
    return as_text(("\n".join(lines) + "\n").encode())


def damaged(content: bytes, draw: random.Random) -> str | float:
    """Return a file cut off (the share that is left), blanked, or with a piece replaced."""
    how, at = draw.randrange(5), draw.randrange(len(content))
    if how == 0:
        return round(at / len(content), 3)
    if how == 1:
        blank = (b"", b"\0" * 64, b"PAR1", b"PAR1" + b"\0" * 64 + b"PAR1", b"[1]", b"{}")
        return as_text(draw.choice(blank))
    length = draw.choice((1, 4, 64))
    put = bytes(draw.randrange(256) for _ in range(length))
    return as_text(content[:at] + put + content[at + length :])


def inputs(home: Path, draw: random.Random) -> Iterator[Case]:
    """Yield changed inputs without end: run files most often, stores least."""
    options = [name for name, e in load_policy().entries.items() if e.type != "statement"]
    store = home / "store"
    tables = sorted(store.glob("reference/*.csv"))
    files = [store / "store.json", *sorted(store.glob("**/*.parquet"))]
    while True:
        kind = draw.choices(("run", "table", "line", "store"), (50, 25, 20, 5))[0]
        if kind == "run":
            yield Case(kind, changed_run(draw, options), 0, "")
        elif kind == "line":
            words = [draw.choice(WORDS) for _ in range(draw.randrange(1, 7))]
            yield Case(kind, words, 0, "")
        else:
            file = draw.choice(tables if kind == "table" else files)
            change: Callable[[bytes, random.Random], str | float] = (
                changed_table if kind == "table" else damaged
            )
            content = change(file.read_bytes(), draw)
            yield Case(kind, content, 0, "", file.relative_to(store).as_posix())


# ---------------------------------------------------------------- the corpus


def kept() -> list[Case]:
    """Return the cases of the corpus."""
    files = sorted(CORPUS.glob("*.yml"))
    return [Case(**case) for file in files for case in yaml.safe_load(file.read_text("utf-8"))]


def shape(case: Case, said: str) -> str:
    """Return a sentence without what was found and where: what tells one refusal from another."""
    found = r"found .*?(?=, expected|$)|'[^']*'|\"[^\"]*\"|[0-9]+| -.*|\(.*"
    words = re.sub(found, "", said)
    return f"{case.kind} {case.file} {words}"


def part_of(said: str, home: Path) -> str:
    """Return a part of a sentence that is the same on every machine."""
    for folder in (home, home.parent):
        said = said.replace(f"{folder.resolve()}/", "")
    return re.split(r"; | \(Possible|\. Did you", said)[0][:LONGEST_PART]


def main() -> int:
    """Look for inputs; status 1 where one does not end in a sentence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tries", type=int, default=500)
    parser.add_argument("--add", action="store_true")
    parser.add_argument("--accepted", action="store_true")
    asked = parser.parse_args()
    corpus, wrong = kept(), 0
    known = {shape(case, case.says) for case in corpus}
    seen: dict[str, Case] = {}
    with TemporaryDirectory(prefix="tcoc-fuzz-") as name:
        home = write_home(Path(name))
        draw = random.Random(asked.seed)
        for case, _ in zip(inputs(home, draw), range(asked.tries), strict=False):
            bad, status, said = problem(case, home)
            if bad:
                wrong += 1
                print(f"{bad}\n  {case}", flush=True)
            elif status and len(str(case.content)) <= LONGEST:
                found = Case(case.kind, case.content, status, part_of(said, home), case.file)
                if (key := shape(found, found.says)) not in known:
                    seen.setdefault(key, found)
            elif asked.accepted and case.kind != "line":
                print(f"accepted: {difference(case, home)}", flush=True)
            for made in home.iterdir():  # what a command line has written
                if made.name not in ("store", "run.yml"):
                    shutil.rmtree(made) if made.is_dir() else made.unlink()
    print(f"{asked.tries} inputs, {wrong} without a sentence, {len(seen)} new sentences")
    if asked.add:
        keep([*corpus, *seen.values()])
    return 1 if wrong else 0


def difference(case: Case, home: Path) -> str:
    """Return what an input has that the valid one has not."""
    valid = home / "run.yml" if case.kind == "run" else home / "store" / case.file
    before = set(valid.read_bytes().splitlines())
    if isinstance(case.content, float):
        return f"{case.file}: {case.content} of it"
    new = [line for line in as_bytes(case.content).splitlines() if line not in before]
    return f"{case.file or case.kind}: {b' / '.join(new)[:200]!r}"


def keep(cases: Sequence[Case]) -> None:
    """Write the corpus, a file for each kind."""
    by_kind: Mapping[str, list[dict[str, Any]]] = {}
    for case in cases:
        entry = {key: value for key, value in asdict(case).items() if key != "file" or value}
        by_kind.setdefault(case.kind, []).append(entry)  # type: ignore[attr-defined]
    CORPUS.mkdir(exist_ok=True)
    for kind, entries in by_kind.items():
        text = yaml.dump(entries, Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=100)
        (CORPUS / f"{kind}.yml").write_text(text, encoding="utf-8")


class _Blocks(yaml.SafeDumper):
    """Writes a text of several lines as lines."""


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, "|" if "\n" in text else None)


_Blocks.add_representer(str, _lines)


if __name__ == "__main__":
    raise SystemExit(main())
