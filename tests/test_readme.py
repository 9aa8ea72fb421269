"""The README's promises that a program can check."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fooocus_ext.args import FIELDS, parse

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def api_example() -> dict[str, object]:
    """Return the request that the README tells its reader to send."""
    blocks = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    return json.loads(blocks[0])


def fields_table() -> str:
    """Return the table of arguments as the README should hold it."""
    rows = [
        f"| `{field.name}` | {json.dumps(field.default)} | {field.allowed} | {field.help} |"
        for field in FIELDS
    ]
    return "\n".join(["| field | default | allowed | |", "|---|---|---|---|", *rows])


def test_the_example_is_accepted_and_switches_the_extension_on() -> None:
    slots = api_example()["alwayson_scripts"]["Fooocus"]["args"]
    assert parse(slots).enabled


def test_the_table_of_fields_is_the_one_in_the_code() -> None:
    shown = re.search(r"<!-- fields.*?-->\n(.*?)\n<!-- /fields -->", README, re.DOTALL)
    assert shown is not None
    assert shown[1] == fields_table()
