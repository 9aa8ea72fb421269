"""Fooocus's inpaint engine beside a base: its files, its weights, and its part in a sampling."""
