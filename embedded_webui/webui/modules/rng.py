"""Doubles modules/rng.py: seeded noise, one generator per image."""

from __future__ import annotations

import torch

from modules import devices, rng_philox, shared


def _device():
    return devices.cpu if shared.opts.randn_source == "CPU" else devices.device


def _like_nvidia():
    return shared.opts.randn_source == "NV"


_nvidia_generator = rng_philox.Generator(0)


def manual_seed(seed):
    """Seed the global generator: torch's, or that of the emulated NVIDIA GPU."""
    global _nvidia_generator
    if _like_nvidia():
        _nvidia_generator = rng_philox.Generator(seed)
    else:
        torch.manual_seed(seed)


def create_generator(seed):
    """A generator of its own, on the device that the option names."""
    if _like_nvidia():
        return rng_philox.Generator(seed)
    return torch.Generator(_device()).manual_seed(int(seed))


def randn_without_seed(shape, generator=None):
    """Normal noise from `generator`, or from the global one."""
    if _like_nvidia():
        drawn = (generator or _nvidia_generator).randn(shape)
        return torch.asarray(drawn, device=devices.device)
    return torch.randn(shape, device=_device(), generator=generator).to(devices.device)


def randn(seed, shape, generator=None):
    """Normal noise; seeds the global generator with `seed`, which is used if no generator is given."""
    manual_seed(seed)
    return randn_without_seed(shape, generator)


def randn_local(seed, shape):
    """The first noise of a seed; leaves the global generator alone."""
    return randn_without_seed(shape, create_generator(seed))


def randn_like(x):
    """Normal noise of the shape and dtype of `x` from the global generator."""
    if _like_nvidia():
        return randn_without_seed(x.shape).to(x)
    return torch.randn(x.shape, dtype=x.dtype, device=_device()).to(x.device)


def slerp(val, low, high):
    """Spherical interpolation (Shoemake 1985) along dimension 1, linear where the directions nearly agree."""
    cosine = (low / low.norm(dim=1, keepdim=True) * (high / high.norm(dim=1, keepdim=True))).sum(1)
    if cosine.mean() > 0.9995:
        return low * val + high * (1 - val)
    angle = torch.acos(cosine)
    weights = (
        torch.sin((1.0 - val) * angle) / torch.sin(angle),
        torch.sin(val * angle) / torch.sin(angle),
    )
    return weights[0].unsqueeze(1) * low + weights[1].unsqueeze(1) * high


def _paste_centered(canvas, patch) -> None:
    """Copy `patch` over the middle of `canvas` (both [C,H,W]), cropping where it is larger."""
    into, out_of = [slice(None)], [slice(None)]
    for axis in (1, 2):
        margin = (canvas.shape[axis] - patch.shape[axis]) // 2
        size = patch.shape[axis] + min(2 * margin, 0)
        into.append(slice(max(margin, 0), max(margin, 0) + size))
        out_of.append(slice(max(-margin, 0), max(-margin, 0) + size))
    canvas[tuple(into)] = patch[tuple(out_of)]


class ImageRNG:
    """The noise of one batch: `next` gives [B, *shape]; the first call is the initial noise."""

    def __init__(
        self,
        shape,
        seeds,
        subseeds=None,
        subseed_strength=0.0,
        seed_resize_from_h=0,
        seed_resize_from_w=0,
    ):
        self.shape = tuple(map(int, shape))
        self.seeds = seeds
        self.subseeds = subseeds
        self.subseed_strength = subseed_strength
        self.seed_resize_from_h = seed_resize_from_h
        self.seed_resize_from_w = seed_resize_from_w
        self.generators = [create_generator(seed) for seed in seeds]
        self.is_first = True

    def _noise_shape(self):
        if self.seed_resize_from_h <= 0 or self.seed_resize_from_w <= 0:
            return self.shape
        return self.shape[0], int(self.seed_resize_from_h) // 8, int(self.seed_resize_from_w) // 8

    def _first_of(self, index):
        seed, generator, noise_shape = (
            self.seeds[index],
            self.generators[index],
            self._noise_shape(),
        )
        resized = noise_shape != self.shape
        subnoise = None
        if self.subseeds is not None and self.subseed_strength != 0:
            subseed = self.subseeds[index] if index < len(self.subseeds) else 0
            subnoise = randn(subseed, noise_shape)
        noise = (
            randn(seed, noise_shape) if resized else randn(seed, self.shape, generator=generator)
        )
        if subnoise is not None:
            noise = slerp(self.subseed_strength, noise, subnoise)
        if not resized:
            return noise
        canvas = randn(seed, self.shape, generator=generator)
        _paste_centered(canvas, noise)
        return canvas

    def first(self):
        """The initial noise; afterwards the generators restart at seed + ENSD if that option is set."""
        noise = torch.stack([self._first_of(index) for index in range(len(self.seeds))])
        delta = shared.opts.eta_noise_seed_delta or 0
        if delta:
            self.generators = [create_generator(seed + delta) for seed in self.seeds]
        return noise.to(shared.device)

    def next(self):
        """The next noise of the batch."""
        if self.is_first:
            self.is_first = False
            return self.first()
        return torch.stack([randn_without_seed(self.shape, g) for g in self.generators]).to(
            shared.device
        )


for _function in (randn, randn_local, randn_like, randn_without_seed, manual_seed):
    setattr(devices, _function.__name__, _function)
