"""The rules: pure functions of tables, one module or package per subject."""
