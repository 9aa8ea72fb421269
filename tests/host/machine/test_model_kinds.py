"""Which kind a loaded model is of, as each webui tells it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fooocus_ext.host.machine import model_kinds


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"is_sdxl": True, "is_sd1": False}, model_kinds.SDXL),
        ({"is_sdxl": False, "is_sd2": True, "is_sd1": False}, model_kinds.SD2),
        ({"is_sdxl": False, "is_sd2": False, "is_sd1": True}, model_kinds.SD1),
        ({"is_sdxl": False, "is_sd2": False}, model_kinds.SD1),  # webui 1.6
        ({"is_sdxl": False, "is_sd2": False, "is_sd1": False}, model_kinds.OTHER),  # SD3, Flux
    ],
)
def test_a_model_is_of_the_kind_that_it_tells(told, kind):
    assert model_kinds.of_model(SimpleNamespace(**told)) == kind


def test_the_unet_of_a_model_of_forge_is_behind_its_patcher():
    unet, other = object(), object()
    patcher = SimpleNamespace(model=SimpleNamespace(diffusion_model=unet))
    a1111 = SimpleNamespace(model=SimpleNamespace(diffusion_model=other))
    forge = SimpleNamespace(forge_objects=SimpleNamespace(unet=patcher))
    assert model_kinds.unet_of(a1111) is other
    assert model_kinds.unet_of(forge) is unet
