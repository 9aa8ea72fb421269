"""Doubles modules/api: the HTTP interface under /sdapi/v1."""
