"""Names of model files, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.presets.file_names import AvailableFiles, file_stem, match_file


def test_checkpoint_titles_and_dots_in_names():
    assert file_stem("XL/sd_xl_base_1.0_0.9vae.safetensors [31e35c80fc]") == "sd_xl_base_1.0_0.9vae"
    assert file_stem("sd_xl_base_1.0_0.9vae") == "sd_xl_base_1.0_0.9vae"
    assert file_stem("a [b].ckpt") == "a [b]"
    assert match_file("a.safetensors", ["sub/A.ckpt", "a.safetensors"]) == "a.safetensors"
    assert match_file("sd_xl_base_1.0", ["sd_xl_base_1.0_0.9vae"]) is None


@given(st.text(max_size=40))
def test_any_name_has_a_stem_and_matches_itself(name):
    assert file_stem(name) == file_stem(name.upper().lower()) or not name.isascii()
    assert match_file(name, [name]) == name


TWO = ("SD15\\juggernaut.safetensors [aaaaaaaaaa]", "SDXL\\juggernaut.safetensors [bbbbbbbbbb]")


@pytest.mark.parametrize("separator", ["\\", "/"])
@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize(
    "wanted",
    [
        "SDXL/juggernaut.safetensors",
        "SDXL\\juggernaut.safetensors",
        "sdxl/Juggernaut",
        "SDXL\\juggernaut.safetensors [0123456789]",
    ],
)
def test_of_two_files_of_one_name_the_one_in_the_named_folder_is_meant(separator, hashed, wanted):
    here = [title.replace("\\", separator) for title in TWO]
    if not hashed:
        here = [title.partition(" [")[0] for title in here]
    assert match_file(wanted, here) == here[1]


def test_a_name_without_a_folder_means_the_file_in_none_and_else_the_first():
    assert match_file("juggernaut", [*TWO, "juggernaut.safetensors"]) == "juggernaut.safetensors"
    assert match_file("juggernaut", TWO) == TWO[0]


def test_a_folder_that_is_not_here_does_not_count_unless_several_files_could_be_meant():
    """Others' presets have other folders; but which of two models was meant, nobody can tell."""
    known = AvailableFiles([*TWO, "XL/refiner.safetensors"])
    assert known.match("their/refiner.safetensors") == "XL/refiner.safetensors"
    assert known.match("their/juggernaut.safetensors") is None
    assert known.nearest("their/juggernaut.safetensors") == (
        f' (nearest there: "{TWO[0]}", "{TWO[1]}")'
    )
