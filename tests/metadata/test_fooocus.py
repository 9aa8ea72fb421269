"""Settings out of Fooocus's pictures: both schemes, three formats, and hostile data."""

from __future__ import annotations

import io
import json
import time
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from fooocus_ext.args import Settings
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.settings import ENTRIES
from fooocus_ext.presets.installed import Installed
from fooocus_ext.prompting.styles import Style, StyleLibrary, apply_styles
from fooocus_ext.tab.fill import fill
from fooocus_ext.tab.widgets import ARGUMENTS

USER_COMMENT, SOFTWARE, MAKER_NOTE = 0x9286, 0x0131, 0x927C
# Section 6.5 of the reference: what Fooocus 2.5.5 stores.
FOOOCUS = {
    "adaptive_cfg": 5.0,
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL_v8Rundiffusion",
    "base_model_hash": "aeb7e9e689",
    "clip_skip": 2,
    "created_by": "someone",
    "freeu": "(1.01, 1.02, 0.99, 0.95)",
    "full_negative_prompt": ["blurry"],
    "full_prompt": ["a cat", "a cat, luminous"],
    "guidance_scale": 4.0,
    "lora_combined_1": "sd_xl_offset_example-lora_1.0 : 0.1",
    "lora_combined_2": "film : -0.25",
    "loras": [["sd_xl_offset_example-lora_1.0", 0.1, "4852686128"], ["film", -0.25, "0123456789"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "",
    "performance": "Speed",
    "prompt": 'a cat\'s "hat"\nin rain',
    "prompt_expansion": "a cat, luminous",
    "refiner_model": "None",
    "refiner_switch": 0.5,
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "9223372036854775807",
    "sharpness": 2.0,
    "steps": 30,
    "styles": "['Fooocus V2', \"Bob's style\", 'MK \\\\u00c9 \\'x\\'']",
    "vae": "Default (model)",
    "version": "Fooocus v2.5.5",
}
A1111_TEXT = (
    "film still of a cat, in rain, grain, a cat, luminous\n"
    "Negative prompt: cartoon, ugly\n"
    "Steps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 9223372036854775807, Size: 896x1152, "
    'CFG scale: 4.0, Sharpness: 2.0, ADM Guidance: "(1.5, 0.8, 0.3)", Model: base_1.0_vae, '
    "Model hash: aeb7e9e689, Performance: Speed, Scheduler: karras, VAE: Default (model), "
    'Raw prompt: "a cat\\nin rain: \\"so\\"", Raw negative prompt: ugly, Refiner: fine, '
    'Refiner hash: 0011223344, Lora hashes: "offset: 4852686128, film: 0123456789", '
    'Lora weights: "offset: 0.1, film: -0.25", Version: Fooocus v2.5.5'
)


def png(text, scheme=None):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    if scheme:
        chunks.add_text("fooocus_scheme", scheme)
    return save("PNG", pnginfo=chunks)


def save(file_format, **options):
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, file_format, **options)
    return stream.getvalue()


def with_exif(file_format, text, scheme):
    exif = Image.Exif()
    exif[USER_COMMENT], exif[SOFTWARE], exif[MAKER_NOTE] = text, "Fooocus v2.5.5", scheme
    return save(file_format, exif=exif)


CONTAINERS = {
    "png": png,
    "jpeg": lambda text, scheme: with_exif("JPEG", text, scheme),
    "webp": lambda text, scheme: with_exif("WEBP", text, scheme),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_fooocus_scheme_is_read_from_every_format(container):
    found = read_fooocus_settings(CONTAINERS[container](json.dumps(FOOOCUS), "fooocus"))
    assert found.problems == ()
    assert found.scheme == "fooocus"
    assert found.prompt == FOOOCUS["prompt"]
    assert found.prompt_expansion == "a cat, luminous"
    assert found.styles == ("Fooocus V2", "Bob's style", "MK \\u00c9 'x'")
    assert found.size == (1152, 896)
    assert (found.adm_positive, found.adm_negative, found.adm_end) == (1.5, 0.8, 0.3)
    assert found.freeu == (1.01, 1.02, 0.99, 0.95)
    assert found.seed == 9223372036854775807
    assert (found.steps, found.clip_skip, found.guidance_scale) == (30, 2, 4.0)
    assert found.loras == (("sd_xl_offset_example-lora_1.0", 0.1), ("film", -0.25))
    assert found.base_model == "juggernautXL_v8Rundiffusion"
    assert found.refiner == "None"


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_a1111_scheme_is_read_from_every_format(container):
    found = read_fooocus_settings(CONTAINERS[container](A1111_TEXT, "a1111"))
    assert found.problems == ()
    assert found.scheme == "a1111"
    assert found.prompt == 'a cat\nin rain: "so"'
    assert found.negative_prompt == "ugly"
    assert (found.sampler, found.scheduler) == ("dpmpp_2m_sde_gpu", "karras")
    assert found.size == (896, 1152)
    assert (found.adm_positive, found.adm_negative, found.adm_end) == (1.5, 0.8, 0.3)
    assert found.seed == 9223372036854775807
    assert (found.base_model, found.refiner) == ("base_1.0_vae", "fine")
    assert found.loras == (("offset", 0.1), ("film", -0.25))


def test_styles_of_the_a1111_scheme_are_found_again_by_their_texts():
    library = StyleLibrary(
        (
            Style("film", "film still of {prompt}, grain", "cartoon"),
            Style("other", "photo of {prompt}", "cartoon"),
            Style("negative", "", "ugly"),
        )
    )
    text = A1111_TEXT.replace(
        'Raw prompt: "a cat\\nin rain: \\"so\\""', 'Raw prompt: "a cat\\nin rain"'
    )
    found = read_fooocus_settings(text, library)
    assert found.styles == ("Fooocus V2", "film", "negative")
    plain = text.replace("film still of a cat, in rain, grain, a cat, luminous", "a cat, in rain")
    assert read_fooocus_settings(plain).styles == ()


def test_styles_with_the_placeholder_in_their_negative_text_are_found_again():
    library = StyleLibrary(
        (
            Style("film", "film still of {prompt}", "{prompt}, cartoon"),
            Style("other", "photo of {prompt}", "{prompt}, grain"),
        )
    )
    texts = apply_styles(library.styles[:1], "a cat", "ugly")
    text = (
        f"{', '.join(texts.positive)}\nNegative prompt: {', '.join(texts.negative)}\n"
        "Steps: 30, Seed: 1, Raw prompt: a cat, Raw negative prompt: ugly, Version: Fooocus v2.5.5"
    )
    assert "ugly, cartoon" in text
    assert read_fooocus_settings(text, library).styles == ("film",)
    # Fooocus itself writes the placeholder as it is.
    assert read_fooocus_settings(
        text.replace("ugly, cartoon", "{prompt}, cartoon"), library
    ).styles == ("film",)


def test_exif_comments_as_other_programs_encode_them():
    for raw in (
        b"UNICODE\0" + json.dumps(FOOOCUS).encode("utf-16-be"),
        b"UNICODE\0" + json.dumps(FOOOCUS).encode("utf-16-le"),
        b"ASCII\0\0\0" + json.dumps(FOOOCUS).encode(),
    ):
        found = read_fooocus_settings(with_exif("JPEG", raw, "fooocus"))
        assert found.seed == 9223372036854775807


def test_a_file_a_pasted_text_and_an_object_are_the_same(tmp_path):
    raw = png(json.dumps(FOOOCUS), "fooocus")
    (tmp_path / "a.png").write_bytes(raw)
    expected = read_fooocus_settings(raw)
    assert read_fooocus_settings(tmp_path / "a.png") == expected
    assert read_fooocus_settings(json.dumps(FOOOCUS, indent=0)) == expected
    assert read_fooocus_settings(FOOOCUS) == expected


def test_labels_of_older_logs_are_understood():
    found = read_fooocus_settings(
        {
            "Prompt": "a cat",
            "Styles": "['Fooocus V2']",
            "Resolution": "('1152', '896')",
            "Seed": 7,
            "LoRA 1": "True : film.safetensors : 0.5",
        }
    )
    assert found.prompt == "a cat"
    assert found.styles == ("Fooocus V2",)
    assert found.size == (1152, 896)
    assert found.loras == (("film.safetensors", 0.5),)


@pytest.mark.parametrize(
    "source",
    [
        "a cat",
        "",
        "{",
        "{}",
        "[1, 2]",
        '{"prompt": "only one known key"}',
        "a cat\nSteps: 20, Sampler: Euler, Seed: 1, Size: 8x8, Version: v1.10.1",
        "a cat\nSteps: 20, Sampler: Euler, Seed: 1, Fooocus: True, Version: v1.10.1",
        "{" * 100_000,
        b"",
        b"not a picture",
        save("PNG"),
        save("JPEG"),
        png("a cat\nSteps: 20, Sampler: Euler, Seed: 1, Version: v1.10.1"),
    ],
)
def test_what_is_not_fooocus_is_none(source):
    assert read_fooocus_settings(source) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("styles", "__import__('os').system('touch /tmp/owned')"),
        ("styles", "['a'] + ['b']"),
        ("styles", "[1, 2]"),
        ("styles", "['a', ['b']]"),
        ("styles", "['unclosed]"),
        ("styles", ["a", 3]),
        ("resolution", "(1152, 896, 1)"),
        ("resolution", "(9**9**9, 1)"),
        ("resolution", "(0, 0)"),
        ("resolution", [1e9, 1]),
        ("adm_guidance", "print(1)"),
        ("adm_guidance", "(nan, inf, 1)"),
        ("freeu", "(1, 2)"),
        ("seed", "-5"),
        ("seed", "1e5"),
        ("seed", True),
        ("seed", "9" * 5000),
        ("steps", {}),
        ("sharpness", "lots"),
        ("guidance_scale", None),
        ("base_model", ["x"]),
        ("prompt", 7),
        ("lora_combined_1", "no weight"),
        ("lora_combined_1", "a : b"),
    ],
)
def test_hostile_values_are_left_out_with_a_word_and_the_rest_is_read(key, value):
    found = read_fooocus_settings({**FOOOCUS, "loras": None, key: value})
    named = "loras" if key.startswith("lora") else key
    (attributes,) = (entry.attributes for entry in ENTRIES if entry.key == named)
    missing = () if key.startswith("lora") else None
    assert [getattr(found, attribute) for attribute in attributes] == [missing] * len(attributes)
    assert [problem.split(" ")[0] for problem in found.problems] == (
        [] if value is None else [named]
    )
    assert found.version == "Fooocus v2.5.5"


def test_half_characters_never_come_through():
    found = read_fooocus_settings({**FOOOCUS, "styles": "['\\ud800x']"})
    assert found.styles == ("?x",)
    assert read_fooocus_settings('{"prompt": "\\ud800", "seed": 1, "steps": 2}') is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*FOOOCUS, "Prompt", "LoRA 1"]), json_values))
def test_any_object_is_read_or_refused(content):
    found = read_fooocus_settings({"version": "Fooocus v2", **content})
    if found is not None:
        json.dumps(asdict(found), ensure_ascii=False, allow_nan=False)
        json.dumps(found.to_json(), ensure_ascii=False, allow_nan=False)
        filled = fill(found.as_chosen(), Installed(), StyleLibrary()).values
        names = {"performance", "refiner", *ARGUMENTS} & filled.keys()
        Settings().replace(**{name: filled[name] for name in names})


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    for source in (text, f"{text}\nSteps: 1, Seed: 2, Styles: {text}, Version: Fooocus v2"):
        found = read_fooocus_settings(source)
        json.dumps(found and asdict(found), ensure_ascii=False, allow_nan=False).encode()


LITERAL_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(LITERAL_TEXTS, max_size=5))
def test_any_python_list_of_strings_is_read_as_python_would(names):
    found = read_fooocus_settings({"version": "Fooocus v2", "styles": str(names)})
    if any("\0" in name for name in names):
        return
    assert found.styles == tuple(names)


SOUND_PICTURES = [container(json.dumps(FOOOCUS), "fooocus") for container in CONTAINERS.values()]


@settings(max_examples=3 * settings.default.max_examples)
@given(
    st.sampled_from(SOUND_PICTURES),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 3000),
)
def test_damaged_pictures_are_survived(raw, changes, length):
    damaged = bytearray(raw)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    read_fooocus_settings(bytes(damaged[: length or None]))


@pytest.mark.parametrize(
    "text",
    [
        "x\n" + "a:" * 100_000,
        "x\n" + 'a: "' * 60_000,
        "x\n" + "a" * 290_000,
        "x\n" + 'a: "\\' * 50_000,
        json.dumps({"version": "Fooocus", "styles": "[" + "'a', " * 50_000}),
        json.dumps({"version": "Fooocus", "styles": "['" + "\\" * 200_000}),
        json.dumps({"version": "Fooocus", "resolution": "(" * 200_000}),
    ],
)
def test_hostile_texts_take_no_time(text):
    start = time.perf_counter()
    read_fooocus_settings(text)
    assert time.perf_counter() - start < 5
