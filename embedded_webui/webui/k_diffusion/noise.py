"""Brownian noise for the SDE samplers, on torchsde; `sampling` re-exports BrownianTreeNoiseSampler."""

from __future__ import annotations

import torch
import torchsde


class BatchedBrownianTree:
    """One Brownian motion per image, each with its own seed: W(t1) - W(t0) for a batch [B,...]."""

    def __init__(self, x, t0, t1, seed=None, **kwargs):
        low, high = (t0, t1) if t0 < t1 else (t1, t0)
        self.direction = 1 if t0 < t1 else -1
        if seed is None:
            seed = torch.randint(0, 2**63 - 1, []).item()
        self.batched = hasattr(seed, "__len__")
        start = kwargs.pop("w0", torch.zeros_like(x))
        if self.batched:
            assert len(seed) == x.shape[0], "one seed per image"
            start = start[0]
        seeds = seed if self.batched else [seed]
        self.trees = [torchsde.BrownianTree(low, start, high, entropy=s, **kwargs) for s in seeds]

    def __call__(self, t0, t1):
        low, high = (t0, t1) if t0 < t1 else (t1, t0)
        direction = self.direction if t0 < t1 else -self.direction
        increments = torch.stack([tree(low, high) for tree in self.trees]) * direction
        return increments if self.batched else increments[0]


class BrownianTreeNoiseSampler:
    """Unit-variance noise for a step from sigma to sigma_next, consistent between overlapping steps.

     `seed` is one int for the whole tensor or a list with one per image; `transform` maps sigma to
    the time of the Brownian motion.
    """

    def __init__(self, x, sigma_min, sigma_max, seed=None, transform=lambda x: x):
        self.transform = transform
        self.tree = BatchedBrownianTree(x, self._time(sigma_min), self._time(sigma_max), seed)

    def _time(self, sigma):
        return self.transform(torch.as_tensor(sigma))

    def __call__(self, sigma, sigma_next):
        t0, t1 = self._time(sigma), self._time(sigma_next)
        return self.tree(t0, t1) / (t1 - t0).abs().sqrt()
