"""Doubles the `modules` package of AUTOMATIC1111's webui v1.10.1, as far as the extension needs it."""
