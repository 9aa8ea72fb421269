"""Doubles modules/sd_emphasis.py: what weights of words do to the text encoder's output."""

from __future__ import annotations

import torch


class Emphasis:
    """One mode: `after_transformers` changes z [B,77,C] according to multipliers [B,77]."""

    name = "Base"
    description = ""
    tokens: list[list[int]]
    multipliers: torch.Tensor
    z: torch.Tensor

    def after_transformers(self):
        """Apply the multipliers to `z`."""


class EmphasisNone(Emphasis):
    """Brackets are text."""

    name = "None"
    description = "disable the mechanism entirely and treat (:.1.1) as literal characters"


class EmphasisIgnore(Emphasis):
    """Brackets are removed and have no effect."""

    name = "Ignore"
    description = "treat all emphasised words as if they have no emphasis"


class EmphasisOriginalNoNorm(Emphasis):
    """Multiplies."""

    name = "No norm"
    description = "same as original, but without normalization (seems to work better for SDXL)"

    def after_transformers(self):
        self.z = self.z * self.multipliers.unsqueeze(-1).expand(self.z.shape)


class EmphasisOriginal(EmphasisOriginalNoNorm):
    """Multiplies, then restores the mean over everything."""

    name = "Original"
    description = "the original emphasis implementation"

    def after_transformers(self):
        mean = self.z.mean()
        super().after_transformers()
        self.z = self.z * (mean / self.z.mean())


options = [EmphasisNone, EmphasisIgnore, EmphasisOriginal, EmphasisOriginalNoNorm]


def get_current_option(emphasis_option_name):
    """The mode of this name, Original if there is none."""
    return next((x for x in options if x.name == emphasis_option_name), EmphasisOriginal)
