"""Copies of a request, generations inside generations, and grids."""

from __future__ import annotations

import copy
import functools
import importlib
import inspect

import pytest

from fooocus_ext.args import FIELDS
from tests.contract import probes, snapshots
from tests.contract.hosts import decode

STRONG = {"sharpness": 20, "adaptive_cfg": 3}


def inner_request(host, outer, **changes):
    """Return a new request with the scripts of another, as detailing extensions make them."""
    processing = host.modules.processing
    p = processing.StableDiffusionProcessingTxt2Img(
        sd_model=host.modules.shared.sd_model,
        prompt="a face",
        width=64,
        height=64,
        steps=3,
        cfg_scale=6,
        seed=5,
        sampler_name="DPM++ 2M",
        do_not_save_samples=True,
        do_not_save_grid=True,
        **changes,
    )
    p.is_api = True
    p.scripts = outer.scripts
    p.script_args = outer.script_args
    return p


def nesting(host, hook, results, **changes):
    """Return another script's hook that generates a picture inside of the generation."""

    def run(self, p, *args, **kwargs):
        if getattr(p, "_is_inner", False):
            return
        inner = inner_request(host, p, **changes)
        inner._is_inner = True
        results.append(host.modules.processing.process_images(inner).images[0].tobytes())
        inner.close()
        # then, as one such extension does, it tells the scripts about a copy of the outer request
        again = copy.copy(p)
        again._is_inner = True
        p.scripts.before_process(again)
        p.scripts.process(again)
        p.scripts.postprocess(again, None)

    return {hook: run}


@pytest.mark.parametrize("method", [None, "joint", "separate"])
@pytest.mark.parametrize(
    "hook", ["process_batch", "process_before_every_sampling", "postprocess_image", "before_hr"]
)
def test_a_generation_inside_a_generation_changes_neither(host, hook, method, unchanged):
    refiner = {"refiner": host.checkpoints.refiner, "refiner_method": method} if method else {}
    settings = {**STRONG, **refiner}
    job = {"batch_size": 2, "enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6}
    wanted = host.generate(settings, **job)
    results = []
    with probes.spying_script(host, nesting(host, hook, results)):
        result = host.generate(settings, **job)
    assert result.same_pixels(wanted)
    # a copy shares the dict of infotext entries, so hooks on it may only change their order
    assert sorted(result.infotext.split(", ")) == sorted(wanted.infotext.split(", "))
    assert len(set(results)) == 1
    alone = host.generate(
        settings, prompt="a face", negative_prompt="", width=64, height=64, steps=3, cfg_scale=6,
        seed=5, sampler_name="DPM++ 2M",
    )  # fmt: skip
    assert results[0] == alone.pictures[0].tobytes()


def test_postprocess_of_a_copy_ends_nothing(host):
    """Inpainting helpers call postprocess with copy(p) in the middle of p's job."""

    def post(self, p, *args, **kwargs):
        p.scripts.postprocess(copy.copy(p), None)

    job = {"n_iter": 2}
    wanted = host.generate(STRONG, **job)
    with probes.spying_script(host, {"postprocess_image": lambda s, p, *a, **k: None}):
        assert host.generate(STRONG, **job).payload == wanted.payload

    def once(self, p, *args, **kwargs):
        post(self, p)

    with probes.spying_script(host, {"process_before_every_sampling": once}):
        result = host.generate(STRONG, **job)
    assert result.same_pixels(wanted)


WITHOUT_OURS = {
    "no scripts": lambda host: None,
    "a runner of its own": lambda host: host.modules.scripts.ScriptRunner(),
}
"""What runs the scripts of a copy that is made a picture of without ours."""


def picturing_a_copy(host, hook, scripts, made):
    """Return another script's hook that once makes a picture of a copy without our script's hooks."""

    def run(self, p, *args, **kwargs):
        if made:
            return
        inner = copy.copy(p)
        inner.scripts, inner.n_iter = WITHOUT_OURS[scripts](host), 1
        made.append(host.modules.processing.process_images(inner).images[0].tobytes())
        inner.close()

    return {hook: run}


@pytest.mark.parametrize("scripts", WITHOUT_OURS)
@pytest.mark.parametrize("hook", ["before_process_batch", "process_batch", "postprocess_image"])
def test_a_picture_of_a_copy_without_our_script_leaves_the_job_alone(
    host, hook, scripts, unchanged
):
    alone, wanted, made = host.generate(), host.generate(STRONG, n_iter=3), []
    with probes.spying_script(host, picturing_a_copy(host, hook, scripts, made)):
        assert host.generate(STRONG, n_iter=3).same_pixels(wanted)
    assert made == [alone.pictures[0].tobytes()]


def test_a_copy_between_two_batches_has_no_schedule_of_fooocus(host, unchanged):
    """Its samplings would ask which pass the original is in."""
    settings = {**STRONG, "rendering": "Fooocus"}
    wanted, pictures = host.generate(settings, n_iter=2), {}
    for hook in ("before_process_batch", "postprocess_image"):
        spy = picturing_a_copy(host, hook, "no scripts", pictures.setdefault(hook, []))
        with probes.spying_script(host, spy):
            assert host.generate(settings, n_iter=2).same_pixels(wanted)
    assert pictures["postprocess_image"] == pictures["before_process_batch"]


def test_the_close_of_a_copy_ends_nothing(host, picture, unchanged):
    job = {"tab": "img2img", "init_images": [picture], "n_iter": 2}
    wanted = host.generate(STRONG, **job)

    def close_copy(self, p, *args, **kwargs):
        copy.copy(p).close()

    with probes.spying_script(host, {"postprocess_image": close_copy}, tab="img2img"):
        assert host.generate(STRONG, **job).same_pixels(wanted)


@pytest.mark.parametrize("each_batch", [False, True])
def test_a_batch_is_prepared_once_though_another_script_wraps_its_sampling(host, each_batch):
    wrapped, prepared = [], []
    hooks = importlib.import_module("fooocus_ext.generation.hooks")

    def begin_batch(p, generation, begin=hooks.begin_batch):
        prepared.append(p.iteration)
        return begin(p, generation)

    def wrap(self, p, *args, **kwargs):
        if each_batch or not wrapped:
            wrapped.append(p)
            p.sample = functools.partial(p.sample)

    job = {"n_iter": 4}
    wanted = host.generate(STRONG, **job)
    with probes.spying_script(host, {"process_batch": wrap}), pytest.MonkeyPatch.context() as patch:
        patch.setattr(hooks, "begin_batch", begin_batch)
        result = host.generate(STRONG, **job)
    assert prepared == [0, 1, 2, 3]
    assert result.same_pixels(wanted)


def test_a_request_generated_twice_gives_the_same_picture_twice(host, unchanged):
    """Loopback scripts call process_images again and again on one request; setup runs once."""
    pictures = []

    def again(self, p, processed, *args):
        pictures.append(processed.images[0].tobytes())
        if len(pictures) < 3:
            host.modules.processing.process_images(p)

    with probes.spying_script(host, {"postprocess": again}):
        host.generate(STRONG)
    assert len(set(pictures)) == 1


# --- X/Y/Z plot -------------------------------------------------------------------------------------------


def grid_script(host):
    runner = host.modules.scripts.scripts_txt2img
    titles = [script.title() for script in runner.selectable_scripts]
    if "X/Y/Z plot" not in titles:
        pytest.skip(f"the host {host.name} has no X/Y/Z plot")
    return host.selectable_arguments("x/y/z plot")


def plot(host, axes, **request):
    """Run the host's X/Y/Z script with (axis label, values as typed) pairs; return the cells."""
    script, arguments = grid_script(host)
    labels = [option.label for option in script.current_axis_options]
    places = list(inspect.signature(script.run).parameters)[1:]
    plain = ("draw_legend", "include_sub_grids", "draw_individual_labels", "skip_grid")
    named = {name: False for name in plain if name in places}  # reForge has more than others
    named |= {"include_lone_images": True, "csv_mode": True}  # values as typed text
    for number, axis in enumerate("xyz"):
        label, values = axes[number] if number < len(axes) else ("Nothing", "")
        named |= {f"{axis}_type": labels.index(label), f"{axis}_values": values}
        named[f"{axis}_values_dropdown"] = []
    for name, value in named.items():
        arguments[places.index(name)] = value
    result = host.generate(script_name="x/y/z plot", script_args=arguments, **request)
    return result, [decode(text) for text in result.payload[1:]]


AXES = {
    "enabled": ("True", "False"),
    "sharpness": ("0", "20"),
    "adm_positive": ("1", "2"),
    "adm_negative": ("1", "0.3"),
    "adm_end": ("0", "0.9"),
    "adaptive_cfg": ("30", "2"),
    "refiner": ("None", "{refiner}"),
    "styles": ("", ""),
}


def test_every_field_is_an_axis(host):
    script, _ = grid_script(host)
    labels = [option.label for option in script.current_axis_options]
    assert [name for name in labels if name.startswith("[Fooocus]")] == [
        f"[Fooocus] {field.label}" for field in FIELDS if field.kind != "texts"
    ]


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind != "texts"], ids=lambda f: f.name)
def test_no_axis_refuses_the_default_of_its_field(host, field):
    """Also where the webui here has no X/Y/Z plot that asks."""
    axes = importlib.import_module("fooocus_ext.host.panel.axes")
    typed = ", ".join(field.default) if field.kind == "names" else field.default
    with probes.processing_objects(host) as objects:
        host.generate()
    axes._confirm(field)(objects[0], [typed])


@pytest.mark.parametrize("name", [name for name in AXES if name != "styles"])
def test_an_axis_gives_the_pictures_of_single_requests(host, name, unchanged):
    field = next(f for f in FIELDS if f.name == name)
    values = [value.format(refiner=host.checkpoints.refiner) for value in AXES[name]]
    _, cells = plot(host, [(f"[Fooocus] {field.label}", ", ".join(values))], fooocus={})
    assert len(cells) == 2
    for value, cell in zip(values, cells, strict=True):
        typed = {"flag": value == "True", "number": value}.get(field.kind, value)
        typed = float(typed) if field.kind == "number" else typed
        wanted = host.generate({field.name: typed})
        assert (cell == wanted.pictures[0]).all(), value


def test_a_range_of_numbers_ends_where_it_is_said_to(host, unchanged):
    _, cells = plot(host, [("[Fooocus] ADM end", "0.9-1.0 (+0.05)")], fooocus={})
    assert len(cells) == 3


def test_two_axes_at_once(host, unchanged):
    axes = [("[Fooocus] Sharpness", "0, 20"), ("[Fooocus] Adaptive CFG", "2, 30")]
    _, cells = plot(host, axes, fooocus={})
    wanted = [
        host.generate({"sharpness": sharpness, "adaptive_cfg": cfg}).pictures[0]
        for cfg in (2, 30)
        for sharpness in (0, 20)
    ]
    assert len(cells) == 4
    assert all((a == b).all() for a, b in zip(cells, wanted, strict=True))


def test_a_grid_leaves_no_axis_value_for_the_next_request(host, unchanged):
    before = host.generate()
    plot(host, [("[Fooocus] Sharpness", "5, 20")], fooocus={})
    assert host.generate().payload == before.payload
    assert snapshots.callback_counts(host)


def test_infotexts_of_cells_differ_where_the_cells_do(host):
    result, _ = plot(host, [("[Fooocus] Sharpness", "5, 20")], fooocus={})
    texts = result.info["infotexts"][1:]
    assert ["Fooocus sharpness: 5," in texts[0], "Fooocus sharpness: 20," in texts[1]] == [True] * 2
