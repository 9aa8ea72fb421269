"""The settings of RuinedFooocus's pictures, in the keys of Fooocus's JSON.

RuinedFooocus, a fork, stores one JSON object with keys of its own. Its texts have the styles in them
already, so none is selected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fooocus_ext.limits import USUAL_CLIP_SKIP

_PROGRAM = "ruinedfooocus"
_KEYS: Mapping[str, str] = {
    "prompt": "prompt",
    "negative": "negative_prompt",
    "steps": "steps",
    "cfg": "guidance_scale",
    "seed": "seed",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
    "base_model_name": "base_model",
    "base_model_hash": "base_model_hash",
    "clip_skip": "clip_skip",
    "software": "version",
}
_TELLING = {"cfg", "sampler_name", "base_model_name"}
_LORA = re.compile(r"\s*([-+]?\d{1,9}(?:\.\d{1,20})?) - (.{1,300})")


def as_fooocus(content: Mapping[str, object]) -> dict[str, object] | None:
    """Return the object's values by Fooocus's keys, not yet checked; None if the fork wrote none of it.

    What has no counterpart keeps its key.
    """
    values = {str(key).casefold(): value for key, value in content.items()}
    software = values.get("software")
    is_named = isinstance(software, str) and software.casefold() == _PROGRAM
    if not is_named and not values.keys() >= _TELLING:
        return None
    found = {_KEYS.get(key, key): value for key, value in values.items()}
    width, height = found.pop("width", None), found.pop("height", None)
    if width is not None and height is not None:
        found["resolution"] = [width, height]
    loras = found.get("loras")
    if isinstance(loras, (list, tuple)):
        found["loras"] = [_lora(item) for item in loras]
    if found.get("start_step") == 0:
        del found["start_step"]
    if found.get("clip_skip") == 1:
        found["clip_skip"] = USUAL_CLIP_SKIP  # 1 leaves the text encoders as the model has them
    return {**found, "styles": []}


def _lora(item: object) -> object:
    """Return [name, weight] for [hash of the file, "weight - name"]; anything else as it is."""
    text = item[1] if isinstance(item, (list, tuple)) and len(item) > 1 else None
    match = _LORA.fullmatch(text) if isinstance(text, str) else None
    return [match[2], match[1]] if match else item
