"""Reading an infotext; doubles the parsing half of the host's `modules/infotext_utils.py`.

An infotext is the prompt's lines, then "Negative prompt: ..." and its lines, then one line of pairs
"Key: value", separated by commas, JSON-quoted where a value holds a comma, colon or line break.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from modules import prompt_parser, shared

logger = logging.getLogger("fooocus.embedded")

_KEY = r"(\w[\w \-/]+)"
_QUOTED = r'"(?:[^\\"]|\\.)+"'
re_param = re.compile(rf"\s*{_KEY}:\s*({_QUOTED}|[^,]*)(?:,|$)")
re_imagesize = re.compile(r"^(\d+)x(\d+)$")

FEWEST_PARAMETERS = 3
"""A last line with fewer pairs than this is prompt: prompts may well hold a colon."""

_MEANING_OF_ABSENT: dict[str, Any] = {
    "Clip skip": "1",
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": False,
}


def quote(text: Any) -> Any:
    """`text`, as a JSON string where it could not be told from the pairs around it."""
    if any(mark in str(text) for mark in (",", "\n", ":")):
        return json.dumps(text, ensure_ascii=False)
    return text


def unquote(text: str) -> str:
    """What `quote` was given; text that is no JSON string comes back as it is."""
    if not (text.startswith('"') and text.endswith('"')):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def split_infotext(text: str) -> tuple[str, str, str]:
    """(prompt, negative prompt, line of parameters) of an infotext."""
    *lines, last = text.strip().split("\n")
    if len(re_param.findall(last)) < FEWEST_PARAMETERS:
        lines.append(last)
        last = ""
    sections: tuple[list[str], list[str]] = ([], [])
    negative = False
    for raw in lines:
        line = raw.strip()
        if line.startswith("Negative prompt:"):
            negative = True
            line = line.removeprefix("Negative prompt:").strip()
        # Lines before the first that is not empty leave no trace, as in the host.
        if line or sections[negative]:
            sections[negative].append(line)
    return "\n".join(sections[False]), "\n".join(sections[True]), last


def parse_parameters(line: str) -> dict[str, str]:
    """The pairs of the last line; a value like 512x768 is split into "Key-1" and "Key-2"."""
    result: dict[str, str] = {}
    for key, raw in re_param.findall(line):
        if not raw:
            logger.warning("infotext: %r has no value", key)
            continue
        value = unquote(raw)
        size = re_imagesize.match(value)
        if size is None:
            result[key] = value
        else:
            result[f"{key}-1"], result[f"{key}-2"] = size.groups()
    return result


def parse_generation_parameters(x: str, skip_fields: list[str] | None = None) -> dict[str, Any]:
    """Every label in the infotext `x` with its value (text), and what an absent label means.

    Labels in `skip_fields` (by default the option infotext_skip_pasting) are left out.
    """
    if skip_fields is None:
        skip_fields = getattr(shared.opts, "infotext_skip_pasting", [])
    prompt, negative_prompt, last = split_infotext(x)
    result: dict[str, Any] = parse_parameters(last)
    prompt, negative_prompt = _take_styles_out(result, prompt, negative_prompt)
    result["Prompt"] = prompt
    result["Negative prompt"] = negative_prompt
    if "Hypernet" in result:
        strength = result.get("Hypernet strength", "1.0")
        result["Prompt"] += f"<hypernet:{result['Hypernet']}:{strength}>"
    if "Hires resize-1" not in result:
        result["Hires resize-1"] = result["Hires resize-2"] = 0
    for label, value in _MEANING_OF_ABSENT.items():
        result.setdefault(label, value)
    if result["FP8 weight"] != "Disable":
        result.setdefault("Cache FP16 weight for LoRA", False)
    if "Emphasis" not in result and _uses_emphasis(prompt, negative_prompt):
        result["Emphasis"] = "Original"
    return {label: value for label, value in result.items() if label not in skip_fields}


def _take_styles_out(result: dict[str, Any], prompt: str, negative_prompt: str) -> tuple[str, str]:
    """Both prompts without the webui's own styles, which become an entry as the settings have it.

    A second pass with other styles, as far as its texts show, leaves everything as it is.
    """
    wanted = getattr(shared.opts, "infotext_styles", "Ignore")
    if wanted == "Ignore":
        return prompt, negative_prompt
    extract = shared.prompt_styles.extract_styles_from_prompt
    found, inner, inner_negative = extract(prompt, negative_prompt)
    if "Hires prompt" in result or "Hires negative prompt" in result:
        hires = result.get("Hires prompt", prompt)
        hires_negative = result.get("Hires negative prompt", negative_prompt)
        found_in_hires, hires, hires_negative = extract(hires, hires_negative)
        if found_in_hires != found:
            return prompt, negative_prompt
        result["Hires prompt"] = "" if hires == inner else hires
        result["Hires negative prompt"] = "" if hires_negative == inner_negative else hires_negative
    if wanted == "Apply" or (wanted == "Apply if any" and found):
        result["Styles array"] = found
    return inner, inner_negative


def _uses_emphasis(prompt: str, negative_prompt: str) -> bool:
    parts = [
        *prompt_parser.parse_prompt_attention(prompt),
        *prompt_parser.parse_prompt_attention(negative_prompt),
    ]
    return any(weight != 1.0 and text != "BREAK" for text, weight in parts)
