"""Fooocus's sampler and scheduler names, translated to what a webui version calls them.

From v1.9 on the webui has samplers and schedule types; up to v1.8, and in Forge Classic, a sampler's name
includes its schedule ("DPM++ 2M SDE Karras"). Where the webui has nothing that computes the same, that is an
error, except for two schedules that Fooocus itself never ran (see ``_FELL_BACK_TO_NORMAL``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fooocus_ext.errors import RequestError, did_you_mean

# Fooocus's name -> the webui's, best first. HeunPP2, DDPM and TCD exist in some of its forks; "Euler A" is
# Classic's where a schedule follows that A1111 does not have.
SAMPLERS: Mapping[str, tuple[str, ...]] = {
    "euler": ("Euler",),
    "euler_ancestral": ("Euler a", "Euler A"),
    "heun": ("Heun",),
    "heunpp2": ("HeunPP2",),
    "dpm_2": ("DPM2",),
    "dpm_2_ancestral": ("DPM2 a",),
    "lms": ("LMS",),
    "dpm_fast": ("DPM fast",),
    "dpm_adaptive": ("DPM adaptive",),
    "dpmpp_2s_ancestral": ("DPM++ 2S a",),
    "dpmpp_sde": ("DPM++ SDE",),
    "dpmpp_sde_gpu": ("DPM++ SDE",),
    "dpmpp_2m": ("DPM++ 2M",),
    "dpmpp_2m_sde": ("DPM++ 2M SDE",),
    "dpmpp_2m_sde_gpu": ("DPM++ 2M SDE",),
    "dpmpp_3m_sde": ("DPM++ 3M SDE",),
    "dpmpp_3m_sde_gpu": ("DPM++ 3M SDE",),
    "ddpm": ("DDPM",),
    "lcm": ("LCM",),
    "tcd": ("TCD",),
    "restart": ("Restart",),
    "ddim": ("DDIM",),
    "uni_pc": ("UniPC",),
    "uni_pc_bh2": ("UniPC",),
}

# An empty name is the sampler without a schedule in its name (up to v1.8).
SCHEDULERS: Mapping[str, tuple[str, ...]] = {
    "normal": ("Normal", "Uniform", ""),
    "karras": ("Karras",),
    "exponential": ("Exponential",),
    "sgm_uniform": ("SGM Uniform", "SGMUniform"),
    "simple": ("Simple",),
    "ddim_uniform": ("DDIM",),
    # "lcm" means: 50 distilled steps, then sgm_uniform. The webui's LCM sampler brings the first.
    "lcm": ("SGM Uniform", "SGMUniform", ""),
    "turbo": ("Turbo",),
    "align_your_steps": ("Align Your Steps",),
    "tcd": ("TCD",),
    "edm_playground_v2.5": (),
}

# Fooocus's own defaults, which stand in where a preset or a mode names the other of the two alone.
DEFAULT_SAMPLER, DEFAULT_SCHEDULER = "dpmpp_2m_sde_gpu", "karras"

# Fooocus 2.5 lists these, but its vendored sampler does not know them and runs "normal".
_FELL_BACK_TO_NORMAL = ("turbo", "align_your_steps")
# Samplers that make their own schedule; what is chosen beside them has no effect.
_OWN_SCHEDULE = ("ddim", "uni_pc", "uni_pc_bh2", "dpm_fast", "dpm_adaptive")
NO_CHOICE = ("Automatic",)
# What those have up to v1.8 whose names include no schedule, and that have not the plain one.
_BUILT_IN_SCHEDULES = {"restart": "karras", "lcm": "lcm"}
_VARIANTS = {"uni_pc": {"uni_pc_variant": "bh1"}, "uni_pc_bh2": {"uni_pc_variant": "bh2"}}
_NOTES = {"uni_pc_bh2": ("UniPC's variant is set in the webui; Fooocus asked for bh2.",)}


@dataclass(frozen=True)
class HostSampler:
    """What to ask of the webui.

    Attributes:
        sampler: the webui's sampler name.
        scheduler: the webui's schedule type, or None where the name of the sampler includes it.
        notes: sentences about anything that is not exactly what Fooocus would run.
        options: settings of the webui that Fooocus's rendering reads with them.
    """

    sampler: str
    scheduler: str | None
    notes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def host_sampler(
    sampler: str,
    scheduler: str,
    available_samplers: Iterable[str],
    available_schedulers: Iterable[str] = (),
    *,
    as_fooocus: bool = False,
) -> HostSampler:
    """Translate a pair of Fooocus's names.

    Args:
        sampler: Fooocus's sampler name, as in ``SAMPLERS``.
        scheduler: Fooocus's scheduler name, as in ``SCHEDULERS``.
        available_samplers: the webui's sampler names.
        available_schedulers: the labels of the webui's schedule types; empty up to v1.8.
        as_fooocus: whether Fooocus's rendering will read the names (see ``fooocus_names``).

    Raises:
        RequestError: an unknown name, or something that this webui cannot compute.
    """
    samplers, schedulers = list(available_samplers), list(available_schedulers)
    names = _candidates("sampler", sampler, SAMPLERS)
    schedules = _candidates("scheduler", scheduler, SCHEDULERS)
    notes = _NOTES.get(sampler, ())
    if as_fooocus and not schedulers and sampler == "lcm" and scheduler != "lcm":
        notes = (f'LCM has its distilled schedule here; Fooocus asked for "{scheduler}".',)
    as_fooocus = as_fooocus and bool(schedulers)
    if as_fooocus and (sampler, scheduler) == ("lcm", "lcm"):
        schedules = NO_CHOICE
    elif as_fooocus and scheduler in _FELL_BACK_TO_NORMAL:
        schedules = ()
    elif sampler in _OWN_SCHEDULE and not as_fooocus:
        schedules = (*NO_CHOICE, "")
    elif (sampler, scheduler) == ("restart", "karras"):
        schedules = (*schedules, "")  # up to v1.8 "Restart" has this schedule built in
    if found := _first_pair(names, schedules, samplers, schedulers):
        options = _VARIANTS.get(sampler, {}) if as_fooocus else {}
        return HostSampler(*found, notes, options)
    fallback = _first_pair(names, SCHEDULERS["normal"], samplers, schedulers)
    if fallback and scheduler in _FELL_BACK_TO_NORMAL:
        note = f'Scheduler "{scheduler}" runs as "normal", as it did in Fooocus.'
        return HostSampler(*fallback, (note,))
    raise _unavailable(sampler, scheduler, names, samplers, schedulers)


def fooocus_names(
    sampler: str, scheduler: str | None = None, *, as_fooocus: bool = False
) -> tuple[str | None, str | None]:
    """Translate the webui's names into Fooocus's: the reverse of ``host_sampler``.

    Args:
        sampler: the webui's sampler name, with or without a schedule at its end.
        scheduler: the webui's schedule type; None if it is not known. "" is said by a webui that has no
            types (up to v1.8): where the sampler's name includes no schedule, it is the plain one.
        as_fooocus: whether Fooocus's rendering reads the names. It knows LCM with every schedule: there
            "SGM Uniform" is not the distilled one, which is LCM's "Automatic".

    Returns:
        Fooocus's sampler and scheduler; None for what has no name there (such as "Automatic").
    """
    schedules = {
        label: name
        for name, labels in reversed(list(SCHEDULERS.items()))
        for label in labels
        if label and name != "lcm"
    }
    for label in sorted(schedules, key=len, reverse=True):
        if sampler.endswith(f" {label}"):
            sampler, scheduler = sampler.removesuffix(f" {label}"), scheduler or label
            break
    names = {label: name for name, labels in reversed(list(SAMPLERS.items())) for label in labels}
    # The two default samplers carry "_gpu" in Fooocus: same arithmetic, noise made on the device.
    preferred = {"DPM++ 2M SDE": "dpmpp_2m_sde_gpu", "DPM++ SDE": "dpmpp_sde_gpu"}
    found, schedule = preferred.get(sampler) or names.get(sampler), schedules.get(scheduler or "")
    if found and schedule is None and scheduler == "":  # None is something else
        schedule = _BUILT_IN_SCHEDULES.get(found, "normal")
    distilled = None if as_fooocus else "sgm_uniform"
    return found, "lcm" if (found, schedule) == ("lcm", distilled) else schedule


def first_label(name: str, labels: Mapping[str, tuple[str, ...]]) -> str:
    """Return the webui's name of one of Fooocus's ``SAMPLERS`` or ``SCHEDULERS``; as it is if unknown."""
    return next(iter(labels.get(name, ())), name)


def _candidates(field: str, name: str, table: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return table[name]
    except KeyError:
        hint = did_you_mean(name[:100], table)
        raise RequestError(
            f'{field}: there is no "{name[:100]}" in Fooocus{hint}; allowed: {", ".join(table)}.'
        ) from None


def _first_pair(
    names: Sequence[str], schedules: Sequence[str], samplers: list[str], schedulers: list[str]
) -> tuple[str, str | None] | None:
    """Return the first pair of candidates that the webui has, or None."""
    for name in names:
        for schedule in schedules:
            if schedulers and name in samplers and schedule in schedulers:
                return name, schedule
            combined = f"{name} {schedule}".strip()
            if not schedulers and combined in samplers:
                return combined, None
    return None


def _unavailable(
    sampler: str, scheduler: str, names: Sequence[str], samplers: list[str], schedulers: list[str]
) -> RequestError:
    labels = {label for options in SCHEDULERS.values() for label in options}
    combined = {f"{name} {label}".strip() for name in names for label in labels}
    plain = combined.intersection(samplers)
    if not plain:
        wanted = " or ".join(f'"{name}"' for name in names)
        return RequestError(
            f'sampler: Fooocus\'s "{sampler}" needs the sampler {wanted}, which this webui does not '
            f"have; it has {', '.join(samplers)}."
        )
    if scheduler == "edm_playground_v2.5":
        return RequestError(
            'scheduler: "edm_playground_v2.5" samples a model trained with EDM noise levels, which '
            'this webui does not support; choose "karras" or another scheduler for other models.'
        )
    return RequestError(
        f'scheduler: Fooocus\'s "{scheduler}" with the sampler "{names[0]}" does not exist in this '
        f"webui; it has {', '.join(schedulers or sorted(plain))}."
    )
