"""One object per generation: whose it is, and that every way out undoes everything, once."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest

from fooocus_ext.args import Settings
from fooocus_ext.generation import state


class Request:
    """Stands for the host's processing object."""

    def sample(self):
        return "the host's"


def copied_by_hand(p):
    """Return what some extensions make of a request in place of a copy."""
    copied = Request()
    vars(copied).update(vars(p))
    return copied


COPIES = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, copied_by_hand])


def undoing(generation, stack="resources"):
    """Note each time that something is undone."""
    undone = []
    getattr(generation, stack).callback(undone.append, True)
    return undone


@COPIES
def test_a_generation_is_found_on_its_request_alone(copied):
    p = Request()
    assert state.generation_of(p) is None
    generation = state.attach(p, Settings())
    assert state.generation_of(p) is generation
    assert state.generation_of(copied(p)) is None
    assert state.generation_of(object()) is None


def test_closing_undoes_in_reverse_order_and_once():
    generation = state.attach(Request(), Settings())
    order = []
    generation.resources.callback(order.append, "first")
    generation.sampling.callback(order.append, "sampling")
    generation.resources.callback(order.append, "second")
    generation.close()
    generation.close()
    assert order == ["sampling", "second", "first"]


def test_the_end_of_a_batch_undoes_its_part_only():
    generation = state.attach(Request(), Settings())
    whole, batch = undoing(generation), undoing(generation, "sampling")
    generation.end_sampling()
    generation.end_sampling()
    assert (whole, batch) == ([], [True])


def test_a_new_generation_of_a_request_closes_the_old_one():
    p = Request()
    undone = undoing(state.attach(p, Settings()))
    second = state.attach(p, Settings())
    assert undone == [True]
    assert state.generation_of(p) is second


def test_detaching_leaves_no_attribute():
    p = Request()
    before = dict(vars(p))
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    state.detach(p)
    state.detach(p)
    assert vars(p) == before


def test_a_method_is_replaced_until_the_generation_ends():
    p = Request()
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    assert p.sample() == "ours"
    generation.close()
    assert p.sample() == "the host's"
    assert "sample" not in vars(p)


def test_an_instance_attribute_that_was_there_comes_back():
    p = Request()
    p.sample = theirs = lambda: "another extension's"
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    generation.close()
    assert p.sample is theirs


def test_a_method_that_another_extension_wrapped_meanwhile_stays_wrapped():
    p = Request()
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    inner = p.sample
    p.sample = wrapper = lambda: inner() + ", wrapped"
    generation.close()
    assert p.sample is wrapper
    assert p.sample() == "ours, wrapped"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("attributes", [{}, {"sample": list, "steps": 4}], ids=str)
def test_a_copy_is_what_its_original_would_be_without_a_generation(attributes, copied):
    p = Request()
    vars(p).update(attributes)
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    generation.override(p, "sample", lambda: "ours, too")
    p.steps = 6
    assert vars(copied(p)) == {**attributes, "steps": 6}
    assert p.sample() == "ours, too"


def test_what_another_extension_keeps_of_ours_under_a_name_of_its_own_is_left_there():
    p = Request()
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    p.sample_before = p.sample
    assert copy.copy(p).sample_before() == "ours"
    state.detach(p)
    assert p.sample_before() == "ours"
    assert p.sample() == "the host's"


@COPIES
def test_the_hooks_of_a_copy_close_nothing_of_the_original(copied):
    p = Request()
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    generation.override(p, "sample", lambda: "ours, too")
    undone = undoing(generation)
    other = copied(p)
    state.detach(other)
    assert undone == []
    assert p.sample() == "ours, too"
    assert other.sample() == "the host's"
    assert vars(other) == {}


@COPIES
def test_a_copy_may_have_a_generation_of_its_own(copied):
    p = Request()
    first = state.attach(p, Settings())
    other = copied(p)
    second = state.attach(other, Settings())
    assert state.generation_of(p) is first
    assert state.generation_of(other) is second
    undone = undoing(first)
    state.detach(other)
    assert undone == []


def test_a_generation_keeps_its_request_no_longer_than_others_do():
    p = Request()
    generation = state.attach(p, Settings())
    generation.override(p, "sample", lambda: "ours")
    seen = weakref.ref(p)
    state.detach(p)
    del p, generation
    gc.collect()
    assert seen() is None


def test_an_error_while_undoing_does_not_stop_the_rest():
    p = Request()
    generation = state.attach(p, Settings())
    undone = undoing(generation)
    generation.resources.callback(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        generation.close()
    assert undone == [True]
    generation.close()
