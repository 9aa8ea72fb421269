"""Doubles modules/sd_samplers.py: the list of samplers, and names of samplers and schedule types."""

from __future__ import annotations

import functools
import logging

from modules import sd_samplers_common, sd_schedulers, shared
from modules.sd_samplers_common import sample_to_image, samples_to_image_grid  # noqa: F401

all_samplers: list[sd_samplers_common.SamplerData] = []
all_samplers_map: dict[str, sd_samplers_common.SamplerData] = {}
samplers: list[sd_samplers_common.SamplerData] = []
samplers_for_img2img: list[sd_samplers_common.SamplerData] = []
samplers_map: dict[str, str] = {}
samplers_hidden: set[str] = set()


def _collect() -> None:
    from modules import sd_samplers_kdiffusion, sd_samplers_lcm, sd_samplers_timesteps

    all_samplers.extend(
        [
            *sd_samplers_kdiffusion.samplers_data_k_diffusion,
            *sd_samplers_timesteps.samplers_data_timesteps,
            *sd_samplers_lcm.samplers_data_lcm,
        ]
    )
    all_samplers_map.update({x.name: x for x in all_samplers})


def find_sampler_config(name):
    """The sampler of this name, the first one for None, None for an unknown name."""
    return all_samplers[0] if name is None else all_samplers_map.get(name)


def create_sampler(name, model):
    """A new sampler object for the active model."""
    config = find_sampler_config(name)
    assert config is not None, f"bad sampler name: {name}"
    if model.is_sdxl and config.options.get("no_sdxl", False):
        raise Exception(f"Sampler {config.name} is not supported for SDXL")
    sampler = config.constructor(model)
    sampler.config = config
    return sampler


def set_samplers():
    """Take over the option that hides samplers; fill the map of aliases."""
    samplers_hidden.clear()
    samplers_hidden.update(shared.opts.hide_samplers)
    samplers[:] = samplers_for_img2img[:] = all_samplers
    samplers_map.clear()
    for sampler in all_samplers:
        samplers_map.update(
            {alias.lower(): sampler.name for alias in (sampler.name, *sampler.aliases)}
        )


def visible_samplers():
    """The samplers that the page offers."""
    return [x for x in samplers if x.name not in samplers_hidden]


def visible_sampler_names():
    """Their names."""
    return [x.name for x in visible_samplers()]


def get_sampler_from_infotext(d: dict):
    """The sampler that an infotext names."""
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[0]


def get_scheduler_from_infotext(d: dict):
    """The schedule type that an infotext names."""
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[1]


def get_hr_sampler_and_scheduler(d: dict):
    """The same for hires fix; "Use same ..." where it does not differ."""
    names = []
    for key, hires_key, same in (
        ("Sampler", "Hires sampler", "Use same sampler"),
        ("Schedule type", "Hires schedule type", "Use same scheduler"),
    ):
        hires = d.get(hires_key, same)
        names.append(d.get(key) if hires == same else hires)
    sampler, scheduler = get_sampler_and_scheduler(*names)
    return (
        "Use same sampler" if sampler == d.get("Sampler") else sampler,
        "Use same scheduler" if scheduler == d.get("Schedule type") else scheduler,
    )


def get_hr_sampler_from_infotext(d: dict):
    """The sampler of hires fix."""
    return get_hr_sampler_and_scheduler(d)[0]


def get_hr_scheduler_from_infotext(d: dict):
    """The schedule type of hires fix."""
    return get_hr_sampler_and_scheduler(d)[1]


@functools.cache
def get_sampler_and_scheduler(sampler_name, scheduler_name, *, convert_automatic=True):
    """(sampler, schedule type), accepting "sampler schedule" in one name.

    Unknown samplers become the first one.
    """
    default = samplers[0]
    found = sd_schedulers.schedulers_map.get(scheduler_name, sd_schedulers.schedulers[0])
    name = sampler_name or default.name
    for scheduler in sd_schedulers.schedulers:
        for option in (scheduler.label, scheduler.name, *(scheduler.aliases or [])):
            if name.endswith(f" {option}"):
                found = scheduler
                name = name[: -(len(option) + 1)]
                break
    sampler = all_samplers_map.get(name, default)
    if convert_automatic and sampler.options.get("scheduler") == found.name:
        found = sd_schedulers.schedulers[0]
    return sampler.name, found.label


def fix_p_invalid_sampler_and_scheduler(p):
    """Replace names that do not exist, with a warning."""
    given = p.sampler_name, p.scheduler
    p.sampler_name, p.scheduler = get_sampler_and_scheduler(*given, convert_automatic=False)
    if given != (p.sampler_name, p.scheduler):
        logging.getLogger(__name__).warning(
            "Sampler Scheduler autocorrection: %s -> %s", given, (p.sampler_name, p.scheduler)
        )


_collect()
set_samplers()
