"""The size numbers of negative ADM guidance on the device: their bytes beside the CPU's and the webui's."""

from __future__ import annotations

import torch

from embedded_webui.network.conditioner import sinusoidal
from fooocus_ext.core import adm
from tools.gpu.report import Figure, at_most, not_run
from tools.gpu.running import Setting

AS_FOOOCUS = "as Fooocus: numbers that differ from the CPU's"
FROM_CPU = "as the webui: largest difference from the CPU's"
SIZES = ((1024, 1024), (896, 1152), (832, 1216), (512, 2048), (1000, 1001))
SCALES = (1.0, 1.5, 0.8)
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
LARGEST_DIFFERENCE = 2.0
"""of cosines between GPU and CPU, in the dtype's rounding of 1"""


def check(setting: Setting) -> list[Figure]:
    """Compare for every size, scale and dtype."""
    as_fooocus = as_webui = apart = 0.0
    for dtype in DTYPES:
        vector = torch.randn(2, adm.VECTOR_WIDTH, generator=torch.Generator().manual_seed(1))
        cpu, device = vector.to(dtype), vector.to(setting.device, dtype)
        for (height, width), scale in ((size, scale) for size in SIZES for scale in SCALES):
            expected = adm.claim_as_fooocus(cpu, height, width, scale)
            found = adm.claim_as_fooocus(device, height, width, scale)
            as_fooocus += _different(found.cpu(), expected)
            found = adm.scale_original_size(device, height, width, scale, number_dtype=dtype)
            as_webui += _different(found, _as_the_webui(device, height, width, scale))
            expected = adm.scale_original_size(cpu, height, width, scale, number_dtype=dtype)
            difference = float((found.cpu().double() - expected.double()).abs().max())
            apart = max(apart, difference / torch.finfo(dtype).eps)
    same = "as the webui: numbers that differ from its own on this device"
    figures = [at_most(same, as_webui, 0)]
    if not setting.on_cuda:  # beside itself, the CPU could not differ
        return [not_run(AS_FOOOCUS), *figures, not_run(FROM_CPU)]
    note = "the webui makes them on the device"
    return [
        at_most(AS_FOOOCUS, as_fooocus, 0),
        *figures,
        at_most(FROM_CPU, apart, LARGEST_DIFFERENCE, "eps", note),
    ]


def _different(found: torch.Tensor, expected: torch.Tensor) -> int:
    return int((found != expected).sum())


def _as_the_webui(vector: torch.Tensor, height: int, width: int, scale: float) -> torch.Tensor:
    """Return the vector whose first two numbers the webui's own embedder made."""
    claimed = [int(height * scale), int(width * scale)]
    numbers = torch.tensor(claimed, dtype=vector.dtype, device=vector.device)
    embedded = sinusoidal(numbers).to(vector.dtype).flatten()
    end = adm.POOLED_WIDTH + len(embedded)
    return torch.cat(
        [
            vector[:, : adm.POOLED_WIDTH],
            embedded.repeat(len(vector), 1),
            vector[:, end:],
        ],
        dim=1,
    )
