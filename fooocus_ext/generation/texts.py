"""The texts of all pictures of a job: each rewritten with its own seed, and what the infotext says."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fooocus_ext.args import Settings
from fooocus_ext.generation.plan import Plan, lora_tags
from fooocus_ext.prompting.rewrite import COMMA, RewrittenPrompt, rewrite_image
from fooocus_ext.prompting.styles import (
    RANDOM_STYLE,
    StyleLibrary,
    special_style,
    wants_expansion,
)
from fooocus_ext.prompting.wildcards import Wildcards, has_wildcards

PROMPT_KEY = "Fooocus prompt"
NEGATIVE_PROMPT_KEY = "Fooocus negative prompt"
EXPANSION_KEY = "Fooocus expansion text"
DRAWN_STYLES_KEY = "Fooocus styles drawn"
HIRES_PROMPT_KEY = "Fooocus hires prompt"
HIRES_NEGATIVE_PROMPT_KEY = "Fooocus hires negative prompt"
SEPARATOR_KEY = "Fooocus text separator"
IN_ORDER_KEY = "Fooocus wildcards in order"
EXPANSION_TARGET_KEY = "Fooocus expansion target"
INFOTEXT_KEYS = (
    PROMPT_KEY,
    NEGATIVE_PROMPT_KEY,
    EXPANSION_KEY,
    DRAWN_STYLES_KEY,
    HIRES_PROMPT_KEY,
    HIRES_NEGATIVE_PROMPT_KEY,
    SEPARATOR_KEY,
    IN_ORDER_KEY,
    EXPANSION_TARGET_KEY,
)

Expand = Callable[[Sequence[str], Sequence[int]], Sequence[str]]
"""Continues texts, each with its seed."""


@dataclass(frozen=True)
class Writer:
    """What texts are rewritten with.

    Attributes:
        styles: the styles there are.
        wildcards: the wildcard files there are.
        expand: the prompt expander; called only if expansion is wanted.
        separator: what stands between the joined texts, ", " or " BREAK ".
        in_order: wildcards take their options in order of the pictures instead of drawing.
        entries: infotext entries of whatever in here is not at its default, by key.
    """

    styles: StyleLibrary
    wildcards: Wildcards
    expand: Expand
    separator: str = COMMA
    in_order: bool = False
    entries: Mapping[str, str] = field(default_factory=dict)

    def rewrite(
        self,
        prompts: Sequence[str],
        negative_prompts: Sequence[str],
        seeds: Sequence[int],
        settings: Settings,
    ) -> list[RewrittenPrompt]:
        """Return the texts of all pictures; the expander sees the whole job at once."""
        wanted = _expands(settings)
        expansions = _Expansions()
        if wanted:
            list(self._rewrite_each(prompts, negative_prompts, seeds, settings, expansions.collect))
            expansions.fill(self.expand)
        look_up = expansions.look_up if wanted else None
        return list(self._rewrite_each(prompts, negative_prompts, seeds, settings, look_up))

    def _rewrite_each(
        self,
        prompts: Sequence[str],
        negative_prompts: Sequence[str],
        seeds: Sequence[int],
        settings: Settings,
        expand: Callable[[str, int], str] | None,
    ) -> Iterator[RewrittenPrompt]:
        for index, (prompt, negative, seed) in enumerate(
            zip(prompts, negative_prompts, seeds, strict=True)
        ):
            yield rewrite_image(
                prompt,
                negative,
                index=index,
                seed=seed,
                styles=settings.styles,
                library=self.styles,
                wildcards=self.wildcards,
                expand=expand,
                in_order=self.in_order,
                separator=self.separator,
            )


def _expands(settings: Settings) -> bool:
    return settings.expansion or wants_expansion(settings.styles)


class _Expansions:
    """Collects the texts to expand on a first pass, and hands them out on a second."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int], str] = {}

    def collect(self, text: str, seed: int) -> str:
        self._texts[text, seed] = text
        return text

    def fill(self, expand: Expand) -> None:
        if self._texts:
            texts, seeds = zip(*self._texts, strict=True)
            self._texts = dict(zip(self._texts, expand(texts, seeds), strict=True))

    def look_up(self, text: str, seed: int) -> str:
        return self._texts[text, seed]


class Job(Protocol):
    """The parts of the host's processing object that hold texts."""

    all_prompts: list[str]
    all_negative_prompts: list[str]
    all_seeds: list[int]
    extra_generation_params: dict[str, Any]


def rewrite_job(p: Job, plan: Plan, writer: Writer, *, infotext_varies: bool) -> tuple[str, ...]:
    """Rewrite the texts of every picture of a job, in both passes; return what is worth a comment.

    ``infotext_varies`` says whether the host can ask for an infotext entry picture by picture
    (from 1.9 on); if not, an entry on which the pictures differ is left out.

    The second pass of hires fix gets the same text where its own was left empty, and its own
    rewritten with the same seed otherwise. The plan's LoRAs are added as the host's tags.
    """
    settings = plan.settings
    typed = list(zip(p.all_prompts, p.all_negative_prompts, strict=True))
    texts = writer.rewrite(p.all_prompts, p.all_negative_prompts, p.all_seeds, settings)
    own_typed, own_texts = _rewrite_second_pass(p, plan, writer, typed, texts)
    p.all_prompts = [_with_loras(text.positive, plan) for text in texts]
    p.all_negative_prompts = [text.negative for text in texts]
    prompts, negative_prompts = zip(*typed, strict=True)
    rows = {
        PROMPT_KEY: _replaced(prompts, p.all_prompts),
        NEGATIVE_PROMPT_KEY: _replaced(negative_prompts, p.all_negative_prompts),
        EXPANSION_KEY: [text.expansion or None for text in texts],
    }
    if own_typed:
        hr_prompts, hr_negative_prompts = zip(*own_typed, strict=True)
        rows[HIRES_PROMPT_KEY] = _replaced(hr_prompts, p.all_hr_prompts)
        rows[HIRES_NEGATIVE_PROMPT_KEY] = _replaced(hr_negative_prompts, p.all_hr_negative_prompts)
    entries = {key: _entry(values, infotext_varies) for key, values in rows.items()}
    used = _used_entries(writer, settings, [*typed, *own_typed], [*texts, *own_texts])
    p.extra_generation_params.update({**entries, **used})
    if any(special_style(name) == RANDOM_STYLE for name in settings.styles):
        drawn = [", ".join(text.applied_styles) for text in texts]
        p.extra_generation_params[DRAWN_STYLES_KEY] = _entry(drawn, infotext_varies)
    return tuple(dict.fromkeys(note for text in texts for note in text.notes))


def _rewrite_second_pass(
    p: Any,
    plan: Plan,
    writer: Writer,
    typed: Sequence[tuple[str, str]],
    first_pass: Sequence[RewrittenPrompt],
) -> tuple[list[tuple[str, str]], Sequence[RewrittenPrompt]]:
    """Rewrite the texts of a second pass; return those that are its own, typed and rewritten."""
    if not getattr(p, "all_hr_prompts", None):
        return [], ()
    prompts, negative_prompts = p.all_hr_prompts, p.all_hr_negative_prompts
    own = list(zip(prompts, negative_prompts, strict=True))
    is_own = own != list(typed)
    texts = first_pass
    if is_own:
        texts = writer.rewrite(prompts, negative_prompts, p.all_seeds, plan.settings)
    p.all_hr_prompts = [_with_loras(text.positive, plan) for text in texts]
    p.all_hr_negative_prompts = [text.negative for text in texts]
    return (own, texts) if is_own else ([], ())


def _used_entries(
    writer: Writer,
    settings: Settings,
    typed: Sequence[tuple[str, str]],
    texts: Sequence[RewrittenPrompt],
) -> dict[str, str]:
    """Return the entries of those of the writer's settings that had a part in the texts."""
    used = {
        SEPARATOR_KEY: any(
            len(parts) > 1 for text in texts for parts in (text.positive_parts, text.negative_parts)
        ),
        IN_ORDER_KEY: any(has_wildcards(text) for pair in typed for text in pair),
        EXPANSION_TARGET_KEY: _expands(settings),
    }
    return {key: value for key, value in writer.entries.items() if used[key]}


def _with_loras(prompt: str, plan: Plan) -> str:
    return prompt + lora_tags(plan.loras, prompt)


def _replaced(typed: Sequence[str], rewritten: Sequence[str]) -> list[str | None]:
    """Return what the infotext's own prompts no longer show: the typed texts that were rewritten."""
    return [text if text != shown else None for text, shown in zip(typed, rewritten, strict=True)]


def _entry(values: Sequence[str | None], varies: bool) -> Any:
    quoted = [_quoted(value) for value in values]
    if len(set(quoted)) == 1:
        return quoted[0]
    return functools.partial(_value_of_picture, quoted) if varies else None


def _quoted(value: str | None) -> str | None:
    """Return a value so that the host, which takes quotes around a value off, gives it back.

    Without quotes, the host's parser complains of an empty value.
    """
    if value is None or (value and not value[0] == value[-1] == '"'):
        return value
    return json.dumps(value, ensure_ascii=False)


def _value_of_picture(
    values: Sequence[str | None],
    *,
    p: Any,
    all_prompts: Sequence[str],
    index: int,
    use_main_prompt: bool = False,
    **_: Any,
) -> str | None:
    """Return the entry of the picture that the host writes an infotext for.

    The host counts pictures through the job where it hands in the job's prompts, and through the
    batch where it hands in the batch's.
    """
    if use_main_prompt:
        return values[0]
    of_job = all_prompts is p.all_prompts
    return values[index if of_job else p.iteration * p.batch_size + index]


_TYPED = {
    "prompt": (PROMPT_KEY, "Prompt"),
    "negative_prompt": (NEGATIVE_PROMPT_KEY, "Negative prompt"),
    "hr_prompt": (HIRES_PROMPT_KEY, "Hires prompt"),
    "hr_negative_prompt": (HIRES_NEGATIVE_PROMPT_KEY, "Hires negative prompt"),
}
"""Our key and the host's for each text of the request, by field."""


def typed_texts(entries: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts that were typed, by the request's fields, from a parsed infotext of ours.

    Empty for a picture that was made without the extension, or with nothing rewritten.
    """
    return {field: entries[key] for field, (key, _) in _TYPED.items() if key in entries}


def restore_typed_texts(entries: dict[str, Any]) -> None:
    """Put the typed texts back in place of the rewritten ones, in a parsed infotext."""
    entries.update({_TYPED[field][1]: text for field, text in typed_texts(entries).items()})
