"""Styles: prompt templates with names, and how several of them meet one prompt.

The semantics are Fooocus 2.5's (``sdxl_styles.py`` and ``async_worker.py`` there); the formats are
read by ``fooocus_ext.prompting.style_files``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fooocus_ext.data_files import Problem
from fooocus_ext.errors import RequestError, did_you_mean

PLACEHOLDER = "{prompt}"
EXPANSION_STYLE = "Fooocus V2"
RANDOM_STYLE = "Random Style"
SPECIAL_STYLES = (EXPANSION_STYLE, RANDOM_STYLE)
MAX_STYLED_LENGTH = 1_000_000
"""Characters of all styles with a picture's prompts in them."""
_LONGEST_NAME_SHOWN = 100
_MOST_LEFT_OUT = 5


def lookup_key(name: str) -> str:
    """Return the form under which style names are compared.

    Fooocus writes ``sai-3d-model`` as ``SAI 3D Model``: hyphens become spaces and the letters' case
    changes. Both therefore are the same name here, whichever of them a file or a user wrote.
    """
    return " ".join(name.replace("-", " ").casefold().split())


@dataclass(frozen=True)
class Style:
    """One template.

    Attributes:
        name: as its file spells it.
        prompt: positive text, usually with ``{prompt}``; may be empty.
        negative_prompt: negative text; may be empty.
        group: heading under which the style is listed.
        source: the file it came from.
    """

    name: str
    prompt: str
    negative_prompt: str
    group: str = "Styles"
    source: Path | None = None


@dataclass(frozen=True)
class StyleLibrary:
    """All styles that were loaded, in list order, and what could not be loaded."""

    styles: Sequence[Style] = ()
    problems: Sequence[Problem] = ()
    _by_key: Mapping[str, Style] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {lookup_key(style.name): style for style in self.styles}
        object.__setattr__(self, "_by_key", by_key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and lookup_key(name) in self._by_key

    def __len__(self) -> int:
        return len(self.styles)

    @property
    def names(self) -> list[str]:
        """The styles' names in list order, without the two special ones."""
        return [style.name for style in self.styles]

    @property
    def groups(self) -> dict[str, list[Style]]:
        """The styles by group; groups and styles in list order."""
        grouped: dict[str, list[Style]] = {}
        for style in self.styles:
            grouped.setdefault(style.group, []).append(style)
        return grouped

    def get(self, name: str) -> Style:
        """Return the style called ``name`` (see ``lookup_key``).

        Raises:
            RequestError: there is none; the message gives the nearest names.
        """
        try:
            return self._by_key[lookup_key(name)]
        except KeyError:
            raise RequestError(self._unknown(name)) from None

    def check(self, names: Iterable[str]) -> None:
        """Raise RequestError for the first of ``names`` that is neither here nor special."""
        for name in names:
            if special_style(name) is None:
                self.get(name)

    def draw(self, rng: random.Random) -> Style:
        """Return a style drawn uniformly with ``rng``.

        Raises:
            RequestError: the library is empty.
        """
        if not self.styles:
            raise RequestError(
                f'styles: "{RANDOM_STYLE}" has nothing to draw from: no style loaded.'
            )
        return rng.choice(self.styles)

    def _unknown(self, name: str) -> str:
        key = lookup_key(name)
        shown = name if len(name) <= _LONGEST_NAME_SHOWN else name[:_LONGEST_NAME_SHOWN] + "..."
        others = [known for known in self._nameable() if lookup_key(known) != key]
        hint = did_you_mean(key[:_LONGEST_NAME_SHOWN], others)
        return (
            f'styles: there is no style "{shown}"{hint}; allowed: the {len(self.styles)} names that '
            f'GET /fooocus/v1/styles lists, "{EXPANSION_STYLE}" and "{RANDOM_STYLE}".'
            f"{''.join(f' {sentence}' for sentence in self.left_out(name))}"
        )

    def left_out(self, name: str) -> list[str]:
        """Return sentences about files, and entries called ``name``, that could not be read.

        A style that is not here may be in one of them.
        """
        label = f'("{name.casefold()[:60]}")'
        found = [p for p in self.problems if not p.entry or p.entry.casefold().endswith(label)]
        sentences = [f"{problem.file} could not be read{_in_words(problem)}." for problem in found]
        more = len(sentences) - _MOST_LEFT_OUT
        return [*sentences[:_MOST_LEFT_OUT], *([f"Nor could {more} more."] if more > 0 else [])]

    def _nameable(self) -> list[str]:
        return [*SPECIAL_STYLES, *self.names]


def _in_words(problem: Problem) -> str:
    return f" in {problem.entry}: {problem.reason}" if problem.entry else f": {problem.reason}"


def special_style(name: str) -> str | None:
    """Return ``EXPANSION_STYLE`` or ``RANDOM_STYLE`` if ``name`` means one of them, else None."""
    key = lookup_key(name)
    return next((special for special in SPECIAL_STYLES if lookup_key(special) == key), None)


def wants_expansion(names: Iterable[str]) -> bool:
    """Whether a list of style names asks for prompt expansion ("Fooocus V2" is among them)."""
    return any(special_style(name) == EXPANSION_STYLE for name in names)


def check_length(styles: Sequence[Style], prompts: Sequence[str], negative_prompt: str) -> None:
    """Refuse styles that would make more of the prompts than ``MAX_STYLED_LENGTH`` characters, unwritten.

    Args:
        styles: the styles, which each of the prompts gets.
        prompts: the prompts, in whose place ``{prompt}`` stands.
        negative_prompt: likewise for the styles' negative texts.

    Raises:
        RequestError: they would.
    """
    for what, texts, typed in (
        ("prompt", [style.prompt for style in styles], prompts),
        ("negative prompt", [style.negative_prompt for style in styles], [negative_prompt]),
    ):
        places = sum(text.count(PLACEHOLDER) for text in texts)
        own = sum(map(len, texts)) - places * len(PLACEHOLDER)
        length = len(typed) * own + places * sum(map(len, typed))
        if length > MAX_STYLED_LENGTH:
            raise RequestError(
                f"styles: {len(styles)} styles would make a {what} of {length} characters; allowed: "
                f"up to {MAX_STYLED_LENGTH}."
            )


@dataclass(frozen=True)
class StyledTexts:
    """The texts that are encoded for one image, in order; the caller joins them."""

    positive: list[str]
    negative: list[str]


def apply_styles(
    styles: Sequence[Style],
    prompt: str,
    negative_prompt: str = "",
    *,
    extra_positive: Sequence[str] = (),
    extra_negative: Sequence[str] = (),
) -> StyledTexts:
    """Put one prompt through several styles, as Fooocus 2.5 does.

    Every style contributes its lines in order, with each ``{prompt}`` replaced, by the negative prompt
    in its negative text (as in A1111's own styles). If none of them has the placeholder, the prompt
    goes in front, and the negative prompt behind. The extra texts (a prompt's further lines) come last.
    Empty texts are removed; if nothing remains, the prompt (or negative prompt) itself is the only text.

    Args:
        styles: the styles, in the user's order.
        prompt: the main prompt.
        negative_prompt: the user's negative prompt.
        extra_positive: further positive texts.
        extra_negative: further negative texts.
    """
    positive = [line for style in styles for line in style.prompt.splitlines()]
    if not any(PLACEHOLDER in line for line in positive):
        positive.insert(0, PLACEHOLDER)
    negative = [line for style in styles for line in style.negative_prompt.splitlines()]
    if not any(PLACEHOLDER in line for line in negative):
        negative.append(PLACEHOLDER)
    return StyledTexts(
        positive=_filled(positive, prompt, extra_positive),
        negative=_filled(negative, negative_prompt, extra_negative),
    )


def _filled(lines: Sequence[str], prompt: str, extra: Sequence[str]) -> list[str]:
    """Return the lines with the prompt in them, and the extra texts; empty ones are left out."""
    texts = [*(line.replace(PLACEHOLDER, prompt) for line in lines), *extra]
    return [text for text in texts if text] or [prompt]
