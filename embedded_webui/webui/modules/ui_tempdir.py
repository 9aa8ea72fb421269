"""How the page hands out picture files; doubles the host's `modules/ui_tempdir.py`.

A picture that was saved is served from where it was saved, so that what a browser downloads has the
infotext. Below a folder whose name starts with a dot, as the default data folder is, gradio refuses to
serve: a copy goes into the temporary folder. So does a picture that was not saved, with its text entries.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, PngImagePlugin

from embedded_webui.files import whole
from modules import shared


def register_tmp_file(demo: Any, filename: str) -> None:
    """Lets gradio serve `filename`."""
    sets = getattr(demo, "temp_file_sets", None)
    if sets:
        sets[0].add(os.path.abspath(filename))


def _refused_by_gradio(filename: str) -> bool:
    return any(part.startswith(".") for part in Path(filename).absolute().parts)


def _copied(filename: str, folder: str) -> str:
    """Copy a file once, as long as it does not change, and return the copy's path."""
    version = f"{Path(filename).absolute()}?{os.path.getmtime(filename)}"
    name = hashlib.sha256(version.encode()).hexdigest()[:32]
    copy = Path(folder, name).with_suffix(Path(filename).suffix)
    if not copy.is_file():
        with whole(copy) as unfinished:
            shutil.copyfile(filename, unfinished)
    return str(copy)


def save_pil_to_file(
    self: Any,
    pil_image: Image.Image,
    dir: str | None = None,
    format: str = "png",
) -> str:
    """The path by which gradio is to serve `pil_image`."""
    folder = getattr(shared.opts, "temp_dir", "") or dir or tempfile.gettempdir()
    os.makedirs(folder, exist_ok=True)
    saved = getattr(pil_image, "already_saved_as", None)
    if saved and os.path.isfile(saved):
        if _refused_by_gradio(saved):
            return _copied(saved, folder)
        register_tmp_file(shared.demo, saved)
        # The time keeps a browser from showing what an overwritten file held before.
        dated = f"{saved}?{os.path.getmtime(saved)}"
        register_tmp_file(shared.demo, dated)
        return dated
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
