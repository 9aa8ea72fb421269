"""Makes the pictures: through the extension, on the embedded host's default checkpoints."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from benchmarks import _host
from benchmarks._tunnel.arrays import Pixels
from benchmarks._tunnel.cases import SIZE, Case
from benchmarks._tunnel.settings import Setting
from fooocus_ext import infotext

BATCH = 8
STEPS = 20
SAMPLER, SCHEDULER = "DPM++ 2M SDE", "Karras"


class NotAppliedError(Exception):
    """The extension left out a trick: the setting's numbers would not be the trick's."""


def sample(setting: Setting, cases: Sequence[Case]) -> Pixels:
    """Return a picture of each case: uint8 [N,128,128,3].

    Raises:
        NotAppliedError: the extension says that it skipped something, or did not run.
    """
    arguments = setting.script_arguments(_host.checkpoint("refiner"))
    made = _host.generate(
        arguments,
        prompt=[case.caption for case in cases],
        negative_prompt="",
        seed=[case.seed for case in cases],
        batch_size=min(BATCH, len(cases)),
        n_iter=math.ceil(len(cases) / BATCH),
        width=SIZE[0],
        height=SIZE[1],
        steps=STEPS,
        sampler_name=SAMPLER,
        scheduler=SCHEDULER,
        cfg_scale=setting.cfg_scale,
    )
    text = made.infotexts[-1]
    if infotext.SKIPPED in text or ("Fooocus: True" in text) != (arguments is not None):
        raise NotAppliedError(f"{setting.name}: {text}")
    if len(made.images) != len(cases):
        raise NotAppliedError(
            f"{setting.name}: {len(made.images)} pictures for {len(cases)} captions"
        )
    return np.stack([np.asarray(image.convert("RGB"), dtype=np.uint8) for image in made.images])


def through_autoencoder(pictures: Pixels) -> Pixels:
    """Return uint8 pictures [N,H,W,3] encoded and decoded by the default checkpoint."""
    _host.start()
    from modules import sd_samplers_common, shared  # noqa: PLC0415 - the host's, from now on
    from modules.processing import decode_latent_batch  # noqa: PLC0415

    decoded = []
    with torch.no_grad(), _host.quietly():
        for start in range(0, len(pictures), BATCH):
            scaled = torch.from_numpy(pictures[start : start + BATCH]).permute(0, 3, 1, 2).float()
            latents = sd_samplers_common.images_tensor_to_samples(
                scaled / 255, model=shared.sd_model
            )
            decoded += decode_latent_batch(
                shared.sd_model, latents, target_device=torch.device("cpu")
            )
    scaled = ((torch.stack(decoded).float() + 1) / 2).clamp(0, 1).permute(0, 2, 3, 1)
    return (scaled.numpy() * 255).astype(np.uint8)
