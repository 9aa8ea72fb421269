"""Console progress of the samplers, and no_grad that does not depend on a replaced `torch` name."""

from __future__ import annotations

import torch
from tqdm.auto import trange

no_grad = torch.no_grad()


def steps_of(count, disable):
    """range(count) with a progress bar, unless `disable`."""
    return trange(count, disable=disable)
