"""Side-by-side measurements: ``python -m benchmarks [--json FILE] [--only NAME ...]``.

Each module here whose name has no leading underscore is a benchmark. It has a docstring, whose first
line says what is compared, and a function ``measure() -> list[Figure]``; keys of figures begin with
the module's name. It raises `Unavailable` where what it needs cannot be had. To add one, add a file.

`wind_tunnel` is no such module: it measures pictures, not times, and ``python dev.py tunnel`` runs it.
"""
