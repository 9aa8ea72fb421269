"""The Save buttons; doubles a part of the host's `modules/ui_common.py` (without its log.csv)."""

from __future__ import annotations

import json
import os
import zipfile
from types import SimpleNamespace
from typing import Any

import gradio as gr

from modules import images as host_images
from modules import shared
from modules.infotext_utils import image_from_url_text, parse_generation_parameters
from modules.ui_text import plaintext_to_html


def save_files(js_data: str, images: list, do_make_zip: bool, index: int) -> tuple[Any, str]:
    """Saves the gallery's pictures (or the one selected) where the Save button puts them.

    `js_data` is the generation's `Processed.js()`.  Returns the update of the file list and a line
    of HTML; raises ValueError where nothing was generated yet.
    """
    if not js_data or not images:
        message = "there is no picture to save"
        raise ValueError(message)
    generation = SimpleNamespace(**json.loads(js_data))
    first = 0
    if getattr(shared.opts, "save_selected_only", True) and index >= max(
        generation.index_of_first_image, 0
    ):
        images, first = [images[index]], index
    saved = [
        _save_one(generation, image, number) for number, image in enumerate(images, start=first)
    ]
    files = [path for paths in saved for path in paths if path]
    shown = os.path.basename(files[0])
    if do_make_zip:
        files.insert(0, _zip(files))
    return gr.File.update(value=files, visible=True), plaintext_to_html(f"Saved: {shown}")


def _save_one(generation: SimpleNamespace, image: Any, number: int) -> tuple[str, str | None]:
    infotext = generation.infotexts[number]
    parameters = parse_generation_parameters(infotext, [])
    generation.batch_index = number - 1
    return host_images.save_image(
        image_from_url_text(image),
        shared.opts.outdir_save,
        "",
        seed=parameters.get("Seed"),
        prompt=parameters["Prompt"],
        extension=shared.opts.samples_format,
        info=infotext,
        grid=number < generation.index_of_first_image,
        p=generation,
        save_to_dirs=shared.opts.use_save_to_dirs_for_ui,
    )


def _zip(files: list[str]) -> str:
    path = f"{os.path.splitext(files[0])[0]}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, os.path.basename(file))
    return path
