"""Risk adjustment of the base year."""
