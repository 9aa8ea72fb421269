"""The 13x13 joint bilateral filter behind Fooocus's "sharpness", exact and quick on a CPU.

Definition (Fooocus 2.5.5, ``modules/anisotropic.py``; the filter is Tomasi and Manduchi's of 1998,
in the joint form of Petschnigg et al. 2004): with reflected borders,
``out(p) = sum_q w(p, q) x(q) / sum_q w(p, q)`` over the square window around p, where
``w(p, q) = exp(-|p - q|^2 / (2 sigma_space^2)) * exp(-d(p, q)^2 / (2 sigma_color^2))`` and
``d(p, q) = sum_c |guidance_c(p) - guidance_c(q)|``.

Why the computation has this shape:

* The padded batch is laid out as one flat line per channel. A tap of the window is then a constant
  offset into that line, every operation runs over long contiguous memory, and nothing is ever
  unfolded into 169 copies. What wraps around the edge of a picture reaches only the padding, which
  is cut off at the end.
* A channel of ones rides along with x, so that one operation sums numerator and denominator.
* ``1 / (sqrt(2 ln 2) sigma_color)`` is multiplied into the guidance once, which makes the weight of
  a colour distance plain ``2^(-d^2)``. torch's exp2 took a fifth of the time of its exp, which it
  hands to MKL.
* On a CPU a weight is computed once and used twice, since w(p, q) = w(q, p): 84 taps instead of
  168 (``pair_sums.py``). None of its operations is divided over threads (why: ``one_core.py``); instead
  a long line is cut into blocks, which have nothing to wait for. The blocks are the same however many
  cores there are, and so are the sums. Shorter blocks are slower: the cost of a call is then no longer
  small beside its work.
* On other devices launching an operation costs more than its work. There whole rows of the window
  go through each operation, as overlapping views bounded by DEVICE_BUFFER_BYTES.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import torch

from fooocus_ext.core.one_core import on_one_core, run_each
from fooocus_ext.core.pair_sums import pair_sums

RADIUS = 6
SIGMA_SPACE = 3.0
SIGMA_COLOR = 3.0
STANDARD_DEVIATION_FLOOR = 1e-5
BLOCK = 10_000
DEVICE_BUFFER_BYTES = 48 * 2**20


@dataclass(frozen=True)
class _Line:
    """Where the pixels of a padded batch lie on the flat line."""

    batch: int
    height: int
    width: int
    radius: int

    @property
    def stride(self) -> int:
        """Distance between vertical neighbours."""
        return self.width + 2 * self.radius

    @property
    def padded_height(self) -> int:
        return self.height + 2 * self.radius

    @property
    def length(self) -> int:
        return self.batch * self.padded_height * self.stride

    @property
    def reach(self) -> int:
        """The largest offset from a pixel to one in its window."""
        return self.radius * self.stride + self.radius

    def lay_out(self, planes: torch.Tensor) -> torch.Tensor:
        """Turn [B,C,H,W] into [C, length + reach]: reflected borders, zeros past the last image."""
        padded = self._pad(planes).transpose(0, 1)
        line = planes.new_zeros(padded.shape[0], self.length + self.reach)
        line[:, : self.length].view(padded.shape).copy_(padded)
        return line

    def _pad(self, planes: torch.Tensor) -> torch.Tensor:
        if self.radius < min(self.height, self.width):
            return torch.nn.functional.pad(planes, (self.radius,) * 4, mode="reflect")
        rows = _reflected_indices(self.height, self.radius, planes.device)
        columns = _reflected_indices(self.width, self.radius, planes.device)
        return planes.index_select(2, rows).index_select(3, columns)

    def picture(self, line: torch.Tensor) -> torch.Tensor:
        """Turn [C, >= length] into [B,C,H,W], a view without the borders."""
        shape = (line.shape[0], self.batch, self.padded_height, self.stride)
        planes = line[:, : self.length].view(shape)
        inner = slice(self.radius, -self.radius or None)
        return planes[:, :, inner, inner].transpose(0, 1)


def working_dtype(x: torch.Tensor) -> torch.dtype:
    """Return the dtype to compute in: that of x, but at least float32."""
    return torch.promote_types(x.dtype, torch.float32)


@on_one_core
def standardise(x0: torch.Tensor) -> torch.Tensor:
    """Return the guidance Fooocus uses: each sample of x0 [B,C,H,W] at mean 0 and deviation 1.

    That is ``(x0 - mean) / (std + 1e-5)`` over C, H and W, std with Bessel's correction. Computed in
    float32 at least, also the dtype of the result.
    """
    values = x0.to(working_dtype(x0))
    # torch.std_mean would be missing on MPS up to torch 2.2, and slower than these on a CPU.
    centred = values - values.mean(dim=(1, 2, 3), keepdim=True)
    squares = centred.square().sum(dim=(1, 2, 3), keepdim=True)
    deviation = (squares / (values.shape[1:].numel() - 1)).sqrt()
    return centred / (deviation + STANDARD_DEVIATION_FLOOR)


@on_one_core
def joint_bilateral(
    x: torch.Tensor,
    guidance: torch.Tensor,
    *,
    radius: int = RADIUS,
    sigma_space: float = SIGMA_SPACE,
    sigma_color: float = SIGMA_COLOR,
) -> torch.Tensor:
    """Smooth x [B,C,H,W] where ``guidance`` [B,any,H,W] is smooth; defaults are Fooocus's filter.

    Computed in float32 (float64 if x is float64). The result is a new, contiguous tensor with the
    dtype and device of x. Samples do not influence each other. An image no larger than the radius,
    which a single reflection cannot pad, is reflected to and fro as often as it takes (a side of
    one pixel repeats it).

    Raises:
        ValueError: the tensors do not fit each other, are empty or are not floating point, or a
            parameter is out of range.
    """
    _check(x, guidance, radius, sigma_space, sigma_color)
    dtype = working_dtype(x)
    line = _Line(x.shape[0], x.shape[2], x.shape[3], radius)
    ones = torch.ones_like(x[:, :1], dtype=dtype)
    values = line.lay_out(torch.cat((x.to(dtype), ones), dim=1))
    guide = line.lay_out(guidance.to(dtype) * (math.sqrt(0.5 / math.log(2)) / sigma_color))
    weighted_sums = _sums_by_pairs if x.device.type == "cpu" else _sums_by_rows
    sums = line.picture(weighted_sums(values, guide, line, sigma_space))
    return (sums[:, :-1] / sums[:, -1:]).to(x.dtype).contiguous()


@on_one_core
def adaptive_filter(x: torch.Tensor, x0: torch.Tensor) -> torch.Tensor:
    """Return x [B,C,H,W] smoothed where the clean latents x0 (same shape) are smooth.

    The whole of Fooocus's ``adaptive_anisotropic_filter``: `joint_bilateral` guided by
    `standardise` of x0.
    """
    return joint_bilateral(x, standardise(x0))


def _sums_by_pairs(
    values: torch.Tensor, guide: torch.Tensor, line: _Line, sigma_space: float
) -> torch.Tensor:
    """Return the sum of w(p, q) values(q) for all p, visiting each pair of pixels once."""
    log_space = _log_space_weights(line.radius, sigma_space, guide)[line.radius :]
    sums_of_pairs = pair_sums()
    count = math.ceil(line.length / BLOCK)
    borders = [line.length * index // count for index in range(count + 1)]
    parts = run_each(
        [
            functools.partial(
                sums_of_pairs,
                values[:, start:],
                guide[:, start:],
                log_space,
                line.stride,
                end - start,
            )
            for start, end in itertools.pairwise(borders)
        ]
    )
    sums = torch.zeros_like(values)
    for start, part in zip(borders, parts, strict=False):
        sums[:, start : start + part.shape[1]] += part
    # the centre, mostly the heaviest, comes last: small terms added to it would be rounded away
    return sums.add_(values)


def _sums_by_rows(
    values: torch.Tensor, guide: torch.Tensor, line: _Line, sigma_space: float
) -> torch.Tensor:
    """Return the same sums, taking several rows of the window at a time."""
    size = 2 * line.radius + 1
    length = line.length - 2 * line.reach
    centres = guide[:, line.reach : line.reach + length]
    log_space = _log_space_weights(line.radius, sigma_space, guide)[:, :, None, None]
    row_bytes = size * values.shape[0] * length * values.element_size()
    rows_per_call = max(1, min(size, DEVICE_BUFFER_BYTES // row_bytes))
    sums = torch.zeros_like(values)
    inner = sums[:, line.reach : line.reach + length]
    for first in range(0, size, rows_per_call):
        window = (min(rows_per_call, size - first), size)
        near = _shifted(guide, window, (line.stride, 1), first * line.stride, length)
        distance = (near - centres).abs_().sum(2, keepdim=True)
        near_space = log_space[first : first + window[0]]
        weights = torch.addcmul(near_space, distance, distance, value=-1).exp2_()
        near_values = _shifted(values, window, (line.stride, 1), first * line.stride, length)
        inner += (near_values * weights).sum((0, 1))
    return sums


def _log_space_weights(radius: int, sigma_space: float, like: torch.Tensor) -> torch.Tensor:
    """Return the binary logarithm of the window's weights of distance, [2 radius + 1, 2 radius + 1]."""
    steps = torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)
    return (steps[:, None] ** 2 + steps**2).div(-2 * math.log(2) * sigma_space**2)


def _shifted(
    lines: torch.Tensor, counts: tuple[int, ...], steps: tuple[int, ...], offset: int, length: int
) -> torch.Tensor:
    """View lines [C, n] as [*counts, C, length], shifted by offset and by multiples of steps."""
    return lines.as_strided(
        (*counts, lines.shape[0], length),
        (*steps, lines.stride(0), 1),
        lines.storage_offset() + offset,
    )


def _reflected_indices(size: int, radius: int, device: torch.device) -> torch.Tensor:
    """Return -radius .. size-1+radius folded into 0 .. size-1, the border pixel not repeated."""
    positions = torch.arange(-radius, size + radius, device=device)
    if size == 1:
        return torch.zeros_like(positions)
    period = 2 * (size - 1)
    folded = positions.remainder(period)
    return torch.minimum(folded, period - folded)


def _check(
    x: torch.Tensor, guidance: torch.Tensor, radius: int, sigma_space: float, sigma_color: float
) -> None:
    if x.dim() != 4 or guidance.dim() != 4 or not x.is_floating_point():
        raise ValueError(
            f"expected floating point [B,C,H,W] tensors, "
            f"got {tuple(x.shape)} and {tuple(guidance.shape)}"
        )
    if (x.shape[0], *x.shape[2:]) != (guidance.shape[0], *guidance.shape[2:]):
        raise ValueError(f"guidance {tuple(guidance.shape)} does not cover x {tuple(x.shape)}")
    if x.numel() == 0 or guidance.numel() == 0:
        raise ValueError(
            f"nothing to filter in x {tuple(x.shape)} with guidance {tuple(guidance.shape)}"
        )
    if radius < 0 or sigma_space <= 0 or sigma_color <= 0:
        raise ValueError(
            f"radius {radius} must be >= 0, sigmas {sigma_space} and {sigma_color} positive"
        )
