"""Typed run parameters and dated, cited policy values.

`policy` reads the policy files, `typed` gives each file a model with typed attributes, `evidence`
says what each value rests on, `run_file` reads what an analyst edits.
"""

from tcoc.params.attribution import AttributionPolicy
from tcoc.params.evidence import GRADES, Document, Evidence, documents
from tcoc.params.mpa import MpaPolicy, TcocPolicy
from tcoc.params.policy import Policy, PolicyEntry, PolicyUse, PolicyValue
from tcoc.params.qp import QpPolicy
from tcoc.params.risk import PolicyLabPolicy, RiskPolicy, VerdictsPolicy
from tcoc.params.run_file import (
    REFERENCE_TABLES,
    NationalGrowth,
    Run,
    RunFile,
    load_run,
)
from tcoc.params.typed import Dated, PolicyFile, Value, load_policy
from tcoc.params.yaml_file import read_yaml

__all__ = [
    "GRADES",
    "REFERENCE_TABLES",
    "AttributionPolicy",
    "Dated",
    "Document",
    "Evidence",
    "MpaPolicy",
    "NationalGrowth",
    "Policy",
    "PolicyEntry",
    "PolicyFile",
    "PolicyLabPolicy",
    "PolicyUse",
    "PolicyValue",
    "QpPolicy",
    "RiskPolicy",
    "Run",
    "RunFile",
    "TcocPolicy",
    "Value",
    "VerdictsPolicy",
    "documents",
    "load_policy",
    "load_run",
    "read_yaml",
]
