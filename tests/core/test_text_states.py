"""Emphasis and joining of encoded texts, against the definition written out token by token."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fooocus_ext.core.text_states import EncodedText, emphasise, join, of_equal_length

RNG = torch.Generator().manual_seed(5)


def random(*shape):
    return torch.randn(*shape, generator=RNG)


def test_emphasis_moves_each_state_and_keeps_the_mean_of_each_chunk():
    states, empty = random(2, 77, 8) + 0.5, random(77, 8)
    weights = torch.ones(2, 77)
    weights[0, 3], weights[0, 4], weights[1, 9] = 1.3, 0.0, -0.5
    wanted = states.double().numpy().copy()
    for chunk in range(2):
        before = wanted[chunk].mean()
        for token in range(77):
            weight = float(weights[chunk, token])
            base = empty[token].double().numpy()
            if weight != 1:
                wanted[chunk, token] = (wanted[chunk, token] - base) * weight + base
        wanted[chunk] *= before / wanted[chunk].mean()
    kept = states.clone()
    np.testing.assert_allclose(emphasise(states, empty, weights).numpy(), wanted, atol=1e-4)
    assert torch.equal(states, kept), "the states given are left alone"


def test_a_chunk_without_weights_stays_as_it_is_to_the_bit():
    states, weights = random(2, 77, 8), torch.ones(2, 77)
    weights[0, 3] = 1.3
    assert torch.equal(emphasise(states, random(77, 8), weights)[1], states[1])


def test_half_precision_is_weighed_in_full():
    states = (random(1, 77, 8) + 1).half()
    assert emphasise(states, states[0], torch.full((1, 77), 1.5)).dtype == torch.float32


def test_texts_are_joined_along_tokens_and_the_first_pooled_vectors_are_summed():
    texts = [EncodedText((random(77, 4), random(77, 6)), random(6)) for _ in range(3)]
    joined = join(texts, 2)
    for encoder in range(2):
        assert torch.equal(
            joined.states[encoder], torch.cat([text.states[encoder] for text in texts])
        )
    assert torch.equal(joined.pooled, texts[0].pooled + texts[1].pooled)
    assert torch.equal(join(texts, 1).pooled, texts[0].pooled)


def test_states_of_different_lengths_are_repeated_as_a_whole():
    short, long = random(4, 3), random(6, 3)
    first, second = of_equal_length([short, long])
    assert torch.equal(first, torch.cat([short] * 3))
    assert torch.equal(second, torch.cat([long] * 2))
    query = random(5, 3)
    torch.testing.assert_close(attention(query, first), attention(query, short))


def attention(query, keys):
    return torch.softmax(query @ keys.T, dim=-1) @ keys


@pytest.mark.parametrize("lengths", [(8, 9, 10), (7, 8, 9, 10), (4, 5, 6, 7), (1, 2, 3, 5, 7)])
def test_states_do_not_grow_beyond_what_can_be_afforded(lengths):
    """Their least common multiple would be 105 to 2520 chunks."""
    rows = [random(77 * length, 3) for length in lengths]
    evened = of_equal_length(rows)
    (length,) = {len(row) for row in evened}
    assert 4 * len(rows[-1]) <= length <= max(4 * len(rows[-1]), 32 * 77)
    for before, after in zip(rows, evened, strict=True):
        assert torch.equal(after, before.repeat(length // len(before) + 1, 1)[:length])
        assert length >= 4 * len(before), "none of its states weighs a quarter more than another"
    assert length % len(rows[-1]) == 0


@pytest.mark.parametrize("lengths", [(1, 7), (2, 3, 5), (5, 6), (10, 20, 40), (30, 40)])
def test_states_that_can_be_afforded_are_repeated_as_a_whole(lengths):
    rows = [random(77 * length, 3) for length in lengths]
    for before, after in zip(rows, of_equal_length(rows), strict=True):
        assert len(after) == 77 * math.lcm(*lengths)
        assert torch.equal(after, before.repeat(len(after) // len(before), 1))


def test_states_of_one_length_stay_as_they_are():
    rows = [random(4, 3), random(4, 3)]
    for before, after in zip(rows, of_equal_length(rows), strict=True):
        assert torch.equal(before, after)
