"""Doubles the `modules` package of AUTOMATIC1111's webui v1.10.1, as far as this extension and its tests need it."""
