"""Names of model files, however they are written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.presets.file_names import file_stem, match_file


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
