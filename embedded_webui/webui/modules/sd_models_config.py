"""Doubles modules/sd_models_config.py.

What a checkpoint's tensors do not show is read from beside or inside it.
"""

from __future__ import annotations

import os
import re

from embedded_webui.network.shapes import Heads

HEAD_COUNT = re.compile(r"^\s*num_heads:\s*(\d+)\s*$", re.MULTILINE)
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


def heads_of(info) -> Heads:
    """The UNet's attention heads: from the YAML file, else the file's metadata, else unknown."""
    text = _config_text(info)
    width, count = HEAD_WIDTH.search(text), HEAD_COUNT.search(text)
    if width or count:
        return Heads(int(width.group(1)) if width else None, int(count.group(1)) if count else None)
    noted = info.metadata.get("num_head_channels")
    return Heads(width=int(noted) if noted else None)
