"""What Forge's children have named otherwise, or dropped.

Seen in neo (a copy of 2025-12-06, c24dc1c) and ersatzForge (main fca12a2).
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import fooocus_ext.host.machine

MODELS = Path("/webui/models")
PATHS = SimpleNamespace(data_path="/webui", models_path=str(MODELS))


@pytest.fixture
def vae(load_host_module):
    """Return a function that loads the module on a webui with this ``sd_vae``."""

    def load(**sd_vae):
        return load_host_module(
            "machine/vae",
            paths=PATHS,
            sd_vae=SimpleNamespace(**sd_vae),
            shared=SimpleNamespace(opts=SimpleNamespace()),
        )

    return load


@pytest.fixture
def installed(load_host_module, vae, monkeypatch):
    """Return a function that asks what there is on a webui with these flags and options."""

    def ask(flags, options):
        parts = {
            "expansion": None,
            "options": None,
            "versions": SimpleNamespace(CLIP_SKIP_ACTS="", has_schedulers=lambda: False),
            "vae": vae(vae_dict={}, vae_path="/webui/models/VAE"),
        }
        for name, part in parts.items():
            monkeypatch.setattr(fooocus_ext.host.machine, name, part, raising=False)
        return load_host_module(
            "machine/assets",
            paths=PATHS,
            sd_models=SimpleNamespace(
                checkpoint_tiles=list, model_path="/webui/models/Stable-diffusion"
            ),
            sd_samplers=SimpleNamespace(all_samplers_map={}),
            shared=SimpleNamespace(
                cmd_opts=SimpleNamespace(**flags), opts=SimpleNamespace(**options)
            ),
        ).installed()

    return ask


@pytest.mark.parametrize(
    ("flags", "checkpoints", "loras"),
    [
        ({"ckpt_dir": None}, MODELS / "Stable-diffusion", MODELS / "Lora"),
        ({"ckpt_dir": "/mine", "lora_dir": "/my/loras"}, Path("/mine"), Path("/my/loras")),
        ({"ckpt_dirs": ["/more"], "lora_dirs": []}, MODELS / "Stable-diffusion", MODELS / "Lora"),
    ],
    ids=["A1111", "with flags", "neo"],
)
def test_folders_are_found_whatever_flags_there_are(installed, flags, checkpoints, loras):
    folders = installed(flags, {}).folders
    assert (Path(folders.checkpoints), Path(folders.loras)) == (checkpoints, loras)
    assert Path(folders.vaes) == MODELS / "VAE"


def test_an_option_for_unipc_is_known_where_there_is_one(installed):
    assert installed({}, {"uni_pc_variant": "bh1"}).has_uni_pc_variants
    assert not installed({}, {}).has_uni_pc_variants


def test_vaes_are_listed_again_by_what_the_webui_has_for_it(vae, monkeypatch):
    asked = []
    usual = vae(
        vae_dict={"a": "/a"}, vae_path="/v", refresh_vae_list=lambda: asked.append("sd_vae")
    )
    usual.list_again()
    assert (usual.names(), usual.folder()) == (["a"], "/v")
    entry = SimpleNamespace(refresh_models=lambda: asked.append("main_entry"))
    monkeypatch.setitem(sys.modules, "modules_forge.main_entry", entry)
    monkeypatch.setitem(
        sys.modules, "modules_forge", SimpleNamespace(main_entry=entry, __path__=[])
    )
    ersatz = vae(vae_dict={"b": "/b"})
    ersatz.list_again()
    assert (ersatz.names(), Path(ersatz.folder())) == (["b"], MODELS / "VAE")
    assert asked == ["sd_vae", "main_entry"]
