"""The texts of all pictures of a job: each rewritten with its own seed, and what the infotext says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from fooocus_ext import infotext
from fooocus_ext.args import FOOOCUS, Settings
from fooocus_ext.generation.originals import as_rewritten
from fooocus_ext.prompting.comments import (
    NO_COMMENTS,
    Signs,
    end_of_words,
    strip_comments,
    without_signs,
)
from fooocus_ext.prompting.lines import COMMA
from fooocus_ext.prompting.rewrite import ResolvedPrompt, RewrittenPrompt, resolve_image
from fooocus_ext.prompting.styles import (
    RANDOM_STYLE,
    StyleLibrary,
    special_style,
    wants_expansion,
)
from fooocus_ext.prompting.text_lists import PictureTexts
from fooocus_ext.prompting.wildcards import Wildcards, has_wildcards

Expand = Callable[[Sequence[str], Sequence[int], Sequence[str]], Sequence[str]]
"""Continues texts, each with its seed and with the texts of the styles beside it."""

AddLoras = Callable[[str], str]
"""Returns a prompt with the host's tags for the job's LoRAs."""


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
                expands=_expands(settings),
                in_lines=settings.rendering == FOOOCUS,
            )
            for index, (prompt, negative, seed) in enumerate(
                zip(prompts, negative_prompts, seeds, strict=True), self.first_index
            )
        ]
        if not _expands(settings):
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
        (continued,) = self.expand([typed], [seed], [beside])
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
        texts, seeds, styles = zip(*wanted, strict=True)
        return dict(zip(wanted, self.expand(texts, seeds, styles), strict=True))


class _Subject(NamedTuple):
    """What the expander is asked to continue."""

    text: str
    seed: int
    styles: str

    @classmethod
    def of(cls, texts: ResolvedPrompt, seed: int) -> _Subject:
        """Return the subject of one picture, with what its styles say beside it."""
        return cls(texts.subject, seed, ", ".join(style.prompt for style in texts.styles))


def _expands(settings: Settings) -> bool:
    return settings.expansion or wants_expansion(settings.styles)


class Job(Protocol):
    """The parts of the host's processing object that are texts of its pictures.

    Those of the second pass (hires fix) exist in txt2img alone, and are empty without one.
    """

    all_prompts: list[str]
    all_negative_prompts: list[str]
    all_hr_prompts: list[str]
    all_hr_negative_prompts: list[str]
    all_seeds: list[int]
    extra_generation_params: dict[str, Any]


@dataclass(frozen=True)
class Encoding:
    """What is encoded for a picture in one of its passes, and the prompts that the host has of it.

    Attributes:
        prompt: the joined positive text, with the tags of the job's LoRAs.
        negative_prompt: the joined negative text.
        texts: what is encoded where texts are encoded one by one; None where they are not.
    """

    prompt: str
    negative_prompt: str
    texts: PictureTexts | None


@dataclass(frozen=True)
class JobTexts:
    """The texts of all pictures of a job.

    Attributes:
        first_pass: of each picture.
        second_pass: of each picture in the second pass (hires fix); empty without one.
        notes: sentences about what could not be done as asked.
    """

    first_pass: tuple[Encoding, ...]
    second_pass: tuple[Encoding, ...]
    notes: tuple[str, ...]


def rewrite_job(
    p: Job, settings: Settings, writer: Writer, *, add_loras: AddLoras, infotext_varies: bool
) -> JobTexts:
    """Rewrite the texts of every picture of a job, in both passes, and return them.

    ``infotext_varies`` says whether the host can ask for an infotext entry picture by picture
    (from 1.9 on); if not, an entry on which the pictures differ is left out.

    The second pass of hires fix gets the same text where its own was left empty, and its own
    rewritten with the same seed otherwise.
    """
    typed = list(zip(p.all_prompts, p.all_negative_prompts, strict=True))
    if settings.original_texts is None:
        texts = writer.rewrite(p.all_prompts, p.all_negative_prompts, p.all_seeds, settings)
    else:
        bare = [writer.uncommented(prompt) for prompt in p.all_prompts]
        texts = as_rewritten(settings.original_texts, bare, separator=writer.separator)
    own_typed, second_texts = _rewrite_second_pass(
        p, settings, writer, typed, texts, add_loras=add_loras
    )
    p.all_prompts = [add_loras(text.positive) for text in texts]
    p.all_negative_prompts = [text.negative for text in texts]
    prompts, negative_prompts = zip(*typed, strict=True)
    rows = {
        infotext.PROMPT: infotext.replaced(prompts, p.all_prompts),
        infotext.NEGATIVE_PROMPT: infotext.replaced(
            negative_prompts, p.all_negative_prompts, behind=p.all_prompts
        ),
        infotext.EXPANSION: [text.expansion or None for text in texts],
    }
    if own_typed:
        hr_prompts, hr_negative_prompts = zip(*own_typed, strict=True)
        rows[infotext.HIRES_PROMPT] = infotext.replaced(hr_prompts, p.all_hr_prompts)
        rows[infotext.HIRES_NEGATIVE_PROMPT] = infotext.replaced(
            hr_negative_prompts, p.all_hr_negative_prompts
        )
    entries = {key: infotext.entry(values, varies=infotext_varies) for key, values in rows.items()}
    own_texts = second_texts if own_typed else ()
    used = _used_entries(writer, settings, [*typed, *own_typed], [*texts, *own_texts])
    p.extra_generation_params.update({**entries, **used})
    if any(special_style(name) == RANDOM_STYLE for name in settings.styles):
        drawn = [", ".join(text.applied_styles) for text in texts]
        p.extra_generation_params[infotext.DRAWN_STYLES] = infotext.entry(
            drawn, varies=infotext_varies
        )
    return JobTexts(
        first_pass=_encodings(p.all_prompts, texts),
        second_pass=_encodings(p.all_hr_prompts, second_texts) if second_texts else (),
        notes=tuple(dict.fromkeys(note for text in texts for note in text.notes)),
    )


def _encodings(prompts: Sequence[str], texts: Sequence[RewrittenPrompt]) -> tuple[Encoding, ...]:
    return tuple(
        Encoding(prompt, text.negative, text.one_by_one)
        for prompt, text in zip(prompts, texts, strict=True)
    )


def _rewrite_second_pass(
    p: Job,
    settings: Settings,
    writer: Writer,
    typed: Sequence[tuple[str, str]],
    first_pass: Sequence[RewrittenPrompt],
    *,
    add_loras: AddLoras,
) -> tuple[list[tuple[str, str]], Sequence[RewrittenPrompt]]:
    """Rewrite the texts of a second pass; return those that were typed for it, and all rewritten."""
    if not getattr(p, "all_hr_prompts", None):
        return [], ()
    prompts = _one_per_picture(p.all_hr_prompts, len(typed))
    negative_prompts = _one_per_picture(p.all_hr_negative_prompts, len(typed))
    own = list(zip(prompts, negative_prompts, strict=True))
    is_own = own != list(typed)
    texts = first_pass
    if is_own:
        texts = writer.rewrite(prompts, negative_prompts, p.all_seeds, settings)
    p.all_hr_prompts = [add_loras(text.positive) for text in texts]
    p.all_hr_negative_prompts = [text.negative for text in texts]
    return own if is_own else [], texts


def _one_per_picture(texts: list[str], count: int) -> list[str]:
    """Return a text of the second pass for each of ``count`` pictures.

    The host takes a script's list (Prompt Matrix) as it is, but repeats a single text for full batches,
    and the last batch of such a list may not be full (A1111 1.6 to 1.10, where the second pass then
    fails without us, and Forge's family).
    """
    return [*texts, *texts[-1:] * (count - len(texts))][:count]


def _used_entries(
    writer: Writer,
    settings: Settings,
    typed: Sequence[tuple[str, str]],
    texts: Sequence[RewrittenPrompt],
) -> dict[str, str]:
    """Return the entries of those of the writer's settings that had a part in the texts."""
    used = {
        infotext.SEPARATOR: any(text.is_joined for text in texts),
        infotext.WILDCARDS_IN_ORDER: any(has_wildcards(text) for pair in typed for text in pair),
        infotext.EXPANSION_TARGET: _expands(settings),
        infotext.EXPANSION_FILL: _expands(settings),
    }
    return {key: value for key, value in writer.entries.items() if used[key]}
