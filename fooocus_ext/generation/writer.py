"""What prompts are rewritten with, and how: the texts of pictures from their prompts and seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fooocus_ext.args import FOOOCUS, Settings
from fooocus_ext.prompting.comments import (
    NO_COMMENTS,
    Signs,
    end_of_words,
    strip_comments,
    without_signs,
)
from fooocus_ext.prompting.lines import COMMA
from fooocus_ext.prompting.rewrite import ResolvedPrompt, RewrittenPrompt, resolve_image
from fooocus_ext.prompting.styles import StyleLibrary, wants_expansion
from fooocus_ext.prompting.wildcards import Wildcards

Expand = Callable[[Sequence[str], Sequence[int], Sequence[str], Sequence[str]], Sequence[str]]
"""Continues texts, each with its seed, the texts of the styles beside it, and what the words will follow."""


@dataclass(frozen=True)
class Writer:
    """What texts are rewritten with.

    Attributes:
        styles: the styles there are.
        wildcards: the wildcard files there are.
        expand: the prompt expander; called only if expansion is wanted.
        separator: what stands between the joined texts, ", " or " BREAK ".
        in_order: wildcards take their options in order of the pictures instead of drawing.
        first_index: the number of the first picture in its job, for a job of which some were made before.
        comments: what begins a comment on the host. Comments are taken out before anything is added, and
            what is added makes none.
        entries: infotext entries of whatever in here is not at its default, by key.
    """

    styles: StyleLibrary
    wildcards: Wildcards
    expand: Expand
    separator: str = COMMA
    in_order: bool = False
    first_index: int = 0
    comments: Signs = NO_COMMENTS
    entries: Mapping[str, str] = field(default_factory=dict)

    def rewrite(
        self,
        prompts: Sequence[str],
        negative_prompts: Sequence[str],
        seeds: Sequence[int],
        settings: Settings,
    ) -> list[RewrittenPrompt]:
        """Return the texts of all pictures; the expander sees the whole job at once."""
        resolved = [
            resolve_image(
                self.uncommented(prompt),
                self.uncommented(negative),
                index=index,
                seed=seed,
                styles=settings.styles,
                library=self.styles,
                wildcards=self.wildcards,
                in_order=self.in_order,
                separator=self.separator,
                expands=expands(settings),
                in_lines=settings.rendering == FOOOCUS,
            )
            for index, (prompt, negative, seed) in enumerate(
                zip(prompts, negative_prompts, seeds, strict=True), self.first_index
            )
        ]
        if not expands(settings):
            return [self._without_comment_signs(texts.finish()) for texts in resolved]
        wanted = [_Subject.of(texts, seed) for texts, seed in zip(resolved, seeds, strict=True)]
        expanded = self._expanded(wanted)
        return [
            self._without_comment_signs(texts.finish(expanded.get(subject, "")))
            for texts, subject in zip(resolved, wanted, strict=True)
        ]

    def continued(self, prompt: str, seed: int, styles: Sequence[str]) -> str:
        """Return a prompt with its expansion behind its words, for its author to edit; comments stay.

        Args:
            prompt: as typed.
            seed: chooses the expansion.
            styles: names of the styles that will be beside it; those that do not exist are left out.
        """
        chosen = [self.styles.get(name) for name in styles if name in self.styles]
        beside = ", ".join(style.prompt for style in chosen)
        end = end_of_words(prompt, self.comments)
        typed = self.uncommented(prompt[:end])
        if not typed.strip():
            return prompt
        (continued,) = self.expand([typed], [seed], [beside], [typed])
        return prompt[:end] + continued.removeprefix(typed) + prompt[end:]

    def uncommented(self, typed: str) -> str:
        """Return a typed text as the host will have it: without comments."""
        return strip_comments(typed, self.comments)

    def _without_comment_signs(self, texts: RewrittenPrompt) -> RewrittenPrompt:
        """Leave what begins a comment out of styles and wildcards: the host would drop all that follows."""
        return replace(
            texts,
            positive=without_signs(texts.positive, self.comments),
            negative=without_signs(texts.negative, self.comments),
        )

    def _expanded(self, subjects: Iterable[_Subject]) -> dict[_Subject, str]:
        """Return the expansion of each subject that has a text, each made once."""
        wanted = list(dict.fromkeys(subject for subject in subjects if subject.text))
        if not wanted:
            return {}
        return dict(zip(wanted, self.expand(*zip(*wanted, strict=True)), strict=True))


class _Subject(NamedTuple):
    """What the expander is asked to continue."""

    text: str
    seed: int
    styles: str
    preceding: str

    @classmethod
    def of(cls, texts: ResolvedPrompt, seed: int) -> _Subject:
        """Return the subject of one picture, with what its styles say beside it."""
        styles = ", ".join(style.prompt for style in texts.styles)
        return cls(texts.subject, seed, styles, texts.preceding)


def expands(settings: Settings) -> bool:
    """Whether the expander takes part, by its own setting or by the style that stands for it."""
    return settings.expansion or wants_expansion(settings.styles)
