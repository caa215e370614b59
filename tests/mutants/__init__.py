"""One-line bugs and the tests that must notice them."""
