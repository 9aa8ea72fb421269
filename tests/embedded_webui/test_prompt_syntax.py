"""Prompt editing, alternation, emphasis, AND and BREAK mean what they mean in the webui."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.embedded_webui.lazy import Lazy

parser, schedule, emphasis = Lazy("prompt_parser"), Lazy("prompt_schedule"), Lazy("prompt_emphasis")

# (prompt, steps, hires steps, what the schedule must be), worked out by hand from the syntax's definition
SCHEDULES = [
    ("plain", 10, None, [[10, "plain"]]),
    ("a [b:3]", 10, None, [[3, "a "], [10, "a b"]]),
    ("a [b:c:0.5] d", 8, None, [[4, "a b d"], [8, "a c d"]]),
    ("[a::4]x", 10, None, [[4, "ax"], [10, "x"]]),
    ("[a|b|]", 4, None, [[1, "a"], [2, "b"], [3, ""], [4, "a"]]),
    ("[x:[y:z:6]:2]", 10, None, [[2, "x"], [6, "y"], [10, "z"]]),
    ("[a:b:99]", 10, None, [[10, "a"]]),
    ("(a:1.2) [b]", 5, None, [[5, "(a:1.2) [b]"]]),
    ("a [open", 5, None, [[5, "a [open"]]),
    ("a [b:0.5]", 10, 6, [[6, "a b"]]),
    ("a [b:1.5]", 10, 6, [[3, "a "], [6, "a b"]]),
    ("a [b:12]", 10, 6, [[2, "a "], [6, "a b"]]),
]


@pytest.mark.parametrize(("prompt", "steps", "hires_steps", "expected"), SCHEDULES)
def test_schedule(prompt, steps, hires_steps, expected):
    found = schedule.get_learned_conditioning_prompt_schedules([prompt], steps, hires_steps)
    assert found == [expected]


def test_old_scheduling_takes_numbers_below_one_for_fractions():
    compute = schedule.get_learned_conditioning_prompt_schedules
    assert compute(["[a:b:1.5]"], 10, None, True) == [[[1, "a"], [10, "b"]]]
    assert compute(["[a:b:.25]"], 8, None, True) == [[[2, "a"], [8, "b"]]]


@given(st.text(alphabet="ab ,(]):|\\.5\n", max_size=12))
def test_what_the_parser_is_spared_is_what_it_would_take_literally(text):
    import lark

    try:
        tree = schedule.schedule_parser().parse(text)
    except lark.exceptions.LarkError:
        return
    assert not {"edit", "turns"} & {node.data for node in tree.iter_subtrees()}
    assert "".join(tree.scan_values(lambda _leaf: True)) == text


@given(st.text(alphabet="ab ,()[]:|\\.5", max_size=12), st.integers(1, 12))
def test_any_text_has_a_schedule_that_ends_with_the_last_step(text, steps):
    (found,) = schedule.get_learned_conditioning_prompt_schedules([text], steps)
    ends = [end for end, _ in found]
    assert ends == sorted(set(ends))
    assert ends[-1] == steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [["plain", 1.0]]),
        ("a (b) c", [["a ", 1.0], ["b", 1.1], [" c", 1.0]]),
        ("((b))", [["b", 1.1 * 1.1]]),
        ("(b:1.5)", [["b", 1.5]]),
        ("[b]", [["b", 1 / 1.1]]),
        ("(open", [["open", 1.1]]),
        (r"\(b\)", [["(b)", 1.0]]),
        ("(a)(b)", [["ab", 1.1]]),
        ("a BREAK b", [["a", 1.0], ["BREAK", -1], ["b", 1.0]]),
        ("", [["", 1.0]]),
    ],
)
def test_emphasis(text, expected):
    assert emphasis.parse_prompt_attention(text) == expected


@given(st.text(max_size=40))
def test_emphasis_never_fails_and_never_leaves_equal_neighbours(text):
    pieces = emphasis.parse_prompt_attention(text)
    assert pieces
    assert all(a[1] != b[1] for a, b in itertools.pairwise(pieces))


def test_and_splits_prompts_with_weights_and_shares_equal_parts():
    indexes, flat, _ = parser.get_multicond_prompt_list(["a AND b:0.5", "b AND c : -2"])
    assert list(flat) == ["a", " b", "b", " c"]
    assert indexes == [[(0, 1.0), (1, 0.5)], [(2, 1.0), (3, -2.0)]]


def test_reconstructed_conds_are_fresh_and_follow_the_step():
    import torch

    entry = parser.ScheduledPromptConditioning
    early, late = (
        {"crossattn": torch.full((77, 4), v), "vector": torch.full((3,), v)} for v in (1.0, 2.0)
    )
    schedules = [[entry(2, early), entry(5, late)]]
    for step, value in ((0, 1.0), (2, 1.0), (3, 2.0), (5, 2.0)):
        conds = parser.reconstruct_cond_batch(schedules, step)
        assert conds.shape == (1, 77, 4)
        assert conds["vector"].unique().tolist() == [value]
        conds["vector"].zero_()
    assert early["vector"].unique().tolist() == [1.0]


def test_conds_of_different_lengths_are_filled_up_with_their_last_row():
    import torch

    short, long = torch.arange(6.0).reshape(3, 2), torch.zeros(5, 2)
    stacked = parser.stack_conds([short, long])
    assert stacked.shape == (2, 5, 2)
    assert stacked[0, 3:].tolist() == [[4.0, 5.0], [4.0, 5.0]]
