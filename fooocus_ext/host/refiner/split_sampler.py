"""The refiner methods "separate" and "vae": two sampler runs in place of one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine import versions

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation

_NOISE_SCHEDULES = ("sigmas", "sigma_sched")
_TIMESTEP_SCHEDULE = "timesteps"
_MARK = "_fooocus_is_split"
_UNSPLITTABLE = ("DPM fast", "DPM adaptive")
_UNSPLITTABLE_BY_WEBUI = ("UniPC", "Restart")
"""Those that Fooocus splits, and its rendering can."""
_STRENGTH = 1.4
"""How much higher than the first run's are the second's noise levels where it begins with fresh noise."""


@dataclass(frozen=True)
class Runs:
    """What makes two runs of one.

    Attributes:
        method: "separate" or "vae", for messages.
        switch: returns the step of the whole schedule, 0..steps, at which the second run begins; its
            argument is the host's CFG denoiser.
        begin: called before each run, and told whether it is the second.
        renoise: None if the second run goes on with the noisy latent of the first. Otherwise the first
            ends without noise, and this makes the second's beginning: of the clean latent [rows,C,h,w],
            of the noise that the first run's last call saw in it, and of the level that it is to have.
    """

    method: str
    switch: Callable[[Any], int]
    begin: Callable[[bool], None]
    renoise: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] | None = None


def check_available(method: str, sampler_names: Collection[str], *, as_fooocus: bool) -> None:
    """Raise RequestError where the run of one of these samplers cannot be split in two."""
    if not versions.has_sampling_hook():
        raise RequestError(
            f'refiner_method: "{method}" needs webui 1.10 or newer; allowed here: "joint".'
        )
    for name in (*_UNSPLITTABLE, *(() if as_fooocus else _UNSPLITTABLE_BY_WEBUI)):
        if name in sampler_names:
            raise _unsplittable(method, name)


def _unsplittable(method: str, sampler_name: str) -> RequestError:
    return RequestError(
        f'refiner_method: "{method}" cannot split the sampler "{sampler_name}", which plans its '
        'own steps; allowed: "joint", or another sampler.'
    )


def split_sampler(sampler: Any, runs: Runs, generation: Generation) -> None:
    """Make the next run of a host sampler stop and start anew where the refiner takes over.

    The solver's history is lost, while the noise of SDE samplers goes on, since the host hands in its
    source. (Forge prepares a hires pass twice: a run that is split already stays as it is.)
    """
    original = sampler.func
    if hasattr(original, _MARK):
        return
    sampler.func = _in_two_runs(original, runs)
    generation.sampling.callback(setattr, sampler, "func", original)


def _in_two_runs(sample: Callable[..., Any], runs: Runs) -> Callable[..., Any]:
    @functools.wraps(sample)
    def sample_twice(model: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        name = next((n for n in (*_NOISE_SCHEDULES, _TIMESTEP_SCHEDULE) if n in kwargs), None)
        if name is None or (runs.renoise is not None and name == _TIMESTEP_SCHEDULE):
            raise _unsplittable(runs.method, getattr(sample, "__name__", str(sample)))
        schedule = kwargs.pop(name)
        switch = runs.switch(model)
        runs.begin(switch <= 0)
        if not 0 < switch < len(schedule) - 1:
            return sample(model, x, *args, **{name: schedule}, **kwargs)
        first, second = _parts(schedule, switch, rises=name == _TIMESTEP_SCHEDULE)
        watched = _Watched(model)
        if runs.renoise is not None:
            first = torch.cat((first[:-1], first.new_zeros(1)))
            second = second * _STRENGTH
        x = sample(watched, x, *args, **{name: first}, **kwargs)
        runs.begin(True)
        if runs.renoise is not None:
            x = runs.renoise(x, watched.noise(), second[0])
        kwargs["callback"] = _counting_from(switch, kwargs.get("callback"))
        return sample(model, x, *args, **{name: second}, **kwargs)

    setattr(sample_twice, _MARK, True)
    return sample_twice


def _parts(schedule: Any, switch: int, *, rises: bool) -> tuple[Any, Any]:
    """Return the schedules of both runs; one of timesteps rises, and is walked from its end."""
    if rises:
        return schedule[len(schedule) - 1 - switch :], schedule[: len(schedule) - switch]
    return schedule[: switch + 1], schedule[switch:]


class _Watched:
    """A model that keeps what went into its last call, and what came out."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._last: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, x: torch.Tensor, level: torch.Tensor, **kwargs: Any) -> torch.Tensor:
        out: torch.Tensor = self._model(x, level, **kwargs)
        self._last = x, level, out
        return out

    def noise(self) -> torch.Tensor:
        """Return the noise of unit deviation that the last call saw beside the clean latent."""
        assert self._last is not None  # noqa: S101  (asked for after a run)
        x, level, clean = self._last
        return (x - clean) / level.view(-1, *(1,) * (x.dim() - 1))


def _counting_from(start: int, callback: Callable[..., Any] | None) -> Callable[..., Any] | None:
    if callback is None:
        return None
    return lambda info: callback({**info, "i": info["i"] + start})
