"""What the host promises its extensions: which hook when, with which tensors, and what it forgives."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.contract import probes
from tests.contract.hosts import FAMILY
from tests.contract.snapshots import conditioning_caches

BEFORE_SAMPLING = ["before_process", "process", "before_process_batch", "process_batch"]
AFTER_SAMPLING = ["post_sample", "postprocess_batch", "postprocess_image"]
LONG = "snow, " * 80


def recording_hooks(names):
    """Return hooks that note their own name, and the list they note it in."""
    seen = []

    def hook(name):
        return lambda self, p, *args, **kwargs: seen.append((name, p))

    return {name: hook(name) for name in names}, seen


SAMPLING = ["process_before_every_sampling"]
ALL_HOOKS = ["setup", *BEFORE_SAMPLING, *SAMPLING, *AFTER_SAMPLING, "before_hr", "postprocess"]


@pytest.mark.parametrize(
    ("request_fields", "expected"),
    [
        ({}, ["setup", *BEFORE_SAMPLING, *SAMPLING, *AFTER_SAMPLING, "postprocess"]),
        (
            {"n_iter": 2},
            [
                *("setup", "before_process", "process"),
                *(["before_process_batch", "process_batch", *SAMPLING, *AFTER_SAMPLING] * 2),
                "postprocess",
            ],
        ),
        (
            {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6},
            [
                *("setup", *BEFORE_SAMPLING, *SAMPLING, "before_hr"),
                *SAMPLING * FAMILY.asks_before_a_hires_pass,
                *(*AFTER_SAMPLING, "postprocess"),
            ],
        ),
    ],
    ids=["one batch", "two batches", "hires"],
)
def test_hooks_come_in_order(host, request_fields, expected):
    hooks, seen = recording_hooks(ALL_HOOKS)
    with probes.spying_script(host, hooks):
        host.generate(**request_fields)
    known = host.modules.scripts.Script
    assert [name for name, _ in seen] == [name for name in expected if hasattr(known, name)]
    assert len({id(p) for _, p in seen}) == 1


@pytest.mark.reports_errors
@pytest.mark.parametrize("name", [*BEFORE_SAMPLING, *SAMPLING, *AFTER_SAMPLING, "postprocess"])
def test_an_exception_in_another_scripts_hook_is_swallowed(host, name, capsys, unchanged):
    def fail(self, p, *args, **kwargs):
        raise ValueError("another extension is broken")

    if not hasattr(host.modules.scripts.Script, name):
        pytest.skip("this webui is older than the hook")
    wanted = host.generate({})
    with probes.spying_script(host, {name: fail}):
        result = host.generate({})
    assert result.same_pixels(wanted)
    assert "another extension is broken" in capsys.readouterr().err


@pytest.mark.reports_errors
@pytest.mark.parametrize("category", ["cfg_denoiser", "cfg_denoised", "cfg_after_cfg"])
def test_an_exception_in_another_callback_is_swallowed(host, category, capsys):
    def fail(params):
        raise ValueError("another callback is broken")

    if category == "cfg_denoised" and not FAMILY.asks_after_calls:
        pytest.skip("this family asks no callback after a model call")
    callbacks = host.modules.script_callbacks
    wanted = host.generate({})
    getattr(callbacks, f"on_{category}")(fail)
    try:
        result = host.generate({})
    finally:
        callbacks.remove_callbacks_for_function(fail)
    assert result.same_pixels(wanted)
    assert "another callback is broken" in capsys.readouterr().err


STEPS = {
    "Euler": [(0, 0), (0, 1), (1, 2), (2, 3)],
    "DPM++ 2M": [(0, 0), (0, 1), (1, 2), (2, 3)],
    "Heun": [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)],
    "DPM++ SDE": [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)],
}


@pytest.mark.parametrize("sampler", STEPS)
def test_sampling_step_lags_and_denoiser_step_counts_calls(host, sampler):
    with probes.recording(host) as calls:
        host.generate(sampler_name=sampler)
    assert [(call.sampling_step, call.step) for call in calls] == STEPS[sampler]
    second_order = len(STEPS[sampler]) == 7
    assert {call.total_steps for call in calls} == {8 if second_order else 4}
    assert {call.sampling_steps for call in calls} == {4}


def test_denoiser_step_restarts_in_the_second_pass(host):
    with probes.recording(host) as calls:
        host.generate(enable_hr=True, hr_scale=1.5, denoising_strength=0.5, hr_second_pass_steps=4)
    assert [(call.hires, call.step) for call in calls] == [
        *((False, step) for step in range(4)),
        *((True, step) for step in range(4)),
    ]


LAYOUTS = {
    "batch 1": ({}, (1,), 77),
    "batch 2": ({"batch_size": 2}, (1, 1), 77),
    "AND": ({"prompt": "a fox AND snow :0.5"}, (2,), 77),
    "AND, batch 2": ({"prompt": "a fox AND snow :0.5", "batch_size": 2}, (2, 2), 77),
    "three parts": ({"prompt": "a fox AND snow AND ice"}, (3,), 77),
    "long": ({"prompt": LONG}, (1,), 231),
    "long, batch 2": ({"prompt": LONG, "batch_size": 2}, (1, 1), 231),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_rows_are_the_parts_of_each_image_and_then_one_uncond_each(host, case):
    fields, parts, tokens = LAYOUTS[case]
    with probes.recording(host) as calls:
        host.generate(**fields)
    call = calls[0]
    images = len(parts)
    assert call.parts == parts
    assert call.x.shape == (sum(parts) + images, 4, 16, 16)
    assert call.sigma.shape == (sum(parts) + images,)
    assert call.image_cond.shape == (sum(parts) + images, 5, 1, 1)
    assert call.cond["crossattn"].shape == (sum(parts), tokens, 2048)
    assert call.cond["vector"].shape == (sum(parts), 2816)
    assert call.uncond["crossattn"].shape == (images, 77, 2048)
    assert call.uncond["vector"].shape == (images, 2816)
    assert call.out.shape == call.x.shape
    first_rows = [sum(parts[:image]) for image in range(images)]
    for image, row in enumerate(first_rows):
        for part in range(parts[image]):
            assert torch.equal(call.x[row + part], call.x[sum(parts) + image])


def test_conditioning_is_fresh_in_each_call(host):
    def cached():
        """The bytes in the caches; Forge encodes anew for each request, so theirs are other objects."""
        return {name: entry[-1] for name, entry in conditioning_caches(host).items()}

    host.generate()  # after which Forge's caches are empty, as the checkpoint was chosen before

    def spoil(original, params):
        for cond in (params.text_cond, params.text_uncond):
            cond["vector"].fill_(0.5)
            cond["crossattn"].fill_(0.5)
        original(params)

    wanted = host.generate()
    before = cached()
    with probes.around_callbacks(host, denoiser=spoil):
        assert not host.generate().same_pixels(wanted)
    assert cached() == before
    assert host.generate().payload == wanted.payload


def test_conditioning_objects_are_not_shared_between_calls(host):
    with probes.recording(host) as calls:
        host.generate(batch_size=2)
    tensors = [t for call in calls for cond in call.live for t in dict(cond).values()]
    assert len({t.data_ptr() for t in tensors}) == len(tensors)


def test_only_in_place_edits_reach_the_sampler_after_the_model(host):
    if not FAMILY.asks_after_calls:
        pytest.skip("this family asks no callback after a model call")

    def replace(original, params):
        original(params)
        params.x = torch.zeros_like(params.x)

    def overwrite(original, params):
        original(params)
        params.x.zero_()

    wanted = host.generate()
    with probes.around_callbacks(host, denoised=replace):
        assert host.generate().same_pixels(wanted)
    with probes.around_callbacks(host, denoised=overwrite):
        assert not host.generate().same_pixels(wanted)


def test_the_hosts_own_state_is_shared_by_copies_of_a_request(host):
    seen = []
    with probes.processing_objects(host) as objects:
        host.generate()
    (p,) = objects
    seen = copy.copy(p)
    assert seen.extra_generation_params is p.extra_generation_params
    assert seen.override_settings is p.override_settings


def test_the_size_embedding_sits_where_the_extension_writes_it(host):
    from tests.contract.references import size_embedding

    with probes.recording(host) as calls:
        host.generate(width=192, height=128)
    vector = calls[0].cond["vector"][0]
    for start, number in ((1280, 128), (1536, 192), (1792, 0), (2048, 0), (2304, 128), (2560, 192)):
        assert torch.allclose(
            vector[start : start + 256], size_embedding(number).float(), atol=1e-4
        )
