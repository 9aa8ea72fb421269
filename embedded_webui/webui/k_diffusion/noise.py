"""The samplers' noise: independent, or Brownian on torchsde; `sampling` re-exports it."""

from __future__ import annotations

import torch


def _randn_like(x):
    """Noise from what the webui has put in place of `sampling`'s torch."""
    from k_diffusion import sampling

    return sampling.torch.randn_like(x)


def default_noise_sampler(x):
    """Independent noise at every step."""
    return lambda sigma, sigma_next: _randn_like(x)


def churn(x, i, sigmas, s_churn, s_tmin, s_tmax, s_noise):
    """Algorithm 2 of Karras et al.: raises the noise level a little first; (x, sigma_hat)."""
    inside = s_tmin <= sigmas[i] <= s_tmax
    gamma = min(s_churn / (len(sigmas) - 1), 2**0.5 - 1) if inside else 0.0
    eps = _randn_like(x) * s_noise
    sigma_hat = sigmas[i] * (gamma + 1)
    if gamma > 0:
        x = x + eps * (sigma_hat**2 - sigmas[i] ** 2) ** 0.5
    return x, sigma_hat


class BatchedBrownianTree:
    """One Brownian motion per image, each with its own seed: W(t1) - W(t0) for a batch [B,...]."""

    def __init__(self, x, t0, t1, seed=None, **kwargs):
        import torchsde  # slow to import, and only for samplers with this noise

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
