"""tools/gpu_check.py where only the packages that it asks for can be imported.

If the environment variable FAULTS is set, there are some. Each process of the check runs this file again.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {"torch", "numpy", "PIL", "safetensors"}
# what those import in turn
THEIRS = {
    "torchgen", "functorch", "typing_extensions", "sympy", "mpmath", "networkx", "jinja2", "markupsafe",
    "fsspec", "filelock", "setuptools",
}  # fmt: skip


class OnlyAllowed:
    """A finder of modules that finds of those that are installed only what is allowed."""

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        spec = self.finder.find_spec(name, path, target)
        is_installed = spec is not None and "site-packages" in str(spec.origin or spec)
        return None if is_installed and name.partition(".")[0] not in ALLOWED | THEIRS else spec


def plant_faults():
    """Make the filter wrong, have one part break, and leave a tensor behind with each job."""
    import torch

    from fooocus_ext.core import adm
    from tools.gpu import filtering, host

    right, make, kept = filtering.adaptive_filter, host.make, []
    filtering.adaptive_filter = lambda x, x0: right(x, x0) * 1.02
    adm.claim_as_fooocus = None

    def make_and_keep(*args, **kwargs):
        kept.append(torch.zeros(1, 4, 8, 8))
        return make(*args, **kwargs)

    host.make = make_and_keep


sys.path[0] = str(ROOT)
sys.meta_path[:] = map(OnlyAllowed, sys.meta_path)
if os.environ.get("FAULTS"):
    plant_faults()

if __name__ == "__main__":
    from tools.gpu.cli import main

    sys.exit(main())
