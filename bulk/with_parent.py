"""Runs a module that ends with its parent: ``python with_parent.py MODULE ARGUMENTS``, standard input a pipe.

The parent holds the other end of the pipe, which closes when it ends, however that happens.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def main() -> None:
    """Run the module until it is done, or the pipe is closed."""
    sys.argv = sys.argv[1:]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
