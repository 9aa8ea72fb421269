"""The embedded host inside this process, for benchmarks of whole generations."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

import embedded_webui

SCRIPT_TITLE = "fooocus"
REQUEST = {
    "prompt": "a red fox in the snow",
    "negative_prompt": "blurry",
    "sampler_name": "DPM++ 2M",
    "scheduler": "Karras",
    "do_not_save_samples": True,
    "do_not_save_grid": True,
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
def start() -> Any:
    """Start the host with Pocket SDXL, once per process; return its runner of scripts."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    folder = tempfile.mkdtemp(prefix="fooocus-benchmark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with quietly():
        embedded_webui.bootstrap(
            [
                "--data-dir",
                folder,
                "--pocket",
                "--skip-version-check",
                "--disable-console-progressbars",
            ]
        )
        from modules import script_callbacks, scripts, shared, ui  # noqa: PLC0415 - the host's, from now on

        script_callbacks.before_ui_callback()
        ui.create_ui()
        shared.sd_model.eval()  # reading it loads it
    return scripts.scripts_txt2img


def checkpoint(word: str) -> str:
    """Return the title of the default checkpoint whose name contains ``word``."""
    start()
    from modules import sd_models  # noqa: PLC0415

    return next(title for title in sd_models.checkpoint_tiles() if word in title)


def generate(settings: Mapping[str, Any] | None = None, **request: Any) -> Any:
    """Make pictures, with the extension's ``settings`` or with it off; return what the host returns."""
    runner = start()
    from modules import processing, shared  # noqa: PLC0415

    values = [0, *(control.value for control in runner.inputs[1:])]
    for script in runner.alwayson_scripts:
        if script.title().lower() == SCRIPT_TITLE:
            values[script.args_from] = {"enabled": settings is not None, **(settings or {})}
    p = processing.StableDiffusionProcessingTxt2Img(**{**REQUEST, **request})
    with contextlib.closing(p), quietly():
        p.is_api = True
        p.scripts = runner
        p.script_args = tuple(values)
        shared.state.begin(job="benchmark")
        try:
            return processing.process_images(p)
        finally:
            shared.state.end()


@contextlib.contextmanager
def without_extension() -> Iterator[None]:
    """Take the extension's script and callbacks out of the host: as if it were not installed."""
    runner = start()
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
    return module.startswith("fooocus_ext.") and not module.startswith("embedded_webui")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Send what the host prints to where progress goes, so that the table stands alone."""
    with contextlib.redirect_stdout(sys.stderr):
        yield
