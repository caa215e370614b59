"""The reports: what is shown, how it looks, and the pages that it becomes."""

READER = "TCOC_READER"
"""Environment variable in which the runner names the deliverable whose notebook is executed."""
