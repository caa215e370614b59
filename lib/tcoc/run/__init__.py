"""A run: compute, gate, render, publish."""
