"""The "separate" refiner method: two sampler runs in place of one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from fooocus_ext.core.refiner_switch import first_refiner_step
from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine import versions

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation

_NOISE_SCHEDULES = ("sigmas", "sigma_sched")
_TIMESTEP_SCHEDULE = "timesteps"
_MARK = "_fooocus_is_split"
_UNSPLITTABLE = ("UniPC", "DPM fast", "DPM adaptive", "Restart")


def check_available(sampler_names: Collection[str]) -> None:
    """Raise RequestError where the run of one of these samplers cannot be split in two."""
    if not versions.has_sampling_hook():
        raise RequestError(
            'refiner_method: "separate" needs webui 1.10 or newer; allowed here: "joint".'
        )
    for name in _UNSPLITTABLE:
        if name in sampler_names:
            raise _unsplittable(name)


def _unsplittable(sampler_name: str) -> RequestError:
    return RequestError(
        f'refiner_method: "separate" cannot split the sampler "{sampler_name}", which plans its '
        'own steps; allowed: "joint", or another sampler.'
    )


def split_sampler(sampler: Any, ratio: float, generation: Generation) -> None:
    """Make the next run of a host sampler stop and start anew where the refiner takes over.

    The second run begins with the first one's noisy latent at the same noise level; the solver's
    history is lost, while the noise of SDE samplers goes on, since the host hands in its source.
    (Forge prepares a hires pass twice: a run that is split already stays as it is.)
    """
    original = sampler.func
    if hasattr(original, _MARK):
        return
    sampler.func = _in_two_runs(original, ratio)
    generation.sampling.callback(setattr, sampler, "func", original)


def _in_two_runs(sample: Callable[..., Any], ratio: float) -> Callable[..., Any]:
    @functools.wraps(sample)
    def sample_twice(model: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        name = next((n for n in (*_NOISE_SCHEDULES, _TIMESTEP_SCHEDULE) if n in kwargs), None)
        if name is None:
            raise _unsplittable(getattr(sample, "__name__", str(sample)))
        schedule = kwargs.pop(name)
        switch = first_refiner_step(ratio, total_calls=model.total_steps, steps=model.steps)
        if not 0 < switch < len(schedule) - 1:
            return sample(model, x, *args, **{name: schedule}, **kwargs)
        if name == _TIMESTEP_SCHEDULE:  # walked from its end
            first, second = (
                schedule[len(schedule) - 1 - switch :],
                schedule[: len(schedule) - switch],
            )
        else:
            first, second = schedule[: switch + 1], schedule[switch:]
        x = sample(model, x, *args, **{name: first}, **kwargs)
        kwargs["callback"] = _counting_from(switch, kwargs.get("callback"))
        return sample(model, x, *args, **{name: second}, **kwargs)

    setattr(sample_twice, _MARK, True)
    return sample_twice


def _counting_from(start: int, callback: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if callback is None:
        return None
    return lambda info: callback({**info, "i": info["i"] + start})
