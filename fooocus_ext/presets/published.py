"""Where model files are published that the extension or its presets name: facts, from ``published.json``."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fooocus_ext.downloads.files import RemoteFile

Kind = Literal["checkpoint", "lora", "vae", "embedding", "upscaler", "inpaint"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CHECKPOINTS = ("juggernautXL_v8Rundiffusion.safetensors", "sd_xl_base_1.0_0.9vae.safetensors")
"""The models that are offered where there is none, best first."""
UPSCALER = "RealESRGAN_x4plus.pth"
"""The upscaler that is offered where there is none."""
_TABLE = Path(__file__).with_name("published.json")


@dataclass(frozen=True)
class Published:
    """A published model file.

    Attributes:
        kind: what it is, and so which folder it belongs to.
        file: its name, address, size and sum, as far as they are known.
        licence: the licence's name; empty if it is not known.
        licence_url: the page that tells under which terms it may be used.
    """

    kind: Kind
    file: RemoteFile
    licence: str
    licence_url: str


@functools.lru_cache(maxsize=1)
def published() -> Mapping[str, Published]:
    """Return the files of the table, by name."""
    return {
        name: Published(
            entry["kind"],
            RemoteFile(name, entry["url"], entry["sha256"], entry["bytes"]),
            entry["licence"],
            entry["licence_url"],
        )
        for name, entry in json.loads(_TABLE.read_text(encoding="utf-8")).items()
    }
