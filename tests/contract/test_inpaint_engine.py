"""Fooocus's inpaint engine: what it adds, when, and that nothing of it stays in the base."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests import inpaint_files
from tests.contract import engines, hosts, probes, snapshots
from tests.contract.engines import JOB, prompt, taking_part, weights

pytestmark = pytest.mark.skipif(
    not hosts.FAMILY.asks_after_calls, reason="the engine is A1111's here; Forge's is refused"
)


@pytest.fixture
def content(host):
    """The engine's files are there; gives what is in the patch. Nothing stays in memory."""
    written = engines.write_files(host)
    yield written
    residence().release()
    for path in engines.folder(host).iterdir():
        path.unlink()


@pytest.fixture
def loras(host, content):
    with engines.loras(host):
        yield


def residence():
    from fooocus_ext.host.inpaint_engine.resident import RESIDENCE

    return RESIDENCE


def fail(*_args, **_kwargs):
    raise RuntimeError("injected")


def patched(weight, entry):
    """Return a weight with its delta, computed by NumPy in single precision."""
    levels, least, most = (value.numpy().astype(np.float32) for value in entry)
    delta = (levels / np.float32(255)) * (most - least) + least
    return torch.from_numpy(weight.detach().float().numpy() + delta).to(weight.dtype)


def at_each_call(host, look):
    """Return the context in which ``look(index)`` is called when the model is about to be."""
    seen = []

    def around(original, params):
        original(params)
        seen.append(None)
        look(len(seen) - 1)

    return probes.around_callbacks(host, denoiser=around)


def test_every_weight_is_its_own_and_its_delta_until_the_base_goes_on_alone(host, content):
    own = {name: w.clone() for name, w in engines.unet_of(host).named_parameters()}
    wanted = {name: patched(w, content[f"diffusion_model.{name}"]) for name, w in own.items()}
    found = []

    def look(_index):
        now = dict(engines.unet_of(host).named_parameters())
        found.append(
            (
                all(torch.equal(now[name], wanted[name]) for name in now),
                all(torch.equal(now[name], own[name]) for name in now),
                engines.hooks(host),
            )
        )

    with taking_part(host), at_each_call(host, look):
        host.generate({}, **{**JOB, "steps": 10})
    with_engine, alone = (True, False, 1), (False, True, 0)
    assert found == [with_engine] * 9 + [alone]  # the base makes the first call after step 8


def test_the_first_block_gives_more_by_what_the_head_says(host, content):
    first = engines.unet_of(host).input_blocks[0]
    given = []
    masked = engines.masked(host)

    def note(_block, args, out):
        given.append((args[0].clone(), out.clone()))

    handles = []
    with taking_part(host, lambda: handles.append(first.register_forward_hook(note))):
        host.generate({}, **{**JOB, "steps": 1})
    for handle in handles:
        handle.remove()
    name = "diffusion_model.input_blocks.0.0"
    weight = patched(first[0].weight, content[f"{name}.weight"])
    bias = patched(first[0].bias, content[f"{name}.bias"])
    head = inpaint_files.head(first[0].weight.shape[0])["head"].float()
    seen = torch.nn.functional.pad(
        torch.cat([masked.mask, masked.encode()], dim=1), (1, 1, 1, 1), mode="replicate"
    )
    x, out = given[0]
    wanted = torch.nn.functional.conv2d(x, weight, bias, padding=1)
    wanted = wanted + torch.nn.functional.conv2d(seen, head)
    assert x.shape[0] == 2  # cond and uncond
    assert torch.allclose(out, wanted, atol=1e-4)


def test_it_changes_its_own_pictures_and_no_other(host, content, unchanged):
    plain = host.generate({}, **JOB)
    with taking_part(host):
        edited = host.generate({}, **JOB)
        again = host.generate({}, **JOB)
    assert not edited.same_pixels(plain)
    assert edited.same_pixels(again)
    assert host.generate({}, **JOB).payload == plain.payload


def test_the_second_job_neither_reads_the_files_nor_patches(host, content, monkeypatch):
    with taking_part(host):
        host.generate({}, **JOB)
    read = []
    monkeypatch.setattr(torch.serialization, "load", lambda *a, **k: read.append(a))
    from fooocus_ext.host.inpaint_engine import patched_weights

    monkeypatch.setattr(patched_weights, "patched", lambda *a: read.append(a))
    with taking_part(host):
        host.generate({}, **JOB, n_iter=2)
        host.generate()
        host.generate({}, **JOB)
    assert read == []


def test_a_changed_file_is_read_again(host, content):
    with taking_part(host):
        before = host.generate({}, **JOB)
        path = engines.folder(host) / "inpaint_v26.fooocus.patch"
        torch.save({key: (v[0], v[1] * 0, v[2] * 0) for key, v in content.items()}, path)
        after = host.generate({}, **JOB)
    assert not after.same_pixels(before)


@pytest.mark.reports_errors
@pytest.mark.parametrize("fault", ["exception", "interrupt", "skip"])
def test_a_fault_at_any_call_leaves_nothing(host, content, fault, unchanged):
    before = weights(host)

    def fault_at(index):
        def at(now):
            if now == index and fault == "exception":
                fail()
            if now == index:
                getattr(host.modules.shared.state, fault)()

        return at

    for index in range(8):  # the last of which the base makes alone
        with taking_part(host), at_each_call(host, fault_at(index)):
            status = host.run({}, **{**JOB, "steps": 8}).status
        assert status == (500 if fault == "exception" else 200)
        assert (weights(host), engines.hooks(host)) == (before, 0)


PARTS = {
    "reading": "files.read_patch",
    "patching": "patched_weights.patched",
    "LoRAs": "loras.settle",
    "their memory": "loras.LayerMemories",
    "the head": "turn.head_term",
    "its hook": "turn._adding",
}


@pytest.mark.reports_errors
@pytest.mark.parametrize("part", PARTS)
def test_a_fault_in_any_part_leaves_nothing(host, content, part, monkeypatch, unchanged):
    before = weights(host)

    with monkeypatch.context() as patches:
        patches.setattr(f"fooocus_ext.host.inpaint_engine.{PARTS[part]}", fail)
        with taking_part(host):
            host.run({}, **JOB)
    assert (weights(host), engines.hooks(host)) == (before, 0)
    with taking_part(host):
        host.generate({}, **JOB)
    assert weights(host) == before


class Unmovable:
    """A tensor for which there is no memory."""

    def to(self, *_args):
        raise torch.cuda.OutOfMemoryError("injected")


@pytest.mark.reports_errors
@pytest.mark.parametrize("index", [0, 1, 100, -1])
def test_a_fault_in_the_middle_of_putting_in_leaves_nothing(host, content, index, unchanged):
    with taking_part(host):
        host.generate({}, **JOB)
    before = weights(host)
    tensors = residence()._weights._patched
    name = list(tensors)[index]
    tensors[name], kept = Unmovable(), tensors[name]
    with taking_part(host):
        assert host.run({}, **JOB).status == 500
    tensors[name] = kept
    assert (weights(host), engines.hooks(host)) == (before, 0)


def lora_picture(host, *names, engine=False, **fields):
    with taking_part(host) if engine else contextlib.nullcontext():
        return host.generate({}, **{**JOB, **prompt(*names, **fields)})


def test_loras_and_the_engine_do_not_get_into_each_other(host, loras):
    plain = lora_picture(host)
    before = weights(host)
    with_lora = lora_picture(host, "one")
    with_engine = lora_picture(host, engine=True)
    with_both = lora_picture(host, "one", engine=True)
    pictures = [plain, with_lora, with_engine, with_both]
    assert not any(a.same_pixels(b) for i, a in enumerate(pictures) for b in pictures[:i])
    for names, engine, wanted in [
        (("one",), False, with_lora),
        (("two",), True, None),
        (("one",), True, with_both),
        ((), True, with_engine),
        (("one",), False, with_lora),
        ((), False, plain),
    ]:
        found = lora_picture(host, *names, engine=engine)
        assert wanted is None or found.payload == wanted.payload
    assert weights(host) == before


def test_a_lora_and_the_engine_add_up(host, loras, content):
    own = {name: w.clone() for name, w in engines.unet_of(host).named_parameters()}
    factors = engines.lora_tensors(host, "two")
    found = {}

    def look(index):
        if index == 0:
            now = dict(engines.unet_of(host).named_parameters())
            found.update({layer: now[f"{layer}.weight"].clone() for layer in factors})

    with at_each_call(host, look):
        lora_picture(host, "two", engine=True, multiplier=0.5)
    lora_picture(host)
    for layer, (up, down) in factors.items():
        name = f"{layer}.weight"
        wanted = patched(own[name] + 0.5 * up @ down, content[f"diffusion_model.{name}"])
        assert torch.allclose(found[layer], wanted, atol=1e-6)


def test_loras_that_change_while_it_samples_do_not_reach_the_base(host, loras):
    """Some extensions change the LoRAs' weights from step to step."""
    import sys

    before = weights(host)

    def change(index):
        if index == 1:
            sys.modules["networks"].loaded_networks.clear()

    with at_each_call(host, change):
        lora_picture(host, "one", engine=True)
    lora_picture(host)
    assert weights(host) == before


@pytest.mark.reports_errors
def test_fifty_mixed_jobs_leave_every_weight_as_it_was(host, loras):
    hashes = {}
    for part in ("second", "base"):
        host.use(getattr(host.checkpoints, part))
        hashes[part] = weights(host)

    def fault_at(kind):
        def at(index):
            if index == 1 and kind == "exception":
                fail()
            if index == 1 and kind == "interrupt":
                host.modules.shared.state.interrupt()

        return at

    for with_engine, names, fault, part in engines.mixed_jobs(50):
        host.use(getattr(host.checkpoints, part))
        taking = taking_part(host, fail if fault == "engine" else None)
        taking = taking if with_engine else contextlib.nullcontext()
        with taking, at_each_call(host, fault_at(fault)):
            host.run({}, **{**JOB, "steps": 2, **prompt(*names)})
        if not names:
            host.generate({}, **{**JOB, "steps": 1})
            assert weights(host) == hashes[part]
    for part, wanted in hashes.items():
        host.use(getattr(host.checkpoints, part))
        host.generate({}, **{**JOB, "steps": 1})
        assert weights(host) == wanted


def test_another_base_is_patched_anew(host, content):
    first = weights(host)
    with taking_part(host):
        before = host.generate({}, **JOB)
        host.use(host.checkpoints.second)
        second = weights(host)
        other = host.generate({}, **JOB)
        assert weights(host) == second
        host.use(host.checkpoints.base)
        again = host.generate({}, **JOB)
    assert not other.same_pixels(before)
    assert again.payload == before.payload
    assert weights(host) == first


def test_weights_that_the_webui_reads_while_it_samples_stay(host, content):
    """A1111's own refiner does so when it is of the base's kind."""
    host.use(host.checkpoints.second)
    second = {name: w.clone() for name, w in engines.unet_of(host).named_parameters()}
    host.use(host.checkpoints.base)

    def read(index):
        if index == 1:
            model = host.modules.shared.sd_model
            engines.unet_of(host).load_state_dict(second)
            host.modules.script_callbacks.model_loaded_callback(model)

    with taking_part(host), at_each_call(host, read):
        host.generate({}, **JOB)
    now = dict(engines.unet_of(host).named_parameters())
    assert all(torch.equal(now[name], second[name]) for name in now)
    host.modules.sd_models.reload_model_weights(forced_reload=True)


@pytest.mark.reports_errors
def test_a_reload_of_the_page_leaves_the_weights(host, content):
    before = weights(host)
    with taking_part(host):
        host.generate({}, **JOB)
    hosts.reload(host)
    assert weights(host) == before
    with taking_part(host):
        host.generate({}, **JOB)
    assert weights(host) == before


def test_moving_the_model_away_and_back_needs_no_patching(host, content, monkeypatch):
    with taking_part(host):
        before = host.generate({}, **JOB)
    host.modules.sd_models.send_model_to_cpu(host.modules.shared.sd_model)
    host.modules.sd_models.send_model_to_device(host.modules.shared.sd_model)
    from fooocus_ext.host.inpaint_engine import patched_weights

    monkeypatch.setattr(patched_weights, "patched", None)
    with taking_part(host):
        assert host.generate({}, **JOB).payload == before.payload


def attempt(host, engine, *, preset="None"):
    """Return (the turn, what is said) where the engine is asked to take part."""
    from fooocus_ext.host.inpaint_engine.turn import take_part

    settings = SimpleNamespace(preset=preset)
    generation = SimpleNamespace(settings=settings, skipped={}, refiner=None)
    p = SimpleNamespace()
    return take_part(p, generation, engines.edit(engine)), generation.skipped.get(
        "inpaint engine", ""
    )


def refused(host, engine, *words):
    from fooocus_ext.errors import RequestError

    with pytest.raises(RequestError) as caught:
        attempt(host, engine)
    assert all(word in caught.value.detail for word in ("engine", "allowed", *words))


def test_without_files_it_says_what_is_missing_where_and_how_large(host):
    for path in engines.folder(host).iterdir() if engines.folder(host).is_dir() else ():
        path.unlink()
    turn, said = attempt(host, "auto")
    assert turn is None
    words = [
        "fooocus_inpaint_head.pth",
        "52 kB",
        "inpaint_v26",
        "1.3 GB",
        "models/inpaint",
    ]
    assert str(engines.folder(host)) not in said, "it goes into the infotext"
    assert [word for word in words if word not in said] == []
    refused(host, "v2.6", *words)
    assert attempt(host, "None") == (None, "")


def test_a_version_or_a_file_is_found_by_its_name(host, content):
    path = engines.folder(host) / "inpaint_v26.fooocus.patch"
    path.rename(path.with_name("inpaint_v25.fooocus.patch"))
    for engine in ("auto", "v2.5", "inpaint_v25.fooocus.patch"):
        assert attempt(host, engine)[0] is not None
    refused(host, "v1", "inpaint.fooocus.patch")
    refused(host, "v3", "there is no", "v2.6")
    refused(host, "../inpaint_v25.fooocus.patch", "there is no")


@pytest.mark.parametrize(("part", "words"), [("refiner", ["refiner"]), ("sd15", ["SD1.5", "SDXL"])])
def test_a_base_that_it_does_not_fit_is_refused_by_name(host, content, part, words):
    name = getattr(host.checkpoints, part)
    if name is None:
        pytest.skip(f"no checkpoint for the part {part!r} on the host {host.name}")
    host.use(name)
    words = [*words, name]
    turn, said = attempt(host, "auto")
    assert turn is None
    assert [word for word in words if word not in said] == []
    refused(host, "v2.6", *words)


def test_an_inpainting_model_is_refused_by_name(host, content, monkeypatch):
    monkeypatch.setattr(engines.unet_of(host), "in_channels", 9)
    refused(host, "v2.6", host.checkpoints.base, "9 channels")


def test_a_preset_can_switch_it_off(host, content):
    assert attempt(host, "auto", preset="pony_v6") == (
        None,
        'the preset "pony_v6" switches it off',
    )
    assert attempt(host, "auto", preset="default")[0] is not None


def test_the_route_edits_with_it_and_says_where_it_cannot(host, content, picture, mask):
    body = {"prompt": "a fox", "image": picture, "mask": mask, "seed": 1, "image_number": 1}
    body |= {"steps": 2, "expansion": False, "base_model": host.checkpoints.base}
    before = weights(host)

    def edited(**changes):
        answer = host.post("/fooocus/v1/img2img", {**body, **changes})
        assert answer.status == 200, answer.body
        return answer.body

    alone, with_engine = edited(engine="None"), edited()
    assert with_engine["images"] != alone["images"]
    assert "inpaint engine" not in str(with_engine)
    assert (weights(host), engines.hooks(host)) == (before, 0)
    for path in engines.folder(host).iterdir():
        path.unlink()
    without_files = edited()
    assert without_files["images"] != with_engine["images"]
    assert "inpaint_v26.fooocus.patch (1.3 GB) missing" in str(without_files)
    refused = host.post("/fooocus/v1/img2img", {**body, "engine": "v2.6"})
    assert (refused.status, "inpaint_v26" in refused.detail) == (422, True)


def test_a_head_for_another_unet_is_refused(host, content):
    torch.save({"head": torch.zeros(7, 5, 3, 3)}, engines.folder(host) / "fooocus_inpaint_head.pth")
    refused(host, "auto", "fooocus_inpaint_head", "[7, 5, 3, 3]")


def test_snapshots_see_a_weight_that_is_not_put_back(host, content):
    """The tests above can fail."""
    before, hashed = snapshots.take(host), weights(host)
    weight = next(engines.unet_of(host).parameters())
    own = weight.data
    weight.data = own + 1e-3
    assert snapshots.differences(before, snapshots.take(host))
    assert weights(host) != hashed
    weight.data = own
