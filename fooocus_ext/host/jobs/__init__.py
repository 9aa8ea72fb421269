"""Making pictures for callers of our own: the tab, the API, and whatever runs many requests."""
