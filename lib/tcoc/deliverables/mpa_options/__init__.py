"""Options of the Medicare Performance Adjustment."""
