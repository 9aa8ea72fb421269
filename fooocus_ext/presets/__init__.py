"""Performance modes, picture sizes, preset files and settings read from Fooocus's own pictures."""
