"""The judge of expansions, which must not be blind."""

from __future__ import annotations

import importlib.util
import pickle

import pytest

from tools.expander.evaluate import read_prompts
from tools.expander.evaluation import awkward, concreteness, reading
from tools.expander.evaluation import judge as judging
from tools.expander.evaluation.judge import judge, rates
from tools.expander.sources import read_keyed_lists

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("wonderlic_nlp") is None,
    reason="wonderlic-nlp is not installed (tools/expander/evaluation/requirements.txt)",
)


@pytest.fixture
def nouns(monkeypatch):
    monkeypatch.setattr(
        concreteness, "noun_ratings", lambda: {"horse": 613, "light": 550, "idea": 259}
    )


@pytest.mark.usefixtures("nouns")
@pytest.mark.parametrize(
    ("prompt", "words", "wrong"),
    [
        ("a fox, watercolor", "visible brushstrokes, soft light", "medium_overruled"),
        ("a fox", "low poly, etched lines", "mediums_mixed"),
        ("a fox", "moonlit glow", "time"),
        ("a fox at night", "fresh morning mood", "time"),
        ("a fox", "rainy mood", "weather"),
        ("a fox", "studio lighting", "place"),
        ("a fox, black and white", "vibrant hues", "against"),
        ("a fox", "two horses, soft light, ideas", "nouns"),
        ("chocolate labrador", "mouthwatering, soft light", "against"),
        ("a rotten apple", "tempting freshness", "against"),
        ("a ghost town", "creeping dread", "against"),
        ("a friendly ghost", "ominous shadows", "against"),
        ("a bank", "fairytale enchantment", "against"),
        ("a bank", "futuristic atmosphere", "against"),
        ("a photo of a bank", "shallow focus", "against"),
        ("photo, no bokeh", "natural bokeh", "against"),
        ("a crowd", "deep solitude", "against"),
        ("an angry chef", "serene mood", "against"),
        ("floor plan of a flat", "homely ambience", "against"),
        ("a dirty motel", "warm inviting glow", "against"),
        ("a tilted, badly framed snapshot", "perfect symmetry", "against"),
    ],
)
def test_faults_are_found(prompt, words, wrong):
    found = judge(prompt, words)
    faults = {
        name
        for name in ("medium_overruled", "mediums_mixed", "against", "nouns")
        if getattr(found, name)
    } | set(found.brought)
    assert wrong in faults


@pytest.mark.usefixtures("nouns")
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a fox, watercolor", "delicate transparent washes"),
        ("a city at night in the rain", "quiet nocturnal mood, rain"),
        ("a horse", "a horse in soft light"),
        ("a chocolate cake", "mouthwatering"),
        ("a terrifying ghost", "creeping dread"),
        ("a dragon", "fairytale enchantment"),
        ("a robot", "futuristic atmosphere"),
        ("portrait with bokeh", "shallow focus"),
        ("a fox", ""),
    ],
)
def test_what_serves_the_prompt_is_no_fault(prompt, words):
    found = judge(prompt, words)
    assert not found.mediums_mixed
    assert not found.brought
    assert not found.against
    assert not found.nouns


@pytest.mark.usefixtures("nouns")
def test_rates():
    found = rates([judge("a fox, watercolor", "low poly"), judge("a fox", "soft light")])
    assert found["mediums mixed, %"] == 50
    assert found["medium overruled, % of prompts that name one"] == 100
    assert found["words per expansion"] == 2


def test_every_kind_of_prompt_is_there():
    prompts = read_prompts()
    assert sum(map(len, prompts.values())) >= 300
    assert {"medium", "time", "negation", "names", "one word", "long"} <= set(prompts)
    assert (
        len({"german", "french", "spanish", "russian", "chinese", "japanese"} & set(prompts)) == 6
    )
    assert max(len(prompt.split()) for prompt in prompts["long"]) >= 150


def test_awkward_prompts_are_counted():
    prompts = read_keyed_lists(awkward.PROMPTS)
    assert len(prompts["tried"]) >= 200
    assert len(prompts["unseen"]) == 40
    assert not set(prompts["tried"]) & set(prompts["unseen"])
    found = awkward.found_against(["a friendly ghost"], awkward.default_style_text())
    assert len(found) == awkward.SEEDS
    assert not [pairs for _, _, pairs in found if pairs]


def test_the_judges_lists_can_be_read():
    assert {kind for kind, _, _ in judging._patterns()} == set(judging.KINDS)
    assert len(judging._pairs()) > 10


def test_a_table_that_would_call_something_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / "psycholinguistics"
    folder.mkdir()
    (folder / "mrc.pickle").write_bytes(pickle.dumps(print))
    monkeypatch.setattr(concreteness, "package_folder", lambda *_: tmp_path)
    concreteness.noun_ratings.cache_clear()
    with pytest.raises(pickle.UnpicklingError):
        concreteness.noun_ratings()


@needs_package
def test_ratings():
    assert concreteness.is_concrete("horses")
    assert not concreteness.is_concrete("idea")
    assert not concreteness.is_concrete("light")


def test_prompts_to_be_read_are_all_written_for(tmp_path, capsys):
    path = tmp_path / "mine.txt"
    path.write_text("# animals\na fox\n\na hen, watercolor  \n", encoding="utf-8")
    reading.main(["--prompts", str(path), "--seeds", "2"])
    fox, hen = capsys.readouterr().out.strip().split("\n\n")
    assert fox.startswith("a fox\n  1: ")
    assert hen.splitlines()[0] == "a hen, watercolor"
    assert [line[:5] for line in hen.splitlines()[1:]] == ["  1: ", "  2: "]
    assert len(reading.prompts_of(reading.PROMPTS)) >= 260
