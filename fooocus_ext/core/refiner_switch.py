"""When the refiner takes over inside a running sampler."""

from __future__ import annotations

from typing import Literal, get_args

SwitchRule = Literal["steps", "timestep", "Fooocus"]
SWITCH_RULES: tuple[SwitchRule, ...] = get_args(SwitchRule)


def takes_over(
    rule: SwitchRule,
    ratio: float,
    *,
    call: int,
    total_calls: int,
    steps: int,
    timestep: float,
) -> bool:
    """Return whether the refiner makes this model call.

    Args:
        rule: ``steps``: from the call whose share of all calls reaches ``ratio`` (A1111's rule under
            "switch by sampling steps"). ``timestep``: from the call whose timestep is that share of
            the way from 999 to 0 (A1111's default rule since 1.9). ``Fooocus``: the base still makes
            the first call of step ``round(steps * ratio)``, as Fooocus's joint method does, because
            its swap happens in the callback after that call.
        ratio: 0..1; 1 is never under every rule.
        call: how many model calls this sampling has finished, counted from 0.
        total_calls: how many it is expected to make (twice the steps for second-order samplers).
        steps: the number of sampling steps.
        timestep: the model timestep 0..999 of this call.
    """
    if ratio >= 1.0:
        return False
    if rule == "timestep":
        return (999 - int(timestep)) / 1000 >= ratio
    if rule == "Fooocus":
        return call > nearest_step(ratio, steps=steps) * calls_per_step(total_calls, steps)
    return call / total_calls >= ratio


def first_refiner_step(ratio: float, *, total_calls: int, steps: int) -> int:
    """Return the first whole step, 0..steps, that the refiner makes under the ``steps`` rule."""
    calls = calls_per_step(total_calls, steps)
    for step in range(steps):
        if takes_over(
            "steps", ratio, call=step * calls, total_calls=total_calls, steps=steps, timestep=0
        ):
            return step
    return steps


def nearest_step(ratio: float, *, steps: int) -> int:
    """Return Fooocus's switch step, 0..steps: the share of the steps, halves to the even number."""
    return round(steps * ratio)


def calls_per_step(total_calls: int, steps: int) -> int:
    """Return how many model calls a sampler makes in each step: 2 if it is of second order."""
    return max(1, total_calls // max(1, steps))
