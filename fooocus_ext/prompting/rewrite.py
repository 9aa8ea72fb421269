"""One image's texts: wildcards, arrays, styles and expansion, in Fooocus's order.

Lines. Fooocus takes every line of a prompt box as a text of its own. Users of the webui break long
prompts wherever they like, so that rule holds only where texts are put together anyway: when a style
is applied, or when a prompt of several lines is joined by another separator than a comma (Fooocus's
own way to encode texts separately, `` BREAK ``). Then each line is trimmed of spaces, commas and
dots, blank lines are dropped, the first line is the main text and the others follow as they are.
Otherwise the whole box, as typed, is the main text.

Where none of the features is used, the result is the typed text, byte for byte.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fooocus_ext.prompting.arrays import apply_arrays
from fooocus_ext.prompting.styles import (
    EXPANSION_STYLE,
    RANDOM_STYLE,
    Style,
    StyleLibrary,
    apply_styles,
    special_style,
)
from fooocus_ext.prompting.wildcards import Wildcards, apply_wildcards

COMMA = ", "
BREAK = " BREAK "
_EXTRA_NETWORK = re.compile(r"<\w+:[^>]+>")
MAX_NOTES = 20
_EDGES = ",. \r\n"


@dataclass(frozen=True)
class RewrittenPrompt:
    """What is encoded for one image, and how it came about.

    Attributes:
        positive: the positive text, joined.
        negative: the negative text, joined.
        applied_styles: the styles' names in order, "Random Style" replaced by the one drawn;
            "Fooocus V2" is not among them.
        expansion: what the expander added, as it stands in ``positive``; empty if nothing.
        notes: sentences about what could not be done as asked, without repetitions.
        positive_parts: the texts that ``positive`` joins, the expansion last.
        negative_parts: the texts that ``negative`` joins.
    """

    positive: str
    negative: str
    applied_styles: tuple[str, ...] = ()
    expansion: str = ""
    notes: tuple[str, ...] = ()
    positive_parts: tuple[str, ...] = ()
    negative_parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResolvedPrompt:
    """One image's texts with every draw made: what is encoded but for the expansion.

    Attributes:
        subject: the main text with wildcards and arrays resolved, without styles, ``<lora:...>``
            tags and line breaks: what an expander continues. Empty where there is nothing to continue.
        positive: the positive texts, in order.
        negative: the negative texts, in order.
        styles: the styles applied, in order, drawn ones included.
        notes: sentences about what could not be done as asked.
        separator: what joins the texts.
    """

    subject: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    styles: tuple[Style, ...]
    notes: tuple[str, ...]
    separator: str

    def finish(self, expanded: str = "") -> RewrittenPrompt:
        """Return the texts joined, with an expansion behind them if there is one.

        Args:
            expanded: what an expander made of ``subject``: the subject with its continuation, or the
                continuation alone; empty for no expansion.
        """
        expansion = self._expansion(expanded.strip())
        positive = (*self.positive, expansion) if expansion else self.positive
        return RewrittenPrompt(
            positive=_join(positive, self.separator),
            negative=_join(self.negative, self.separator),
            applied_styles=tuple(style.name for style in self.styles),
            expansion=expansion,
            notes=self.notes,
            positive_parts=positive,
            negative_parts=self.negative,
        )

    def _expansion(self, expanded: str) -> str:
        """Return the text that expansion adds: behind a comma the new words alone, else all of it.

        Fooocus encodes the expanded prompt as one more text, main prompt included. Joined by commas
        that would say the prompt twice.
        """
        continuation = expanded.removeprefix(self.subject).strip(_EDGES)
        if not continuation or self.separator == COMMA:
            return continuation
        if expanded.startswith(self.subject):
            return expanded
        return f"{self.subject}{COMMA}{continuation}"


def resolve_image(
    prompt: str,
    negative_prompt: str,
    *,
    index: int,
    seed: int,
    styles: Sequence[str],
    library: StyleLibrary,
    wildcards: Wildcards,
    in_order: bool = False,
    separator: str = COMMA,
) -> ResolvedPrompt:
    """Return the texts of one image but for its expansion.

    One ``random.Random(seed)`` makes all draws, in this order: wildcards of the main text, of the
    main negative text, of the further lines, of the further negative lines; then random styles. So
    the result depends on the arguments alone.

    Args:
        prompt: as typed.
        negative_prompt: as typed.
        index: the image's number in its job, from 0 (arrays, wildcards in order).
        seed: the image's own seed.
        styles: style names in order; "Random Style" draws one, "Fooocus V2" adds no text.
        library: the styles.
        wildcards: the wildcard files.
        in_order: wildcards take their options in order of the images instead of drawing.
        separator: ", ", or " BREAK " to have the texts encoded one by one as Fooocus does.

    Raises:
        RequestError: unknown style; wildcards that multiply without end.
    """
    rng = random.Random(seed)
    notes = _Notes()

    def resolve(text: str) -> str:
        return apply_wildcards(text, wildcards, rng, index=index, in_order=in_order, note=notes.add)

    named = [name for name in styles if special_style(name) != EXPANSION_STYLE]
    library.check(named)
    main, extra = _split_lines(prompt, bool(named), separator)
    main_negative, extra_negative = _split_lines(negative_prompt, bool(named), separator)
    main = apply_arrays(resolve(main), index, note=notes.add)
    main_negative = resolve(main_negative)
    extra = [resolve(line) for line in extra]
    extra_negative = [resolve(line) for line in extra_negative]
    chosen = _choose_styles(named, library, rng)
    texts = apply_styles(
        chosen, main, main_negative, extra_positive=extra, extra_negative=extra_negative
    )
    return ResolvedPrompt(
        subject=_tidy(" ".join(_EXTRA_NETWORK.sub("", main).splitlines())),
        positive=tuple(texts.positive),
        negative=tuple(texts.negative),
        styles=tuple(chosen),
        notes=tuple(notes.sentences),
        separator=separator,
    )


@dataclass
class _Notes:
    """Sentences in the order of their first appearance."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        if len(self.sentences) < MAX_NOTES and sentence not in self.sentences:
            self.sentences.append(sentence)


def _split_lines(text: str, has_styles: bool, separator: str) -> tuple[str, list[str]]:
    """Return the main text and the further lines; see the module's text for the rule."""
    lines = [line for line in map(_tidy, text.splitlines()) if line]
    independent = has_styles or (separator != COMMA and len(lines) > 1)
    if not independent:
        return text, []
    return (lines[0], lines[1:]) if lines else ("", [])


def _tidy(line: str) -> str:
    """Return a line without repeated spaces and without spaces, commas and dots at its ends."""
    return re.sub(" {2,}", " ", line).strip(_EDGES)


def _choose_styles(names: Sequence[str], library: StyleLibrary, rng: random.Random) -> list[Style]:
    return [
        library.draw(rng) if special_style(name) == RANDOM_STYLE else library.get(name)
        for name in names
    ]


def _join(texts: Sequence[str], separator: str) -> str:
    """Join texts; a single one stays as it is, several lose the commas at their seams."""
    if len(texts) == 1:
        return texts[0]
    return separator.join(trimmed for text in texts if (trimmed := text.strip(", \r\n")))
