"""The embedded host inside this process, for benchmarks of whole generations."""

from __future__ import annotations

import atexit
import contextlib
import functools
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from embedded_webui import pictures

REQUEST = {
    "prompt": "a red fox in the snow",
    "negative_prompt": "blurry",
    "sampler_name": "DPM++ 2M",
    "scheduler": "Karras",
}

NO_TRICKS = {
    "expansion": False,
    "sharpness": 0.0,
    "adm_positive": 1.0,
    "adm_negative": 1.0,
    "adaptive_cfg": 30.0,
}
"""the extension's arguments that leave the pictures as they are"""


@functools.cache
def start() -> None:
    """Start the host with Pocket SDXL, once per process."""
    folder = tempfile.mkdtemp(prefix="fooocus-benchmark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with quietly():
        pictures.start(["--data-dir", folder, "--pocket"])
        from modules import shared  # noqa: PLC0415 - the host's, from now on

        shared.sd_model.eval()  # reading it loads it


def checkpoint(word: str) -> str:
    """Return the title of the default checkpoint whose name contains ``word``."""
    start()
    from modules import sd_models  # noqa: PLC0415

    titles: list[str] = sd_models.checkpoint_tiles()
    return next(title for title in titles if word in title)


def generate(settings: Mapping[str, Any] | None = None, **request: Any) -> pictures.Made:
    """Make pictures, with the extension's ``settings`` or with it off."""
    start()
    with quietly():
        return pictures.make({**REQUEST, **request}, settings)


@contextlib.contextmanager
def without_extension() -> Iterator[None]:
    """Take the extension's script and callbacks out of the host: as if it were not installed."""
    start()
    runner = pictures.script_runner()
    from modules import script_callbacks  # noqa: PLC0415

    lists = [runner.scripts, runner.alwayson_scripts, *script_callbacks.callback_map.values()]
    before = [list(entries) for entries in lists]
    for entries in lists:
        entries[:] = [entry for entry in entries if not _is_ours(entry)]
    _forget_order(runner)
    try:
        yield
    finally:
        for entries, kept in zip(lists, before, strict=True):
            entries[:] = kept
        _forget_order(runner)


def _forget_order(runner: Any) -> None:
    """Make the host sort its scripts and callbacks again."""
    from modules import script_callbacks  # noqa: PLC0415

    script_callbacks.ordered_callbacks_map.clear()
    runner.callback_map.clear()


def _is_ours(entry: Any) -> bool:
    function = getattr(entry, "callback", type(entry))
    module = str(getattr(getattr(function, "func", function), "__module__", ""))
    return module.startswith("fooocus_ext.")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Send what the host prints to where progress goes, so that the table stands alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
