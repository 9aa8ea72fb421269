"""What is encoded for one picture where texts are encoded one by one, as Fooocus does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fooocus_ext.prompting.grammar import weight_of, without_tags
from fooocus_ext.prompting.lines import even_commas, tidy


@dataclass(frozen=True)
class TextList:
    """Texts that are encoded one by one and joined along their tokens; at least one, perhaps empty.

    Attributes:
        texts: in order, without tags.
        pooled: how many of them, from the first on, count for the pooled vector; Fooocus leaves out
            the expansion.
        weight: of this part among those that ``AND`` divides a prompt into.
        is_plain: whether all of it is in Fooocus's own grammar: ``BREAK``, ``[a:b:0.5]`` and ``[a|b]``
            are then words as any other.
    """

    texts: tuple[str, ...]
    pooled: int
    weight: float = 1.0
    is_plain: bool = False


@dataclass(frozen=True)
class PictureTexts:
    """The texts of one picture: each part of its prompt, one where ``AND`` divides nothing."""

    positive: tuple[TextList, ...]
    negative: TextList


def text_list(texts: Iterable[str], expansion: str = "", weight: str = "") -> TextList:
    """Return the list of those ``texts`` that say something, and of an expansion behind them.

    Args:
        texts: in order; what is left without tags is encoded.
        expansion: empty for none.
        weight: as typed behind a part of a prompt, with its colon; empty for 1.
    """
    kept = tuple(bare for bare in map(_untagged, texts) if bare) or ("",)
    return TextList(
        (*kept, expansion) if expansion else kept,
        len(kept),
        weight_of(weight) if weight else 1.0,
    )


def untagged_main(text: str) -> str:
    """Return a main text as it is before styles are applied: without tags and the commas they leave."""
    bare = _untagged(text)
    return text if bare == text else even_commas(bare)


def _untagged(text: str) -> str:
    """Return a text without its tags, which the host takes out of the prompt; its commas stay."""
    bare = without_tags(text)
    return bare if bare == text else tidy(bare)


def given_texts(
    positive: Iterable[str], negative: Iterable[str], *, has_expansion: bool
) -> PictureTexts:
    """Return the texts of a picture that states them: what Fooocus's metadata calls ``full_prompt``.

    Args:
        positive: in order, as they were encoded.
        negative: likewise.
        has_expansion: whether the last of ``positive`` is an expansion.
    """
    prompts, negatives = tuple(positive) or ("",), tuple(negative) or ("",)
    counted = max(len(prompts) - has_expansion, 1)
    return PictureTexts(
        (TextList(prompts, counted, is_plain=True),),
        TextList(negatives, len(negatives), is_plain=True),
    )
