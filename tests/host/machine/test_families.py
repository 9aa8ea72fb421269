"""Which family a loaded model is of, as each webui tells it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fooocus_ext.host.machine import families


@pytest.mark.parametrize(
    ("told", "family"),
    [
        ({"is_sdxl": True, "is_sd1": False}, families.SDXL),
        ({"is_sdxl": False, "is_sd2": True, "is_sd1": False}, families.SD2),
        ({"is_sdxl": False, "is_sd2": False, "is_sd1": True}, families.SD1),
        ({"is_sdxl": False, "is_sd2": False}, families.SD1),  # webui 1.6
        ({"is_sdxl": False, "is_sd2": False, "is_sd1": False}, families.OTHER),  # SD3; Forge: Flux
    ],
)
def test_a_model_is_of_the_family_that_it_tells(told, family):
    assert families.of_model(SimpleNamespace(**told)) == family


def test_the_unet_of_a_model_of_forge_is_behind_its_patcher():
    unet, other = object(), object()
    patcher = SimpleNamespace(model=SimpleNamespace(diffusion_model=unet))
    a1111 = SimpleNamespace(model=SimpleNamespace(diffusion_model=other))
    forge = SimpleNamespace(forge_objects=SimpleNamespace(unet=patcher))
    assert families.unet_of(a1111) is other
    assert families.unet_of(forge) is unet
