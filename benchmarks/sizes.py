"""Stores of 1, 10, 100 and 300 per cent of a state, made once and kept in benchmarks/.work.

100 per cent are 850,000 beneficiaries, made by `make state`; 1 and 10 per cent are smaller
synthetic states; 300 per cent is the state three times under other identifiers.
"""

import json
import shutil
from pathlib import Path

import duckdb
import yaml

from tcoc.params import Run
from tcoc.store.layout import open_store
from tcoc.store.schema import TABLES
from tcoc.store.synth import write_synthetic_store

WORK = Path(__file__).resolve().parent / ".work"
"""Where the stores and run files of a benchmark are kept."""

STATE_BENES = 850_000
SEED = 2018
COPIES = "ABC"
"""Letters before the identifiers of each copy: in order, so that files stay in order of them."""


def run_of_size(run: Run, percent: int, work: Path) -> Path:
    """Return a run file like `run` on a store of some per cent of it, made where missing."""
    store = run.store_path if percent == 100 else work / "stores" / f"{percent}-percent"
    if not (store / "store.json").is_file():
        if percent > 100:
            _repeat(run.store_path, store)
        else:
            write_synthetic_store(store, STATE_BENES * percent // 100, SEED)
    content = yaml.safe_load(run.file.read_text(encoding="utf-8"))
    content |= {"name": f"{run.name}-{percent}", "store": str(store.resolve())}
    file = work / f"{run.name}-{percent}.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def benes(store: Path) -> int:
    """Return the number of people of a store."""
    return int(open_store(store).info["rows"]["beneficiary"])


def _repeat(source: Path, target: Path) -> None:
    """Write a store that holds another one as often as there are letters."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    shutil.copytree(source / "reference", part / "reference")
    with duckdb.connect() as engine:
        engine.execute("SET preserve_insertion_order = true")
        for name in TABLES:
            for file in sorted((source / name).rglob("*.parquet")):
                out = part / file.relative_to(source)
                out.parent.mkdir(parents=True, exist_ok=True)
                _repeat_file(engine, name, file, out)
    info = json.loads((source / "store.json").read_text(encoding="utf-8"))
    info["rows"] = {name: rows * len(COPIES) for name, rows in info["rows"].items()}
    (part / "store.json").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")
    part.rename(target)


def _repeat_file(engine: duckdb.DuckDBPyConnection, name: str, file: Path, out: Path) -> None:
    named = [c for c in ("bene_id", "claim_id") if c in TABLES[name].schema]
    copies = []
    for letter in COPIES:
        other = ", ".join(f"'{letter}' || {column} AS {column}" for column in named)
        rows = f"read_parquet('{file}', hive_partitioning = false)"
        copies.append(f"SELECT * REPLACE ({other}) FROM {rows}")
    engine.execute(
        f"COPY ({' UNION ALL '.join(copies)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
    )
