"""Opening a run in a notebook: public tables alone in a batch run, the study in JupyterLab."""

import atexit
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tcoc.study import Study


def open_study(run: str | Path, set: Mapping[str, Any] | None = None) -> Study:  # noqa: A002
    """Open a run for a notebook until the process ends; tables come from the cache, or are made.

    `set` replaces keys of the run file and policy values by dotted name, as `--set` does. Raises
    InputError for a run that is not usable.
    """
    from tcoc.cache import FOLDER, Cache
    from tcoc.deliverables.registry import study
    from tcoc.folders import owner_only, private, remove_left, work_beside
    from tcoc.params import load_run
    from tcoc.run.judge import check_run
    from tcoc.run.places import outputs_dir
    from tcoc.store.layout import open_store

    loaded = load_run(Path(run), set)
    check_run(loaded, open_store(loaded.store_path))
    folder = outputs_dir(None, loaded.file) / FOLDER
    sessions = private(folder / "sessions")
    stack = ExitStack()
    atexit.register(stack.close)
    with owner_only():
        remove_left(sessions)
        work = stack.enter_context(work_beside(sessions / "session"))
        return stack.enter_context(study(loaded, work, cache=Cache(folder)))


def open_release(
    run: str | Path,
    public: str = "",
    set: Mapping[str, Any] | None = None,  # noqa: A002
) -> Any:
    """Open a run's release for a notebook.

    In a batch run `public` is the folder of public tables, and there is nothing else. In
    JupyterLab it is empty: the study is opened, its tables are gated, and `release.study` has them.
    """
    from tcoc.report.release import Release, open_public, start

    if public:
        return open_public(Path(public))
    from tcoc.deliverables import registry
    from tcoc.deliverables.y1_attribution.completion import completion_facts
    from tcoc.report.facts import effects_of, facts_of
    from tcoc.run.gate import gate_tables

    opened = open_study(run, set)
    names = opened.run.spec.deliverables
    folder = opened.work / "public"
    shutil.rmtree(folder, ignore_errors=True)
    tables = gate_tables(opened, names, folder)
    policy_of = {name: registry.catalog().public_scope(name).policy for name in names}
    known = completion_facts(opened) if "completion_years" in opened.catalog else {}
    factors = {year: of.factor for year, of in known.items() if of.has_factor}
    facts = facts_of(opened.run, opened.store, policy_of, factors, effects_of(tables))
    start(facts, tables)
    return Release(tables, facts, opener=lambda: opened)
