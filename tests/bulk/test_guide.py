"""docs/bulk.md: its example works as it stands, and it names every column."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

from bulk import manifest
from tests.bulk.stubs import BULK_PYTHON, ENVIRONMENT, ROOT, journal, stubs

GUIDE = (ROOT / "docs" / "bulk.md").read_text(encoding="utf-8")


def example() -> tuple[str, str, list[str]]:
    """Return the guide's list, its defaults and the words of its command."""
    requests, defaults = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    (command,) = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    return requests, defaults, shlex.split(command)


def test_the_example_makes_five_pictures_on_two_webuis(tmp_path):
    requests, defaults, words = example()
    (tmp_path / "requests.jsonl").write_text(requests, encoding="utf-8")
    (tmp_path / "defaults.json").write_text(defaults, encoding="utf-8")
    with stubs(tmp_path / "made", {"seconds": 0.2}, {"seconds": 0.2}) as running:
        assert words[:3] == ["python", "dev.py", "bulk"]
        addresses = {"http://a:7860": running[0].url, "http://b:7860": running[1].url}
        rest = [addresses.get(word, word) for word in words[3:]]
        python = BULK_PYTHON if BULK_PYTHON.exists() else sys.executable
        done = subprocess.run(
            [python, "-m", "bulk", *rest, "--no-ray"],
            cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    records = journal(tmp_path / "pictures")
    assert len(records) == 5
    castle = next(record for record in records if record["seed"] == 7)
    assert castle["ids"] == ["castle", "same as the first"]
    assert castle["request"]["negative_prompt"] == "blurry"
    assert {record["host"] for record in records} == set(addresses.values())
    assert (tmp_path / "pictures/manifest.parquet").exists() == BULK_PYTHON.exists()


def test_every_column_is_described():
    assert [name for name, _kind in manifest.COLUMNS if f"`{name}`" not in GUIDE] == []
