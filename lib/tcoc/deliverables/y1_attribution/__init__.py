"""Year 1 attribution: whose beneficiaries are whose."""
