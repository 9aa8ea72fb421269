"""Fooocus's noise levels in place of the webui's, for one pass of sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from modules import sd_samplers, shared

from fooocus_ext.core import noise_levels
from fooocus_ext.core.noise_levels import LevelTable
from fooocus_ext.host.passes import in_second_pass, second_sampler_name
from fooocus_ext.presets.samplers import SCHEDULERS, fooocus_names

DISTILLED = "lcm"
_PLAIN = "normal"
_AUTOMATIC = (None, "", "Automatic")
_OWN_SCHEDULES = ("karras", "exponential")
ENDS_OF_RANGE = ("dpm_fast", "dpm_adaptive")
"""Samplers that are given the ends of a range, and place their steps themselves."""
# Fooocus takes one level more for these, and drops the one before the last.
_DISCARDING = ("dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2")


@dataclass(frozen=True)
class Asked:
    """What a pass asks for: the webui's sampler, and Fooocus's names of sampler and schedule.

    A name that is None has no counterpart in Fooocus.
    """

    host_sampler: str
    sampler: str | None
    schedule: str | None


def asked_by(p: Any) -> Asked:
    """Return what the pass that ``p`` is in asks for; the second pass of hires fix may have its own."""
    name, scheduler = p.sampler_name, getattr(p, "scheduler", None)
    if in_second_pass(p):
        name = second_sampler_name(p)
        scheduler = getattr(p, "hr_scheduler", None) or scheduler
    name = name or sd_samplers.find_sampler_config(None).name  # what the webui takes then
    sampler, schedule = fooocus_names(name, scheduler or None, as_fooocus=True)
    if schedule is None and scheduler in _AUTOMATIC:
        schedule = DISTILLED if sampler == "lcm" else _schedule_of(name)
    return Asked(name, sampler, schedule)


def _schedule_of(name: str) -> str:
    """Return the schedule that a sampler has unless another is chosen."""
    own = _options_of(name).get("scheduler")
    return own if own in noise_levels.SCHEDULES else _PLAIN


def _options_of(name: str) -> dict[str, Any]:
    config = sd_samplers.find_sampler_config(name)
    return dict(config.options) if config is not None else {}


def table_for(asked: Asked, model: Any) -> LevelTable:
    """Return the noise levels that a model knows, in the form that the pass asks for."""
    table = whole_table(model)
    return noise_levels.consistency_table(table) if asked.schedule == DISTILLED else table


def whole_table(model: Any) -> LevelTable:
    """Return all noise levels that a model knows."""
    products = getattr(model, "alphas_cumprod", None)
    if products is None:  # Forge's predictor has the levels alone
        products = 1 / (model.forge_objects.unet.model.predictor.sigmas**2 + 1)
    return noise_levels.level_table(products)


def requested_steps(p: Any) -> int:
    """Return how many steps the pass makes."""
    second = getattr(p, "hr_second_pass_steps", 0) if in_second_pass(p) else 0
    return int(second or p.steps)


def _steps_of_picture(p: Any) -> int:
    """Return how many steps the webui makes of a pass that begins with a picture."""
    if in_second_pass(p) or shared.opts.img2img_fix_steps:
        return requested_steps(p)
    return int(min(p.denoising_strength, 0.999) * p.steps) + 1


def begins_with_picture(p: Any) -> bool:
    """Whether the pass noises a picture's latent: image to image, and the second pass of hires fix."""
    return hasattr(p, "init_images") or in_second_pass(p)


class Levels:
    """Answers the webui's question for the noise levels of ``p``, and remembers their range.

    Attributes:
        used: the levels that the last pass uses, before "ddim_uniform" loses those to spare: SDE
            samplers' noise spans them.
    """

    def __init__(self, p: Any) -> None:
        self._p = p
        self._before = p.sampler_noise_scheduler_override, p.eta
        self.used: torch.Tensor | None = None

    def prepare_pass(self) -> None:
        """Make the pass that the request is in ask here, if it asks for a schedule of Fooocus's."""
        p, asked = self._p, asked_by(self._p)
        p.sampler_noise_scheduler_override, p.eta = self._before
        if is_known(asked):
            p.sampler_noise_scheduler_override = self
        if asked.sampler in ENDS_OF_RANGE and p.eta is None:
            p.eta = 0.0  # the webui adds noise between their steps, Fooocus does not

    def __call__(self, count: int) -> torch.Tensor:
        """Return [count + 1] levels, falling, with 0 at the end; the webui may drop the last but one."""
        p, asked = self._p, asked_by(self._p)
        _note_schedule(p, asked)
        schedule = "sgm_uniform" if asked.schedule == DISTILLED else asked.schedule
        dropped = bool(_options_of(asked.host_sampler).get("discard_next_to_last_sigma"))
        steps = count - dropped
        levels = torch.zeros(1)
        if steps > 0:
            levels = _levels(asked.sampler, schedule, steps, table_for(asked, p.sd_model))
        if begins_with_picture(p):
            self.used = levels[-(_steps_of_picture(p) + 1) :]
            levels = levels[-(steps + 1) :]
        else:
            self.used = levels
            levels = noise_levels.first_steps(levels, steps)
        return torch.cat((levels, levels[-1:])) if dropped else levels


def _levels(sampler: str | None, schedule: Any, steps: int, table: LevelTable) -> torch.Tensor:
    if sampler not in _DISCARDING:
        return noise_levels.levels_of(schedule, steps, table)
    levels = noise_levels.levels_of(schedule, steps + 1, table)
    return torch.cat((levels[:-2], levels[-1:]))


def is_known(asked: Asked) -> bool:
    """Whether the pass asks for a schedule of Fooocus's."""
    return asked.schedule in (*noise_levels.SCHEDULES, DISTILLED)


def begins_with_pure_noise(asked: Asked, steps: int) -> bool:
    """Whether a whole schedule of ``steps`` begins at the model's largest level."""
    if asked.schedule not in noise_levels.SCHEDULES:
        return True  # the distilled one, and the webui's own
    return noise_levels.begins_with_pure_noise(asked.schedule, steps)


def use_fooocus_levels(denoiser: Any, table: LevelTable | None = None) -> None:
    """Let a CFG denoiser's wrapper around its model find timesteps among Fooocus's levels.

    (The Forge family's engines find them as Fooocus does, whatever stands in the wrapper.)

    Args:
        denoiser: the webui's CFG denoiser.
        table: the whole one of its model, if it is known; else the model is asked, and the CPU waits.
    """
    wrap = denoiser.inner_model
    if not hasattr(wrap, "sigmas") or isinstance(getattr(type(wrap), "sigmas", None), property):
        return  # the DDIM family's has timesteps alone; Forge's looks at its model's levels
    table = table or whole_table(wrap.inner_model)
    if len(wrap.sigmas) != len(table.levels):
        table = noise_levels.consistency_table(table)
    # In single precision, also where an older webui has those of a model in half precision.
    wrap.sigmas = table.levels.to(wrap.sigmas.device)
    wrap.log_sigmas = table.logs.to(wrap.log_sigmas.device)


def _note_schedule(p: Any, asked: Asked) -> None:
    """Write down the schedule type of the pass that ``p`` is in, as the webui does where it makes one.

    That of a second pass is named where it is not the first one's, an "Automatic" without one included:
    the webui leaves that out, and reads its own infotext as if it were the first one's.
    """
    entries = p.extra_generation_params
    first = getattr(p, "scheduler", None)
    chosen = (getattr(p, "hr_scheduler", None) or first) if in_second_pass(p) else first
    if not chosen:
        return  # the sampler's name includes it (up to webui 1.8, and Forge Classic)
    label = chosen
    if chosen == "Automatic" and asked.schedule in _OWN_SCHEDULES:
        label = SCHEDULERS[asked.schedule][0]
    if not in_second_pass(p):
        if label != chosen:
            entries["Schedule type"] = label
    elif label != entries.get("Schedule type", first):
        entries["Hires schedule type"] = label
