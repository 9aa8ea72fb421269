"""The emulated noise of an NVIDIA GPU, against published values."""

from __future__ import annotations

import numpy as np
import pytest

from tests.embedded_webui.lazy import Lazy

rng_philox = Lazy("rng_philox")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (0x00000000, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (0xFFFFFFFF, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ],
)
def test_known_answers_of_random123(word, expected):
    """From the table of known answers of Random123, the authors' own implementation."""
    counter, key = np.full((4, 1), word, np.uint32), np.full((2, 1), word, np.uint32)
    found = rng_philox.philox4_32(counter, key)[:, 0]
    assert " ".join(f"{value:08x}" for value in found) == expected


def test_the_numbers_of_an_nvidia_gpu():
    """What torch.randn(3, 4) is on a CUDA device after torch.manual_seed(0)."""
    expected = [
        [-0.92466259, -0.42534415, -2.6438457, 0.14518388],
        [-0.12086647, -0.57972564, -0.62285122, -0.32838709],
        [-1.07454231, -0.36314407, -1.67105067, 2.26550497],
    ]
    np.testing.assert_allclose(rng_philox.Generator(0).randn((3, 4)), expected, rtol=2e-5)


def test_each_draw_and_each_seed_is_another():
    generator = rng_philox.Generator(2**63 - 1)
    drawn = [generator.randn((4, 32, 32)), generator.randn((4, 32, 32))]
    drawn.append(rng_philox.Generator(2**31 - 1).randn((4, 32, 32)))
    stacked = np.stack([noise.ravel() for noise in drawn])
    assert stacked.mean() == pytest.approx(0, abs=0.05)
    assert stacked.std() == pytest.approx(1, abs=0.05)
    assert np.abs(np.corrcoef(stacked) - np.eye(3)).max() < 0.1
