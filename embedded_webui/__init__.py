"""The embedded host: a small webui that runs this repository as an unmodified extension.

`webui/` contains packages with the names of AUTOMATIC1111's webui v1.10.1 (`modules`, `k_diffusion`,
`launch`); `bootstrap` puts it on `sys.path`. The extension imports nothing of this package.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

WEBUI_ROOT = Path(__file__).resolve().parent / "webui"
EXTENSION_ROOT = Path(__file__).resolve().parents[1]


def put_webui_on_path() -> None:
    """Make `import modules...` mean the embedded host; refuses to shadow a real webui."""
    loaded = sys.modules.get("modules")
    if loaded is not None and not str(loaded.__file__).startswith(str(WEBUI_ROOT)):
        raise RuntimeError(f"another webui is loaded already: {loaded.__file__}")
    if str(WEBUI_ROOT) not in sys.path:
        sys.path.insert(0, str(WEBUI_ROOT))


def bootstrap(argv: Sequence[str] = (), refuse: Callable[[str], NoReturn] | None = None) -> None:
    """Start the host inside this process: options, devices, checkpoints, extensions; no page.

    `argv` are webui command-line flags plus the extension's own; `refuse` says what is wrong with them, where
    their usage is not what the user needs to see. Call it once per process: the host keeps its state in
    modules, as the real one does. Raises SystemExit on unknown flags, and if nothing can be written to the
    data folder.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    put_webui_on_path()
    from modules import cmd_args  # noqa: PLC0415 - on the path only now

    cmd_args.arguments, cmd_args.refuse = list(argv), refuse
    from modules import initialize, paths_internal  # noqa: PLC0415 - read the command line

    paths_internal.check_data_path()
    initialize.initialize()
