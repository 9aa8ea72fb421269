"""Our refiner against the host's own, and what it leaves of the base model."""

from __future__ import annotations

import builtins
import importlib
import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.contract import probes, snapshots, test_copies
from tests.contract.checkpoints import CORRUPT, NO_MODEL
from tests.contract.conftest import OFF, activate
from tests.contract.families import ONE_VAE, OWN_REFINER_LEAVES, PASS_HOOK
from tests.contract.hosts import FAMILY

LONG = "snow, " * 80
EDITING = "a [fox:wolf:0.5] in [snow|rain] [a tree:0.7]"
HIRES = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.7, "hr_second_pass_steps": 5}
STEPS = {"steps": 6}
BY_STEPS = "refiner_switch_by_sample_steps"
TOLERANCE = 1
SWITCH = 0.5
EARLY = 0.3  # DDIM begins an img2img late and makes fewer calls than its steps


def both_refiners(host, *, part="refiner", options=None, switch=SWITCH, **fields):
    """Return a picture by our refiner and one by the host's own, switching by steps at the same one."""
    name = getattr(host.checkpoints, part)
    if name is None:
        pytest.skip(f"no checkpoint for the part {part!r} on the host {host.name}")
    # Older webuis know no other way, and no setting.
    by_steps = [BY_STEPS] * host.has_setting(BY_STEPS)
    options = {**dict.fromkeys(by_steps, True), **(options or {})}
    fields = {**STEPS, **fields, "override_settings": options}
    with probes.checkpoints_called(host) as ours_called:
        ours = host.generate({**OFF, "refiner": name, "refiner_switch": switch}, **fields)
    with probes.checkpoints_called(host) as theirs_called:
        theirs = host.generate(refiner_checkpoint=name, refiner_switch_at=switch, **fields)
    assert ours_called == theirs_called
    assert {*ours_called} == {host.checkpoints.base, name}
    return ours, theirs


SITUATIONS = {
    "Euler": {"sampler_name": "Euler"},
    "Euler a": {"sampler_name": "Euler a"},
    "DPM++ 2M": {"sampler_name": "DPM++ 2M"},
    "DPM++ 2M Karras": {"sampler_name": "DPM++ 2M", "scheduler": "Karras"},
    "DPM++ 2M SDE": {"sampler_name": "DPM++ 2M SDE"},
    "DPM++ SDE": {"sampler_name": "DPM++ SDE"},
    "Heun": {"sampler_name": "Heun"},
    "DDIM": {"sampler_name": "DDIM"},
    "batch": {"batch_size": 2},
    "batch, DPM++ 2M SDE": {"batch_size": 2, "sampler_name": "DPM++ 2M SDE"},
    "batch, Heun": {"batch_size": 2, "sampler_name": "Heun"},
    "batch, DDIM": {"batch_size": 2, "sampler_name": "DDIM"},
    "AND": {"prompt": "a fox AND snow :0.5"},
    "AND in a batch": {"prompt": "a fox AND snow :0.5", "batch_size": 2},
    "prompt editing": {"prompt": EDITING, "negative_prompt": "[ugly:blurry:0.6]"},
    "prompt editing, Heun": {"prompt": EDITING, "sampler_name": "Heun"},
    "long prompt": {"prompt": LONG},
    "long negative prompt": {"negative_prompt": LONG},
    "long prompt, padded": {"prompt": LONG, "options": {"pad_cond_uncond": True}},
    "long prompt, padded as of old": {"prompt": LONG, "options": {"pad_cond_uncond_v0": True}},
    "empty negative prompt": {"negative_prompt": ""},
    "emphasis": {"prompt": "a (red:1.4) fox, [snow]"},
    "NGMS": {"s_min_uncond": 4.0},
    "one row at a time": {"options": {"batch_cond_uncond": False}},
    "not square": {"width": 192, "height": 64},
    "another base as refiner": {"part": "second"},
    "another base, AND, editing": {"part": "second", "prompt": EDITING + " AND snow"},
    "another base, long prompt, padded": {
        "part": "second",
        "prompt": LONG,
        "options": {"pad_cond_uncond": True},
    },
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_pictures_equal_those_of_the_hosts_own_refiner(host, situation):
    ours, theirs = both_refiners(host, **SITUATIONS[situation])
    assert ours.difference(theirs) <= TOLERANCE


@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M SDE", "Heun", "DDIM"])
@pytest.mark.parametrize("passes", ["first pass", "second pass", "both passes"])
def test_hires_passes_equal_those_of_the_hosts_own_refiner(host, passes, sampler):
    if passes != "second pass":
        FAMILY.need(OWN_REFINER_LEAVES)
    options = {"hires_fix_refiner_pass": passes}
    fields = {"options": options, "sampler_name": sampler, **HIRES}
    ours, theirs = both_refiners(host, switch=EARLY, **fields)
    assert ours.difference(theirs) <= TOLERANCE


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
@pytest.mark.parametrize("inpaint", [False, True])
def test_img2img_equals_that_of_the_hosts_own_refiner(host, sampler, inpaint, picture, mask):
    fields = {"mask": mask} if inpaint else {}
    ours, theirs = both_refiners(
        host,
        switch=EARLY,
        tab="img2img",
        init_images=[picture],
        denoising_strength=0.8,
        sampler_name=sampler,
        **fields,
    )
    assert ours.difference(theirs) <= TOLERANCE


def test_a_second_pass_on_another_checkpoint_is_sampled_without_the_refiner(host, monkeypatch):
    """The Forge family replaces the model between the passes; none but those that sample get ready."""
    second = host.checkpoints.second
    if second is None:
        pytest.skip(f"no second base on the host {host.name}")
    settings = {**OFF, "refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    options = {"hires_fix_refiner_pass": "both passes"}
    prepared = FAMILY.watch_preparations(host.modules, monkeypatch)
    with probes.checkpoints_called(host) as called:
        result = host.generate(
            settings,
            **STEPS,
            **HIRES,
            n_iter=2,
            hr_checkpoint_name=second,
            override_settings=options,
        )
    base, refiner = [host.checkpoints.base] * 3, [host.checkpoints.refiner] * 3
    once = [*base, *refiner, *[second] * (len(called) // 2 - 6)]
    assert called == once * 2
    assert "checkpoint of its own" in result.infotext
    assert {*prepared} <= {"active", "refiner"}


def test_a_second_pass_on_the_bases_checkpoint_by_its_name_is_refined(host):
    settings = {**OFF, "refiner": host.checkpoints.refiner, "refiner_switch": EARLY}
    options = {"hires_fix_refiner_pass": "second pass"}
    unnamed = host.generate(settings, **STEPS, **HIRES, override_settings=options)
    named = host.generate(
        settings, **STEPS, **HIRES, override_settings=options,
        hr_checkpoint_name=host.checkpoints.base,
    )  # fmt: skip
    assert named.same_pixels(unnamed)
    assert "checkpoint of its own" not in named.infotext


def test_every_batch_of_a_job_is_refined(host, unchanged):
    fields = {**STEPS, "n_iter": 2, "seed": 7}
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    whole = host.generate(settings, **fields)
    second = host.generate(settings, **{**fields, "n_iter": 1, "seed": 8})
    assert (whole.pictures[-1] == second.pictures[0]).all()


def turns(host, called):
    """Return whether it was the refiner's turn in each model call."""
    return [name == host.checkpoints.refiner for name in called]


RULES = {
    "steps": [False, False, False, True, True, True],
    "Fooocus": [False, False, False, False, True, True],
    "timestep": [False, False, False, True, True, True],
}


@pytest.mark.parametrize("rule", RULES)
def test_the_refiner_takes_over_where_the_rule_says(host, rule):
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    options = {"fooocus_refiner_switch_rule": rule}
    with probes.checkpoints_called(host) as called:
        host.generate(settings, **STEPS, override_settings=options)
    assert turns(host, called) == RULES[rule]


@pytest.mark.parametrize("sampler", ["Euler", "LCM"])
def test_the_share_of_the_noise_schedule_is_the_same_for_every_sampler(host, sampler):
    """LCM knows 50 levels, whose numbers the webui's own refiner takes for timesteps: all are below 50."""
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": 0.8}
    options = {"fooocus_refiner_switch_rule": "timestep"}
    with probes.checkpoints_called(host) as called:
        host.generate(settings, steps=8, sampler_name=sampler, override_settings=options)
    assert turns(host, called) == [False] * 6 + [True] * 2


def test_the_first_and_the_last_value_of_the_switch(host):
    for switch, expected in ((0.1, [False] + [True] * 5), (1.0, [False] * 6)):
        with probes.checkpoints_called(host) as called:
            host.generate({"refiner": host.checkpoints.refiner, "refiner_switch": switch}, **STEPS)
        assert turns(host, called) == expected


@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M", "Heun", "DDIM", "DPM++ 2M SDE", "LCM"])
def test_separate_makes_the_same_calls_with_the_same_models(host, sampler):
    settings = {**OFF, "refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    made = {}
    for method in ("joint", "separate"):
        with probes.checkpoints_called(host) as called:
            host.generate({**settings, "refiner_method": method}, **STEPS, sampler_name=sampler)
        made[method] = turns(host, called)
    assert True in made["separate"]
    assert False in made["separate"]
    if sampler not in ("Heun", "DDIM"):
        assert made["separate"] == made["joint"]


def test_separate_equals_joint_for_a_sampler_without_memory(host):
    settings = {**OFF, "refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    joint = host.generate(settings, **STEPS, sampler_name="Euler")
    separate = host.generate(
        {**settings, "refiner_method": "separate"}, **STEPS, sampler_name="Euler"
    )
    assert joint.difference(separate) <= TOLERANCE
    multistep = {**STEPS, "sampler_name": "DPM++ 2M"}
    joint = host.generate(settings, **multistep)
    separate = host.generate({**settings, "refiner_method": "separate"}, **multistep)
    assert not joint.same_pixels(separate)


@contextmanager
def opened_files(host):
    """Collect the checkpoint files that are opened inside the block, however they are opened."""
    import safetensors

    opened = []
    names = {*host.checkpoints.paths}
    patches = pytest.MonkeyPatch()

    def watch(module, name):
        original = getattr(module, name)

        def watching(path, *args, **kwargs):
            if Path(str(path)).name in names:
                opened.append(str(path))
            return original(path, *args, **kwargs)

        patches.setattr(module, name, watching)

    watch(builtins, "open")
    watch(os, "open")
    watch(safetensors, "safe_open")
    watch(safetensors.torch, "load_file")
    watch(safetensors.torch, "safe_open")
    try:
        yield opened
    finally:
        patches.undo()


@pytest.mark.parametrize("fields", [{}, {"n_iter": 2}, HIRES], ids=["plain", "batches", "hires"])
def test_no_checkpoint_is_opened_after_the_first_job(host, fields):
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    host.generate(settings, **STEPS, **fields)
    with opened_files(host) as opened:
        host.generate(settings, **STEPS, **fields)
        host.generate(**STEPS)
        host.generate({**settings, "refiner_switch": 0.7}, **STEPS, **fields)
    assert opened == []


def test_the_watch_sees_the_host_open_a_checkpoint(host):
    with opened_files(host) as opened:
        host.use(host.checkpoints.second)
    assert opened


def test_a_refiner_job_leaves_the_base_alone(host, unchanged):
    before = host.generate()
    caches = snapshots.conditioning_caches(host)
    host.generate({"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH})
    assert snapshots.conditioning_caches(host) == caches
    assert host.generate().payload == before.payload


def wrong_refiners():
    yield "no such file", lambda c: "no-such-model", ["no-such-model"]
    yield "a typing error", lambda c: c.refiner.replace("ref", "rfe"), ["did you mean"]
    yield "cut off", lambda c: CORRUPT, [CORRUPT]
    yield "no model", lambda c: NO_MODEL, [NO_MODEL]
    yield "another family", lambda c: c.sd15, ["SD1.5", "SDXL"]
    yield "a path", lambda c: "../../../etc/passwd", ["etc/passwd"]


@pytest.mark.parametrize(
    ("name_of", "words"),
    [case[1:] for case in wrong_refiners()],
    ids=[c[0] for c in wrong_refiners()],
)
def test_a_wrong_refiner_is_refused_and_the_base_stays(host, name_of, words, unchanged):
    before = host.generate()
    name = name_of(host.checkpoints)
    if name is None:
        pytest.skip(f"no checkpoint of another family on the host {host.name}")
    with probes.checkpoints_called(host) as called:
        result = host.run({"refiner": name})
    assert result.status == 422, result.body
    missing = [w for w in ["refiner", "allowed", *words] if w not in result.detail]
    assert not missing, result.detail
    assert called == []
    assert host.generate().payload == before.payload


def test_a_refiner_that_is_the_base_is_said_to_be_pointless(host):
    with probes.processing_objects(host) as objects:
        result = host.generate({"refiner": host.checkpoints.base})
    assert "Fooocus skipped" in result.infotext
    assert any("base model itself" in comment for comment in objects[0].comments)


def test_ours_wins_over_the_hosts_own_refiner_and_says_so(host, unchanged):
    settings = {**OFF, "refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    wanted = host.generate(settings)
    with probes.processing_objects(host) as objects:
        result = host.generate(
            settings, refiner_checkpoint=host.checkpoints.second, refiner_switch_at=0.2
        )
    assert result.same_pixels(wanted)
    assert any(host.checkpoints.second.split(".")[0] in text for text in objects[0].comments)
    assert "Refiner switch at" not in result.infotext.replace("Fooocus refiner switch", "")


def test_the_infotext_records_refiner_and_switch(host):
    result = host.generate({"refiner": host.checkpoints.refiner, "refiner_switch": 0.8})
    assert f"Fooocus refiner: {host.checkpoints.refiner.split('.')[0]}" in result.infotext
    assert "Fooocus refiner switch: 0.8" in result.infotext


def test_changing_the_base_and_back_keeps_the_refiner_right(host):
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    before = host.generate(settings)
    activate(host, "second")
    assert not host.generate(settings).same_pixels(before)
    host.use(host.checkpoints.base)
    assert host.generate(settings).difference(before) <= TOLERANCE


def test_a_checkpoint_override_changes_the_base_of_that_request(host):
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    override = {"override_settings": {"sd_model_checkpoint": host.checkpoints.second}}
    with probes.checkpoints_called(host) as called:
        host.generate(settings, **STEPS, **override)
    assert called == [host.checkpoints.second] * 3 + [host.checkpoints.refiner] * 3


TOLD = {
    "aesthetic score": ({}, {"sdxl_refiner_high_aesthetic_score": 1.5}),
    "negative aesthetic score": ({}, {"sdxl_refiner_low_aesthetic_score": 7.5}),
    "hires size": (HIRES, {"hires_fix_refiner_pass": "second pass"}),
}


@pytest.mark.parametrize("what", TOLD)
def test_a_job_is_refined_with_what_it_tells_the_refiner_not_with_an_earlier_jobs(host, what):
    """The webui's own keys of encoded texts leave these out (all that we run on)."""
    fields, options = TOLD[what]
    settings = {**OFF, "refiner": host.checkpoints.refiner, "refiner_switch": EARLY}
    if fields:
        host.generate(settings, **fields, override_settings=options)
        fields = {**fields, "hr_scale": 1.25}
    else:
        host.generate(settings)
    after_another = host.generate(settings, **fields, override_settings=options)
    release_refiner()
    assert after_another.same_pixels(host.generate(settings, **fields, override_settings=options))


def release_refiner():
    from fooocus_ext.host.refiner import resident

    resident.RESIDENCE.release()


def resident_model():
    from fooocus_ext.host.refiner import resident

    model = resident.RESIDENCE._model
    return model.second.model if model is not None else None


def test_a_vae_of_the_job_leaves_the_refiner_in_memory(host, monkeypatch):
    """The host changes the VAE before a job and back after it, and reports the base as loaded."""
    FAMILY.need(ONE_VAE)

    def reload_vae_weights(sd_model=None, **_others):
        model = sd_model or host.modules.shared.sd_model
        reloads.append(model)
        host.modules.script_callbacks.model_loaded_callback(model)

    reloads = []
    monkeypatch.setattr(host.modules.sd_vae, "reload_vae_weights", reload_vae_weights)
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": SWITCH}
    vae = {"override_settings": {"sd_vae": "None"}}
    first = host.generate(settings, **vae)
    kept = resident_model()
    assert kept is not None
    assert host.generate(settings, **vae).same_pixels(first)
    assert resident_model() is kept
    assert reloads


def test_another_base_releases_the_refiner(host):
    host.generate({"refiner": host.checkpoints.refiner})
    assert resident_model() is not None
    activate(host, "second")
    assert resident_model() is None


@pytest.fixture
def two_bases(host):
    """Let the host keep two checkpoints, and switch to the second one without loading it."""
    if host.checkpoints.second is None:
        pytest.skip("no second base checkpoint")
    host.need_setting("sd_checkpoints_limit")
    data = host.modules.shared.opts.data
    data["sd_checkpoints_limit"] = 2
    host.use(host.checkpoints.second)
    host.use(host.checkpoints.base)
    yield
    data["sd_checkpoints_limit"] = 1
    host.use(host.checkpoints.second)
    host.use(host.checkpoints.base)


def test_a_job_of_another_base_that_was_loaded_already_releases_the_refiner(host, two_bases):
    """The host then reports no model as loaded."""
    host.generate({"refiner": host.checkpoints.refiner})
    kept = resident_model()
    assert kept is not None
    host.generate({})
    assert resident_model() is kept
    host.use(host.checkpoints.second)
    host.generate({})
    assert resident_model() is None


def test_a_job_inside_of_a_refined_sampling_leaves_the_refiner(host):
    """Whatever the base is at that time."""
    FAMILY.need(PASS_HOOK)
    from fooocus_ext.host.refiner import resident

    kept = []

    def process_before_every_sampling(_self, p, *_args, **_kwargs):
        if kept:
            return
        kept.append(resident_model())
        resident.RESIDENCE._model.base_file = "of another base"
        inner = test_copies.inner_request(host, p)
        inner.script_args = [
            {"enabled": True} if isinstance(value, dict) else value for value in p.script_args
        ]
        host.modules.processing.process_images(inner)
        inner.close()
        kept.append(resident_model())

    hooks = {"process_before_every_sampling": process_before_every_sampling}
    with probes.spying_script(host, hooks):
        host.generate({"refiner": host.checkpoints.refiner}, steps=2)
    before, after = kept
    assert before is not None
    assert after is before


def test_a_base_stored_in_other_numbers_releases_the_refiner(host, monkeypatch):
    """The host loads the same file again where its option for 8-bit weights changes."""
    host.generate({"refiner": host.checkpoints.refiner})
    assert resident_model() is not None
    FAMILY.store_in_8_bits(host.modules, monkeypatch)
    host.modules.script_callbacks.model_loaded_callback(host.modules.shared.sd_model)
    assert resident_model() is None


def test_a_webui_without_options_for_the_noise_schedule_refines_too(host, monkeypatch):
    """Webui 1.6 has no `apply_alpha_schedule_override`."""
    second_model = importlib.import_module("fooocus_ext.host.a1111.second_model")
    there = vars(host.modules.sd_models)
    name = "apply_alpha_schedule_override"
    without = {key: value for key, value in there.items() if key != name}
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": 0.5}
    wanted = host.generate(settings)
    monkeypatch.setattr(second_model, "sd_models", SimpleNamespace(**without))
    assert host.generate(settings).same_pixels(wanted)
