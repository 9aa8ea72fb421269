"""When the refiner takes over, against the hosts' and Fooocus's own loops written out."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fooocus_ext.core.refiner_switch import (
    SWITCH_RULES,
    calls_per_step,
    first_refiner_step,
    nearest_step,
    takes_over,
)

STEPS = st.integers(1, 150)
ORDERS = st.sampled_from([1, 2])
RATIOS = st.one_of(st.floats(0.0, 1.0), st.integers(1, 20).map(lambda n: n / 20))


def turns(rule, ratio, steps, order):
    """Return, for each model call of a sampling, whether the refiner makes it."""
    total = steps * order
    return [
        takes_over(
            rule,
            ratio,
            call=call,
            total_calls=total,
            steps=steps,
            timestep=999 * (1 - call / total),
        )
        for call in range(total)
    ]


@given(st.sampled_from(SWITCH_RULES), RATIOS, STEPS, ORDERS)
def test_once_taken_over_the_refiner_stays(rule, ratio, steps, order):
    made = turns(rule, ratio, steps, order)
    assert made == sorted(made)


@given(st.sampled_from(SWITCH_RULES), STEPS, ORDERS)
def test_a_ratio_of_one_is_never(rule, steps, order):
    assert not any(turns(rule, 1.0, steps, order))


@given(st.integers(1, 150), ORDERS, st.data())
def test_by_steps_the_base_makes_exactly_its_share_of_the_calls(steps, order, data):
    switch = data.draw(st.integers(0, steps * order - 1))
    ratio = switch / (steps * order)
    assert turns("steps", ratio, steps, order).count(False) == switch


@given(RATIOS, STEPS)
def test_fooocus_rule_is_its_loop(ratio, steps):
    """Fooocus swaps the model in the callback of step ``switch``, after that step's first call."""
    assume(ratio < 1.0)
    for order in (1, 2):
        refined, expected = False, []
        for step in range(steps):
            expected.append(refined)
            refined = refined or step >= round(steps * ratio)
            expected += [refined] * (order - 1)
        assert turns("Fooocus", ratio, steps, order) == expected


@given(st.floats(0, 0.999), st.integers(0, 999))
def test_timestep_rule_is_the_hosts(ratio, timestep):
    """A1111 compares (999 - index of the nearest sigma) / 1000 with "switch at"."""
    made = takes_over("timestep", ratio, call=0, total_calls=10, steps=10, timestep=float(timestep))
    assert made == ((999 - timestep) / 1000 >= ratio)


def test_usual_settings_switch_where_people_expect_it():
    assert turns("steps", 0.8, 20, 1).index(True) == 16
    assert turns("steps", 0.8, 20, 2).index(True) == 32
    assert turns("Fooocus", 0.8, 20, 1).index(True) == 17
    assert turns("steps", 0.5, 5, 1).index(True) == 3
    assert turns("steps", 0.5, 5, 2).index(True) == 5


@given(RATIOS, STEPS, ORDERS)
def test_first_step_is_the_first_whole_step_of_the_steps_rule(ratio, steps, order):
    made = turns("steps", ratio, steps, order)
    starts = made[::order]
    expected = starts.index(True) if True in starts else steps
    assert first_refiner_step(ratio, total_calls=steps * order, steps=steps) == expected


@given(STEPS, ORDERS)
def test_calls_per_step_is_the_samplers_order(steps, order):
    assert calls_per_step(steps * order, steps) == order
    assert calls_per_step(0, 0) == 1


@pytest.mark.parametrize(
    ("steps", "ratio", "step"),
    [(20, 0.61, 12), (30, 0.75, 22), (30, 0.667, 20), (20, 0.6, 12), (30, 1.0, 30)],
)
def test_fooocus_switches_at_the_nearest_step(steps, ratio, step):
    assert nearest_step(ratio, steps=steps) == step
