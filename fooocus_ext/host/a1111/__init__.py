"""AUTOMATIC1111's webui, 1.6 to 1.10: its hooks, its callbacks and its model calls."""
