"""The command line of the embedded host in this process, whichever test needs it first.

The host reads it once, when `modules` is imported: the tests that only use some of its modules and
those that start it must agree on it, or their order would matter.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

FLAGS = (
    "--nowebui",
    "--api",
    "--skip-prepare-environment",
    "--skip-torch-cuda-test",
    "--skip-version-check",
    "--use-cpu=all",
    "--no-half",
    "--no-download-sd-model",
    "--no-prompt-history",
    "--disable-console-progressbars",
)


def data_folder(make: Callable[[], Path]) -> Path:
    """Return the folder of the host's data; ``make`` makes it if the host has none in this process yet."""
    import embedded_webui

    embedded_webui.put_webui_on_path()
    from modules import cmd_args

    if not cmd_args.arguments:
        cmd_args.arguments = [*FLAGS, "--data-dir", str(make())]
    return Path(cmd_args.arguments[-1])
