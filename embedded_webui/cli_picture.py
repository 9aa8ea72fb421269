"""`python -m embedded_webui picture`: one picture through the whole extension; if asked, one without it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, PngImagePlugin

from embedded_webui import no_page, pictures, threads
from embedded_webui.argument_types import at_least, png_file
from embedded_webui.cli_serve import add_checkpoint_flags, host_flags

REQUEST_ERROR = 2
FAILURE = 1
CAPTION_HEIGHT = 24
SMALLEST_SIDE = 8
"""pixels: one of a latent image"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m embedded_webui picture", allow_abbrev=False)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--negative-prompt", default="")
    parser.add_argument(
        "--out", type=png_file, default=Path("picture.png"), help="default: %(default)s"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an argument of the extension, say sharpness=4; values are JSON or plain text",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="make the same seed without the extension as well, and both side by side",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=at_least(1), default=20)
    side = at_least(SMALLEST_SIDE)
    parser.add_argument("--width", type=side, default=256, help="default: %(default)s")
    parser.add_argument("--height", type=side, default=256, help="default: %(default)s")
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


def _request(options: argparse.Namespace) -> dict[str, Any]:
    """What the host is asked for, under its own names."""
    same = (
        "prompt",
        "negative_prompt",
        "seed",
        "steps",
        "width",
        "height",
        "scheduler",
        "cfg_scale",
    )
    return {"sampler_name": options.sampler, **{name: getattr(options, name) for name in same}}


def _unknown_name(options: argparse.Namespace) -> str | None:
    """What is wrong with a sampler or schedule type that the host would replace by another."""
    from modules import sd_samplers, sd_schedulers  # noqa: PLC0415 - exist only after `pictures.start`

    if options.sampler not in sd_samplers.all_samplers_map:
        allowed = ", ".join(sd_samplers.all_samplers_map)
        return f"--sampler: got {options.sampler}; allowed: {allowed}"
    if options.scheduler not in sd_schedulers.schedulers_map:
        allowed = ", ".join(schedule.label for schedule in sd_schedulers.schedulers)
        return f"--scheduler: got {options.scheduler}; allowed: {allowed}"
    return None


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
    """Make and save the picture.

    Prints where it is and the infotext. 2 for a request that cannot be honoured.
    """
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    try:
        settings = parse_settings(options.set)
    except ValueError as e:
        print(e, file=sys.stderr)
        return REQUEST_ERROR
    threads.choose(pocket=options.checkpoint is None)
    no_page.install()
    pictures.start(host_flags(options, rest), parser.error)
    problem = _unknown_name(options)
    if problem:
        print(problem, file=sys.stderr)
        return REQUEST_ERROR
    from modules import errors  # noqa: PLC0415 - exists only now

    request = _request(options)
    try:
        made = [pictures.make(request, each) for each in [settings, *[None] * options.compare]]
    except Exception as e:
        detail = getattr(e, "detail", None)
        if detail is None:
            raise
        print(f"error: {detail}", file=sys.stderr)
        return REQUEST_ERROR
    for comment in (comment for each in made for comment in each.comments):
        print(comment, file=sys.stderr)
    if errors.exception_records:
        print("error: a script failed; see the messages above", file=sys.stderr)
        return FAILURE
    image, infotext = made[0].images[0], made[0].infotexts[0]
    _save(image, options.out, infotext)
    print(options.out.resolve())
    if options.compare:
        sheet = options.out.with_name(f"{options.out.stem}-off-on.png")
        _save(off_on_sheet(made[1].images[0], image), sheet, infotext)
        print(sheet.resolve())
    print(f"\n{infotext}")
    return 0
