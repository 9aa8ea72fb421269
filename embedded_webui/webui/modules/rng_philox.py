"""Doubles modules/rng_philox.py: the normal noise that torch draws on an NVIDIA GPU, drawn on a CPU.

Philox 4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"): the key is the
seed, the counter has the draw's number in its first word and the element's in its third. The first two
of its four words give one number of the Box-Muller transform.
"""

from __future__ import annotations

import math

import numpy as np

ROUNDS = 10
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_UNIT = np.float32(2.0**-32)


def _product(word, multiplier):
    """High and low 32 bits of `word` [n] times a constant."""
    product = word.astype(np.uint64) * np.uint64(multiplier)
    return (product >> np.uint64(32)).astype(np.uint32), (product & _LOW).astype(np.uint32)


def philox4_32(counter, key, rounds=ROUNDS):
    """Four random words of 32 bits for each counter [4,n], under `key` [2,n]."""
    c0, c1, c2, c3 = counter
    for index in range(rounds):
        k0, k1 = (
            ((key[i].astype(np.uint64) + np.uint64(index * KEY_STEPS[i])) & _LOW).astype(np.uint32)
            for i in (0, 1)
        )
        high0, low0 = _product(c0, MULTIPLIERS[0])
        high2, low2 = _product(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high2 ^ c1 ^ k0, low2, high0 ^ c3 ^ k1, low0
    return np.stack([c0, c1, c2, c3])


def box_muller(x, y):
    """A normal number for each pair of words."""
    uniform = x * _UNIT + _UNIT / 2
    angle = (y * _UNIT + _UNIT / 2) * np.float32(2 * math.pi)
    return (np.sqrt(-2.0 * np.log(uniform)) * np.sin(angle)).astype(np.float32)


class Generator:
    """What torch.Generator("cuda") gives: `randn` draws anew at each call."""

    def __init__(self, seed):
        self.seed = int(seed)
        self.offset = 0

    def randn(self, shape):
        """Normal numbers in float32."""
        count = math.prod(shape)
        counter = np.zeros((4, count), np.uint32)
        counter[0] = self.offset
        counter[2] = np.arange(count, dtype=np.uint32)
        self.offset += 1
        words = self.seed & 0xFFFFFFFF, (self.seed >> 32) & 0xFFFFFFFF
        key = np.array(words, np.uint32)[:, None].repeat(count, axis=1)
        drawn = philox4_32(counter, key)
        return box_muller(drawn[0], drawn[1]).reshape(shape)
