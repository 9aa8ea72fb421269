"""The texts of one generation, encoded as Fooocus does when a batch of it is sampled."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.core.text_states import join
from fooocus_ext.host.passes import has_checkpoint_of_its_own
from fooocus_ext.host.rendering import conditioning, encoder
from fooocus_ext.host.rendering.text_encoders import is_sdxl_base
from fooocus_ext.host.replaced import replaced

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.generation.texts import Encoding
    from fooocus_ext.prompting.text_lists import TextList


ORDINARY_BRACKETS = (
    "Fooocus: its rendering takes [ and ] for ordinary characters where they edit nothing. Write "
    "(word:0.9) to weigh a word less."
)
UNEVEN = (
    "Fooocus: texts of so many different lengths in one model call count only nearly as they would "
    "alone. Fewer pictures in a batch keep them apart."
)


class Texts:
    """Puts Fooocus's conditioning in the place of the host's, on copies, and takes it away again.

    Each text is encoded once for a generation, and once more for a second pass of hires fix that has LoRAs
    or a checkpoint of its own.
    """

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._caches = {False: conditioning.TextCache(), True: conditioning.TextCache()}

    def prepare_batch(self, p: Any) -> dict[str, Any]:
        """Encode a batch that the host has encoded in its own way; return what to sample it with.

        The second pass of hires fix is encoded once its LoRAs are active.
        """
        self._replace(p, "c", "uc", is_second_pass=False)
        calculate = getattr(p, "calculate_hr_conds", None)
        if calculate is not None and getattr(p, "enable_hr", False):

            def calculate_and_replace() -> None:
                calculate()
                self._replace(p, "hr_c", "hr_uc", is_second_pass=True)

            self._generation.override(p, "calculate_hr_conds", calculate_and_replace)
            self._generation.sampling.callback(self._generation.give_back, p, "calculate_hr_conds")
        return {"conditioning": p.c, "unconditional_conditioning": p.uc}

    def _replace(self, p: Any, positive: str, negative: str, *, is_second_pass: bool) -> None:
        """Replace two attributes of ``p`` until its sampling ends."""
        if not is_sdxl_base(shared.sd_model):
            return  # the second pass may have a checkpoint of its own
        until_end = self._generation.sampling.enter_context
        found = self.conditioning(p, shared.sd_model, is_second_pass=is_second_pass)
        for name, value in zip((positive, negative), found, strict=True):
            until_end(replaced(p, name, value))

    def conditioning(self, p: Any, model: Any, *, is_second_pass: bool) -> tuple[Any, Any]:
        """Return the positive and negative conditioning of the batch for a model.

        Args:
            p: the processing object; the LoRAs of the pass are active.
            model: the base, or a refiner, which hears the base's encoders.
            is_second_pass: whether it is for the second pass of hires fix.
        """
        steps = conditioning.steps_of(p, is_second_pass=is_second_pass)
        size = (p.hr_upscale_to_x, p.hr_upscale_to_y) if is_second_pass else (p.width, p.height)
        networks = p.hr_extra_network_data if is_second_pass else p.extra_network_data
        is_apart = is_second_pass and (
            networks != p.extra_network_data or has_checkpoint_of_its_own(p)
        )
        cache = self._caches[is_apart]

        @functools.cache  # the pictures of a batch often have a text in common
        def schedule(texts: TextList, is_negative: bool) -> conditioning.Schedule:
            states = conditioning.edited(texts, steps)
            if not texts.is_plain and any("[" in text for _, state in states for text in state):
                p.comment(ORDINARY_BRACKETS)
            found = []
            for last_step, state in states:
                encoded = [cache.encoded(t, networks, is_plain=texts.is_plain) for t in state]
                joined = join(encoded, texts.pooled)
                said = encoder.say(model, joined, size=size, is_negative=is_negative)
                found.append((last_step, said))
            return found

        prompts, negatives = (
            (p.hr_prompts, p.hr_negative_prompts)
            if is_second_pass
            else (p.prompts, p.negative_prompts)
        )
        pictures = conditioning.texts_of_batch(
            prompts, negatives, self._written(p, is_second_pass=is_second_pass)
        )
        return conditioning.for_batch(pictures, schedule, lambda: p.comment(UNEVEN))

    def _written(self, p: Any, *, is_second_pass: bool) -> Sequence[Encoding]:
        """Return what was written for the pictures of the batch."""
        job = self._generation.texts
        if job is None:
            return ()
        first = p.iteration * p.batch_size
        written = job.second_pass if is_second_pass else job.first_pass
        return written[first : first + p.batch_size]
