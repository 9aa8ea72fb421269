"""Prompt editing and alternation, [before:after:when] and [a|b]; modules/prompt_parser.py re-exports this."""

from __future__ import annotations

import functools

GRAMMAR = r"""
!document: (text | /[][():]/+)*
text: (weighted | edit | turns | words | SPACE)*
!weighted: "(" text ")" | "(" text ":" text ")" | "[" text "]"
edit: "[" [text ":"] text ":" [SPACE] NUMBER [SPACE] "]"
turns: "[" text ("|" [text])+ "]"
SPACE: /\s+/
words: /([^\\\[\]():|]|\\.)+/
%import common.SIGNED_NUMBER -> NUMBER
"""
WHEN = -2
"""position of the number among the children of `edit`"""


@functools.cache
def schedule_parser():
    """The parser of GRAMMAR."""
    import lark  # slow to import, and only prompts with brackets need it

    return lark.Lark(GRAMMAR, start="document")


def _parse(prompt):
    """The tree of a prompt, or None for one that is to be taken literally."""
    if "[" not in prompt:
        return None
    import lark

    try:
        return schedule_parser().parse(prompt)
    except lark.exceptions.LarkError:
        return None


class _Timeline:
    """Turns the number of an edit into a step: a fraction counts in steps of the pass, an integer is a step.

     With hires fix the second pass continues the first one's count: its fractions run from 1 to 2,
    its integers start after the first pass. The old behaviour starts both at zero and takes any
    number below 1 for a fraction.
    """

    def __init__(self, base_steps, hires_steps, old):
        self.old = old
        second_pass = hires_steps is not None and not old
        self.steps = hires_steps if second_pass else base_steps
        self.first_fraction = 1.0 if second_pass else 0.0
        self.first_step = base_steps if second_pass else 0

    def step_of(self, number: str) -> int:
        value = float(number)
        if self.old:
            step = value * self.steps if value < 1 else value
        elif "." in number:
            step = (value - self.first_fraction) * self.steps
        else:
            step = value - self.first_step
        return min(self.steps, int(step))


def _last_steps(timeline, tree) -> list[int]:
    """Replaces the numbers in the tree by steps.

    Returns the last step of every stretch with a constant prompt.
    """
    ends = {timeline.steps}
    for node in tree.iter_subtrees():
        if node.data == "edit":
            node.children[WHEN] = step = timeline.step_of(node.children[WHEN])
            if step >= 1:
                ends.add(step)
        elif node.data == "turns":
            ends.update(range(1, timeline.steps + 1))
    return sorted(ends)


def _text_at(step, node) -> str:
    """The prompt that a tree means at a step (1-based)."""
    if node is None:
        return ""
    if isinstance(node, str):
        return str(node)
    if node.data == "edit":
        before, after, _, when, _ = node.children
        return _text_at(step, before if step <= when else after)
    if node.data == "turns":
        return _text_at(step, node.children[(step - 1) % len(node.children)])
    return "".join(_text_at(step, child) for child in node.children)


def get_learned_conditioning_prompt_schedules(
    prompts, base_steps, hires_steps=None, use_old_scheduling=False
):
    """For each prompt a list of [last step, text] pairs.

    "a [b:3]" with 10 steps: [[3, "a "], [10, "a b"]]. Text without square brackets, or
    that does not parse, is taken literally.
    """
    timeline = _Timeline(base_steps, hires_steps, use_old_scheduling)

    def schedule(prompt):
        tree = _parse(prompt)
        if tree is None:
            return [[timeline.steps, prompt]]
        return [[step, _text_at(step, tree)] for step in _last_steps(timeline, tree)]

    known = {prompt: schedule(prompt) for prompt in set(prompts)}
    return [known[prompt] for prompt in prompts]
