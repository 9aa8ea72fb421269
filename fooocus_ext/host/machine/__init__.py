"""This machine: which files are installed, how the webui is set, what its version offers."""
