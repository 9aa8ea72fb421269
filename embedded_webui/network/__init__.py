"""The networks of the embedded host, loaded from single-file checkpoints with the original names."""
