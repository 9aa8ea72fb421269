"""The texts of a picture of Fooocus in place of the rewritten ones, as long as nobody has edited them.

Fooocus knows of the webui's grammar the emphasis alone. What the host would act on (``AND``,
``BREAK``, ``[a:b:0.5]``, tags, comments) is plain text in Fooocus's texts, and made plain where they are
joined for the host.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Protocol

from fooocus_ext.generation.plan import Plan
from fooocus_ext.original_texts import OriginalTexts, fingerprint
from fooocus_ext.prompting.grammar import tags_of, without_tags
from fooocus_ext.prompting.rewrite import RewrittenPrompt
from fooocus_ext.prompting.text_lists import given_texts

IN_USE = "The texts of the original picture are used as they were, styles and expansion included."
EDITED = (
    "The prompt, the styles or the expansion have been edited, so they are used, and not the texts "
    "of the original picture."
)
_WORDS = re.compile(r"\b(?:AND|BREAK)\b")
_BRACKET = re.compile(r"\\.|[\[\]]", re.DOTALL)


class Job(Protocol):
    """The parts of the host's processing object that say whether original texts hold."""

    all_prompts: list[str]
    all_negative_prompts: list[str]


def settle(p: Job, plan: Plan) -> Plan:
    """Return a plan without the original texts if prompts, styles or expansion have been edited.

    They hold for all pictures of the job or for none. Either way a note says so. Those that hold whatever
    the prompt is are recorded with what it was: whoever pastes the infotext may edit it.
    """
    settings = plan.settings
    found = settings.original_texts
    if found is None:
        return plan
    typed = set(zip(p.all_prompts, p.all_negative_prompts, strict=True))
    if all(found.hold_for(*pair, settings.styles, expansion=settings.expansion) for pair in typed):
        made_of = {
            fingerprint(*pair, settings.styles, expansion=settings.expansion) for pair in typed
        }
        bound = dataclasses.replace(found, of=made_of.pop()) if len(made_of) == 1 else found
        return dataclasses.replace(
            plan,
            typed=dataclasses.replace(plan.typed, original_texts=bound),
            notes=[*plan.notes, IN_USE],
        )
    return dataclasses.replace(
        plan,
        settings=dataclasses.replace(settings, original_texts=None),
        typed=dataclasses.replace(plan.typed, original_texts=None),
        notes=[*plan.notes, EDITED],
    )


def as_rewritten(
    texts: OriginalTexts, typed: Sequence[str], *, separator: str
) -> list[RewrittenPrompt]:
    """Return the original texts for each picture of a job.

    Args:
        texts: the texts.
        typed: the prompt of each picture, without comments; its tags of LoRAs stay in effect.
        separator: what joins the texts for the host.
    """
    positive, negative = (
        separator.join(text for text in map(_for_host, parts) if text)
        for parts in (texts.full_prompt, texts.full_negative_prompt)
    )
    return [
        RewrittenPrompt(
            positive=positive + "".join(f" {tag}" for tag in tags_of(prompt)),
            negative=negative,
            expansion=texts.prompt_expansion,
            is_joined=max(len(texts.full_prompt), len(texts.full_negative_prompt)) > 1,
            one_by_one=given_texts(
                texts.full_prompt,
                texts.full_negative_prompt,
                has_expansion=bool(texts.prompt_expansion),
            ),
        )
        for prompt in typed
    ]


def _for_host(text: str) -> str:
    """Return a text of Fooocus in which the host finds nothing to act on but emphasis."""
    plain = _WORDS.sub(lambda word: word[0].lower(), without_tags(text).replace("#", ""))
    brackets = _BRACKET.sub(lambda found: found[0] if len(found[0]) > 1 else "\\" + found[0], plain)
    return " ".join(brackets.split()).strip(", ")
