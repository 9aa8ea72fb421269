"""`python -m embedded_webui picture`: one picture through the whole extension, and one without it."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, PngImagePlugin

from embedded_webui import bootstrap
from embedded_webui.cli_serve import add_checkpoint_flags, host_flags

SCRIPT_TITLE = "fooocus"
REQUEST_ERROR = 2
FAILURE = 1
CAPTION_HEIGHT = 24


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded_webui picture", allow_abbrev=False)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--negative-prompt", default="")
    parser.add_argument(
        "--out", type=Path, default=Path("picture.png"), help="default: %(default)s"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an argument of the extension, say sharpness=4; values are JSON or plain text",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=256, help="default: %(default)s")
    parser.add_argument("--height", type=int, default=256, help="default: %(default)s")
    parser.add_argument("--sampler", default="DPM++ 2M SDE")
    parser.add_argument("--scheduler", default="Karras")
    parser.add_argument("--cfg-scale", type=float, default=4.0, help="default: %(default)s")
    add_checkpoint_flags(parser)
    return parser


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """{"key": value} of key=value texts; raises ValueError for one without an equals sign."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise ValueError(f"--set {pair!r}: write key=value")
        try:
            settings[key] = json.loads(text)
        except ValueError:
            settings[key] = text
    return settings


def _script_args(runner: Any, settings: dict[str, Any] | None) -> tuple:
    """The flat argument list: every script's defaults, ours replaced by one dict.

    It is off without settings.
    """
    values = [0, *(control.value for control in runner.inputs[1:])]
    script = next((s for s in runner.alwayson_scripts if s.title().lower() == SCRIPT_TITLE), None)
    if script is None:
        raise LookupError("the extension's script did not load; see the messages above")
    values[script.args_from] = (
        {"enabled": False} if settings is None else {"enabled": True, **settings}
    )
    return tuple(values)


def _make(options: argparse.Namespace, settings: dict[str, Any] | None) -> tuple[Image.Image, str]:
    """(picture, infotext) with the extension's settings, or with it off."""
    from modules import scripts, shared  # noqa: PLC0415 - exists only after bootstrap
    from modules.processing import StableDiffusionProcessingTxt2Img, process_images  # noqa: PLC0415

    runner = scripts.scripts_txt2img
    p = StableDiffusionProcessingTxt2Img(
        prompt=options.prompt,
        negative_prompt=options.negative_prompt,
        seed=options.seed,
        steps=options.steps,
        width=options.width,
        height=options.height,
        sampler_name=options.sampler,
        scheduler=options.scheduler,
        cfg_scale=options.cfg_scale,
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    with closing(p):
        p.is_api = True
        p.scripts = runner
        p.script_args = _script_args(runner, settings)
        shared.state.begin(job="picture")
        try:
            processed = process_images(p)
        finally:
            shared.state.end()
    for comment in p.comments:
        print(comment, file=sys.stderr)
    return processed.images[processed.index_of_first_image], processed.infotexts[0]


def _save(image: Image.Image, path: Path, infotext: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", infotext)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, format="PNG", pnginfo=info)


def off_on_sheet(off: Image.Image, on: Image.Image) -> Image.Image:
    """Both pictures side by side, each under its caption."""
    height = max(off.height, on.height)
    sheet = Image.new("RGB", (off.width + on.width, height + CAPTION_HEIGHT), "white")
    draw = ImageDraw.Draw(sheet)
    for left, image, caption in ((0, off, "off"), (off.width, on, "on")):
        draw.text((left + 8, 6), caption, fill="black")
        sheet.paste(image, (left, CAPTION_HEIGHT))
    return sheet


def picture(argv: Sequence[str]) -> int:
    """Make and save the pictures.

    Prints where they are and the infotext. 2 for a request that cannot be honoured.
    """
    options, rest = _parser().parse_known_args(argv)
    try:
        settings = parse_settings(options.set)
    except ValueError as e:
        print(e, file=sys.stderr)
        return REQUEST_ERROR
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    bootstrap([*host_flags(options, rest), "--no-prompt-history", "--disable-console-progressbars"])
    from modules import errors, script_callbacks, ui  # noqa: PLC0415 - exists only after bootstrap

    script_callbacks.before_ui_callback()
    ui.create_ui()
    try:
        off, _ = _make(options, None)
        on, infotext = _make(options, settings)
    except Exception as e:
        detail = getattr(e, "detail", None)
        if detail is None:
            raise
        print(f"error: {detail}", file=sys.stderr)
        return REQUEST_ERROR
    if errors.exception_records:
        print("error: a script failed; see the messages above", file=sys.stderr)
        return FAILURE
    sheet = options.out.with_name(f"{options.out.stem}-off-on.png")
    _save(on, options.out, infotext)
    _save(off_on_sheet(off, on), sheet, infotext)
    print(f"{options.out.resolve()}\n{sheet.resolve()}\n\n{infotext}")
    return 0
