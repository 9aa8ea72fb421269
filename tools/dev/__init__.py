"""What stands behind dev.py; the standard library alone, as it runs before anything is installed."""
