"""What an attacker learns who has every edition of a store: the gate's acceptance (rules D1-D5).

python -m tests.disclosure.acceptance --store stores/sample [--variants N] [--out FILE]

Makes the sample run and variants of it, one after the other, each gated beside the editions that
went out before it, as `tcoc run` and `tcoc release` do. An edition that the gate cannot protect
beside the earlier ones is refused and joins no ledger. Then all that went out is attacked together,
as whole numbers: nothing hidden may be bounded closer than its mark, no exact count recovered.
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tcoc import disclosure
from tcoc.cache import Cache
from tcoc.deliverables import registry
from tcoc.disclosure.attacker import disclosed
from tcoc.disclosure.gate import WITHHELD
from tcoc.disclosure.record import Record
from tcoc.errors import TcocError
from tcoc.folders import private
from tcoc.params import load_run
from tcoc.run.gate import drafts_of
from tcoc.run.judge import check_run
from tcoc.store.layout import open_store

RUN = Path("params/runs/sample.yml")
RESULTS = Path("benchmarks/results/attack.json")

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "sample": {},
    "two eligible months": {"attribution.min_eligible_months": 2},
    "hospital use by visits": {"attribution.hospital_use": "visits"},
    "sticky panel links": {"attribution.panel_link": "sticky"},
    "visits in nursing facilities": {"attribution.snf_visits": "include"},
    "high costs cut": {"risk.truncate": 0.99},
    "no combinations": {"mpa.combined": False},
    "one QP year": {"qp_years": [2018]},
    "later base year": {"years": [2016, 2017, 2018], "base_year": 2016, "performance_year": 2017,
                        "qp_years": [2018]},
    "one more month of run-out": {"tcoc.run_out_months": 2},
    "panels of ten or more": {"attribution.minimum_panel": 10},
}  # fmt: skip


def main() -> None:
    """Make the editions, attack them, add what was found to the results; end with 1 on a leak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path("stores/sample"))
    parser.add_argument("--variants", type=int, default=len(VARIANTS) - 1)
    parser.add_argument("--cache", type=Path, default=Path("outputs"))
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    found = attack(asked.store, asked.variants, asked.cache)
    results = json.loads(asked.out.read_text(encoding="utf-8")) if asked.out.is_file() else {}
    results[f"{found['people']} people"] = found
    asked.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(1 if found["told"] else 0)


def attack(store: Path, variants: int, outputs: Path) -> dict[str, Any]:
    """Return what went out, what was refused, and what all of it together tells."""
    ledger: list[Record] = []
    editions = []
    for name, changes in list(VARIANTS.items())[: variants + 1]:
        drafts, policy = drafts_for(store.resolve(), changes, outputs)
        begun = time.process_time()
        try:
            gated = disclosure.gate(drafts, policy, ledger)
        except TcocError as error:
            editions.append({"edition": name, "refused": str(error)})
        else:
            ledger.insert(0, gated.record)
            seconds = round(time.process_time() - begun, 1)
            withheld = int((gated.log["reason"] == WITHHELD).sum())
            editions.append({
                "edition": name, "numbers": len(gated.record.numbers),
                "hidden cells": len(gated.log), "withheld cells": withheld,
                "gate seconds": seconds,
            })  # fmt: skip
        print(editions[-1], flush=True)
    begun = time.process_time()
    told = disclosed(ledger, integer=True)
    print(f"{len(told)} numbers told", *told[:20], sep="\n", flush=True)
    return {
        "people": people_of(store),
        "editions": editions,
        "attack seconds": round(time.process_time() - begun, 1),
        "told": len(told),
    }


def people_of(store: Path) -> int:
    """Return how many people a synthetic store has."""
    return int(open_store(store).info["source"]["benes"])


def drafts_for(
    store: Path, changes: Mapping[str, Any], outputs: Path
) -> tuple[dict[str, list[Any]], Any]:
    """Compute a variant's restricted tables (kept in the cache) and return its drafts."""
    run = load_run(RUN, {"store": str(store), **changes})
    check_run(run, open_store(run.store_path))
    cache = Cache(private(outputs / ".cache"))
    with (
        TemporaryDirectory() as work,
        registry.study(run, private(Path(work) / "run"), cache=cache) as study,
    ):
        drafts, _ = drafts_of(study, run.spec.deliverables)
        return drafts, study.policy


if __name__ == "__main__":
    main()
