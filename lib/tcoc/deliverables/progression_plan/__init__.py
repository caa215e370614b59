"""The figures of the Progression Plan."""
