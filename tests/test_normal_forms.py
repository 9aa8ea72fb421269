"""Normal forms of texts of any length, those of Unicode wherever a language needs them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.normal_forms import LONGEST_RUN, normal_form

FORMS = ("NFC", "NFKC", "NFKD")
few_marks = st.text(st.characters() | st.sampled_from("aA\u0300\u0315\u0f73\uff9e"), max_size=30)


@pytest.mark.parametrize("form", FORMS)
@given(text=few_marks)
def test_a_text_with_few_marks_has_unicodes_own_form(form, text):
    assert normal_form(form, text) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("marks", ["\u0315\u0300", "\u0f73\u0f71", "\uff9e\u0315"])
def test_no_mark_of_many_is_lost_and_never_are_many_put_in_order_together(form, marks, monkeypatch):
    text, real, longest = f"a{marks * 100}b\u0301", unicodedata.normalize, 0

    def watched(form, piece):
        nonlocal longest
        longest = max(longest, len(piece))
        return real(form, piece)

    monkeypatch.setattr(unicodedata, "normalize", watched)
    found = normal_form(form, text)
    assert longest == LONGEST_RUN + 1
    assert sorted(real("NFKD", found)) == sorted(real("NFKD", text))
    assert real("NFKD", found).startswith("a")
    assert real("NFKD", found).endswith("b\u0301")
