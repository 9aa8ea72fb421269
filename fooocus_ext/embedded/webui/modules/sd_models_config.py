"""Doubles modules/sd_models_config.py: what a checkpoint's tensors do not show is read from beside or inside it."""

from __future__ import annotations

import os
import re

HEAD_WIDTH = re.compile(r"^\s*num_head_channels:\s*(\d+)\s*$", re.MULTILINE)


def find_checkpoint_config_near_filename(info):
    """The YAML file of the checkpoint's name, or None."""
    path = f"{os.path.splitext(info.filename)[0]}.yaml"
    return path if os.path.exists(path) else None


def _config_text(info) -> str:
    path = find_checkpoint_config_near_filename(info)
    if path is None:
        return ""
    with open(path, encoding="utf8") as file:
        return file.read()


def predicts_v(info) -> bool | None:
    """What the YAML file says about the prediction; None if there is none or it says nothing."""
    text = _config_text(info)
    if "VScaling" in text or re.search(r"parameterization:\s*[\"']?v\b", text):
        return True
    return False if "EpsScaling" in text else None


def head_width_of(info) -> int | None:
    """Width of the UNet's attention heads: from the YAML file, else the file's metadata, else None (SDXL's 64)."""
    match = HEAD_WIDTH.search(_config_text(info))
    if match:
        return int(match.group(1))
    noted = info.metadata.get("num_head_channels")
    return int(noted) if noted else None
