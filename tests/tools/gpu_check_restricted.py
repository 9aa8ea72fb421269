"""tools/gpu_check.py where only the packages that it asks for can be imported, with a fault planted.

The environment variable PLANT names the fault. Each process of the check runs this file again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"torch", "numpy", "PIL", "safetensors", "transformers"}
# what those import in turn
THEIRS = {
    "torchgen", "functorch", "typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe",
    "fsspec", "filelock", "setuptools", "pkg_resources", "_distutils_hack", "tqdm", "packaging",
}  # fmt: skip
OURS = {"tools", "benchmarks", "fooocus_ext", "embedded_webui", "modules", "k_diffusion", "launch"}
OURS |= {"scripts", "install", "preload", "__main__", "__mp_main__"}


class OnlyAllowed:
    """A finder of modules that finds only what is allowed."""

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        allowed = top in ALLOWED | THEIRS | OURS or top in sys.stdlib_module_names
        return self.finder.find_spec(name, path, target) if allowed else None


def plant(fault):
    """Make something wrong."""
    if fault == "filter":
        from tools.gpu import filtering

        right = filtering.adaptive_filter
        filtering.adaptive_filter = lambda x, x0: right(x, x0) * 1.02


sys.path[0] = str(ROOT)
sys.meta_path[:] = map(OnlyAllowed, sys.meta_path)
plant(os.environ.get("PLANT"))

if __name__ == "__main__":
    from tools.gpu.cli import main

    sys.exit(main())
