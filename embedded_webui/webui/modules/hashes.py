"""Doubles modules/hashes.py: SHA-256 of files, remembered in the data folder."""

from __future__ import annotations

import hashlib
import json
import os

from modules.paths_internal import data_path

CACHE_FILE = os.path.join(data_path, "hashes.json")
BLOCK = 1 << 20
_known: dict[str, list] = {}


def _cache() -> dict[str, list]:
    if not _known and os.path.isfile(CACHE_FILE):
        try:
            with open(CACHE_FILE, encoding="utf8") as file:
                _known.update(json.load(file))
        except ValueError:
            _known.clear()
    return _known


def sha256_from_cache(filename, title, use_addnet_hash=False):
    """The hash if the file has not changed since it was computed, else None."""
    entry = _cache().get(os.path.abspath(filename))
    if entry is None or not os.path.isfile(filename) or entry[0] != os.stat(filename).st_mtime:
        return None
    return entry[1]


def calculate_sha256(filename):
    """Hexadecimal SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(filename, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256(filename, title, use_addnet_hash=False):
    """The hash, computed if need be."""
    known = sha256_from_cache(filename, title)
    if known is not None:
        return known
    value = calculate_sha256(filename)
    _cache()[os.path.abspath(filename)] = [os.stat(filename).st_mtime, value]
    os.makedirs(data_path, exist_ok=True)
    with open(CACHE_FILE, "w", encoding="utf8") as file:
        json.dump(_known, file)
    return value
