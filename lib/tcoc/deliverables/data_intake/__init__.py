"""What came in, and whether it can be used."""
