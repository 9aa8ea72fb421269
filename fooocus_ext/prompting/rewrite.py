"""One image's texts: wildcards, arrays, styles and expansion, in Fooocus's order.

The parts of a prompt divided by ``AND`` are prompts of their own (``parts.py``).

Where none of the features is used, the result is the typed text, byte for byte.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from fooocus_ext.prompting.arrays import apply_arrays
from fooocus_ext.prompting.grammar import Part, join_parts, without_tags
from fooocus_ext.prompting.lines import COMMA, EDGES, even_commas, take_apart
from fooocus_ext.prompting.parts import PositivePart, parts_of, positive_parts, subject_of
from fooocus_ext.prompting.regions import expansion_notes, with_expansion
from fooocus_ext.prompting.styles import (
    EXPANSION_STYLE,
    RANDOM_STYLE,
    Style,
    StyleLibrary,
    apply_styles,
    check_length,
    special_style,
)
from fooocus_ext.prompting.text_lists import PictureTexts, text_list, untagged_main
from fooocus_ext.prompting.wildcards import Wildcards, apply_wildcards, has_wildcards

BREAK = " BREAK "
MAX_NOTES = 20


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
        is_joined: whether ``positive`` or ``negative`` is joined from several texts.
        one_by_one: what is encoded where texts are encoded one by one; None where they are not.
    """

    positive: str
    negative: str
    applied_styles: tuple[str, ...] = ()
    expansion: str = ""
    notes: tuple[str, ...] = ()
    is_joined: bool = False
    one_by_one: PictureTexts | None = None


@dataclass(frozen=True)
class ResolvedPrompt:
    """One image's texts with every draw made: what is encoded but for the expansion.

    Attributes:
        subject: the main text with wildcards and arrays resolved, without styles, ``<lora:...>``
            tags and line breaks: what an expander continues. Empty where there is nothing to continue.
        plain: the positive prompt as it is if no expansion follows; None if there is more to join.
        positive: its parts.
        negative: the negative texts, in order.
        styles: the styles applied, in order, drawn ones included.
        notes: sentences about what could not be done as asked.
        separator: what joins the texts.
        alone: its parts where texts are encoded one by one: the main texts without tags, as Fooocus takes
            them out before it applies styles; none where texts are joined.
    """

    subject: str
    plain: str | None
    positive: tuple[PositivePart, ...]
    negative: tuple[str, ...]
    styles: tuple[Style, ...]
    notes: tuple[str, ...]
    separator: str
    alone: tuple[PositivePart, ...] = ()

    @property
    def preceding(self) -> str:
        """The text behind which an expansion is encoded, without tags; of several parts, the longest."""
        if self.alone or self.separator != COMMA:
            return self.subject  # the expansion is a text of its own, which begins with it
        grown = (self._join(part.texts) for part in self.positive if part.grows)
        return max(map(without_tags, grown), key=len, default="")

    def finish(self, expanded: str = "") -> RewrittenPrompt:
        """Return the texts joined, with an expansion behind each part that wants one.

        Args:
            expanded: what an expander made of ``subject``: the subject with its continuation, or the
                continuation alone; empty for no expansion.
        """
        expanded = expanded.strip()
        expansion = self._expansion(expanded)
        parts = [self._grown(part, expansion) for part in self.positive]
        joined = join_parts([self._join(part.texts) + part.weight for part in parts])
        return RewrittenPrompt(
            positive=joined if expansion or self.plain is None else self.plain,
            negative=self._join(self.negative),
            applied_styles=tuple(style.name for style in self.styles),
            expansion=expansion,
            notes=(*self.notes, *self._notes(expansion)),
            is_joined=max(sum(len(part.texts) for part in parts), len(self.negative)) > 1,
            one_by_one=self._one_by_one(self._whole(expanded) if expansion else "")
            if self.alone
            else None,
        )

    def _one_by_one(self, expansion: str) -> PictureTexts:
        """Return the texts as Fooocus encodes them; an expansion is the whole prompt, continued."""
        parts = (
            text_list(part.texts, expansion if part.grows else "", part.weight)
            for part in self.alone
        )
        return PictureTexts(tuple(parts), text_list(self.negative))

    def _expansion(self, expanded: str) -> str:
        """Return the text that expansion adds: behind a comma the new words alone, else all of it.

        Fooocus encodes the expanded prompt as one more text, main prompt included. Joined by commas
        that would say the prompt twice.
        """
        continuation = expanded.removeprefix(self.subject).strip(EDGES)
        if not continuation or self.separator == COMMA:
            return continuation
        return self._whole(expanded)

    def _whole(self, expanded: str) -> str:
        """Return the expanded prompt with the prompt at its beginning."""
        if expanded.startswith(self.subject):
            return expanded
        return f"{self.subject}{COMMA}{expanded.strip(EDGES)}"

    def _grown(self, part: PositivePart, expansion: str) -> PositivePart:
        if not expansion or not part.grows:
            return part
        return replace(part, texts=with_expansion(part.texts, expansion))

    def _notes(self, expansion: str) -> tuple[str, ...]:
        grown = [text for part in self.positive if part.grows for text in part.texts]
        return expansion_notes(grown) if expansion else ()

    def _join(self, texts: Sequence[str]) -> str:
        """Join texts; a single one stays as it is, several lose the commas at their seams."""
        if len(texts) == 1:
            return texts[0]
        trimmed = (text.strip(", \r\n") for text in texts)
        return self.separator.join(text for text in trimmed if text)


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
    expands: bool = False,
    in_lines: bool = False,
) -> ResolvedPrompt:
    """Return the texts of one image but for its expansion.

    One ``random.Random(seed)`` makes all draws, in this order: wildcards of the main text, of the
    main negative text, of the further lines, of the further negative lines; then random styles, then
    wildcards in texts of styles. So the result depends on the arguments alone.

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
        expands: whether an expansion may follow. A prompt divided by ``AND`` is taken apart for it,
            as it is for styles.
        in_lines: whether the texts are encoded one by one: every line is then a text of its own in
            any case, and the commas of the main text are put in order, as in Fooocus.

    Raises:
        RequestError: unknown style; wildcards that multiply without end; see ``check_length``.
    """
    rng = random.Random(seed)
    notes = _Notes()

    def resolve(text: str) -> str:
        return apply_wildcards(text, wildcards, rng, index=index, in_order=in_order, note=notes.add)

    named = [name for name in styles if special_style(name) != EXPANSION_STYLE]
    library.check(named)
    styled = bool(named)
    typed = take_apart(
        prompt, styled, separator, divides=styled or expands or in_lines, in_lines=in_lines
    )
    typed_negative = take_apart(
        negative_prompt, styled, separator, divides=False, in_lines=in_lines
    )
    typed_main = even_commas(typed.main) if in_lines else typed.main
    main = apply_arrays(resolve(typed_main), index, single=in_lines, note=notes.add)
    main_negative = resolve(typed_negative.main)
    further = [[resolve(line) for line in lines] for lines in typed.further]
    further_negative = [resolve(line) for line in typed_negative.further[0]]
    chosen = [_resolved_style(style, resolve) for style in _choose_styles(named, library, rng)]
    parts = parts_of(main) if len(further) > 1 else [Part(main)]
    check_length(chosen, [part.text for part in parts if part.is_wanted], main_negative)
    bare = [replace(part, text=untagged_main(part.text)) for part in parts] if in_lines else []
    return ResolvedPrompt(
        subject=subject_of(bare or parts),
        plain=None if chosen or any(further) else main,
        positive=positive_parts(parts, further, chosen),
        negative=tuple(
            apply_styles(chosen, "", main_negative, extra_negative=further_negative).negative
        ),
        styles=tuple(chosen),
        notes=tuple(notes.sentences),
        separator=separator,
        alone=positive_parts(bare, further, chosen),
    )


def _resolved_style(style: Style, resolve: Callable[[str], str]) -> Style:
    """Return a style with the wildcards in its own texts resolved."""
    if not has_wildcards(style.prompt) and not has_wildcards(style.negative_prompt):
        return style
    return replace(
        style, prompt=resolve(style.prompt), negative_prompt=resolve(style.negative_prompt)
    )


@dataclass
class _Notes:
    """Sentences in the order of their first appearance."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        if len(self.sentences) < MAX_NOTES and sentence not in self.sentences:
            self.sentences.append(sentence)


def _choose_styles(names: Sequence[str], library: StyleLibrary, rng: random.Random) -> list[Style]:
    return [
        library.draw(rng) if special_style(name) == RANDOM_STYLE else library.get(name)
        for name in names
    ]
