"""SDXL's size conditioning, and Fooocus's "negative ADM guidance" that tells it other sizes.

SDXL is told, as a vector beside the prompt, how large its training picture was (Podell et al. 2023,
"micro-conditioning"). Fooocus claims a larger picture on the conditional side and a smaller one on
the unconditional side while the noise is high (Fooocus 2.5.5, ``modules/patch.py``).

The vector of SDXL base: 1280 numbers of pooled text, then six numbers of 256 channels each:
original height and width, crop top and left, target height and width.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import torch

from fooocus_ext.core.schedule import LAST_TIMESTEP

EMBEDDING_WIDTH = 256
MAX_PERIOD = 10000
POOLED_WIDTH = 1280
VECTOR_WIDTH = 2816


def is_sdxl_base(vector: torch.Tensor | None) -> bool:
    """Whether a conditioning vector [rows,width] is SDXL base's, told by its width; None is not."""
    return vector is not None and vector.dim() == 2 and vector.shape[1] == VECTOR_WIDTH


def adm_active(timestep: float, adm_end: float) -> bool:
    """Whether the rewritten sizes apply at a model timestep 0..999.

    ``adm_end`` is the share of the schedule, counted from pure noise, during which they do: 0 never,
    0.3 (Fooocus's) above timestep 699.3, 1 everywhere but at timestep 0.
    """
    return timestep > LAST_TIMESTEP * (1.0 - adm_end)


def size_embedding(values: Sequence[float] | torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Embed n numbers as [n,256]: 128 cosines, then 128 sines, of geometrically falling frequency.

    The maths is float32 whatever the input, in the order of operations of sgm's
    ``timestep_embedding``, so that the result has its bytes before the cast to ``dtype``.
    """
    numbers = torch.as_tensor(values).flatten().float()
    half = EMBEDDING_WIDTH // 2
    # sgm makes the frequencies on the CPU and then moves them: other devices round exp differently
    steps = torch.arange(half, dtype=torch.float32)
    frequencies = torch.exp(-math.log(MAX_PERIOD) * steps / half).to(numbers.device)
    angles = numbers[:, None] * frequencies[None]
    return torch.cat((angles.cos(), angles.sin()), dim=-1).to(dtype)


def scale_original_size(
    vector: torch.Tensor,
    height: int,
    width: int,
    scale: float,
    *,
    number_dtype: torch.dtype,
) -> torch.Tensor:
    """Return a copy of SDXL base vectors [rows,2816] that claims another original size.

    The claimed size is ``int(height * scale)`` x ``int(width * scale)`` pixels, truncated as in
    Fooocus. ``number_dtype`` is the dtype that the host holds such numbers in before embedding them
    (float16 on most GPUs, where numbers above 2048 lose their last bits): with it, scale 1 writes
    the very bytes that the host wrote.

    Raises ValueError for vectors of another model, a scale that is not positive, or a size that
    ``number_dtype`` cannot hold.
    """
    claimed = _scaled(height, width, scale)
    if max(claimed) > torch.finfo(number_dtype).max:
        raise ValueError(f"{claimed[0]}x{claimed[1]} does not fit into {number_dtype}")
    return _with_numbers(vector, claimed, number_dtype, vector.device)


def claim_as_fooocus(
    vector: torch.Tensor, height: int, width: int, scale: float | None
) -> torch.Tensor:
    """Return a copy of SDXL base vectors [rows,2816] with the six numbers that Fooocus gives.

    The original size is the picture's times ``scale``, or the target size where ``scale`` is None; the
    crop is 0; the target size is the picture's, rounded to multiples of 64. All in float32, and, as in
    Fooocus, computed on the CPU, which rounds cosines otherwise than a GPU does.

    Raises ValueError for vectors of another model or a scale that is not positive.
    """
    target = [round(height / 64) * 64, round(width / 64) * 64]
    original = target if scale is None else _scaled(height, width, scale)
    return _with_numbers(vector, [*original, 0, 0, *target], torch.float32, torch.device("cpu"))


def _scaled(height: int, width: int, scale: float) -> list[int]:
    if not 0 < scale < math.inf:
        raise ValueError(f"scale {scale} must be a positive number")
    return [int(height * scale), int(width * scale)]


def _with_numbers(
    vector: torch.Tensor,
    values: Sequence[int],
    number_dtype: torch.dtype,
    computed_on: torch.device,
) -> torch.Tensor:
    """Return a copy of vectors whose first of the six numbers are ``values``."""
    if not is_sdxl_base(vector):
        raise ValueError(f"expected SDXL base vectors [rows,2816], got {tuple(vector.shape)}")
    embedded = _embedded(tuple(values), number_dtype, computed_on, vector.dtype, vector.device)
    rewritten = vector.clone()
    rewritten[:, POOLED_WIDTH : POOLED_WIDTH + len(embedded)] = embedded
    return rewritten


@functools.lru_cache(maxsize=8)
def _embedded(
    values: tuple[int, ...],
    number_dtype: torch.dtype,
    computed_on: torch.device,
    dtype: torch.dtype,
    device: torch.device,
) -> torch.Tensor:
    """Return numbers, rounded to a dtype, as [256 * n] of a vector; not to be written to.

    They are the same at each step, and bringing them to a GPU makes the CPU wait.
    """
    numbers = torch.tensor(values, dtype=number_dtype, device=computed_on)
    return size_embedding(numbers, dtype).flatten().to(device)
