"""Memory, disk and time: what a step took, and what it was short of."""
