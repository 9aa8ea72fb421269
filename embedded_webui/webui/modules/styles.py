"""The webui's own styles; doubles the host's `modules/styles.py`, but reads no files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

PLACE = "{prompt}"
"""Where in a style's text the prompt goes; behind a prompt goes a text without it."""


class PromptStyle(NamedTuple):
    """A style; either text may be empty or None."""

    name: str
    prompt: str | None
    negative_prompt: str | None
    path: str | None = None


def merge_prompts(style_prompt: str, prompt: str) -> str:
    """`prompt` in a style's text."""
    if PLACE in style_prompt:
        return style_prompt.replace(PLACE, prompt)
    return ", ".join(text for text in (prompt.strip(), style_prompt.strip()) if text)


def apply_styles_to_prompt(prompt: str, styles: Iterable[str]) -> str:
    """`prompt` in the texts of styles, each around what is there before."""
    for style in styles:
        prompt = merge_prompts(style, prompt)
    return prompt


def extract_style_text_from_prompt(style_text: str, prompt: str) -> tuple[bool, str]:
    """(whether a style's text is in `prompt`, the prompt without it)."""
    inner, style = prompt.strip(), style_text.strip()
    left, place, right = style.partition(PLACE)
    if not place:
        left, right = "", style
    if not (inner.startswith(left) and inner.endswith(right)):
        return False, prompt
    inner = inner[len(left) : len(inner) - len(right)]
    return True, inner if place else inner.removesuffix(", ")


class StyleDatabase:
    """The styles there are, by name."""

    def __init__(self) -> None:
        self.no_style = PromptStyle("None", "", "")
        self.styles: dict[str, PromptStyle] = {}

    def apply_styles_to_prompt(self, prompt: str, styles: Iterable[str]) -> str:
        """`prompt` in the styles named; unknown names do nothing."""
        texts = (self.styles.get(name, self.no_style).prompt for name in styles)
        return apply_styles_to_prompt(prompt, texts)

    def apply_negative_styles_to_prompt(self, prompt: str, styles: Iterable[str]) -> str:
        """The same for a negative prompt."""
        texts = (self.styles.get(name, self.no_style).negative_prompt for name in styles)
        return apply_styles_to_prompt(prompt, texts)

    def extract_styles_from_prompt(
        self, prompt: str, negative_prompt: str
    ) -> tuple[list[str], str, str]:
        """(names of the styles that are in both texts, and both without them)."""
        left = [style for style in self.styles.values() if style.prompt or style.negative_prompt]
        extracted: list[str] = []
        while True:
            for style in left:
                is_in, inner = extract_style_text_from_prompt(style.prompt, prompt)
                is_in_negative, inner_negative = extract_style_text_from_prompt(
                    style.negative_prompt, negative_prompt
                )
                if is_in and is_in_negative:
                    prompt, negative_prompt = inner, inner_negative
                    left.remove(style)
                    extracted.insert(0, style.name)
                    break
            else:
                return extracted, prompt, negative_prompt
