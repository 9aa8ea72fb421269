"""Training goes on where it was interrupted, and its rates have the shape that they are said to have."""

from __future__ import annotations

import pytest
import torch

from tools.pocket.optimizing import (
    ADAM_RATE,
    MUON_RATE,
    Resumable,
    ResumeError,
    averaged,
    make_optimizer,
    set_rate,
)


def _train(path, steps, of, seed=1):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(12, 12, 3), torch.nn.GroupNorm(4, 12))
    optimizer = make_optimizer(model)
    state = Resumable(path, {"model": model, "optimizer": optimizer}, seed)
    while state.step < steps:
        set_rate(optimizer, state.step / of)
        x = torch.randn(2, 12, 8, 8, generator=torch.Generator().manual_seed(state.step))
        loss = (model(x) - x[..., 1:-1, 1:-1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state.advance(loss.item())
    state.save()
    return model


def test_an_interrupted_training_gives_the_same_weights(tmp_path):
    whole = _train(tmp_path / "whole.pt", 8, of=8)
    _train(tmp_path / "parts.pt", 3, of=8)
    resumed = _train(tmp_path / "parts.pt", 8, of=8)
    for left, right in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right)


def test_a_training_does_not_go_on_from_another_seed(tmp_path):
    _train(tmp_path / "state.pt", 2, of=4)
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(
        ResumeError, match=r"begun with seed 1, asked for 2; allowed: the same seed"
    ):
        _train(tmp_path / "state.pt", 4, of=4, seed=2)
    assert (tmp_path / "state.pt").read_bytes() == before


def test_rates_rise_stay_and_fall():
    model = torch.nn.Linear(12, 12)
    optimizer = make_optimizer(model)
    found = []
    for progress in (0.0075, 0.2, 0.7, 1.0):
        set_rate(optimizer, progress)
        rates = (MUON_RATE, ADAM_RATE)
        found.append(
            [group["lr"] / rate for group, rate in zip(optimizer.param_groups, rates, strict=True)]
        )
    assert found == [pytest.approx([share] * 2, abs=1e-6) for share in (0.5, 1.0, 0.5, 0.003)]


def test_the_average_moves_towards_the_model():
    average, model = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
    expected = 0.9 * average.weight.detach() + 0.1 * model.weight.detach()
    averaged(average, model, 0.9)
    assert torch.allclose(average.weight, expected)
