"""Which files can be downloaded: those of the table, and those that presets name."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooocus_ext.downloads.files import is_sum
from fooocus_ext.downloads.sources import HUB, Sources
from fooocus_ext.markup import render
from fooocus_ext.presets.files import PresetLibrary, load_presets
from fooocus_ext.presets.offers import is_installed, offers
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.preset import preset_from_json
from fooocus_ext.presets.published import CHECKPOINTS, KINDS, UPSCALER, published

OURS = load_presets([Path(__file__).resolve().parents[2] / "presets"])


def library(**keys):
    return PresetLibrary({"mine": preset_from_json("mine", keys)})


@pytest.mark.parametrize("name", published())
def test_every_file_of_the_table_is_known_well(name):
    entry = published()[name]
    assert entry.kind in KINDS
    assert Sources().allows(entry.file.url)
    assert entry.file.url.endswith(f"/{name}")
    if entry.kind == "inpaint":  # whose sums and most sizes only their host knows
        assert entry.file.sha256 == ""
        assert entry.file.size == (52_602 if name == "fooocus_inpaint_head.pth" else None)
    else:
        assert is_sum(entry.file.sha256)
        assert entry.file.size > 10_000_000
    assert entry.licence_url.startswith("https://")


def test_all_that_our_presets_and_modes_need_is_in_the_table():
    assert set(offers(OURS, Sources())) == set(published())
    assert {mode.lora for mode in PERFORMANCES.values() if mode.lora} <= set(published())
    assert published()[UPSCALER].kind == "upscaler"
    assert {published()[name].kind for name in CHECKPOINTS} == {"checkpoint"}
    for preset in OURS.presets.values():
        for files in (preset.checkpoint_downloads, preset.lora_downloads, preset.vae_downloads):
            for name, url in (files or {}).items():
                assert published()[name].file.url == url


def test_a_preset_names_files_and_the_page_that_tells_their_terms():
    url = f"{HUB}/owner/repo/resolve/main/folder/mine.safetensors"
    found = offers(
        library(
            checkpoint_downloads={"mine.safetensors": url},
            embeddings_downloads={"word.safetensors": url},
        ),
        Sources(),
    )
    offer = found["mine.safetensors"]
    assert (offer.kind, offer.file.url, offer.file.sha256, offer.file.size) == (
        "checkpoint",
        url,
        "",
        None,
    )
    assert offer.licence_url == f"{HUB}/owner/repo"
    assert found["word.safetensors"].kind == "embedding"


def test_what_a_preset_says_of_a_known_file_does_not_count():
    name = "sdxl_lcm_lora.safetensors"
    found = offers(library(lora_downloads={name: f"{HUB}/a/b/resolve/main/{name}"}), Sources())
    assert found[name] == published()[name]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("a.safetensors", "https://evil.org/a.safetensors"),
        ("a.safetensors", "http://huggingface.co/a/b/a.safetensors"),
        ("a.safetensors", "https://huggingface.co.evil.org/a.safetensors"),
        ("a.safetensors", "https://evil.org\\.huggingface.co/a/b/a.safetensors"),
        ("a.safetensors", "file:///etc/passwd"),
        ("a.ckpt", f"{HUB}/a/b/a.ckpt"),
        ("a.pt", f"{HUB}/a/b/a.pt"),
        ("../a.safetensors", f"{HUB}/a/b/a.safetensors"),
        ("b/a.safetensors", f"{HUB}/a/b/a.safetensors"),
        ("b\\a.safetensors", f"{HUB}/a/b/a.safetensors"),
        (".safetensors", f"{HUB}/a/b/a.safetensors"),
        ("a\n.safetensors", f"{HUB}/a/b/a.safetensors"),
        ("con.safetensors", f"{HUB}/a/b/con.safetensors"),
        ("Com\xb9 .safetensors", f"{HUB}/a/b/a.safetensors"),
        ("a.safetensors.py", f"{HUB}/a/b/a.safetensors"),
        ("Com1 .a.safetensors", f"{HUB}/a/b/a.safetensors"),
        (f"{'a' * 200}.safetensors", f"{HUB}/a/b/a.safetensors"),
    ],
)
def test_a_preset_cannot_have_anything_else_fetched(name, url):
    assert set(offers(library(lora_downloads={name: url}), Sources())) == set(published())


def test_what_is_installed_is_found_whatever_the_host_calls_it():
    offer = published()["juggernautXL_v8Rundiffusion.safetensors"]
    titles = ["sub/JuggernautXL_v8Rundiffusion.safetensors [aeb7e9e689]"]
    assert is_installed(offer, {"checkpoint": titles})
    assert not is_installed(offer, {"lora": titles})
    assert not is_installed(offer, {"checkpoint": ["juggernaut.safetensors"]})


def test_the_message_of_a_first_visit_offers_models_and_escapes_what_it_shows():
    message = render("first_run.html", models=CHECKPOINTS, folder="/models/<b>")
    assert f'data-files="{"|".join(CHECKPOINTS)}"' in message
    assert "/models/&lt;b&gt;" in message
