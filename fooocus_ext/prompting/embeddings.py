"""Embeddings as Fooocus and ComfyUI write them, in the webui's words."""

from __future__ import annotations

import re

# A name ends where the webui's grammar or the next word begins.
EMBEDDING = re.compile(r"(?<![\w\\])embedding:([^\s,:()\[\]<>|]+)")
_ENDING = re.compile(r"\.(safetensors|pt|bin)$", re.IGNORECASE)


def bare_embeddings(text: str) -> str:
    """Return a prompt with ``embedding:folder/name.pt`` written ``name``, as the webui has it.

    Weights stay: ``(embedding:name:1.1)`` becomes ``(name:1.1)``.
    """
    return EMBEDDING.sub(_bare_name, text)


def _bare_name(match: re.Match[str]) -> str:
    name = _ENDING.sub("", match[1].replace("\\", "/").rsplit("/", 1)[-1])
    return name or match[0]
