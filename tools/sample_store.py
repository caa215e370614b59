"""Make a synthetic store, and again whenever its generator or its parameters have changed.

    python tools/sample_store.py stores/sample 100000 2018

The key stands beside the store. Two calls at once make it once: the second waits for the first.
"""

import sys
from functools import partial
from pathlib import Path

from tcoc.folders import hold, owner_only, private, publish, remove_left, work_beside, write_whole
from tcoc.identity import closure, digest_of, libraries, sha256
from tcoc.paths import params_dir
from tcoc.progress import reporter
from tcoc.store.synth import write_synthetic_store


def key_of(benes: int, seed: int) -> str:
    """Return what the store's bytes depend on: the generator's code, parameters, libraries."""
    base = params_dir()
    read = [f for top in ("synthetic", "reference") for f in sorted((base / top).rglob("*"))]
    files = [[f.relative_to(base).as_posix(), sha256(f)] for f in read if f.is_file()]
    code = closure(["tcoc.store.synth", "tcoc.store.synth.write"])
    return digest_of([benes, seed, code, files, libraries(("numpy", "pyarrow"))])


def make(store: Path, benes: int, seed: int) -> bool:
    """Make the store where there is none of this key; says whether it was made."""
    stamp, wanted = store.with_name(f".{store.name}.key"), key_of(benes, seed)
    private(store.parent)
    held = hold(store.with_name(f".{store.name}.make"), wait=True)
    try:
        remove_left(store.parent, store.name)
        if (store / "store.json").is_file() and stamp.is_file() and stamp.read_text() == wanted:
            return False
        with owner_only(), work_beside(store) as work, reporter() as report:
            told = partial(report.reach, "synthetic store")
            write_synthetic_store(work / "store", benes, seed, progress=told)
            publish(work / "store", store)
        write_whole(stamp, wanted.encode())
        return True
    finally:
        if held is not None:
            held.release(remove=True)


def main() -> int:
    """Make the store that the arguments name."""
    store, benes, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if make(store, benes, seed):
        print(f"{store}: a synthetic store of {benes:,} beneficiaries")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
