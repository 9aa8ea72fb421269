"""Whatever goes wrong, wherever: the host is afterwards as it was, and its next picture too."""

from __future__ import annotations

import contextlib
import gc
import importlib
import sys
from unittest.mock import patch

import pytest
import torch

from fooocus_ext.generation import hooks
from tests.contract import probes, snapshots
from tests.contract.hosts import FAMILY
from tests.contract.probes import CALLS_OF_TWO_PASSES, TWO_PASSES

pytestmark = pytest.mark.reports_errors

SETTINGS = {
    "guidance": {"sharpness": 9},
    "joint": {"sharpness": 9, "refiner_switch": 0.5, "refiner_method": "joint"},
    "separate": {"sharpness": 9, "refiner_switch": 0.5, "refiner_method": "separate"},
    "Fooocus": {"sharpness": 9, "refiner_switch": 0.5, "rendering": "Fooocus"},
}


def settings_of(host, method):
    turn = {} if method == "guidance" else {"refiner": host.checkpoints.refiner}
    return {**SETTINGS[method], **turn}


@pytest.fixture(scope="module")
def known():
    """What `before` found, by method: every test here proves that it still holds."""
    return {}


@pytest.fixture
def before(host, request, known):
    """The host's state, and its picture without the extension, after a job that went well."""
    method = request.getfixturevalue("method")
    if method not in known:
        known[method] = after_a_good_job(host, method)
    return known[method]


def after_a_good_job(host, method):
    host.generate(settings_of(host, method), **TWO_PASSES)
    picture = host.generate(**TWO_PASSES)
    return snapshots.take(host), picture


def assert_nothing_left(host, before, objects=()):
    snapshot, picture = before
    for p in objects:
        ours = [
            name
            for name in vars(p)
            if "fooocus" in name and name not in (hooks.SIZES, hooks.PICTURE)
        ]
        methods = ("sample", "close", "init", "calculate_hr_conds")
        replaced = [name for name in methods if name in vars(p)]
        assert (ours, replaced, p.sampler) == ([], [], None)
    objects = ()
    gc.collect()
    assert snapshots.differences(snapshot, snapshots.take(host)) == {}
    assert host.generate(**TWO_PASSES).payload == picture.payload
    assert snapshots.differences(snapshot, snapshots.take(host)) == {}


def raise_error(host, params):
    raise RuntimeError("injected")


def raise_out_of_memory(host, params):
    raise torch.cuda.OutOfMemoryError("injected")


def interrupt(host, params):
    host.modules.shared.state.interrupt()


def skip(host, params):
    host.modules.shared.state.skip()


def make_nan(host, params):
    params.x.fill_(float("nan"))


FAULTS = {
    "exception": (raise_error, 500),
    "out of memory": (raise_out_of_memory, 500),
    "interrupt": (interrupt, 200),
    "skip": (skip, 200),
    "NaN": (make_nan, 500 if FAMILY.looks_for_nan else 200),
}


def inject(host, fault, index, seen):
    """Return the context in which a fault follows our callback before or after model call ``index``."""

    def around(original, params):
        original(params)
        seen.append(getattr(params, "denoiser", None))
        if len(seen) == index + 1:
            fault(host, params)

    after = fault is make_nan and FAMILY.asks_after_calls
    where = "denoised" if after else "denoiser"
    return probes.around_callbacks(host, **{where: around})


@pytest.mark.parametrize("index", range(CALLS_OF_TWO_PASSES))
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", SETTINGS)
def test_a_fault_in_any_model_call_leaves_nothing(host, method, fault, index, before):
    function, status = FAULTS[fault]
    seen = []
    with probes.processing_objects(host) as objects, inject(host, function, index, seen):
        result = host.run(settings_of(host, method), **TWO_PASSES)
    assert len(seen) > index
    assert result.status == status, result.body.get("errors")
    for denoiser in filter(None, seen):
        wrap = denoiser.model_wrap
        assert wrap is None or wrap.inner_model is host.modules.shared.sd_model
    assert_nothing_left(host, before, objects)


HOST_STAGES = [
    "processing.StableDiffusionProcessingTxt2Img.init",
    "processing.StableDiffusionProcessingTxt2Img.sample",
    "processing.StableDiffusionProcessingTxt2Img.sample_hr_pass",
    "processing.StableDiffusionProcessingTxt2Img.calculate_hr_conds",
    "processing.StableDiffusionProcessingTxt2Img.setup_conds",
    "processing.StableDiffusionProcessing.parse_extra_network_prompts",
    "processing.decode_latent_batch",
    "processing.create_infotext",
    "sd_samplers.create_sampler",
    "sd_samplers_kdiffusion.KDiffusionSampler.sample",
    "sd_samplers_kdiffusion.KDiffusionSampler.sample_img2img",
    "sd_samplers_common.Sampler.launch_sampling",
    "prompt_parser.reconstruct_cond_batch",
]


@contextlib.contextmanager
def broken(name, error):
    """Make a function raise, under every name that a module imported it by.

    ``name`` is its dotted path from a module on.
    """
    parts = name.split(".")
    place = None
    for split in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            place = importlib.import_module(".".join(parts[:split]))
            break
    for part in parts[split:-1]:
        place = getattr(place, part)
    if not hasattr(place, parts[-1]):
        pytest.skip(f"this webui has no {name}")
    original, attribute = getattr(place, parts[-1]), parts[-1]
    reached = []

    def fail(*args, **kwargs):
        reached.append(name)
        raise error

    importers = [
        module
        for module in list(sys.modules.values())
        if getattr(module, "__dict__", {}).get(attribute) is original  # some stand for modules
    ]
    with contextlib.ExitStack() as stack:
        for holder in {id(item): item for item in (place, *importers)}.values():
            stack.enter_context(patch.object(holder, attribute, fail))
        yield reached


ERRORS = {
    "exception": lambda: RuntimeError("injected"),
    "out of memory": lambda: torch.cuda.OutOfMemoryError("injected"),
}


@pytest.mark.parametrize("name", HOST_STAGES)
@pytest.mark.parametrize("method", ["joint", "separate"])
def test_a_failure_in_any_stage_of_the_host_leaves_nothing(host, method, name, before):
    with (
        probes.processing_objects(host) as objects,
        broken(f"modules.{name}", RuntimeError("injected")) as reached,
    ):
        result = host.run(settings_of(host, method), **TWO_PASSES)
    assert reached
    assert result.status == 500
    assert_nothing_left(host, before, objects)


OUR_STAGES = [
    "host.script.make_plan",
    "generation.hooks.begin",
    "generation.hooks.begin_batch",
    "generation.hooks.claim_sizes",
    *(f"generation.hooks.{name}" for name in FAMILY.guides),
    "generation.hooks.end_batch",
    "generation.texts.rewrite_job",
    *(f"host.{name}" for name in FAMILY.adapter_stages),
    "host.machine.assets.writer",
    "host.refiner.turn.take_part",
    "host.refiner.turn.Refiner.__init__",
    "host.refiner.turn.Refiner.prepare_batch",
    "host.refiner.turn.Refiner.intervene",
    "host.refiner.turn.Refiner._take",
    "core.adm.scale_original_size",
    "core.guidance.sharpen",
]


@pytest.mark.parametrize("name", OUR_STAGES)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("method", ["joint"])
def test_a_failure_in_any_stage_of_ours_leaves_nothing(host, method, error, name, before):
    with (
        probes.processing_objects(host) as objects,
        broken(f"fooocus_ext.{name}", ERRORS[error]()) as reached,
    ):
        result = host.run(settings_of(host, method), **TWO_PASSES)
    assert reached
    assert result.status == 500, "a picture without what was asked for is no answer"
    assert_nothing_left(host, before, objects)


STAGES_OF_FOOOCUS_RENDERING = [
    "host.rendering.encoder._states",
    "host.rendering.encoder.encode",
    "host.rendering.encoder.say",
    "host.rendering.conditioning.for_batch",
    "host.rendering.texts.Texts.prepare_batch",
    "host.rendering.vocabulary.Vocabulary.tokens",
    "host.rendering.noise.like_fooocus",
    "host.rendering.rendering.take_part",
    "host.rendering.rendering.Rendering.prepare_pass",
    "host.refiner.turn.Refiner.prepare_batch",
]


@pytest.mark.parametrize("name", STAGES_OF_FOOOCUS_RENDERING)
@pytest.mark.parametrize("method", ["Fooocus"])
def test_a_failure_in_any_stage_of_fooocus_rendering_leaves_nothing(host, method, name, before):
    with (
        probes.processing_objects(host) as objects,
        broken(f"fooocus_ext.{name}", RuntimeError("injected")) as reached,
    ):
        result = host.run(settings_of(host, method), **TWO_PASSES)
    assert reached
    assert result.status == 500, "a picture without what was asked for is no answer"
    assert_nothing_left(host, before, objects)


@pytest.mark.parametrize("name", FAMILY.loading_stages)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("method", ["guidance"])
def test_a_failure_while_the_refiner_loads_leaves_the_base(host, method, error, name, before):
    from fooocus_ext.host.refiner import resident

    resident.RESIDENCE.release()
    with (
        probes.processing_objects(host) as objects,
        broken(name, ERRORS[error]()) as reached,
    ):
        result = host.run(settings_of(host, "joint"), **TWO_PASSES)
    assert reached
    assert result.status in (422, 500)
    assert_nothing_left(host, before, objects)
    assert resident.RESIDENCE.title() is None
    with probes.checkpoints_called(host) as called:
        host.generate(settings_of(host, "joint"), **TWO_PASSES)
    assert called == [host.checkpoints.base, host.checkpoints.refiner] * 2


@pytest.mark.parametrize("method", ["joint", "separate"])
@pytest.mark.parametrize("where", ["first batch", "second batch"])
def test_a_skipped_batch_does_not_spoil_the_next(host, method, where):
    fields = {**TWO_PASSES, "enable_hr": False, "n_iter": 2}
    wanted = host.generate(settings_of(host, method), **fields)
    index = 0 if where == "first batch" else 2
    with inject(host, skip, index, []):
        result = host.generate(settings_of(host, method), **fields)
    kept = -1 if where == "first batch" else -2
    assert (result.pictures[kept] == wanted.pictures[kept]).all()
    other = -2 if where == "first batch" else -1
    assert not (result.pictures[other] == wanted.pictures[other]).all()


def test_an_interrupt_before_the_first_step_leaves_nothing(host):
    """Interrupted while the refiner's prompts are encoded: the sampler must never start."""
    from fooocus_ext.host.refiner import turn

    prepare_batch = turn.Refiner.prepare_batch

    def interrupting(self, *given):
        prepare_batch(self, *given)
        host.modules.shared.state.interrupt()

    before = after_a_good_job(host, "joint")
    with patch.object(turn.Refiner, "prepare_batch", interrupting):
        assert host.run(settings_of(host, "joint"), **TWO_PASSES).status == 200
    assert_nothing_left(host, before)
