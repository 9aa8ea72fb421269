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
    "fsspec", "filelock", "setuptools", "pkg_resources", "_distutils_hack", "huggingface_hub", "tokenizers",
    "regex", "requests", "urllib3", "certifi", "charset_normalizer", "idna", "yaml", "_yaml", "tqdm",
    "packaging",
}  # fmt: skip
OURS = {"tools", "benchmarks", "fooocus_ext", "embedded_webui", "modules", "k_diffusion", "launch"}
OURS |= {"scripts", "install", "preload", "__main__", "__mp_main__"}


class OnlyAllowed:
    """Finds nothing, and lets no other finder find, what is not allowed."""

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ALLOWED | THEIRS | OURS and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {name!r} (not allowed here)", name=name)


def plant(fault):
    """Make something wrong."""
    if fault == "filter":
        from tools.gpu import filtering

        right = filtering.adaptive_filter
        filtering.adaptive_filter = lambda x, x0: right(x, x0) * 1.02


sys.path[0] = str(ROOT)
sys.meta_path.insert(0, OnlyAllowed())
plant(os.environ.get("PLANT"))

if __name__ == "__main__":
    from tools.gpu.cli import main

    sys.exit(main())
