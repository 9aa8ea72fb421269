"""The samplers of a picture that another version of the webui has made, as this one calls them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fooocus_ext.errors import RequestError, did_you_mean
from fooocus_ext.presets.samplers import NO_CHOICE, SCHEDULERS, HostSampler

# Samplers that make their own schedule; what is chosen beside them has no effect.
_OWN_SCHEDULE_LABELS = ("DDIM", "DDIM CFG++", "PLMS", "UniPC", "DPM fast", "DPM adaptive", "LCM")
# What "Automatic" gives these from 1.9 on is not what they had before without a schedule in their name.
_FORMERLY_PLAIN = (
    *("DPM++ 2M", "DPM++ SDE", "DPM++ 2M SDE", "DPM++ 2M SDE Heun", "DPM++ 3M SDE", "DPM++ 2S a"),
    *("DPM2", "DPM2 a"),
)
_OTHER_LABELS = ("Polyexponential", "KL Optimal", "Beta", "Bong Tangent")


def webui_sampler(
    sampler: str,
    scheduler: str | None,
    available_samplers: Iterable[str],
    available_schedulers: Iterable[str] = (),
) -> HostSampler:
    """Return what this webui calls the sampler that another version of it wrote into a picture.

    Up to v1.8 "DPM++ 2M Karras" is one name, from v1.9 on it is a sampler and a schedule type; either
    is understood by either. A name without any schedule is an old picture's, since new ones state
    the type that they had: it means the plain schedule.

    Args:
        sampler: the name in the picture, whatever its letters' case.
        scheduler: the schedule type, in the webui's words or Fooocus's; None if it is not stated.
        available_samplers: as for ``host_sampler``.
        available_schedulers: as for ``host_sampler``.

    Raises:
        RequestError: this webui does not have it.
    """
    samplers, schedulers = list(available_samplers), list(available_schedulers)
    base, label = _split(sampler, samplers if schedulers else [], schedulers)
    stated = scheduler if scheduler and scheduler.casefold() != "automatic" else label
    for schedule in _schedules(base, stated):
        wanted = base if schedulers else f"{base} {schedule}".strip()
        found, kind = _spelled(wanted, samplers), _spelled(schedule, schedulers)
        if found and bool(schedulers) == (kind is not None):
            return HostSampler(found, kind)
    known = [name for name in samplers if _split(name, [], schedulers)[0] == base]
    if not known:
        hint = did_you_mean(sampler[:100], samplers)
        raise RequestError(f'This webui has no sampler "{sampler[:100]}"{hint}.')
    raise RequestError(
        f'This webui has no schedule type "{(stated or "Automatic")[:100]}" for the sampler '
        f'"{base[:100]}"; it has {", ".join(schedulers or known)}.'
    )


def _split(
    sampler: str, whole_names: Sequence[str], schedulers: Sequence[str]
) -> tuple[str, str | None]:
    """Return a sampler's name without the schedule at its end, and that schedule, if there is one."""
    if _spelled(sampler, whole_names):
        return sampler, None
    known = {*schedulers, *_OTHER_LABELS, *(label for row in SCHEDULERS.values() for label in row)}
    for label in sorted(filter(None, known), key=len, reverse=True):
        if sampler.casefold().endswith(f" {label}".casefold()):
            return sampler[: -len(label)].rstrip(), label
    return sampler, None


def _schedules(base: str, stated: str | None) -> tuple[str, ...]:
    """Return what the schedule of a sampler may be called, best first; "" for no schedule."""
    plain = SCHEDULERS["normal"]
    if _spelled(base, _OWN_SCHEDULE_LABELS):
        return (*((stated,) if stated else ()), *NO_CHOICE, "")
    if stated is None:
        uniform = ("Uniform", *plain) if _spelled(base, _FORMERLY_PLAIN) else ()
        return (*uniform, *NO_CHOICE, "")
    labels = SCHEDULERS.get(stated) or _spellings(stated)
    if base.casefold() == "restart" and "karras" in (stated.casefold(), *labels):
        return (*labels, "")  # see ``host_sampler``
    return (*labels, *plain) if _spelled(stated, plain) else labels


def _spellings(label: str) -> tuple[str, ...]:
    """Return what webuis call the schedule that one of them calls ``label``, that name first."""
    known = next((row for row in SCHEDULERS.values() if "" not in row and label in row), ())
    return tuple(dict.fromkeys((label, *known)))


def _spelled(name: str, known: Iterable[str]) -> str | None:
    """Return ``name`` as it is spelled in ``known``, where letters' case does not count."""
    return next((entry for entry in known if entry.casefold() == name.casefold()), None)
