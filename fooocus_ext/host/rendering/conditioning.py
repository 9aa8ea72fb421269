"""What a batch is conditioned on, in Fooocus's way, in the form in which the webui's samplers take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from modules import extra_networks, prompt_parser, sd_samplers, shared

from fooocus_ext.core.text_states import EncodedText, of_equal_length
from fooocus_ext.generation.texts import Encoding
from fooocus_ext.host.passes import second_sampler_name
from fooocus_ext.host.rendering import encoder
from fooocus_ext.host.rendering.encoder import Conditioning
from fooocus_ext.prompting.grammar import split_parts
from fooocus_ext.prompting.text_lists import PictureTexts, TextList, text_list

Schedule = list[tuple[int, Conditioning]]
"""(last step, conditioning), in order; the steps that prompt editing counts."""


class TextCache:
    """The texts that were encoded, as long as the model, its LoRAs and the clip skip stay the same."""

    def __init__(self) -> None:
        self._for: Any = None
        self._texts: dict[tuple[str, bool], EncodedText] = {}

    def encoded(self, text: str, networks: Any, *, is_plain: bool) -> EncodedText:
        """Return a text as the active model encodes it with the active LoRAs, ``networks``."""
        model = shared.sd_model
        state = (model.sd_checkpoint_info, networks, encoder.clip_skip())
        if state != self._for:
            self._for, self._texts = state, {}
        key = (text, is_plain)
        if key not in self._texts:
            self._texts[key] = encoder.encode(model, text, is_plain=is_plain)
        return self._texts[key]


def texts_of_batch(
    prompts: Sequence[str], negative_prompts: Sequence[str], written: Sequence[Encoding]
) -> list[PictureTexts]:
    """Return the texts of the pictures of a batch.

    Where another extension has changed a prompt since ours were written, the prompt as it is now is
    the only text, or each of its parts (Regional Prompter writes ``AND`` for ``BREAK``).

    Args:
        prompts: of the batch, as the webui would encode them, without tags.
        negative_prompts: likewise.
        written: what was written for them.
    """
    return [
        _texts_of_picture(prompt, negative, encoding)
        for prompt, negative, encoding in zip(prompts, negative_prompts, written, strict=True)
    ]


def _texts_of_picture(prompt: str, negative: str, written: Encoding) -> PictureTexts:
    positive_texts = tuple(
        text_list([part.text], weight=part.weight) for part in split_parts(prompt)
    )
    negative_texts = TextList((negative,), 1)
    if written.texts is not None:
        if prompt == extra_networks.parse_prompt(written.prompt)[0]:
            positive_texts = written.texts.positive
        if negative == written.negative_prompt:
            negative_texts = written.texts.negative
    return PictureTexts(positive_texts, negative_texts)


def for_batch(
    pictures: Sequence[PictureTexts],
    schedule: Callable[[TextList, bool], Schedule],
    say_uneven: Callable[[], None],
) -> tuple[Any, Any]:
    """Return the webui's positive and negative conditioning of a batch.

    Args:
        pictures: the texts of each picture.
        schedule: encodes a list of texts, positive or negative (True).
        say_uneven: called if texts count a little otherwise beside the others than alone.
    """
    positive = [
        [(part.weight, schedule(part, False)) for part in picture.positive] for picture in pictures
    ]
    negative = [schedule(picture.negative, True) for picture in pictures]
    for rows in ([row for parts in positive for _, row in parts], negative):
        if not _even_out(rows):
            say_uneven()
    parser = prompt_parser
    batch = [
        [
            parser.ComposableScheduledPromptConditioning(_for_webui(row), weight)
            for weight, row in parts
        ]
        for parts in positive
    ]
    return (
        parser.MulticondLearnedConditioning(shape=(len(pictures),), batch=batch),
        [_for_webui(row) for row in negative],
    )


def _for_webui(schedule: Schedule) -> list[Any]:
    return [prompt_parser.ScheduledPromptConditioning(last, cond) for last, cond in schedule]


def _even_out(schedules: Sequence[Schedule]) -> bool:
    """Make the conditionings of a batch equally long: the webui would fill up with the last state.

    Returns whether each says what it says alone.
    """
    conditionings = [cond for schedule in schedules for _, cond in schedule]
    states = of_equal_length([cond["crossattn"] for cond in conditionings])
    is_even = all(
        len(evened) % len(cond["crossattn"]) == 0
        for cond, evened in zip(conditionings, states, strict=True)
    )
    for cond, evened in zip(conditionings, states, strict=True):
        cond["crossattn"] = evened
    return is_even


def edited(texts: TextList, steps: tuple[int, int | None]) -> list[tuple[int, tuple[str, ...]]]:
    """Return the texts as prompt editing and alternation change them: (last step, texts), in order.

    Args:
        texts: as written.
        steps: those of the first pass; and those of the second, if it is that one's turn.
    """
    first, second = steps
    if texts.is_plain or not any("[" in text for text in texts.texts):
        return [(second or first, texts.texts)]
    timelines = prompt_parser.get_learned_conditioning_prompt_schedules(
        list(texts.texts), first, second, shared.opts.use_old_scheduling
    )
    ends = sorted({end for timeline in timelines for end, _ in timeline})
    return [
        (end, tuple(next(text for last, text in line if last >= end) for line in timelines))
        for end in ends
    ]


def steps_of(p: Any, *, is_second_pass: bool) -> tuple[int, int | None]:
    """Return the steps that prompt editing counts: of the first pass, and of the second on its turn."""
    if not is_second_pass:
        return _total_steps(p.sampler_name, p.steps), None
    return p.firstpass_steps, _total_steps(
        second_sampler_name(p), p.hr_second_pass_steps or p.steps
    )


def _total_steps(sampler_name: str, steps: int) -> int:
    config = sd_samplers.find_sampler_config(sampler_name)
    return int(config.total_steps(steps)) if config else steps
