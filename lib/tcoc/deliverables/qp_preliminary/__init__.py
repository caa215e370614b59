"""Preliminary QP threshold scores."""
