"""The strict profile: with CI=1 a test that is skipped for a reason nobody declared has failed.

A skip reads like a pass. What may be missing on a machine is listed here; everything else that is
skipped there is a test that does not run, and its reason is shown in its place.
"""

import os

import pytest

ALLOWED = (
    "no chromium",
    "playwright is not installed",
    "axe is missing",
    "pyspark is not installed",
    "no Java runtime",
    "is not at hand",  # the texts that evidence quotes
    "not beside the checkout",  # CMS's samples and the cases of deliveries
    "the value is no number",
    "needs root",
    "no kernel restrictions here",
    "libfaketime is not installed",
)
"""Pieces of the reasons for which a test may be skipped under CI=1."""


def is_declared(reason: str) -> bool:
    """Whether a skip's reason is one of the list."""
    return any(piece in reason for piece in ALLOWED)


def strict() -> bool:
    """Whether undeclared skips fail."""
    return os.environ.get("CI", "") not in ("", "0", "false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and strict() and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not is_declared(reason):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {reason}: not a declared reason (tests/conftest.py)"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if report.skipped and strict():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not is_declared(reason):
            report.outcome = "failed"
            report.longrepr = f"{collector.nodeid}: {reason}: not a declared reason"
    return report
