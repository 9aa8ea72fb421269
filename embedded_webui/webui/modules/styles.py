"""Doubles modules/styles.py.

The webui's own prompt styles from a CSV file (name, prompt, negative_prompt).
"""

from __future__ import annotations

import csv
import os
from typing import NamedTuple

from modules import errors


class PromptStyle(NamedTuple):
    """One style; `{prompt}` in a text is replaced by the user's prompt, otherwise the text is appended."""

    name: str
    prompt: str | None
    negative_prompt: str | None
    path: str | None = None


NO_STYLE = PromptStyle("None", "", "", None)


def merge_prompts(style_prompt: str, prompt: str) -> str:
    """The prompt with one style's text applied."""
    if "{prompt}" in style_prompt:
        return style_prompt.replace("{prompt}", prompt)
    return ", ".join(part for part in (prompt.strip(), style_prompt.strip()) if part)


def apply_styles_to_prompt(prompt, styles):
    """The prompt with the style texts applied in order."""
    for style in styles:
        prompt = merge_prompts(style, prompt)
    return prompt


class StyleDatabase:
    """All styles of the given CSV files, by name."""

    def __init__(self, paths):
        self.paths = list(paths)
        self.no_style = NO_STYLE
        self.styles: dict[str, PromptStyle] = {}
        self.reload()

    def reload(self) -> None:
        """Read the files again; a missing file holds no styles, a broken one is reported."""
        self.styles.clear()
        for path in filter(os.path.isfile, self.paths):
            try:
                with open(path, encoding="utf-8-sig", newline="") as file:
                    for row in csv.DictReader(file, skipinitialspace=True):
                        self._add(row, path)
            except (OSError, KeyError, csv.Error):
                errors.report(f"Error loading styles from {path}", exc_info=True)

    def _add(self, row, path) -> None:
        name = row["name"]
        if not name.startswith("#"):
            text = row["prompt"] if "prompt" in row else row["text"]
            self.styles[name] = PromptStyle(
                name, text or "", row.get("negative_prompt") or "", str(path)
            )

    def _chosen(self, styles) -> list[PromptStyle]:
        return [self.styles.get(name, NO_STYLE) for name in styles]

    def get_style_prompts(self, styles):
        """The texts of the named styles."""
        return [style.prompt for style in self._chosen(styles)]

    def get_negative_style_prompts(self, styles):
        """The negative texts of the named styles."""
        return [style.negative_prompt for style in self._chosen(styles)]

    def apply_styles_to_prompt(self, prompt, styles):
        """The prompt with the named styles."""
        return apply_styles_to_prompt(prompt, self.get_style_prompts(styles))

    def apply_negative_styles_to_prompt(self, prompt, styles):
        """The negative prompt with the named styles."""
        return apply_styles_to_prompt(prompt, self.get_negative_style_prompts(styles))

    def extract_styles_from_prompt(self, prompt, negative_prompt):
        """No style is ever recognised in a finished prompt here: ([], prompt, negative_prompt)."""
        return [], prompt, negative_prompt
