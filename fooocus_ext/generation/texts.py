"""The texts of all pictures of a job: each rewritten with its own seed, and what the infotext says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fooocus_ext import infotext
from fooocus_ext.args import Settings
from fooocus_ext.generation.originals import as_rewritten
from fooocus_ext.generation.writer import Writer, expands
from fooocus_ext.prompting.rewrite import RewrittenPrompt
from fooocus_ext.prompting.styles import RANDOM_STYLE, special_style
from fooocus_ext.prompting.text_lists import PictureTexts
from fooocus_ext.prompting.wildcards import has_wildcards

AddLoras = Callable[[str], str]
"""Returns a prompt with the host's tags for the job's LoRAs."""


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
    negatives = _one_per_picture(p.all_negative_prompts, len(p.all_prompts))
    typed = list(zip(p.all_prompts, negatives, strict=True))
    if settings.original_texts is None:
        texts = writer.rewrite(p.all_prompts, negatives, p.all_seeds[: len(typed)], settings)
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
        texts = writer.rewrite(prompts, negative_prompts, p.all_seeds[: len(typed)], settings)
    p.all_hr_prompts = [add_loras(text.positive) for text in texts]
    p.all_hr_negative_prompts = [text.negative for text in texts]
    return own if is_own else [], texts


def _one_per_picture(texts: list[str], count: int) -> list[str]:
    """Return a text, negative or of the second pass, for each of ``count`` pictures.

    The host takes a script's list (Prompt Matrix) as it is, but repeats a single text for full batches,
    and the last batch of such a list may not be full (A1111 1.6 to 1.10, where the second pass then
    fails without us, and Forge's family). Dynamic Prompts changes the number of prompts alone.
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
        infotext.EXPANSION_TARGET: expands(settings),
        infotext.EXPANSION_FILL: expands(settings),
    }
    return {key: value for key, value in writer.entries.items() if used[key]}
