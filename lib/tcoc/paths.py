"""Where the project's own parameter files and notebooks are."""

from pathlib import Path


def project_root() -> Path:
    """Return the folder of params/ and notebooks/: the checkout, else the installed copy."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "params" / "policy").is_dir():
        return checkout
    return Path(__file__).resolve().parent / "_project"


def params_dir() -> Path:
    """Return the folder of policy, reference and published parameter files."""
    return project_root() / "params"


LEDGER = ".releases"
"""Among the run folders: what was handed out, entry by entry."""

RESULTS = ("coverage", "lab", "sensitivity", "verdicts")
"""Measurements that are kept with the code and that tables read: inputs of a run."""


def result_file(name: str) -> Path:
    """Return where a kept measurement stands; it may not be there."""
    return project_root() / "benchmarks" / "results" / f"{name}.json"


def notebooks_dir() -> Path:
    """Return the folder of the deliverables' notebooks."""
    return project_root() / "notebooks"
