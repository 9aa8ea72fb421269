"""Downloads whose program is killed at any moment: the file is there whole or not at all, and comes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fooocus_ext.data_files import SCRATCH_PREFIX
from fooocus_ext.downloads.files import size_of
from tests.downloads.publisher import weights

CONTENT = weights(1_500_000)
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from fooocus_ext.downloads.files import RemoteFile
from fooocus_ext.downloads.orders import Order
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.downloads.sources import Sources
address, folder, sha256 = sys.argv[1:]
file = RemoteFile("a.safetensors", f"{address}/a.safetensors", sha256)
order = Order("a", "lora", (file,), Path(folder), lambda: Sources(address))
download = Downloads(lambda order: None).add(order)
download.ended.wait()
sys.exit(download.state != "done")
"""


@pytest.mark.parametrize("is_known", [True, False], ids=["sum known", "sum unknown"])
def test_a_killed_download_is_gone_on_with(publisher, tmp_path, is_known):
    file = publisher.publish("a.safetensors", CONTENT, seconds=0.05)
    sizes = random.Random(7)
    arguments = [publisher.address, str(tmp_path), file.sha256 if is_known else ""]
    part = tmp_path / "a.safetensors.part"
    for _ in range(4):
        enough = size_of(part) + sizes.randrange(300_000)
        with subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT) as program:
            end = time.monotonic() + 30
            while size_of(part) <= enough and time.monotonic() < end:
                time.sleep(0.001)
            program.send_signal(signal.SIGKILL)
        assert not (tmp_path / "a.safetensors").exists()
        assert part.read_bytes() == CONTENT[: size_of(part)]
    file.seconds = 0.0
    subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, check=True, timeout=60)
    left = [path.name for path in tmp_path.iterdir() if not path.name.startswith(SCRATCH_PREFIX)]
    assert left == ["a.safetensors"]
    assert (tmp_path / "a.safetensors").read_bytes() == CONTENT
    ranges = [asked for _path, asked in publisher.asked]
    assert ranges[0] is None
    assert len(ranges) == 5
    assert None not in ranges[1:], "it was begun anew"
