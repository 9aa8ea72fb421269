"""Forge, reForge and Forge Classic: webuis that sample with an engine of their own (docs/hosts.md)."""
