"""The texts that Fooocus encoded, found out where its metadata does not list them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fooocus_ext.prompting.lines import EDGES
from fooocus_ext.prompting.styles import PLACEHOLDER, Style, StyledTexts, apply_styles

_JOINT = ", "


class FullTexts(NamedTuple):
    """What Fooocus's own scheme calls ``full_prompt``, ``full_negative_prompt``, ``prompt_expansion``."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    expansion: str


def written(
    prompt: str, negative_prompt: str, styles: Sequence[Style], expansion: str = ""
) -> FullTexts:
    """Return the texts that Fooocus writes of a prompt as its metadata has it, wildcards resolved.

    Args:
        prompt: its lines are texts of their own, the first of them in the styles.
        negative_prompt: likewise, behind the styles.
        styles: in order.
        expansion: the text that continues the prompt; empty for none.
    """
    texts = _written(prompt, negative_prompt, styles)
    positive = (*texts.positive, expansion) if expansion else tuple(texts.positive)
    return FullTexts(positive, tuple(texts.negative), expansion)


def taken_apart(
    positive: str, negative: str, prompt: str, negative_prompt: str, styles: Sequence[Style]
) -> FullTexts | None:
    """Return the texts that the ``a1111`` scheme joins; None if they cannot be told apart.

    The texts written of the prompt must be the joined text's beginning; an expansion, which begins with
    the prompt once more, is what follows.

    Args:
        positive: the joined positive text.
        negative: the joined negative text.
        prompt: as typed.
        negative_prompt: as typed.
        styles: the styles whose texts are in the joined ones.
    """
    in_order = sorted(styles, key=lambda style: positive.find(_first_line(style, prompt)))
    for order in (styles, in_order, ()):
        found = _written(prompt, negative_prompt, order)
        if _joined(found.negative) != negative:
            continue
        start = _joined(found.positive)
        if positive == start:
            return FullTexts(tuple(found.positive), tuple(found.negative), "")
        expansion = positive.removeprefix(start + _JOINT)
        if expansion != positive and expansion.startswith(_lines(prompt)[0].strip(EDGES)):
            return FullTexts((*found.positive, expansion), tuple(found.negative), expansion)
    return None


def _joined(texts: Sequence[str]) -> str:
    return _JOINT.join(texts).strip()


def _first_line(style: Style, prompt: str) -> str:
    return _lines(style.prompt)[0].replace(PLACEHOLDER, _lines(prompt)[0])


def _written(prompt: str, negative_prompt: str, styles: Sequence[Style]) -> StyledTexts:
    main, *further = _lines(prompt)
    main_negative, *further_negative = _lines(negative_prompt)
    return apply_styles(
        styles, main, main_negative, extra_positive=further, extra_negative=further_negative
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line] or [""]
