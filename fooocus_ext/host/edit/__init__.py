"""Editing a picture on a webui: a part of it made anew, and put back where it was."""
