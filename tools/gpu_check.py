"""Check the extension on a machine with an NVIDIA GPU, in less than 5 minutes: `python tools/gpu_check.py`.

Wants a Python 3.10 or newer with torch, numpy, Pillow and safetensors; nothing is installed.
Writes gpu_check/gpu_check.json and gpu_check/gpu_check.md, a table. Exit status: 0, or 1 if anything failed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

if __name__ == "__main__":
    from embedded_webui import threads

    threads.choose(pocket=True)  # before torch is loaded; the parts' processes inherit it
    from tools.gpu.cli import main

    sys.exit(main())
