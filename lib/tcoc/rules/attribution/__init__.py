"""Attribution of beneficiaries to hospitals: rules A0 to A11, one module for each stage."""

STAGES = ("aco_like", "mdpcp_like", "geographic")
"""The stages, in their order (rule A1)."""

PERSON = ("year", "bene_id")
"""What names a beneficiary of an attribution year."""
