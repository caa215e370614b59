"""The disclosure gate: the only way from a number to a page (rules D1-D4).

audited = audit([PublicTable(...), ...], policy)
audited.frame("waterfall")              # what may be shown; hidden cells are NA
audited.hidden("waterfall")             # which cells the gate hid
audited.reason("waterfall")             # why
audited.value("waterfall", "benes", year=2018, stage="all")   # a number for a sentence
audited.log                             # every hidden cell with its reason
"""

from tcoc.disclosure.audit import Audit, Released, audit
from tcoc.disclosure.protect import Rule
from tcoc.disclosure.published import (
    Difference,
    DisclosureError,
    assert_from_audit,
    assert_published_files_ok,
    assert_published_ok,
    difference_check,
    difference_check_folders,
)
from tcoc.disclosure.table import PublicTable

__all__ = [
    "Audit",
    "Difference",
    "DisclosureError",
    "PublicTable",
    "Released",
    "Rule",
    "assert_from_audit",
    "assert_published_files_ok",
    "assert_published_ok",
    "audit",
    "difference_check",
    "difference_check_folders",
]
