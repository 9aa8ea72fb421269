"""Doubles modules/processing_scripts/comments.py: from a # to the end of its line, a prompt is a comment."""

from __future__ import annotations

import re

from modules import scripts, shared

WHOLE_LINE = re.compile(r"(^|\n)#[^\n]*(\n|$)")
REST_OF_LINE = re.compile(r"#[^\n]*(\n|$)")


def strip_comments(text):
    """The text without comments."""
    return REST_OF_LINE.sub("\n", WHOLE_LINE.sub("\n", text))


def _strip_all(p, names) -> None:
    for name in names:
        value = getattr(p, name, None)
        if isinstance(value, list):
            setattr(p, name, [strip_comments(text) for text in value])
        elif isinstance(value, str):
            setattr(p, name, strip_comments(value))


class ScriptStripComments(scripts.Script):
    """Strips the comments of all prompts."""

    def title(self):
        return "Comments"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def process(self, p, *args):
        if shared.opts.enable_prompt_comments:
            _strip_all(
                p, ("all_prompts", "all_negative_prompts", "main_prompt", "main_negative_prompt")
            )
            if getattr(p, "enable_hr", False):
                _strip_all(
                    p,
                    (
                        "all_hr_prompts",
                        "all_hr_negative_prompts",
                        "hr_prompt",
                        "hr_negative_prompt",
                    ),
                )
