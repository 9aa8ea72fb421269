"""What hypothesis draws from in more than one file."""

from __future__ import annotations

from hypothesis import strategies as st

from fooocus_ext.args import FIELDS

names = st.text(min_size=1, max_size=20).filter(str.strip)


_texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
original_texts = st.fixed_dictionaries(
    {
        name: st.lists(_texts, min_size=1, max_size=3)
        for name in ("full_prompt", "full_negative_prompt")
    }
)


def values_of(field):
    """Return a strategy for the field's legal values as a client writes them."""
    return {
        "flag": st.booleans(),
        "number": st.floats(field.minimum, field.maximum),
        "choice": st.sampled_from(field.choices or ("",)),
        "name": names,
        "names": st.lists(st.sampled_from(field.choices) if field.choices else names, max_size=3),
        "texts": st.none() | original_texts,
    }[field.kind]


legal = st.fixed_dictionaries({}, optional={field.name: values_of(field) for field in FIELDS})
