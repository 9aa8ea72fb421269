"""The table of contents of ``fooocus_ext.prompting``."""

from __future__ import annotations

import re
from pathlib import Path

from fooocus_ext import prompting


def test_the_table_names_every_module_and_folder_once():
    folder = Path(prompting.__file__).parent
    there = {path.name + "/" * path.is_dir() for path in folder.glob("[!_]*")}
    named = re.findall(r"^``(.+?)``", prompting.__doc__, re.MULTILINE)
    assert sorted(named) == sorted(there)
