"""Performance modes, picture sizes, samplers and preset files."""
