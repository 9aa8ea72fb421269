"""Doubles modules/prompt_parser.py: prompts to schedules of conds, and conds back to tensors at a step."""

from __future__ import annotations

import re
from typing import NamedTuple

import torch

from modules.prompt_emphasis import parse_prompt_attention  # noqa: F401
from modules.prompt_schedule import get_learned_conditioning_prompt_schedules

re_AND = re.compile(r"\bAND\b")
re_weight = re.compile(r"^((?:\s|.)*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*$")


class ScheduledPromptConditioning(NamedTuple):
    """A cond that holds until a step."""

    end_at_step: int
    cond: torch.Tensor | dict


class SdConditioning(list):
    """Prompts with the size of the picture and whether they are negative, which SDXL wants to know."""

    def __init__(self, prompts, is_negative_prompt=False, width=None, height=None, copy_from=None):
        super().__init__(prompts)
        source = prompts if copy_from is None else copy_from
        self.is_negative_prompt = is_negative_prompt or getattr(source, "is_negative_prompt", False)
        self.width = width or getattr(source, "width", None)
        self.height = height or getattr(source, "height", None)


class ComposableScheduledPromptConditioning:
    """One part of an AND prompt: its schedule and its weight."""

    def __init__(self, schedules, weight=1.0):
        self.schedules: list[ScheduledPromptConditioning] = schedules
        self.weight: float = weight


class MulticondLearnedConditioning:
    """The conds of a batch: for every image the parts of its prompt."""

    def __init__(self, shape, batch):
        self.shape: tuple = shape
        self.batch: list[list[ComposableScheduledPromptConditioning]] = batch


class DictWithShape(dict):
    """SDXL's conds, {crossattn [N,T,C], vector [N,V]}, with the shape of crossattn."""

    def __init__(self, x, shape=None):
        super().__init__(x)

    @property
    def shape(self):
        return self["crossattn"].shape


def get_learned_conditioning(
    model, prompts: SdConditioning | list[str], steps, hires_steps=None, use_old_scheduling=False
):
    """For every prompt a list of ScheduledPromptConditioning; equal prompts share one list."""
    schedules = get_learned_conditioning_prompt_schedules(
        prompts, steps, hires_steps, use_old_scheduling
    )
    known: dict[str, list] = {}
    for prompt, schedule in zip(prompts, schedules, strict=True):
        if prompt in known:
            continue
        conds = model.get_learned_conditioning(
            SdConditioning([text for _, text in schedule], copy_from=prompts)
        )
        known[prompt] = [
            ScheduledPromptConditioning(end, _row(conds, i)) for i, (end, _) in enumerate(schedule)
        ]
    return [known[prompt] for prompt in prompts]


def _row(conds, index):
    if isinstance(conds, dict):
        return {key: value[index] for key, value in conds.items()}
    return conds[index]


def get_multicond_prompt_list(prompts: SdConditioning | list[str]):
    """Splits at AND: per prompt a list of (index, weight), then all distinct texts, then text -> index."""
    flat = SdConditioning([], copy_from=prompts)
    index_of: dict[str, int] = {}
    indexes = []
    for prompt in prompts:
        parts = []
        for part in re_AND.split(prompt):
            match = re_weight.search(part)
            text, weight = match.groups() if match is not None else (part, None)
            if text not in index_of:
                index_of[text] = len(flat)
                flat.append(text)
            parts.append((index_of[text], 1.0 if weight is None else float(weight)))
        indexes.append(parts)
    return indexes, flat, index_of


def get_multicond_learned_conditioning(
    model, prompts, steps, hires_steps=None, use_old_scheduling=False
) -> MulticondLearnedConditioning:
    """Like get_learned_conditioning with AND (Liu et al. 2022, Composable Diffusion)."""
    indexes, flat, _ = get_multicond_prompt_list(prompts)
    learned = get_learned_conditioning(model, flat, steps, hires_steps, use_old_scheduling)
    batch = [
        [ComposableScheduledPromptConditioning(learned[i], weight) for i, weight in parts]
        for parts in indexes
    ]
    return MulticondLearnedConditioning(shape=(len(prompts),), batch=batch)


def _cond_at(schedule, step):
    return next((entry.cond for entry in schedule if step <= entry.end_at_step), schedule[0].cond)


def reconstruct_cond_batch(c: list[list[ScheduledPromptConditioning]], current_step):
    """The conds of a batch at a step, in new tensors; all prompts must have the first one's length."""
    first = c[0][0].cond
    conds = [_cond_at(schedule, current_step) for schedule in c]

    def filled(like, rows):
        res = torch.zeros((len(rows), *like.shape), device=like.device, dtype=like.dtype)
        for i, row in enumerate(rows):
            res[i] = row
        return res

    if isinstance(first, dict):
        return DictWithShape(
            {key: filled(value, [cond[key] for cond in conds]) for key, value in first.items()}
        )
    return filled(first, conds)


def stack_conds(tensors):
    """Stack [T,C] tensors; shorter ones are filled up with their last row."""
    longest = max(x.shape[0] for x in tensors)
    return torch.stack(
        [
            x
            if x.shape[0] == longest
            else torch.vstack([x, x[-1:].repeat(longest - x.shape[0], 1)])
            for x in tensors
        ]
    )


def reconstruct_multicond_batch(c: MulticondLearnedConditioning, current_step):
    """(per image a list of (row, weight), the rows' conds in new tensors) at a step."""
    conds_list, conds = [], []
    for parts in c.batch:
        first_row = len(conds)
        conds_list.append([(first_row + i, part.weight) for i, part in enumerate(parts)])
        conds += [_cond_at(part.schedules, current_step) for part in parts]
    if isinstance(conds[0], dict):
        return conds_list, DictWithShape(
            {key: stack_conds([cond[key] for cond in conds]) for key in conds[0]}
        )
    like = c.batch[0][0].schedules[0].cond
    return conds_list, stack_conds(conds).to(device=like.device, dtype=like.dtype)
