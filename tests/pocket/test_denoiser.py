"""What the UNets learn from: which timesteps are drawn, and what an error counts at each."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch

from tools.pocket import denoiser
from tools.pocket.recipe import BUCKETS


@pytest.mark.parametrize(("side", "most_often"), [(128, 420), (256, 623)])
@pytest.mark.parametrize("number", [1000, 200])
def test_middle_timesteps_are_drawn_most_often_and_none_never(number, side, most_often):
    shares = np.diff(denoiser.timestep_shares(number, side**2).numpy().astype(float), prepend=0)
    at = np.arange(number)
    wanted = 0.35 + np.exp(-0.5 * ((at - most_often) / 180) ** 2)
    assert shares == pytest.approx(wanted / wanted.sum(), rel=0.01)
    assert shares.min() > 0.3 / number


def test_a_doubled_side_is_learned_at_twice_the_noise():
    alphas = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    sigmas = np.sqrt((1 - alphas) / alphas)
    assert denoiser.focus(128 * 128) == 420
    assert sigmas[denoiser.focus(256 * 256)] / sigmas[420] == pytest.approx(2, rel=0.01)
    assert sigmas[denoiser.focus(256 * 64)] == sigmas[420]


@pytest.mark.parametrize("kind", BUCKETS)
def test_all_shares_make_a_whole_at_any_time(kind):
    for progress in (0, 0.3, 1):
        assert sum(b.share(progress) for b in BUCKETS[kind]) == pytest.approx(1)


def test_small_pictures_come_first_and_large_ones_last():
    small, large, *_ = BUCKETS["base"]
    assert (small.width, large.width) == (128, 256)
    assert small.share(0) > 0.7 > large.share(1) > 0.5
    assert small.share(0) > small.share(0.5) > small.share(1)
    assert large.share(0) < large.share(0.5) < large.share(1)


def test_errors_count_as_errors_of_v_at_high_noise_and_are_capped_at_both_ends():
    snr = torch.tensor([100.0, 5.0, 1.0, 0.1, 0.001])
    # v-prediction's weight is 1 + 1 / snr of the noise's error; min-SNR-5 divides by snr / 5 above 5
    wanted = [1.01 * 5 / 100, 1.2, 2.0, 11.0, 40.0]
    assert denoiser.loss_weight(snr).tolist() == pytest.approx(wanted)


@pytest.mark.parametrize("kind", [denoiser.BASE, denoiser.REFINER], ids=lambda kind: kind.name)
def test_a_network_takes_sdxls_conditioning(kind):
    network = denoiser.build(kind)
    vector = {"base": 128 + 6 * 256, "refiner": 128 + 5 * 256}[kind.name]
    context = {"base": 256, "refiner": 128}[kind.name]
    with torch.no_grad():
        noise = network(
            torch.randn(2, 4, 16, 24),
            torch.tensor([5, 150]),
            encoder_hidden_states=torch.randn(2, 77, context),
            class_labels=torch.randn(2, vector),
        ).sample
    assert noise.shape == (2, 4, 16, 24)
    assert not any("attn" in name for name, _ in network.down_blocks[0].named_parameters())


def test_a_caption_comes_first_and_other_phrases_may_follow():
    caption, meaningless = "a red house", ("soft rim light", "fine detail", *map(str, range(8)))
    drawn = [denoiser._wordy(caption, Random(seed), meaningless) for seed in range(400)]
    assert all(text == caption or text.startswith(f"{caption}, ") for text in drawn)
    added = [text.removeprefix(caption).lstrip(", ").split(", ") for text in drawn]
    meant = sum(not set(words) <= {"", *meaningless} for words in added)
    assert meant / len(drawn) == pytest.approx(0.25, abs=0.07)
    assert added.count([""]) / len(drawn) == pytest.approx(0.45, abs=0.07)


def test_nothing_that_has_a_meaning_follows_an_empty_caption():
    meaningless = ("soft rim light", *map(str, range(8)))
    drawn = {denoiser._wordy("", Random(seed), meaningless) for seed in range(300)}
    words = {word for text in drawn for word in text.lstrip(", ").split(", ")}
    assert words == {"", *meaningless}
