"""The expander's contract: it serves the prompt (docs/expander.md)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_webui.network.tokenizer import load_tokenizer
from fooocus_ext.prompting.expander import Expander, load_expander
from fooocus_ext.prompting.expander.forms import Forms
from fooocus_ext.prompting.expander.limits import LONGEST
from fooocus_ext.prompting.expander.model import BUILT_IN_FOLDER
from fooocus_ext.prompting.expander.rules_file import load_rules
from fooocus_ext.prompting.expander.text import join_continuation, words_of
from tests.prompting.expander.model_folders import make_fooocus_folder

RULES = load_rules()
GIVEN = [fact for fact, given in zip(RULES.facts, RULES.given, strict=True) if given]
DECIDING = [fact for fact, no in zip(RULES.facts, RULES.decides, strict=True) if no]
EARNING = [fact for fact, earns in zip(RULES.facts, RULES.earns, strict=True) if earns]
THINGS = [fact for fact, never in zip(RULES.facts, RULES.never, strict=True) if never]
NAMES = "Yoshitaka Amano, zdzislaw beksinski, gmork, hieronymus"
EVERY_KIND = [
    "a blue car in the meadow at sunset",
    "a red house in the forest",
    "two children playing chess in a park",
    "empty classroom",
    "young woman, oil painting",
    "pixel art castle",
    "a city at midnight in the rain",
    "a desert at noon",
    "close-up of an eye, black and white",
    "flat icon of a cloud, minimal",
    NAMES,
]
SUBJECTS = ["a fox", "a car", "portrait of a woman", "a kitchen", "a ship", "sadness", "the city"]
CLAUSES = [
    "at night", "at noon", "at dawn", "in the rain", "in winter", "no people", "empty", "oil painting",
    "35mm photo", "pixel art", "anime", "line art", "black and white", "minimalist", "close-up", "wide shot",
    "flat design", "dark", "bright", "red", "foggy", "cute", "sad", "vivid colors", "muted colors",
    "without fog", "watercolor", "3d render",
]  # fmt: skip
prompts_of_clauses = st.builds(
    lambda subject, clauses: ", ".join([subject, *clauses]),
    st.sampled_from(SUBJECTS),
    st.lists(st.sampled_from(CLAUSES), max_size=4, unique=True),
)


def count_tokens(text: str) -> int:
    return len(load_tokenizer().ids(text))


@pytest.fixture(scope="module")
def expander() -> Expander:
    return load_expander()


@pytest.fixture(scope="module")
def fooocus_expander(tmp_path_factory) -> Expander:
    return load_expander(make_fooocus_folder(tmp_path_factory.mktemp("models") / "expansion"))


def words_behind(expander: Expander, prompt: str, seed: int = 1, style: str = "") -> str:
    return expander.expansions([prompt], [seed], style_texts=[style])[0].words


def facts_of(words: str) -> set[str]:
    return {fact for phrase in words.split(", ") for fact in RULES.read(phrase, phrase=True).said}


def clashing(said: set[str], others: set[str]) -> set[tuple[str, str]]:
    place = RULES.facts.index
    return {(a, b) for a in said for b in others if RULES.clashes[place(a), place(b)]}


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prompt=st.one_of(prompts_of_clauses, st.text(max_size=120)),
    style=st.sampled_from(
        ["", "watercolor, {prompt}, soft washes", "{prompt}, cinematic light", "at night"]
    ),
    seed=st.integers(0, 2**64 - 1),
)
def test_nothing_fights_the_prompt(expander, prompt, style, seed):
    words = words_behind(expander, prompt, seed, style)
    said = set(RULES.read(prompt).said | RULES.read(style).said)
    phrases = [phrase for phrase in words.split(", ") if phrase]
    written = facts_of(words)
    assert not written & set(THINGS)
    assert written & set(GIVEN + DECIDING) <= said
    assert not clashing(written, said)
    for place, phrase in enumerate(phrases):
        assert phrase in RULES.neutral | RULES.common or facts_of(phrase) & said & set(EARNING)
        assert not clashing(facts_of(phrase), facts_of(", ".join(phrases[place + 1 :])))
    assert not set(words_of(words)) & set(words_of(prompt + style))
    written_words = words_of(words)
    forms = Forms(written_words)
    for word in written_words:
        assert forms.of([word]) == {word}, words
    assert len(phrases) <= LONGEST


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(prompt=prompts_of_clauses, seed=st.integers(0, 2**64 - 1))
def test_a_folder_of_fooocus_keeps_the_contract_too(fooocus_expander, prompt, seed):
    words = words_behind(fooocus_expander, prompt, seed)
    said = set(RULES.read(prompt).said)
    written = {fact for word in words_of(words) for fact in RULES.read(word).said}
    assert not written & set(THINGS)
    assert written & set(GIVEN) <= said
    assert not clashing(written, said)
    assert words.count(",") < LONGEST


def test_fooocus_rule_is_still_there(fooocus_expander):
    """Things and weathers come back, and all of the room is filled."""
    filled = fooocus_expander.expansions(["a knight"] * 6, range(6), fill=True)
    words = {word for expansion in filled for word in words_of(expansion.words)}
    assert words & {"sky", "smoke", "dust", "stone", "rain", "misty"}
    assert all(len(expansion.words) > 100 for expansion in filled)


@pytest.mark.parametrize("prompt", EVERY_KIND)
def test_a_few_phrases_are_enough(expander, prompt):
    for expansion in expander.expansions([prompt] * 5, range(5)):
        assert expansion.words
        assert len(expansion.words.split(", ")) <= LONGEST


def test_the_shipped_phrases_name_no_thing_and_bring_nothing():
    """What is given may be repeated where the prompt has it; times and weathers are in no phrase at all."""
    lists = (BUILT_IN_FOLDER / "facets.txt").read_text("utf-8").splitlines()
    by_facet = {line.partition(": ")[0]: line.partition(": ")[2].split("; ") for line in lists}
    for facet, phrases in by_facet.items():
        for phrase in phrases:
            facts = RULES.read(phrase).said
            groups = [fact.partition(".")[0] for fact in facts]
            assert "thing" not in groups, phrase
            assert groups.count("medium") == (facet == "medium"), phrase
            assert not {"time", "season", "weather", "tint"} & set(groups), phrase


@pytest.mark.parametrize(
    "prompt",
    [
        "ein roter Hund im Schnee und Regen",
        "красный дом",
        "森の中の家",
        NAMES,
        "zwx",
        "😀",
        "1234",
        "16:9",
        "🐱🌧️🏙️",
    ],
)
def test_what_cannot_be_read_gets_neutral_words(expander, prompt):
    for expansion in expander.expansions([prompt] * 8, range(8)):
        assert set(expansion.words.split(", ")) <= RULES.neutral


def test_a_word_of_the_lists_can_be_read(expander):
    written = expander.expansions(["a park in October"] * 8, range(8))
    assert not all(set(e.words.split(", ")) <= RULES.neutral for e in written)


def test_styles_are_seen(expander):
    style = "watercolor painting of {prompt}, luminous washes, delicate, soft edges"
    for seed in range(20):
        words = words_behind(expander, "a fox", seed, style)
        assert not {"luminous", "washes", "delicate", "edges", "soft"} & set(words_of(words))
        assert {fact for fact in facts_of(words) if fact.startswith("medium.")} <= {
            "medium.watercolor"
        }


def test_style_texts_change_no_words_of_other_rows(expander):
    alone = words_behind(expander, "a fox", 3)
    both = expander.expansions(["a fox", "a fox"], [3, 3], style_texts=["", "oil on canvas"])
    assert both[0].words == alone
    assert both[1].words == words_behind(expander, "a fox", 3, "oil on canvas")


def test_as_many_style_texts_as_prompts(expander):
    with pytest.raises(ValueError, match="style texts"):
        expander.expansions(["a"], [1], style_texts=[])


def test_the_host_counts_the_tokens(expander):
    assert count_tokens(NAMES) == 22
    for expansion in expander.expansions(
        [NAMES] * 6, range(6), count_tokens=count_tokens, fill=True
    ):
        assert expansion.prompt_tokens == 22
        assert 22 < count_tokens(expansion.text) <= 75


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    prompt=st.one_of(prompts_of_clauses, st.text(st.characters(max_codepoint=0x4FF), max_size=200)),
    fill=st.booleans(),
    target=st.sampled_from([20, 75, 150]),
)
def test_prompt_and_words_keep_to_the_border(expander, prompt, fill, target):
    taken = count_tokens(prompt)
    expansion = expander.expansions(
        [prompt], [1], count_tokens=count_tokens, fill=fill, target_tokens=target
    )[0]
    border = target * (taken // target + 1)
    assert count_tokens(expansion.text) <= max(border, taken)


SHARP = "{}, sharply focused, cinematic lighting and depth, finely resolved detail, crisp edges"


@pytest.mark.parametrize("fill", [False, True])
def test_the_texts_of_styles_count_where_they_stand_before_the_words(expander, fill):
    street = [
        "a",
        "quiet",
        "street",
        "with",
        "old",
        "houses",
        "and",
        "trees",
        "behind",
        "a",
        "wall",
    ]
    prompts = [" ".join((street * 5)[:length]) for length in range(2, 56)]
    preceding = [SHARP.format(prompt) for prompt in prompts]
    written = expander.expansions(
        prompts,
        range(54),
        preceding=preceding,
        count_tokens=count_tokens,
        fill=fill,
    )
    for expansion, before in zip(written, preceding, strict=True):
        taken = count_tokens(before)
        assert expansion.prompt_tokens == taken
        encoded = count_tokens(join_continuation(before, expansion.words))
        assert encoded <= max(75 * (taken // 75 + 1), taken)
        assert expansion.text.startswith(expansion.prompt)
    assert sum(bool(expansion.words) for expansion in written) > 40
    estimated = expander.expansions(["a fox"] * 2, [1, 1], preceding=["a fox", "a fox, grain"])
    assert [expansion.prompt_tokens for expansion in estimated] == [2, 4]


def test_as_many_preceding_texts_as_prompts(expander):
    with pytest.raises(ValueError, match="2 prompts, but 1 preceding"):
        expander.expansions(["a", "b"], [1, 2], preceding=["a"])
