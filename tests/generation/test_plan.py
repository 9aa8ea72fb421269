"""What a request comes to: which of page, preset and performance decides, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fooocus_ext.args import FIELDS, FIELDS_BY_NAME, NONE, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.generation.plan import lora_tags, make_plan, with_lora_tags
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.presets.preset import LoraSlot, Preset, preset_from_json
from fooocus_ext.presets.resolve import Folders
from fooocus_ext.prompting.comments import HASH, NO_COMMENTS, WITH_BLOCKS, strip_comments

CHECKPOINTS = ("sdxl/base.safetensors [12ab34cd56]", "refiner.safetensors")
LORAS = ("detail", "sdxl_lcm_lora", "sdxl_lightning_4step_lora", "sdxl_hyper_sd_4step_lora")
SAMPLERS = ("DPM++ 2M SDE", "DPM++ SDE", "Euler", "Euler a", "LCM")
SCHEDULERS = ("Automatic", "Uniform", "Karras", "SGM Uniform")


def machine(*presets: Preset, **others) -> Installed:
    values = {
        "presets": PresetLibrary({preset.name: preset for preset in presets}),
        "checkpoints": CHECKPOINTS,
        "loras": LORAS,
        "vaes": ("soft.vae.safetensors",),
        "samplers": SAMPLERS,
        "schedulers": SCHEDULERS,
        "folders": Folders(loras="/models/Lora"),
    }
    return Installed(**{**values, **others})


def plan_of(*presets: Preset, **fields):
    chosen = {"preset": presets[0].name, **fields} if presets else fields
    return make_plan(Settings(**chosen), machine(*presets))


def test_nothing_chosen_changes_nothing():
    settings = Settings(enabled=True, sharpness=3.0, styles=("film",), refiner="refiner")
    plan = make_plan(settings, machine())
    assert plan.settings == plan.typed == settings
    assert (plan.request, plan.options, plan.loras, plan.notes) == ({}, {}, [], [])
    assert plan.fallbacks == {}


@pytest.mark.parametrize("name", PERFORMANCES)
def test_performance_sets_steps_sampler_and_guidance(name):
    mode = PERFORMANCES[name]
    plan = plan_of(performance=name)
    assert plan.request["steps"] == mode.steps
    assert plan.fallbacks["hr_second_pass_steps"] == mode.upscale_steps
    assert plan.request.get("cfg_scale") == mode.cfg_scale
    if mode.distilled:
        name = mode.lora.removesuffix(".safetensors")
        assert plan.loras == [(name, mode.lora_weight)]
        own = f"a fox <LoRA:{name}:0.5>, <lora:{name}>, <lora:{name}x:0.5>"
        added = f" <lora:{name}:{mode.lora_weight:g}>"
        assert plan.with_loras(own) == f"a fox,, <lora:{name}x:0.5>{added}"
        assert plan.settings.refiner == NONE
        assert plan.settings.sharpness == 0.0
        assert plan.settings.adm_positive == plan.settings.adm_negative == 1.0
    else:
        assert plan.loras == []
        assert "sampler_name" not in plan.request


@pytest.mark.parametrize(
    ("name", "sampler", "scheduler"),
    [
        ("Extreme Speed", "LCM", "SGM Uniform"),
        ("Lightning", "Euler", "SGM Uniform"),
        ("Hyper-SD", "DPM++ SDE", "Karras"),
    ],
)
def test_distilled_performance_names_the_hosts_sampler(name, sampler, scheduler):
    plan = plan_of(performance=name)
    assert plan.request["sampler_name"] == sampler
    assert plan.request["scheduler"] == scheduler


def test_distilled_performance_says_that_the_refiner_goes():
    (note,) = plan_of(performance="Lightning", refiner="refiner").notes
    assert "Lightning" in note
    assert "refiner" in note
    assert plan_of(performance="Lightning").notes == []


def test_performance_whose_lora_is_missing_is_refused():
    with pytest.raises(RequestError, match=r"sdxl_lightning_4step_lora.*?/models/Lora"):
        make_plan(Settings(performance="Lightning"), machine(loras=("detail",)))


@pytest.mark.parametrize("value", ASPECT_RATIOS)
def test_aspect_ratio_sets_width_and_height(value):
    size = ASPECT_RATIOS[value]
    assert plan_of(aspect_ratio=value).request == {"width": size.width, "height": size.height}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"preset": "anim"}, "preset: there is no preset"),
        ({"aspect_ratio": "100*100"}, "aspect_ratio: 100\\*100 is not one"),
        ({"aspect_ratio": "wide"}, 'aspect_ratio: "wide" is not a size'),
        ({"performance": "speed"}, "performance: there is no mode"),
    ],
)
def test_unknown_names_are_refused(fields, message):
    with pytest.raises(RequestError, match=message) as caught:
        plan_of(**fields)
    assert caught.value.status_code == 422


@pytest.mark.parametrize(
    ("field", "preset_value", "page_value"),
    [
        ("sharpness", 5.0, 3.0),
        ("adaptive_cfg", 9.0, 6.0),
        ("adm_positive", 1.2, 2.0),
        ("refiner_switch", 0.6, 0.5),
        ("refiner_method", "separate", None),
        ("styles", ("film",), ("warm",)),
        ("aspect_ratio", "1024*1024", "704*1408"),
        ("performance", "Speed", "Quality"),
    ],
)
def test_preset_decides_only_where_the_page_has_the_default(field, preset_value, page_value):
    preset = Preset("mine", **{field: preset_value})
    assert getattr(plan_of(preset).settings, field) == preset_value
    if page_value is not None:
        plan = plan_of(preset, **{field: page_value})
        assert getattr(plan.settings, field) == page_value
        assert getattr(plan.typed, field) == page_value


def test_what_is_kept_stays_at_its_default_against_a_preset():
    values = {
        "sharpness": 5.0,
        "refiner_switch": 0.6,
        "refiner_method": "separate",
        "styles": ("film",),
        "performance": "Speed",
        "aspect_ratio": "1024*1024",
    }
    kept = {"keep": (*values, "expansion")}
    plan = plan_of(Preset("mine", **values), **kept)
    assert plan.settings == Settings(preset="mine", **kept)
    assert plan.request == {}


@pytest.mark.parametrize("fields", [{"refiner": "refiner.safetensors"}, {"keep": ("refiner",)}])
def test_a_refiner_that_the_preset_does_not_decide_is_not_missed(fields):
    preset = Preset("mine", refiner="gone.safetensors")
    assert plan_of(preset, **fields).settings.refiner == fields.get("refiner", NONE)
    with pytest.raises(RequestError, match="gone"):
        plan_of(preset)


@pytest.mark.parametrize("name", PERFORMANCES)
def test_kept_steps_and_cfg_scale_are_the_pages(name):
    mode = PERFORMANCES[name]
    plan = plan_of(Preset("mine", steps=9, cfg_scale=3.0), performance=name, keep=("steps",))
    assert plan.request["cfg_scale"] == (mode.cfg_scale or 3.0)
    assert "steps" not in plan.request
    plan = plan_of(performance=name, keep=("steps", "cfg_scale"))
    assert not {"steps", "cfg_scale"} & plan.request.keys()
    assert dataclasses.replace(plan.settings, keep=()) == plan_of(performance=name).settings


@pytest.mark.parametrize("name", PERFORMANCES)
def test_kept_steps_are_those_of_both_passes(name):
    """A second pass without a number of its own makes the first one's steps: so the webui has it."""
    assert plan_of(performance=name, keep=("steps",)).fallbacks == {}


FORCED = {name: mode for name, mode in PERFORMANCES.items() if mode.distilled}


@pytest.mark.parametrize("field", ["sharpness", "adaptive_cfg", "adm_positive", "adm_end"])
@pytest.mark.parametrize("name", FORCED)
def test_what_is_kept_is_not_the_performances(name, field):
    """At its default or not."""
    mode = FORCED[name]
    for value in (FIELDS_BY_NAME[field].default, 1.25 if field != "adm_end" else 0.5):
        plan = plan_of(performance=name, keep=(field,), **{field: value})
        assert getattr(plan.settings, field) == value
        others = mode.settings.keys() - {field}
        assert {key: getattr(plan.settings, key) for key in others} == {
            key: mode.settings[key] for key in others
        }
        assert plan.notes == []


@pytest.mark.parametrize("name", FORCED)
def test_a_kept_refiner_keeps_its_turn(name):
    plan = plan_of(performance=name, refiner="refiner", keep=("refiner",))
    assert (plan.settings.refiner, plan.settings.refiner_switch) == ("refiner", 0.8)
    assert plan.notes == []
    assert plan_of(performance=name, keep=("refiner",)).settings.refiner == NONE
    plan = plan_of(performance=name, refiner="refiner", keep=("refiner_switch",))
    assert (plan.settings.refiner, plan.settings.refiner_switch) == (NONE, 0.8)


def test_values_that_give_way_to_the_performance_are_named():
    plan = plan_of(performance="Lightning", sharpness=5.0, adm_end=0.5, adm_negative=1.0)
    (note,) = plan.notes
    assert note == (
        '"Lightning" uses its own values: Sharpness 0 in place of 5, ADM end 0 in place of 0.5.'
    )
    # what a preset says gives way without a word, as the performance may be that preset's
    assert plan_of(Preset("mine", sharpness=5.0), performance="Lightning").notes == []
    (note,) = plan_of(performance="Lightning", refiner="refiner", refiner_switch=0.5).notes
    assert "refiner" in note
    assert plan_of(performance="Lightning", refiner_switch=0.5).notes == []


@given(st.sampled_from([field for field in FIELDS if field.kind == "number"]), st.data())
def test_an_empty_preset_changes_no_number(field, data):
    value = data.draw(st.floats(field.minimum, field.maximum))
    assert plan_of(Preset("mine"), **{field.name: value}).settings == Settings(
        preset="mine", **{field.name: value}
    )


def test_preset_expands_only_with_the_style_of_that_name():
    assert plan_of(Preset("mine", styles=("film",))).settings.expansion is False
    assert plan_of(Preset("mine", styles=("Fooocus V2", "film"))).settings.expansion is True
    assert plan_of(Preset("mine")).settings.expansion is True


def test_preset_names_files_as_the_host_does():
    preset = Preset(
        "mine",
        base_model="base.safetensors",
        refiner="Refiner.safetensors",
        vae="soft.vae.safetensors",
        clip_skip=2,
        loras=(LoraSlot(True, "detail.safetensors", 0.25), LoraSlot(False, "missing", 1.0)),
    )
    plan = plan_of(preset)
    assert plan.options == {
        "sd_model_checkpoint": CHECKPOINTS[0],
        "sd_vae": "soft.vae.safetensors",
        "CLIP_stop_at_last_layers": 2,
    }
    assert plan.settings.refiner == "refiner.safetensors"
    assert plan.loras == [("detail", 0.25)]
    assert plan.with_loras("a fox <lora:detail:1>") == "a fox <lora:detail:1>"


def test_preset_with_the_models_own_vae_leaves_the_option_alone():
    assert plan_of(Preset("mine", vae="Default (model)")).options == {}


def test_every_missing_file_of_a_preset_is_named_at_once():
    preset = Preset(
        "mine", base_model="absent.safetensors", loras=(LoraSlot(True, "gone.safetensors", 1.0),)
    )
    with pytest.raises(RequestError) as caught:
        plan_of(preset)
    assert "absent.safetensors" in caught.value.detail
    assert "gone.safetensors" in caught.value.detail


def test_preset_sets_sampler_with_fooocus_defaults_for_the_other_half():
    plan = plan_of(Preset("mine", sampler="euler_ancestral"))
    assert (plan.request["sampler_name"], plan.request["scheduler"]) == ("Euler a", "Karras")
    plan = plan_of(Preset("mine", scheduler="sgm_uniform"))
    assert plan.request["sampler_name"] == "DPM++ 2M SDE"
    assert plan.request["scheduler"] == "SGM Uniform"


def test_performance_goes_over_the_presets_sampler_and_cfg():
    preset = Preset("mine", cfg_scale=4.0, sampler="euler_ancestral", performance="Lightning")
    plan = plan_of(preset)
    assert (plan.request["cfg_scale"], plan.request["sampler_name"]) == (1.0, "Euler")
    plan = plan_of(dataclasses.replace(preset, performance="Speed"))
    assert (plan.request["cfg_scale"], plan.request["sampler_name"]) == (4.0, "Euler a")


def test_a_presets_own_steps_go_over_its_performance():
    assert plan_of(Preset("mine", performance="Speed", steps=12)).request["steps"] == 12
    assert plan_of(Preset("mine", performance="Speed", steps=-1)).request["steps"] == 30
    assert plan_of(Preset("mine", steps=12)).request == {"steps": 12}


def test_a_presets_switch_step_is_a_share_of_the_steps():
    preset = Preset("mine", performance="Speed", switch_step=18, refiner_switch=0.9)
    assert plan_of(preset).settings.refiner_switch == pytest.approx(18 / 30)
    assert plan_of(preset, refiner_switch=0.5).settings.refiner_switch == 0.5
    own_steps = dataclasses.replace(preset, steps=20)
    assert plan_of(own_steps).settings.refiner_switch == pytest.approx(18 / 20)
    assert plan_of(dataclasses.replace(preset, switch_step=-1)).settings.refiner_switch == 0.9
    assert plan_of(dataclasses.replace(preset, switch_step=99)).settings.refiner_switch == 1.0


def test_a_presets_switch_step_needs_known_steps():
    plan = plan_of(Preset("mine", switch_step=18))
    assert plan.settings.refiner_switch == Settings().refiner_switch
    assert any("18" in note for note in plan.notes)


def test_a_kept_sampler_is_the_pages():
    preset = Preset("mine", sampler="euler_ancestral", scheduler="karras", performance="Lightning")
    for name in PERFORMANCES:
        plan = plan_of(dataclasses.replace(preset, performance=name), keep=("sampler",))
        assert not {"sampler_name", "scheduler"} & plan.request.keys()
        assert plan.request["steps"] == PERFORMANCES[name].steps
    # nor is a sampler missed that is not wanted
    assert plan_of(Preset("mine", sampler="heunpp2"), keep=("sampler",)).request == {}
    with pytest.raises(RequestError, match="heunpp2"):
        plan_of(Preset("mine", sampler="heunpp2"))


def test_what_a_presets_file_asks_for_in_vain_is_said():
    content = {"default_aspect_ratio": "1150*890", "default_scheduler": "x", "default_clip_skip": 2}
    preset = preset_from_json("mine", content)
    size, scheduler, clip_skip = plan_of(preset).notes
    assert "1150*890" in size
    assert "default_scheduler" in scheduler
    assert clip_skip == (
        'Preset "mine", clip skip 2: clip skip cannot act on SDXL, which always uses the last layer but '
        "one."
    )
    acting = machine(preset, clip_skip_acts=True)
    assert make_plan(Settings(preset="mine"), acting).notes == [size, scheduler]


@pytest.mark.parametrize(("skip", "notes"), [(1, 1), (2, 0), (3, 0)])
def test_clip_skip_acts_where_fooocus_renders_unless_it_is_the_webuis_default(skip, notes):
    plan = plan_of(Preset("mine", clip_skip=skip), rendering="Fooocus")
    assert len(plan.notes) == notes
    assert plan.options["CLIP_stop_at_last_layers"] == skip


def test_a_preset_whose_model_is_none_leaves_the_model_alone():
    assert plan_of(preset_from_json("mine", {"default_model": "None"})).options == {}


def test_preset_texts_are_handed_on():
    plan = plan_of(Preset("mine", prompt="a fox", negative_prompt="blur"))
    assert plan.fallbacks == {"prompt": "a fox", "negative_prompt": "blur"}
    plan = plan_of(Preset("mine", negative_prompt="(embedding:bad:0.8), blur"))
    assert plan.fallbacks["negative_prompt"] == "(bad:0.8), blur"


def test_where_the_schedule_is_part_of_the_samplers_name_none_is_set():
    host = machine(samplers=("DPM++ 2M SDE Karras", "Euler a"), schedulers=())
    preset = Preset("mine", sampler="dpmpp_2m_sde_gpu", scheduler="karras")
    host = dataclasses.replace(host, presets=PresetLibrary({"mine": preset}))
    plan = make_plan(Settings(preset="mine"), host)
    assert plan.request == {"sampler_name": "DPM++ 2M SDE Karras"}


NAMES = st.text(
    st.characters(blacklist_characters="<>:", blacklist_categories=("Cs", "Cc")), min_size=1
)


@given(st.lists(st.tuples(NAMES, st.floats(-10, 10))), st.text())
def test_every_lora_that_the_prompt_does_not_name_gets_its_tag(loras, prompt):
    assert lora_tags(loras, prompt) == "".join(f" <lora:{n}:{w:g}>" for n, w in loras)


@given(NAMES, st.floats(-10, 10), st.sampled_from([">", ":1>", ":0.5:0.5>"]))
def test_a_lora_that_the_prompt_names_is_not_added_again(name, weight, rest):
    assert lora_tags([(name, weight)], f"a fox <lora:{name}{rest} runs") == ""
    assert lora_tags([(name, weight)], f"a fox <lora:{name}x{rest}") != ""
    assert lora_tags([(name, weight)], "") == f" <lora:{name}:{weight:g}>"


@pytest.mark.parametrize(
    ("prompt", "with_tag"),
    [
        ("a cat", "a cat <lora:det:0.5>"),
        ("a cat # my note", "a cat <lora:det:0.5> # my note"),
        ("a cat # <lora:det:0.5>", "a cat <lora:det:0.5> # <lora:det:0.5>"),
        ("a cat <lora:det:1> # note", "a cat <lora:det:1> # note"),
        ("a cat # red\n# note", "a cat <lora:det:0.5> # red\n# note"),
        ("# note\na cat", "# note\na cat <lora:det:0.5>"),
        ("# note", " <lora:det:0.5># note"),
    ],
)
def test_a_comment_swallows_no_lora_and_names_none(prompt, with_tag):
    assert with_lora_tags(prompt, [("det", 0.5)], HASH) == with_tag


def test_where_the_webui_knows_no_comments_a_lora_stands_at_the_end():
    typed = "a cat # 1"
    assert with_lora_tags(typed, [("det", 1)], NO_COMMENTS) == "a cat # 1 <lora:det:1>"
    typed = "a cat # <lora:det:1>"
    assert with_lora_tags(typed, [("det", 1)], NO_COMMENTS) == typed


@example("/*\na\n*/", WITH_BLOCKS)
@given(
    st.text(alphabet="a #/*\n\t", max_size=30), st.sampled_from([NO_COMMENTS, HASH, WITH_BLOCKS])
)
def test_whatever_is_typed_stays_and_no_comment_swallows_the_lora(typed, comments):
    tag = " <lora:det:1>"
    found = with_lora_tags(typed, [("det", 1)], comments)
    assert found.replace(tag, "").removeprefix("\n") == typed.removeprefix("\n")
    assert tag in strip_comments(found, comments)
    words = strip_comments(found, comments).replace(tag, "").split()
    assert words == strip_comments(typed, comments).split()


def test_a_base_model_that_the_request_names_stands_before_the_presets(tmp_path):
    settings = Settings(enabled=True, preset="missing base")
    library = PresetLibrary(
        {"missing base": Preset("missing base", base_model="not-here.safetensors")}
    )
    installed = dataclasses.replace(machine(), presets=library)
    plan = make_plan(settings, installed, checkpoint_is_chosen=True)
    assert "sd_model_checkpoint" not in plan.options
    with pytest.raises(RequestError, match=r"not-here\.safetensors"):
        make_plan(settings, installed)


@pytest.mark.parametrize("has_variants", [True, False])
def test_unipcs_variant_is_chosen_where_the_webui_has_a_choice_and_noted_where_not(has_variants):
    preset = preset_from_json("solver", {"default_sampler": "uni_pc_bh2"})
    here = machine(preset, samplers=("UniPC",), has_uni_pc_variants=has_variants)
    plan = make_plan(Settings(preset="solver", rendering="Fooocus"), here)
    assert plan.options == ({"uni_pc_variant": "bh2"} if has_variants else {})
    assert any("bh2" in note for note in plan.notes) is not has_variants


def test_in_a_pass_of_another_extension_size_steps_and_texts_are_its_own():
    typed = Settings(
        styles=("Fooocus Sharp",), expansion=True, aspect_ratio="704*1408", performance="Speed"
    )
    plan = make_plan(typed, machine())
    assert plan.request
    inner = plan.within_another()
    assert not inner.request
    assert not inner.fallbacks
    assert inner.settings == plan.settings.replace(styles=[], expansion=False)
    assert inner.loras == plan.loras
