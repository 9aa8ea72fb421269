"""How the page hands out picture files; doubles the host's `modules/ui_tempdir.py`.

A picture that was saved is served from where it was saved, so that what a browser downloads has the
infotext.  Any other, and one saved below a folder whose name starts with a dot (gradio refuses to serve
those), goes into gradio's temporary folder with its text entries.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, PngImagePlugin

from modules import shared


def register_tmp_file(demo: Any, filename: str) -> None:
    """Lets gradio serve `filename`."""
    sets = getattr(demo, "temp_file_sets", None)
    if sets:
        sets[0].add(os.path.abspath(filename))


def _refused_by_gradio(filename: str) -> bool:
    return any(part.startswith(".") for part in Path(filename).absolute().parts)


def save_pil_to_file(
    self: Any,
    pil_image: Image.Image,
    dir: str | None = None,
    format: str = "png",
) -> str:
    """The path by which gradio is to serve `pil_image`."""
    saved = getattr(pil_image, "already_saved_as", None)
    if saved and os.path.isfile(saved) and not _refused_by_gradio(saved):
        register_tmp_file(shared.demo, saved)
        # The time keeps a browser from showing what an overwritten file held before.
        dated = f"{saved}?{os.path.getmtime(saved)}"
        register_tmp_file(shared.demo, dated)
        return dated
    folder = getattr(shared.opts, "temp_dir", "") or dir
    if folder:
        os.makedirs(folder, exist_ok=True)
    texts = PngImagePlugin.PngInfo()
    for key, value in pil_image.info.items():
        if isinstance(key, str) and isinstance(value, str):
            texts.add_text(key, value)
    suffix = f".{format}"
    with tempfile.NamedTemporaryFile(delete=False, suffix=suffix, dir=folder) as file:
        settings = {"pnginfo": texts} if format == "png" else {}
        pil_image.save(file, format=format, **settings)
    return file.name


def install_ui_tempdir_override() -> None:
    """Makes gradio ask `save_pil_to_file`."""
    gr.components.IOComponent.pil_to_temp_file = save_pil_to_file
