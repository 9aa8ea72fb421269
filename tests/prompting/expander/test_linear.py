"""Linear layers in halves, against the same product in float64."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.prompting.expander import linear
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
def test_the_second_half_holds_the_eleven_bits_that_the_first_leaves() -> None:
    weight = _weight(1e-4)
    weight[0] = 0.02
    hidden = torch.eye(IN)
    layer = linear_layer(weight, torch.zeros(OUT))
    sums = layer(hidden)

    assert isinstance(layer, linear._HalfPrecisionLayer)
    assert float((sums.T - weight).abs().max()) <= 0.02 * FLOAT32_ROUNDING


@pytest.mark.usefixtures("_seeded")
def test_weights_too_small_for_two_halves_are_read_in_float32() -> None:
    error, bytes_read = _largest_error(_weight(1e-7))

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


def test_another_device_keeps_its_layer_as_it_is() -> None:
    layer = linear_layer(torch.empty(OUT, IN, device="meta"), torch.empty(OUT, device="meta"))

    assert layer(torch.empty(3, IN, device="meta")).shape == (3, OUT)


@pytest.mark.parametrize("place", ["linear_prepack_fp16", "linear_dynamic_fp16"])
@pytest.mark.parametrize("error", [RuntimeError("no kernel"), AttributeError("no such operator")])
def test_a_torch_without_such_products_reads_float32(
    monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    def missing(*_args: object) -> None:
        raise error

    products = SimpleNamespace(linear_prepack_fp16=lambda *_args: None)
    setattr(products, place, missing)
    monkeypatch.setattr(linear, "_quantized", products)
    weight, hidden = torch.ones(OUT, IN), torch.ones(1, IN)

    assert torch.equal(
        linear_layer(weight, torch.ones(OUT))(hidden), torch.full((1, OUT), IN + 1.0)
    )


@with_fbgemm
def test_hidden_states_that_autocast_has_made_are_taken() -> None:
    layer = linear_layer(torch.ones(OUT, IN), torch.ones(OUT))

    assert torch.equal(layer(torch.ones(1, IN).bfloat16()), torch.full((1, OUT), IN + 1.0))


@pytest.mark.usefixtures("_seeded")
def test_without_fbgemm_weights_are_read_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.quantized, "engine", "qnnpack")

    error, bytes_read = _largest_error(_weight().half().float())

    assert error < 16 * FLOAT32_ROUNDING
    assert bytes_read == FULL_BYTES
