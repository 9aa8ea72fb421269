"""The Fooocus tab on the webui: connects its page to jobs, files and the other tabs."""
