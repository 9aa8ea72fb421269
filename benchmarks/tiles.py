"""What the autoencoder's work on a large picture in tiles takes in memory, beside a smaller picture whole.

Each side is a process of its own on the CPU, with Pocket SDXL's autoencoder. Its largest resident set is
read after the networks are loaded and again at the end; the difference is what the work took. Tiles of
one shape take the same, so that one of each is worked on.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks._figures import Figure, Unavailable

ROOT = Path(__file__).resolve().parents[1]
WHOLE, TILED = (1152, 896), (2304, 1792)
AT_ONCE = 2
PROGRAM = """
import resource, sys
import torch
from embedded_webui import pocket
from embedded_webui.network.shapes import vae_shape
from embedded_webui.network.vae import FirstStageModel
from fooocus_ext.core import tiling

work, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
tensors = pocket.pocket_state_dict("base")
model = FirstStageModel(vae_shape(tensors)).eval()
model.load_original(tensors)
del tensors

def peak():
    try:  # this process's own; the other number begins with what its parent has had
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

functions = {
    "encode": (model.encode, 3, 1, tiling.ENCODED_TILE, tiling.ENCODED_OVERLAP, 1 / 8),
    "decode": (model.decode, 4, 8, tiling.DECODED_TILE, tiling.DECODED_OVERLAP, 8),
}
function, channels, divisor, tile, overlap, scale = functions[work]
seen = {}

def once(values):
    if values.shape not in seen:
        seen[values.shape] = function(values)
    return seen[values.shape]

with torch.inference_mode():
    function(torch.zeros(1, channels, tile // 8, tile // 8))
    values = torch.rand(1, channels, height // divisor, width // divisor)
    before = peak()
    if sys.argv[4] == "whole":
        function(values)
    else:
        tiling.averaged(values, once, tile=tile, overlap=overlap, scale=scale)
print("KiB", peak() - before)
"""


def measure() -> list[Figure]:
    """Encode and decode: the large picture in tiles, the smaller one whole."""
    if sys.platform == "win32":
        raise Unavailable("the largest resident set cannot be read here")
    kinds = ("encode", "decode")
    sides = [(work, *side) for work in kinds for side in ((TILED, "tiled"), (WHOLE, "whole"))]
    with ThreadPoolExecutor(AT_ONCE) as pool:  # memory, unlike time, does not mind company
        taken = dict(zip(sides, pool.map(lambda side: _mebibytes(*side), sides), strict=True))
    return [
        Figure(
            f"tiles.{work}_memory_ratio",
            taken[work, TILED, "tiled"] / taken[work, WHOLE, "whole"],
            "MiB",
            ours=taken[work, TILED, "tiled"],
            peer=taken[work, WHOLE, "whole"],
            peer_name=f"{WHOLE[0]}x{WHOLE[1]} whole; measured: {TILED[0]}x{TILED[1]} in tiles",
            goal="1 or less",
        )
        for work in kinds
    ]


def _mebibytes(work: str, size: tuple[int, int], way: str) -> float:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, work, *map(str, size), way]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = [line for line in finished.stdout.splitlines() if line.startswith("KiB")]
    if not found:
        reason = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Unavailable(f"the work did not come to its end: {reason}")
    return int(found[0].split()[1]) / 1024
