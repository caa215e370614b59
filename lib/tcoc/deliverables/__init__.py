"""The deliverables: a folder each, all alike."""
