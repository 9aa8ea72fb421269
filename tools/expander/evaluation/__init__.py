"""Measures whether expansions serve their prompts: ``python -m tools.expander.evaluate``."""
