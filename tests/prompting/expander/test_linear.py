"""Linear layers in halves, against the same product in float64."""

from __future__ import annotations

import pytest
import torch

from fooocus_ext.prompting.expander.linear import linear_layer

OUT, IN = 640, 512  # 1.25 MiB in float32
HALF_BYTES, FULL_BYTES = 2 * OUT * IN, 4 * OUT * IN
FLOAT32_ROUNDING = 2.0**-23

with_fbgemm = pytest.mark.skipif(
    torch.backends.quantized.engine not in ("fbgemm", "x86"),
    reason="torch has no FBGEMM for this processor; weights are read in float32 here",
)


@pytest.fixture
def _seeded() -> None:
    torch.manual_seed(0)


def _weight(scale: float = 0.02) -> torch.Tensor:
    return torch.randn(OUT, IN) * scale


def _largest_error(weight: torch.Tensor, rows: int = 3) -> tuple[float, int]:
    """Return by how much a layer is wrong, in proportion to what is summed up, and what it reads."""
    bias, hidden = torch.randn(OUT) * float(weight.abs().mean()), torch.randn(rows, 2, IN)
    layer = linear_layer(weight, bias)
    exact = hidden.double() @ weight.double().T + bias.double()
    summed_up = hidden.double().abs() @ weight.double().abs().T + bias.double().abs()
    result = layer(hidden)
    assert result.dtype == torch.float32
    return float(((result - exact).abs() / summed_up).max()), layer.bytes_read


@with_fbgemm
@pytest.mark.parametrize("scale", [0.02, 100.0, 1e-6], ids=["usual", "large", "subnormal"])
@pytest.mark.usefixtures("_seeded")
def test_weights_of_half_precision_lose_nothing_and_take_half_of_the_bytes(scale: float) -> None:
    error, bytes_read = _largest_error(_weight(scale).half().float())

    assert error < 16 * FLOAT32_ROUNDING
    assert bytes_read == HALF_BYTES


@with_fbgemm
@pytest.mark.parametrize("scale", [0.02, 100.0, 1e-3], ids=["usual", "large", "small"])
@pytest.mark.usefixtures("_seeded")
def test_a_weight_of_float32_is_the_sum_of_two_halves(scale: float) -> None:
    error, bytes_read = _largest_error(_weight(scale))

    assert error < 16 * FLOAT32_ROUNDING
    assert bytes_read == FULL_BYTES


@with_fbgemm
@pytest.mark.usefixtures("_seeded")
def test_a_single_number_that_is_no_half_is_not_rounded() -> None:
    weight = torch.zeros(OUT, IN)
    weight[5, 7] = 1 + 2**-13
    hidden = torch.zeros(1, IN)
    hidden[0, 7] = 1

    assert linear_layer(weight, torch.zeros(OUT))(hidden)[0, 5] == 1 + 2**-13


@pytest.mark.parametrize("number", [70_000.0, float("inf")])
@pytest.mark.usefixtures("_seeded")
def test_what_half_precision_cannot_hold_is_read_in_float32(number: float) -> None:
    weight = _weight().half().float()
    weight[5, 7] = number
    bias, hidden = torch.randn(OUT), torch.ones(1, IN)
    layer = linear_layer(weight, bias)

    assert torch.equal(layer(hidden), torch.nn.functional.linear(hidden, weight, bias))
    assert layer.bytes_read == FULL_BYTES


def test_a_small_weight_is_not_taken_apart() -> None:
    weight = torch.ones(128, 384)

    assert linear_layer(weight, torch.zeros(128)).bytes_read == weight.nbytes


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.usefixtures("_seeded")
def test_other_precisions_stay_what_they_are(dtype: torch.dtype) -> None:
    weight, bias, hidden = _weight().to(dtype), torch.randn(OUT, dtype=dtype), torch.ones(1, IN)
    layer = linear_layer(weight, bias)

    assert layer(hidden.to(dtype)).dtype == dtype
    assert layer.bytes_read == weight.nbytes


@pytest.mark.usefixtures("_seeded")
def test_without_fbgemm_weights_are_read_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.quantized, "engine", "qnnpack")

    error, bytes_read = _largest_error(_weight().half().float())

    assert error < 16 * FLOAT32_ROUNDING
    assert bytes_read == FULL_BYTES
