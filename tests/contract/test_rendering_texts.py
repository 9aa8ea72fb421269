"""The texts of Fooocus's rendering as they reach the model, against the host's encoding of single texts."""

from __future__ import annotations

import contextlib
import importlib

import pytest
import torch

from tests.contract import probes
from tests.contract.conftest import OFF, activate

FOOOCUS = {**OFF, "rendering": "Fooocus"}
BIG = 1280  # the width of the second encoder's states, which come last, and of the pooled vector
TOLERANCE = 1e-5
HIRES = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6, "hr_second_pass_steps": 3}
HALVES = (slice(None, -BIG), slice(-BIG, None))
WORD = "snow"  # one token
FULL = " ".join([WORD] * 75)
"""A text of just as many tokens as fit into one chunk."""


def encoded(host, text):
    """Return the host's own states and pooled vector of a text that is short and has no grammar."""
    texts = host.modules.prompt_parser.SdConditioning([text], width=128, height=128)
    with torch.no_grad():
        cond = host.modules.shared.sd_model.get_learned_conditioning(texts)
    return cond["crossattn"][0], cond["vector"][0, :BIG]


def joined(host, *texts):
    """Return the states of several texts one behind the other, and the sum of their pooled vectors."""
    states, pooled = zip(*(encoded(host, text) for text in texts), strict=True)
    return torch.cat(states), torch.stack(pooled).sum(dim=0)


def first_call(host, settings=FOOOCUS, **request):
    with probes.recording(host) as calls:
        host.generate(settings, **{"steps": 2, **request})
    return calls[0]


def assert_hears(cond, wanted, row=0):
    states, pooled = wanted
    torch.testing.assert_close(cond["crossattn"][row], states, atol=TOLERANCE, rtol=TOLERANCE)
    torch.testing.assert_close(cond["vector"][row, :BIG], pooled, atol=TOLERANCE, rtol=TOLERANCE)


def test_a_single_text_is_what_the_host_makes_of_it(host, unchanged):
    call = first_call(host, prompt="a red fox", negative_prompt="blurry")
    assert_hears(call.cond, encoded(host, "a red fox"))
    assert_hears(call.uncond, encoded(host, "blurry"))


def test_an_empty_negative_prompt_is_encoded(host):
    call = first_call(host, negative_prompt="")
    assert_hears(call.uncond, encoded(host, ""))
    assert not first_call(host, OFF, negative_prompt="").uncond["crossattn"].any()


def test_lines_are_encoded_one_by_one(host):
    call = first_call(host, prompt="a red fox,\n\nin snow", negative_prompt="blurry\nugly\nfog")
    assert_hears(call.cond, joined(host, "a red fox", "in snow"))
    assert_hears(call.uncond, joined(host, "blurry", "ugly", "fog"))


def test_styles_are_encoded_one_by_one(host):
    from fooocus_ext.host.machine import assets

    names = ["cinematic-default", "anime-key-visual"]
    styles = [assets.styles().get(name) for name in names]
    result = host.generate({**FOOOCUS, "styles": names}, prompt="a red fox", steps=2)
    call = first_call(host, {**FOOOCUS, "styles": names}, prompt="a red fox", negative_prompt="fog")
    lines = [style.prompt.replace("{prompt}", "a red fox") for style in styles]
    assert_hears(call.cond, joined(host, *lines))
    assert_hears(call.uncond, joined(host, *(style.negative_prompt for style in styles), "fog"))
    assert ", ".join(lines) in result.infotext, "the infotext has the joined text, as ever"


def test_the_expansion_does_not_count_for_the_pooled_vector(host, monkeypatch):
    from fooocus_ext.host import script

    writer = script.assets.writer()
    settings = {**FOOOCUS, "expansion": True}

    def expand(texts, _seeds, _styles, _preceding):
        return [f"{text}, warm light" for text in texts]

    monkeypatch.setattr(
        script.assets, "writer", lambda: type(writer)(writer.styles, writer.wildcards, expand)
    )
    call = first_call(host, settings, prompt="a red fox")
    states, _ = joined(host, "a red fox", "a red fox, warm light")
    assert_hears(call.cond, (states, encoded(host, "a red fox")[1]))


@pytest.mark.parametrize("weight", [1.3, 0.5])
def test_emphasis_moves_states_away_from_the_empty_texts(host, weight):
    call = first_call(host, prompt=f"a (red:{weight}) fox")
    plain, pooled = encoded(host, "a red fox")
    empty, _ = encoded(host, "")
    wanted = plain.clone()
    wanted[2] = empty[2] + (plain[2] - empty[2]) * weight  # behind the start mark and "a"
    for half in HALVES:
        wanted[:, half] *= plain[:, half].mean() / wanted[:, half].mean()
    assert_hears(call.cond, (wanted, pooled))


def test_square_brackets_are_ordinary_characters(host):
    with probes.processing_objects(host) as objects:
        call = first_call(host, negative_prompt="[blurry]")
    assert_hears(call.uncond, encoded(host, "\\[blurry\\]"))
    assert any("[ and ]" in comment for comment in objects[0].comments)


def test_a_word_that_does_not_fit_begins_the_next_chunk(host):
    long = "electroencephalogram"
    model = host.modules.shared.sd_model
    engine = getattr(model, ENGINES[0]) if is_forge(host) else model.cond_stage_model
    tokens = len(engine.tokenize([long])[0])
    assert 1 < tokens < 8
    text = " ".join([WORD] * (76 - tokens))
    call = first_call(host, prompt=f"{text} {long} owl")
    assert_hears(call.cond, (joined(host, text, f"{long} owl")[0], encoded(host, text)[1]))


def test_a_comma_ends_no_chunk(host):
    text = " ".join([WORD] * 70)
    call = first_call(host, prompt=f"{text}, {WORD} {WORD} {WORD} {WORD} owl")
    states, _ = joined(host, f"{text}, {WORD} {WORD} {WORD} {WORD}", "owl")
    assert_hears(call.cond, (states, encoded(host, f"{text}, {WORD} {WORD} {WORD} {WORD}")[1]))


def test_break_ends_a_chunk_of_the_same_text(host):
    call = first_call(host, prompt="a red fox BREAK in snow")
    assert_hears(
        call.cond, (joined(host, "a red fox", "in snow")[0], encoded(host, "a red fox")[1])
    )


def test_parts_of_a_divided_prompt_keep_their_weights(host):
    with probes.recording(host) as calls:
        divided = host.generate(FOOOCUS, prompt="a red fox AND snow :0.5", steps=2)
    assert calls[0].parts == (2,)
    assert_hears(calls[0].cond, encoded(host, "a red fox"), row=0)
    assert_hears(calls[0].cond, encoded(host, "snow"), row=1)
    other = host.generate(FOOOCUS, prompt="a red fox AND snow :0.9", steps=2)
    assert not divided.same_pixels(other)


def test_prompt_editing_keeps_its_steps(host):
    with probes.recording(host) as calls:
        host.generate(FOOOCUS, prompt="a [red:blue:0.5] fox\nin [snow|rain]", steps=4)
    # As the webui counts: the first state lasts for one call more than its step says.
    wanted = [("red", "snow"), ("red", "snow"), ("red", "rain"), ("blue", "snow")]
    for call, (colour, weather) in zip(calls, wanted, strict=True):
        assert_hears(call.cond, joined(host, f"a {colour} fox", f"in {weather}"))


def test_pictures_of_a_batch_are_those_made_alone(host):
    prompts = {"prompt": "a [[red, blue]] fox\n[[snow, " + FULL + " rain]]", "steps": 3}
    alone = host.generate(FOOOCUS, n_iter=2, **prompts)
    with probes.processing_objects(host) as objects:
        together = host.generate(FOOOCUS, batch_size=2, **prompts)
    assert together.difference(alone) <= 1
    assert not any("different lengths" in comment for comment in objects[0].comments)


def test_pictures_of_a_batch_with_texts_of_many_lengths(host):
    """Whole repeats of 1, 2, 3, 5 and 7 chunks would be 210 chunks long."""
    counts = (1, 2, 3, 5, 7)

    def process_batch(_self, p, *_args, **_kwargs):
        p.prompts = [f"a fox {' '.join([FULL] * (count - 1))}" for count in counts]

    request = {"batch_size": len(counts), "steps": 2, "width": 64, "height": 64}
    with (
        probes.processing_objects(host) as objects,
        probes.spying_script(host, {"process_batch": process_batch}),
    ):
        call = first_call(host, **request)
    tokens = call.cond["crossattn"].shape[1]
    assert tokens == 28 * 77
    for row, count in zip(call.cond["crossattn"], counts, strict=True):
        assert torch.equal(row, row[: count * 77].repeat(28, 1)[:tokens])
    assert any("different lengths" in comment for comment in objects[0].comments)


def test_the_second_pass_hears_its_own_texts(host, unchanged):
    own = {"hr_prompt": "a blue owl\nin rain", "hr_negative_prompt": "ugly\nfog"}
    with probes.recording(host) as calls:
        host.generate(FOOOCUS, prompt="a red fox", steps=2, **HIRES, **own)
    first, second = calls[0], calls[-1]
    assert (first.hires, second.hires) == (False, True)
    assert_hears(first.cond, encoded(host, "a red fox"))
    assert_hears(second.cond, joined(host, "a blue owl", "in rain"))
    assert_hears(second.uncond, joined(host, "ugly", "fog"))
    sizes = second.cond["vector"][:, BIG:]
    assert not torch.equal(sizes, first.cond["vector"][:, BIG:]), "the size of its own pass"


def test_img2img_hears_the_same(host, picture):
    call = first_call(
        host, tab="img2img", init_images=[picture], prompt="a red fox\nin snow", negative_prompt=""
    )
    assert_hears(call.cond, joined(host, "a red fox", "in snow"))
    assert_hears(call.uncond, encoded(host, ""))


@pytest.mark.parametrize("hires", [False, True], ids=["one pass", "two passes"])
def test_a_refiner_hears_the_second_encoder_of_the_base(host, hires):
    settings = {**FOOOCUS, "refiner": host.checkpoints.refiner, "refiner_switch": 0.5}
    passes = {"override_settings": {"hires_fix_refiner_pass": "both passes"}}
    with probes.recording(host) as calls:
        host.generate(
            settings,
            prompt="a red fox\nin snow",
            negative_prompt="",
            **({**HIRES, "hr_second_pass_steps": 6} if hires else {}),
            **passes,
        )
    refined = [call for call in calls if call.is_refiner]
    assert {call.hires for call in refined} == ({False, True} if hires else {False})
    for call in refined:
        for cond, wanted in (
            (call.new_cond, joined(host, "a red fox", "in snow")),
            (call.new_uncond, encoded(host, "")),
        ):
            assert_hears(cond, (wanted[0][:, -BIG:], wanted[1]))


def test_another_base_as_refiner_hears_both(host):
    settings = {**FOOOCUS, "refiner": host.checkpoints.second, "refiner_switch": 0.5}
    if host.checkpoints.second is None:
        pytest.skip("no second base checkpoint")
    with probes.recording(host) as calls:
        host.generate(settings, prompt="a red fox\nin snow")
    assert calls[-1].checkpoint == host.checkpoints.second
    assert_hears(calls[-1].new_cond, joined(host, "a red fox", "in snow"))


@pytest.mark.parametrize("skip", [1, 3])
def test_clip_skip_moves_both_encoders(host, skip):
    options = {"CLIP_stop_at_last_layers": skip, "sdxl_clip_l_skip": True}
    with layers_that_differ(host):
        cond = first_call(host, prompt="a red fox", override_settings=options).cond
        usual = first_call(host, prompt="a red fox").cond
        with without_layers(host, skip - 2):
            cut = encoded(host, "a red fox")[0]
        host.modules.shared.opts.data.update(options)
        host_knows = encoded(host, "a red fox")[0]
    assert torch.equal(cond["vector"], usual["vector"])
    first, second = (cond["crossattn"][0, :, half] for half in HALVES)
    assert not torch.equal(second, usual["crossattn"][0, :, HALVES[1]])
    assert not torch.equal(first, usual["crossattn"][0, :, HALVES[0]])
    if not is_forge(host):  # it sets the layer when a job begins
        # The webui moves the first encoder's layer alone.
        torch.testing.assert_close(first, host_knows[:, HALVES[0]])
    if skip > 2:
        torch.testing.assert_close(second, cut[:, HALVES[1]])


ENGINES = ("text_processing_engine_l", "text_processing_engine_g")


def is_forge(host):
    """Whether the model has Forge's engines, one for each of its text encoders."""
    return hasattr(host.modules.shared.sd_model, ENGINES[0])


def layers_of(host):
    """Yield the owner and the name of each text encoder's list of layers."""
    if is_forge(host):
        for engine in ENGINES:
            encoder = getattr(host.modules.shared.sd_model, engine).text_encoder
            yield encoder, encoder.transformer.text_model.encoder, "layers"
        return
    for embedder in host.modules.shared.sd_model.conditioner.embedders:
        wrapped = getattr(embedder, "wrapped", None)
        if wrapped is not None:
            network = getattr(wrapped, "transformer", None) or wrapped.model
            if hasattr(network, "text_model"):
                yield wrapped, network.text_model.encoder, "layers"
            else:
                yield wrapped, network.transformer, "resblocks"


@contextlib.contextmanager
def layers_that_differ(host):
    """Make each of the last layers add something, so that no two states are the same."""

    def add(_layer, _given, result):
        if isinstance(result, tuple):
            return (result[0] + result[0].sin(), *result[1:])
        return result + result.sin()

    handles = [
        layer.register_forward_hook(add)
        for _, owner, name in layers_of(host)
        for layer in getattr(owner, name)[-3:]
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def without_layers(host, count):
    """Take the last ``count`` layers out of each text encoder."""
    with contextlib.ExitStack() as undo:
        for wrapped, owner, name in layers_of(host):
            layers = getattr(owner, name)
            undo.callback(setattr, owner, name, layers)
            setattr(owner, name, layers[: len(layers) - max(count, 0)])
            if name == "layers" and hasattr(wrapped, "layer_idx"):
                undo.callback(setattr, wrapped, "layer_idx", wrapped.layer_idx)
                wrapped.layer_idx -= max(count, 0)
        yield


def test_each_text_is_encoded_once_for_a_job(host, monkeypatch):
    from fooocus_ext.host.rendering import conditioning

    asked = []
    encode = conditioning.encoder.encode

    def counting(model, text, **options):
        asked.append(text)
        return encode(model, text, **options)

    monkeypatch.setattr(conditioning.encoder, "encode", counting)
    settings = {**FOOOCUS, "refiner": host.checkpoints.refiner, "refiner_switch": 0.5}
    host.generate(settings, prompt="a red fox\nin [[snow, rain]]", n_iter=3, steps=2)
    assert sorted(asked) == ["a red fox", "blurry", "in [[snow, rain]]"]


def test_the_hosts_own_conditioning_stays_in_its_caches(host):
    def caches():
        return host.modules.processing.StableDiffusionProcessing.cached_c[1]

    for _ in range(2):  # Forge (dfdcbab) caches nothing for the first job of a model
        host.generate(FOOOCUS, prompt="a red fox\nin snow")
    own = caches()
    assert own is not None
    hosts_own = encoded(host, "a red fox, in snow")[0]
    taken = own.batch[0][0].schedules[0].cond["crossattn"]
    torch.testing.assert_close(taken, hosts_own, atol=TOLERANCE, rtol=TOLERANCE)


def test_a_prompt_that_another_extension_changes_is_encoded_as_changed(host):
    def process_batch(_self, p, *_args, **_kwargs):
        p.prompts = ["a blue owl"] * len(p.prompts)

    with probes.spying_script(host, {"process_batch": process_batch}):
        call = first_call(host, prompt="a red fox\nin snow", negative_prompt="blurry\nfog")
    assert_hears(call.cond, encoded(host, "a blue owl"))
    assert_hears(call.uncond, joined(host, "blurry", "fog"))


def test_a_prompt_that_another_extension_divides_has_its_parts(host):
    """Regional Prompter writes AND for BREAK when ours is written."""

    def process_batch(_self, p, *_args, **_kwargs):
        p.prompts = ["a red fox AND a blue owl :0.5"] * len(p.prompts)

    with probes.spying_script(host, {"process_batch": process_batch}):
        call = first_call(host, prompt="a red fox BREAK a blue owl")
    assert call.parts == (2,)
    assert_hears(call.cond, encoded(host, "a red fox"), row=0)
    assert_hears(call.cond, encoded(host, "a blue owl"), row=1)


def test_a_model_that_is_not_sdxl_says_what_is_skipped(host):
    if host.checkpoints.sd15 is None:
        pytest.skip("no SD 1.5 checkpoint")
    host.use(host.checkpoints.sd15)
    result = host.generate(FOOOCUS)
    assert "Fooocus's rendering: it needs an SDXL base model" in result.infotext


def test_an_embedding_stands_where_the_host_puts_it(host):
    if host.is_embedded:
        pytest.skip("the embedded webui has no embeddings")
    generator = torch.Generator().manual_seed(1)
    widths = {"clip_l": 768, "clip_g": BIG}
    vec = {key: torch.randn(3, width, generator=generator) for key, width in widths.items()}
    with registered_embedding(host, vec, "dusk"):
        ours = first_call(host, prompt="a red dusk, fox").cond
        theirs = first_call(host, OFF, prompt="a red dusk, fox").cond
    torch.testing.assert_close(
        ours["crossattn"], theirs["crossattn"], atol=TOLERANCE, rtol=TOLERANCE
    )
    torch.testing.assert_close(ours["vector"], theirs["vector"], atol=TOLERANCE, rtol=TOLERANCE)


@contextlib.contextmanager
def registered_embedding(host, vec, name):
    """Have the webui know an embedding of three vectors for each of its text encoders."""
    model = host.modules.shared.sd_model
    if is_forge(host):
        module = "backend.text_processing.textual_inversion"
        databases = [(getattr(model, engine).embeddings, ()) for engine in ENGINES]
    else:
        module = "modules.textual_inversion.textual_inversion"
        databases = [(host.modules.sd_hijack.model_hijack.embedding_db, (model,))]
    embedding = importlib.import_module(module).Embedding(vec, name)
    embedding.vectors = 3
    for database, owner in databases:
        database.register_embedding(embedding, *owner)
    try:
        yield
    finally:
        for database, owner in databases:
            database.register_embedding_by_name(None, *owner, name)


def test_where_a_model_cannot_be_rendered_so_the_webuis_options_hold(host):
    activate(host, "refiner")
    host.modules.shared.opts.data["eta_noise_seed_delta"] = 31337
    wanted = host.generate({}, sampler_name="Euler a")
    result = host.generate({"rendering": "Fooocus"}, sampler_name="Euler a")
    assert "ENSD: 31337" in result.infotext
    assert "Fooocus's rendering" in result.infotext
    assert result.same_pixels(wanted)
