from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fooocus_ext.prompting.expander import (
    Expander,
    Expansion,
    cached_expander,
    decode,
    linear,
    load_expander,
    release_expanders,
)
from fooocus_ext.prompting.expander.harmony import Rules
from fooocus_ext.prompting.expander.model import BUILT_IN_FOLDER
from fooocus_ext.prompting.expander.text import readable_text, words_of
from tests.prompting.expander.model_folders import WORDS, make_fooocus_folder
from tests.strict_device import StrictDevice

SUBJECTS = [
    "sailor",
    "kitchen",
    "knight",
    "cat",
    "street",
    "soup",
    "car",
    "lighthouse",
    "astronaut",
    "wave",
    "mansion",
    "dragon",
]
PLACES = ["in the rain", "at night", "by the sea", "in a forest", "on a table", "under the stars"]
STYLES = [
    "portrait of a",
    "isometric",
    "an old",
    "a (red:1.2)",
    "photo of the",
    "ink drawing of one",
]
PROMPTS = [
    f"{style} {subject} {place}" for subject in SUBJECTS for style in STYLES for place in PLACES
]
ODD_PROMPTS = [
    "",
    "   \n ",
    "🦊🔥",
    "一只在雨中的骑士",
    "рыцарь под дождём",
    "a fox <lora:grain:0.8>",
    "<lora:grain:0.8>",
    "a fox BREAK a river",
    "a fox AND a dog :1.2",
    "[a fox|a dog] in __place__",
    "((a (fox)",
    "masterpiece, best quality, 8k",
    "x" * 10_000,
    "a very long story of a fox " * 370,
]


@pytest.fixture(scope="module")
def expander() -> Expander:
    return load_expander()


@pytest.fixture(scope="module")
def fooocus_expander(tmp_path_factory) -> Expander:
    return load_expander(
        make_fooocus_folder(tmp_path_factory.mktemp("models") / "fooocus_expansion")
    )


@pytest.fixture(scope="module")
def expander_in_halves(tmp_path_factory) -> Expander:
    """Fooocus's, its layers taken apart as those of a large model are."""
    folder = make_fooocus_folder(tmp_path_factory.mktemp("halves") / "fooocus_expansion")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear, "_FEWEST_BYTES", 0)
        return load_expander(folder)


@pytest.fixture(params=["expander", "fooocus_expander", "expander_in_halves"])
def any_expander(request) -> Expander:
    return request.getfixturevalue(request.param)


def phrases_of(words: str) -> list[str]:
    return [phrase for phrase in words.split(", ") if phrase]


MIXED = PROMPTS[::25] + ODD_PROMPTS
MIXED_SEEDS = [7919 * index for index in range(len(MIXED))]


@pytest.fixture(scope="module")
def alone() -> Callable[[Expander], list[Expansion]]:
    """Return a function: what an expander writes for each mixed prompt, one at a time."""
    return cache(
        lambda expander: [
            expander.expansions([p], [s])[0] for p, s in zip(MIXED, MIXED_SEEDS, strict=True)
        ]
    )


@pytest.mark.parametrize(
    "size", [8, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 8))]
)
def test_the_same_in_every_batch(any_expander, alone, size):
    order = random.Random(size).sample(range(len(MIXED)), len(MIXED))
    for start in range(0, len(order), size):
        batch = order[start : start + size]
        texts = any_expander.expansions([MIXED[i] for i in batch], [MIXED_SEEDS[i] for i in batch])
        assert texts == [alone(any_expander)[i] for i in batch]


def test_it_writes_the_same_on_a_device(expander, alone):
    with StrictDevice().active():
        found = load_expander(device="cuda").expansions(MIXED[:8], MIXED_SEEDS[:8])
    assert found == alone(expander)[:8]


def test_close_decisions_are_made_again_from_exact_scores(fooocus_expander, monkeypatch):
    """Scores that are wrong by less than the margin do not change a single word."""
    network = fooocus_expander.model.network
    true = fooocus_expander.expansions(PROMPTS[:40], range(40))
    noise = torch.Generator().manual_seed(0)
    start, go_on = network.start, network.go_on

    def blurred(scores):
        if len(scores) == 1:
            return scores
        error = 1.8e-5 * scores.abs().amax(-1, keepdim=True)
        return scores + error * (2 * torch.rand(scores.shape, generator=noise) - 1)

    def blurred_start(*args):
        scores, cache = start(*args)
        return blurred(scores), cache

    monkeypatch.setattr(network, "start", blurred_start)
    monkeypatch.setattr(network, "go_on", lambda *args: blurred(go_on(*args)))
    assert fooocus_expander.expansions(PROMPTS[:40], range(40)) == true


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("much_slower", [0.0, 1e9])
def test_the_same_words_with_any_number_of_threads_even_if_it_changes_midway(
    fooocus_expander, alone, monkeypatch, threads, much_slower
):
    used = []
    run = decode.run_with_threads
    monkeypatch.setattr(decode, "_DIVIDED_FROM", 0)
    monkeypatch.setattr(decode, "_MUCH_SLOWER", much_slower)
    monkeypatch.setattr(decode, "idle_threads", lambda: threads)
    monkeypatch.setattr(
        decode, "run_with_threads", lambda count, call: used.append(count) or run(count, call)
    )
    assert fooocus_expander.expansions(MIXED, MIXED_SEEDS) == alone(fooocus_expander)
    assert used == [threads] * (threads > 1)


def test_small_models_keep_to_one_core(expander, monkeypatch):
    monkeypatch.setattr(decode, "idle_threads", lambda: pytest.fail("several threads for a little"))
    expander.expansions(["a knight"], [1])


def test_seeds_matter_and_repeat(any_expander):
    texts = any_expander.expansions(["a knight in the rain"] * 6, [1, 2, 3, 1, 2**64 + 1, -1])
    assert texts[0] == texts[3] == texts[4]
    assert len(set(texts)) == 4


def test_no_global_random_state_is_touched(expander):
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the old global state is what must stay
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    expander.expansions(["a knight", "a cat"], [1, 2])
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])


def test_only_allowed_words_each_once(any_expander):
    allowed = set(any_expander.model.words)
    for expansion in any_expander.expansions(PROMPTS[::9], range(len(PROMPTS[::9]))):
        words = expansion.words.replace(",", " ").split()
        assert words
        assert set(words) <= allowed
        assert len(words) == len(set(words))
        assert not set(words) & set(words_of(expansion.prompt))
        assert expansion.text == f"{expansion.prompt}, {expansion.words}"


def test_own_phrases_are_whole(expander):
    known = set((BUILT_IN_FOLDER / "phrases.txt").read_text("utf-8").splitlines())
    for expansion in expander.expansions(PROMPTS[:30], range(30)):
        assert set(phrases_of(expansion.words)) <= known


@pytest.mark.parametrize("target", [20, 75, 150])
def test_the_room_is_filled(expander, target):
    for expansion in expander.expansions(PROMPTS[:12], range(12), target_tokens=target, fill=True):
        total = expansion.prompt_tokens + expansion.added_tokens
        assert target - 4 <= total <= target


def test_the_room_is_counted_by_the_host_where_it_can(expander):
    def count(taken: int):
        return lambda text: taken if text == "a knight" else taken + len(text.split()) - 2

    expansion = expander.expansions(["a knight"], [1], count_tokens=count(71), fill=True)[0]
    assert expansion.prompt_tokens == 71
    assert 0 <= expansion.added_tokens <= 4
    longer = expander.expansions(["a knight"], [1], count_tokens=count(75), fill=True)[0]
    assert 70 <= longer.added_tokens <= 75


def test_a_prompt_of_many_pictures_is_read_once(expander, monkeypatch):
    counted, read = [], []
    really = Rules.read

    def reading(self, text, **how):
        read.append(text)
        return really(self, text, **how)

    monkeypatch.setattr(Rules, "read", reading)

    def count(text):
        counted.append(text)
        return len(text.split())

    prompts = ["a knight in the rain"] * 6 + ["a cat"] * 2
    texts = expander.expansions(prompts, range(8), count_tokens=count)
    assert len({expansion.words for expansion in texts}) == 8
    for prompt in dict.fromkeys(prompts):
        assert (counted.count(prompt), read.count(prompt)) == (1, 1)


def test_names_are_not_taken_for_short(expander):
    """Without the host's count, a name of seven letters is not one token."""
    prompt = "Yoshitaka Amano, zdzislaw beksinski, gmork, hieronymus"
    assert expander.expansions([prompt], [1])[0].prompt_tokens >= 18


def test_fooocus_fills_by_tokens_of_its_own(fooocus_expander):
    model = fooocus_expander.model
    prompt = "a knight in the rain"
    taken = len(model.encode(f"{prompt},"))
    words = fooocus_expander.expansions([prompt], [4], fill=True)[0].words
    assert len(words.split()) <= min(75 - taken, len(WORDS))
    assert not set(words.replace(",", "").split()) & {"rain", "notaword"}


@pytest.mark.parametrize(
    "prompt", ["", "   \n ", "<lora:grain:0.8>", "a fox AND a dog :1.2", "__a__"]
)
def test_prompts_without_continuation_stay_as_they_are(any_expander, prompt):
    expansion = any_expander.expansions([prompt], [1])[0]
    assert expansion.text == prompt
    assert expansion.words == ""
    assert expansion.added_tokens == 0


@pytest.mark.parametrize("prompt", [p for p in ODD_PROMPTS if readable_text(p) and ":1.2" not in p])
def test_odd_prompts_are_continued_and_stay_untouched(any_expander, prompt):
    expansion = any_expander.expansions([prompt], [3])[0]
    assert expansion.text.startswith(prompt)
    assert expansion.words.isascii()


def test_hidden_syntax_has_no_influence(expander):
    plain, tagged, weighted = expander.expansions(
        ["a fox in snow", "a fox <lora:volcano_lava:1> in snow", "a (fox:1.3) in snow"], [5, 5, 5]
    )
    assert plain.words == tagged.words == weighted.words


def test_a_prompt_beyond_the_context_is_read_from_its_beginning(any_expander):
    tail = " of an endless story" * 600
    ends = (" story endless", " endless story")
    first, second = any_expander.expansions([f"a knight{tail}{end}" for end in ends], [2, 2])
    assert first.words
    assert first.words == second.words


@settings(
    max_examples=settings.default.max_examples * 3 // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(prompt=st.text(max_size=200), seed=st.integers(-(2**70), 2**70))
def test_anything_typed_is_continued_or_left_alone(expander, prompt, seed):
    expansion, again = (expander.expansions([prompt], [seed])[0] for _ in range(2))
    assert expansion.text.startswith(prompt)
    words = expansion.words.replace(",", " ").split()
    assert set(words) <= set(expander.model.words)
    assert bool(words) <= bool(readable_text(prompt))
    assert again == expansion


@pytest.mark.parametrize("arguments", [(["a"], []), ([], [1])])
def test_as_many_seeds_as_prompts(expander, arguments):
    with pytest.raises(ValueError, match="seeds"):
        expander.expansions(*arguments)


@pytest.mark.parametrize("target", [0, -75, 751])
def test_target_range(expander, target):
    with pytest.raises(ValueError, match="target_tokens"):
        expander.expansions(["a"], [1], target_tokens=target)


def test_empty_batch(expander):
    assert expander.expansions([], []) == []


def test_threads_do_not_disturb_each_other(expander):
    expected = expander.expansions(PROMPTS[:8], range(8))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda i: expander.expansions([PROMPTS[i]], [i])[0], range(8)))
    assert results == expected


def test_the_model_stays_loaded_until_released():
    first = cached_expander()
    assert cached_expander() is first
    release_expanders()
    assert cached_expander() is not first


def test_nothing_heavy_is_imported_before_loading():
    code = (
        "import sys, fooocus_ext.prompting.expander, fooocus_ext.prompting.expansion_folder;"
        "print({'transformers', 'tokenizers', 'safetensors'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"
