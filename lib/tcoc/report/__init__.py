"""The reports: what is shown, how it looks, and the pages that it becomes."""
