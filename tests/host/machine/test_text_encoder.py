"""Counting tokens and naming embeddings on each family of webuis, none of which does it as the others."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

import fooocus_ext.host.machine

EMBEDDINGS = SimpleNamespace(
    word_embeddings={"easynegative": None, "goodhands": None}, skipped_embeddings={"old": None}
)
LOADED = {"sd_checkpoint_info": "a checkpoint"}


@pytest.fixture
def text_encoder(load_host_module, monkeypatch):
    """Return a function that loads the module on a family with this hijack and this active model."""

    def load(*, hijack, model, forge):
        versions = SimpleNamespace(forge_packages=lambda: ["modules_forge"] if forge else [])
        monkeypatch.setattr(fooocus_ext.host.machine, "versions", versions, raising=False)
        has_one = {"sd_hijack": SimpleNamespace(model_hijack=SimpleNamespace(**(hijack or {})))}
        return load_host_module(
            "machine/text_encoder",
            **({} if hijack is None else has_one),
            sd_models=SimpleNamespace(model_data=SimpleNamespace(sd_model=model)),
        )

    return load


def words(text, *_encoder):
    return len(text.split()), 75


A1111 = {"hijack": {"clip": object(), "get_prompt_lengths": words}, "model": None, "forge": False}
FORGE = {
    "hijack": {},
    "model": SimpleNamespace(**LOADED, get_prompt_lengths_on_ui=words),
    "forge": True,
}
ERSATZ_FORGE = {**FORGE, "hijack": None}  # seen: main fca12a2, which has no sd_hijack
REFORGE = {  # and Classic
    "hijack": {"clip": None, "get_prompt_lengths": lambda text, encoder: encoder(text)},
    "model": SimpleNamespace(**LOADED, cond_stage_model=words),
    "forge": True,
}


@pytest.mark.parametrize(
    "family",
    [A1111, FORGE, ERSATZ_FORGE, REFORGE],
    ids=["A1111", "Forge", "ersatzForge", "reForge"],
)
def test_the_active_model_counts_the_tokens(text_encoder, family):
    loaded = text_encoder(**family)
    assert loaded.token_counter()("a red fox") == 3
    assert loaded.prompt_lengths()("a red fox") == (3, 75)


@pytest.mark.parametrize(
    "family",
    [
        {**A1111, "hijack": {"clip": None, "get_prompt_lengths": lambda text: ("-", "-")}},
        {**FORGE, "model": SimpleNamespace(get_prompt_lengths_on_ui=words)},  # its stand-in
        {**REFORGE, "model": None},
    ],
    ids=["A1111", "Forge", "reForge"],
)
def test_nothing_counts_while_no_model_is_loaded(text_encoder, family):
    loaded = text_encoder(**family)
    assert loaded.token_counter() is None
    assert loaded.prompt_lengths() is None


def test_embeddings_are_named(text_encoder, monkeypatch):
    known = text_encoder(**{**A1111, "hijack": {"embedding_db": EMBEDDINGS}})
    assert known.embedding_names() == ("easynegative", "goodhands")
    assert known.installed_embeddings() == ("easynegative", "goodhands", "old")
    for family in (FORGE, ERSATZ_FORGE):
        forge = text_encoder(**family)
        assert forge.embedding_names() == forge.installed_embeddings() == ()
    cards = SimpleNamespace(embedding_db=EMBEDDINGS)
    monkeypatch.setitem(sys.modules, "modules.ui_extra_networks_textual_inversion", cards)
    assert forge.embedding_names() == ("easynegative", "goodhands")
    assert forge.installed_embeddings() == ("easynegative", "goodhands", "old")
