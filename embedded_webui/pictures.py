"""Makes pictures with the host in this process, without a page or a server.

The command line and the benchmarks use it. `start` comes first, once per process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple, NoReturn

from PIL import Image

from embedded_webui import bootstrap

SCRIPT_TITLE = "fooocus"
FLAGS = ("--skip-version-check", "--no-prompt-history", "--disable-console-progressbars")


class Made(NamedTuple):
    """What one request gave."""

    images: list[Image.Image]
    """without a grid"""
    infotexts: list[str]
    """one for each image"""
    comments: list[str]
    """what the host and its scripts had to say"""


def start(flags: Sequence[str] = (), refuse: Callable[[str], NoReturn] | None = None) -> None:
    """Start the host, and build its scripts' widgets, which hold their defaults; see `bootstrap`."""
    bootstrap([*flags, *FLAGS], refuse)
    from modules import script_callbacks, ui  # noqa: PLC0415 - exists only after bootstrap

    script_callbacks.before_ui_callback()
    ui.create_ui()


def script_runner() -> Any:
    """The host's runner of the scripts of txt2img."""
    from modules import scripts  # noqa: PLC0415 - exists only after bootstrap

    return scripts.scripts_txt2img


def _script_args(settings: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """The flat argument list: every script's defaults, ours replaced by one dict."""
    runner = script_runner()
    values: list[Any] = [0, *(control.value for control in runner.inputs[1:])]
    ours = [s for s in runner.alwayson_scripts if s.title().lower() == SCRIPT_TITLE]
    if settings is not None and not ours:
        raise LookupError("the extension's script did not load; see the messages above")
    for script in ours:
        values[script.args_from] = {"enabled": settings is not None, **(settings or {})}
    return tuple(values)


def make(request: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Made:
    """Make the pictures of one txt2img request; nothing is saved.

    Args:
        request: arguments of the host's StableDiffusionProcessingTxt2Img.
        settings: the extension's arguments, or None for the extension switched off.

    Raises:
        LookupError: there are settings, and no extension to take them.
        Exception: whatever the host raises; one with a `detail` says what is wrong with the request.
    """
    from modules import shared  # noqa: PLC0415 - exists only after bootstrap
    from modules.processing import StableDiffusionProcessingTxt2Img, process_images  # noqa: PLC0415

    p = StableDiffusionProcessingTxt2Img(do_not_save_samples=True, do_not_save_grid=True, **request)
    with closing(p):
        p.is_api = True
        p.scripts = script_runner()
        p.script_args = _script_args(settings)
        shared.state.begin(job="picture")
        try:
            processed = process_images(p)
        finally:
            shared.state.end()
        first = processed.index_of_first_image
        return Made(processed.images[first:], processed.infotexts[first:], list(p.comments))
