"""Fooocus's rendering on a webui: its texts, its noise and its schedules, for one generation."""
