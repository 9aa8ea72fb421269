"""What texts say, and what the rules close: tests of the lists in harmony.txt and of their reader."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.expander import load_expander
from fooocus_ext.prompting.expander.accord import Accord
from fooocus_ext.prompting.expander.harmony import Reading, singular_of
from fooocus_ext.prompting.expander.limits import LONGEST, facet_limits, phrase_count
from fooocus_ext.prompting.expander.rules_file import load_rules

RULES = load_rules()
PHRASES = load_expander().model.book.texts()


def said(text: str) -> frozenset[str]:
    return RULES.read(text).said


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("a fox, oil on canvas", "medium.painting"),
        ("Watercolours of a barn", "medium.watercolor"),
        ("pencil sketch of a horse", "medium.drawing"),
        ("a taxi, 35mm", "medium.photo"),
        ("PIXEL-ART castle", "medium.pixel"),
        ("3d render of a cube", "medium.render"),
        ("anime girl", "medium.comic"),
        ("a desert at noon", "time.day"),
        ("a city at midnight", "time.night"),
        ("sunsets", "time.dusk"),
        ("an empty classroom", "crowd.none"),
        ("a street, no people", "crowd.none"),
        ("B&W boxer", "gray.all"),
        ("grey-scale or black-and-white", "gray.all"),
        ("close-up of an eye", "frame.close"),
        ("a panoramic view", "frame.wide"),
        ("minimalist poster", "plenty.bare"),
        ("a misty valley", "weather.fog"),
        ("Raining", "weather.rain"),
        ("a red house", "tint.named"),
        ("chocolate covered strawberries", "taste.any"),
        ("a cake decorated with roses", "taste.any"),
        ("a chocolate cake illustration", "taste.any"),
        ("a zombie eating brains", "fear.any"),
        ("posters", "medium.print"),
        ("an ice cream cone", "taste.any"),
        ("New York, black and white photo", "gray.all"),
        ("a photo of a dancer, no bokeh", "medium.photo"),
        ("a fox drawn with charcoal", "medium.drawing"),
        ("a zero gravity robot", "future.any"),
        ("portrait of a non binary person", "face.any"),
        ("a woman, no men", "face.any"),
        ("worm's-eye view of a house", "frame.angle"),
        ("a black forest cake", "taste.any"),
        ("worm's eye view of a house", "frame.angle"),
    ],
)
def test_said(text, fact):
    assert fact in said(text)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("a midnight blue dress", "time.night"),
        ("a knight", "time.night"),
        ("a snow leopard", "weather.snow"),
        ("a sunflower", "weather.clear"),
        ("a canvas bag", "medium.painting"),
        ("colored pencil drawing", "gray.all"),
        ("a dark green car", "light.dark"),
        ("rice terraces in Bali", "taste.any"),
        ("Monster truck", "fear.any"),
        ("skull and crossbones flag", "fear.any"),
        ("a grave old man", "fear.any"),
        ("a chocolate ring box", "taste.any"),
        ("a satellite dish on a roof", "taste.any"),
        ("a scooter parked outside a bakery", "taste.any"),
        ("cult movie poster on a wall", "fear.any"),
        ("a tense chess match", "fear.any"),
        ("a desk with pencils and ink", "medium.ink"),
        ("a comic actor on stage", "medium.comic"),
        ("a movie poster on a wall", "medium.print"),
        ("a gameboy screenshot of a swamp", "sheet.any"),
        ("a man reading a comic book in the subway", "medium.comic"),
        ("a woman in a knitted sweater", "medium.craft"),
        ("an animated discussion", "medium.comic"),
        ("a vector for malaria", "medium.vector"),
        ("a chalk cliff", "medium.drawing"),
        ("mattress springs", "season.spring"),
        ("a castle, not at night", "time.night"),
        ("a garden, never in winter", "season.winter"),
        ("a puppy, not at all scary", "fear.any"),
        ("not scary, a dragon skull", "fear.any"),
        ("film still of a car chase", "pace.still"),
        ("a portrait, layered depth", "subject.land"),
        ("a police officer with a badge", "mark.any"),
        ("a chef holding a menu with lettering", "design.any"),
        ("a car dashboard at night", "design.any"),
        ("a kitchen flooded with sunlight", "temper.dark"),
        ("a mansion inspired by a dream", "charm.any"),
    ],
)
def test_not_said(text, fact):
    assert fact not in said(text)


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("boxes", "box"),
        ("witches", "witch"),
        ("dishes", "dish"),
        ("glasses", "glass"),
        ("heroes", "hero"),
        ("axes", "axe"),
        ("shoes", "shoe"),
        ("canoes", "canoe"),
        ("headaches", "headache"),
        ("berries", "berry"),
        ("zombies", "zombie"),
        ("movies", "movie"),
        ("ties", "tie"),
    ],
)
def test_plurals(plural, singular):
    assert singular_of(plural) == singular_of(singular)


@pytest.mark.parametrize("word", ["nightingale", "lightbulb", "raincoat", "daydream"])
def test_words_that_are_only_known(word):
    assert RULES.lists(word)
    assert not said(f"a {word}")


def test_what_is_denied_is_not_said():
    reading = RULES.read("a street without fog, not dark, in the rain")
    assert {"weather.fog", "light.dark"} <= reading.denied
    assert "weather.rain" in reading.said


def test_a_negation_ends_at_the_next_preposition():
    assert "time.night" in said("a room without windows at night")


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("eine rote Scheune mit Schnee und Regen", True),
        ("una casa roja en el bosque con las flores", True),
        ("красный дом", True),
        ("森の中の家", True),
        ("a red house in the forest", False),
        ("no cars and no people", False),
        ("café at noon", False),
        ("", False),
    ],
)
def test_languages(text, foreign):
    assert RULES.read(text).foreign is foreign


def test_the_tables_are_sound():
    assert (RULES.clashes == RULES.clashes.T).all()
    assert not RULES.clashes.diagonal().any()
    groups = {
        f.partition(".")[0]
        for f, given in zip(RULES.facts, RULES.given | RULES.decides, strict=True)
        if given
    }
    assert {"medium", "time", "season", "weather", "gray", "frame", "field"} < groups
    assert {"fear", "taste", "magic", "future", "past", "face", "mirror"} < groups
    assert {
        "light",
        "heat",
        "beam",
        "contrast",
        "chroma",
        "temper",
        "pace",
        "rank",
        "style",
    } < groups
    earning = {
        f.partition(".")[0] for f, earns in zip(RULES.facts, RULES.earns, strict=True) if earns
    }
    assert {"medium", "light", "heat", "fear", "taste", "magic", "subject", "calm"} < earning
    assert not {"temper", "pace", "face", "mirror", "hue", "lit"} & earning


def accord(phrases: list[str], prompt: str) -> Accord:
    return Accord(RULES, RULES.says(phrases), RULES.read(prompt))


@pytest.mark.parametrize(
    ("prompt", "phrase", "allowed"),
    [
        ("a fox", "visible brushwork", False),
        ("a castle in Wales", "fairytale enchantment", False),
        ("an elven castle", "fairytale enchantment", True),
        ("a car", "futuristic atmosphere", False),
        ("a robot", "futuristic atmosphere", True),
        ("a fox", "historical accuracy", False),
        ("a barn", "kind expression", False),
        ("a nurse", "kind expression", True),
        ("a fox", "shallow focus", False),
        ("a fox, blurred background", "shallow focus", True),
        ("a fox", "deep focus", False),
        ("two foxes", "deep solitude", False),
        ("a desert", "deep solitude", True),
        ("a crowd in the rain", "simple uncluttered composition", False),
        ("an off-center cup, geometry", "perfect symmetry", False),
        ("photo of a dancer", "perfect symmetry", False),
        ("a mandala", "perfect symmetry", True),
        ("an angry chef", "calm mood", False),
        ("an angry chef", "gentle romance", False),
        ("a floor plan", "weathered surfaces", False),
        ("an overflowing dumpster", "uncluttered layout", False),
        ("burnt toast, disgusting", "joyful mood", False),
        ("a floor plan", "precise details", True),
        ("oil painting of a fox", "visible brushwork", True),
        ("a photo of an oil painting", "visible brushwork", False),
        ("a fox", "golden hour glow", False),
        ("a fox", "misty light", False),
        ("a castle", "stone walls", False),
        ("a fox, black and white", "vivid colors", False),
        ("a fox", "monochrome elegance", False),
        ("a red fox", "muted colors", False),
        ("a city at night", "bright light", False),
        ("a city", "bright light", True),
        ("minimalist poster", "intricate details", False),
        ("empty room", "lively mood", False),
        ("close-up of a fox", "sweeping view", False),
        ("a flat icon", "deep shadows", False),
        ("a fox, not bright", "bright light", False),
        ("a happy child", "sinister atmosphere", False),
    ],
)
def test_allowed(prompt, phrase, allowed):
    assert bool(accord([phrase], prompt).allowed[0]) is allowed


@pytest.mark.parametrize(
    ("prompt", "said", "denied"),
    [
        ("a street with no cars and no people", "crowd.none", ""),
        ("a scene that cannot be scary", "", "fear.any"),
        ("an adam's apple", "", ""),
        ("a chicken roast on a plate", "taste.any", ""),
    ],
)
def test_denials_and_names_that_are_easily_misread(prompt, said, denied):
    reading = RULES.read(prompt)
    assert (not said) or said in reading.said
    assert (not denied) or denied in reading.denied - reading.said
    assert "taste.any" not in reading.said or said == "taste.any"
    assert said not in reading.denied


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("a road from Los Angeles to Las Vegas at night", False),
        ("los gatos y las flores", True),
        ("a street in La La Land", False),
    ],
)
def test_names_of_places_are_no_foreign_words(text, foreign):
    assert RULES.read(text).foreign is foreign


@pytest.mark.parametrize(
    ("prompt", "phrase", "called_for"),
    [
        ("a fox", "highly detailed", True),
        ("a fox", "natural coloring", True),
        ("a fox", "precise engineering", False),
        ("a truck", "precise engineering", True),
        ("a truck driver", "precise engineering", False),
        ("watercolor of a fox", "natural coloring", False),
        ("watercolor of a fox", "delicate transparent washes", True),
        ("a fox logo", "natural coloring", False),
        ("a house", "warm light", False),
        ("a house in warm light", "gentle warmth", True),
        ("a house", "enigmatic atmosphere", False),
        ("a sleeping dog", "peaceful mood", False),
        ("a peaceful dog", "peaceful mood", True),
        ("people waiting for the bus", "dynamic elegance", False),
        ("a skull with roses", "creeping dread", False),
        ("a scary skull", "creeping dread", True),
        ("an aerial drone photograph", "futuristic atmosphere", False),
        ("gothic cathedral interior", "creeping dread", False),
        ("cinematic still of an argument", "deep tranquility", False),
        ("a violent thunderstorm", "soft light", False),
        ("seamless pattern of lemons", "mouthwatering", False),
        ("harsh fluorescent light", "saturated hues", False),
        ("a bleak estate", "beautiful", False),
        ("a fox", "moody lighting", False),
        ("a lonely desert", "gentle melancholy", True),
        ("a lonely desert", "deep solitude", False),
        ("a bright city", "bright highlights", True),
        ("a city", "bright highlights", False),
        ("a fox", "solemn mood", False),
        ("a photo of a fox", "subtle film grain", False),
        ("a 35mm film photo of a fox", "subtle film grain", True),
        ("a chocolate cake", "juicy textures", False),
        ("a steak", "juicy textures", True),
        ("a robot", "retro futurism", False),
        ("a retro robot", "retro futurism", True),
        ("a cup on a white background", "captivating atmosphere", False),
        ("a cup on a table", "captivating atmosphere", True),
        ("an isometric bookshop in pastel colors", "natural earthy hues", False),
        ("a bookshop in earthy colors", "natural earthy hues", True),
        ("an overcast sky", "gentle backlighting", False),
        ("a street at noon, hard light", "strong sidelight", False),
        ("a street, hard light", "strong sidelight", True),
        ("mugshot of a man", "professional photography", False),
        ("studio photo of a man", "professional photography", True),
        ("crayon drawing of a house", "subtle hatching", False),
        ("drawing of a house", "subtle hatching", True),
        ("eerie calm at a gas station", "deep tranquility", False),
        ("a calm gas station", "deep tranquility", True),
        ("old men playing cards, playing card in hand", "crisp print edges", False),
        ("silence after the battle", "sense of impact", False),
        ("a laughing baby", "joyful mood", True),
        ("a hedgehog eating a strawberry", "mouthwatering", False),
        ("packaging design for honey", "mouthwatering", False),
        ("a jar of honey", "mouthwatering", True),
        ("grandma knitting on the porch", "delicate handmade finish", False),
        ("a minimalist logo", "layered composition", False),
        ("a mountain valley", "layered composition", True),
        ("overcast sky", "delicate backlighting", False),
        ("Saint George and the dragon", "fairytale enchantment", False),
        ("a wizard and a dragon", "fairytale enchantment", True),
        ("a couple of apples", "sensitive handling", False),
        ("a kitchen island", "atmospheric perspective", False),
        ("a record player", "sensitive handling", False),
        ("a mountain", "natural textures", True),
        ("a fern", "natural textures", True),
        ("a truck", "natural textures", False),
        ("a kitchen", "harmonious proportions", True),
        ("a bowl of strawberries", "succulent detail", True),
        ("a cactus", "succulent detail", False),
        ("black and white photo of a pier", "full tonal range", True),
        ("a pier", "full tonal range", False),
        ("a poster for a bakery", "legible layout", True),
        ("a bakery", "legible layout", False),
        ("a logo for a bakery", "bold shapes", True),
        ("a soldier with an emblem on his sleeve", "bold shapes", False),
        ("halloween cupcakes with skulls", "mouthwatering", True),
        ("a moody book cover", "bold shapes", False),
        ("a messy room", "weathered surfaces", False),
        ("a rusty truck", "precise engineering", False),
        ("a bike full of flowers", "crisp botanical accuracy", False),
        ("weathered face of a fisherman", "gorgeous", False),
        ("a flooded village", "beautiful colors", False),
        ("a goose, security camera footage", "careful framing", False),
        ("a vampire at the dentist, funny", "fairytale enchantment", False),
        ("a logo, black on white", "harmonious colors", False),
        ("a birthday cake", "rustic appeal", False),
        ("bread on a rough table", "rustic appeal", True),
        ("a birthday cake", "generous hospitality", False),
        ("a man in soft light", "subtle shaping", True),
        ("a man", "subtle shaping", False),
        ("mist over a dark lake", "deep shadows", False),
        ("a medieval knight at an airport", "historical accuracy", False),
        ("historical scene with a medieval knight", "historical accuracy", True),
        ("wilted flowers", "crisp botanical accuracy", False),
        ("a lonely man eating a birthday cake", "mouthwatering", False),
        ("infographic, clean layout", "sleek power", False),
        ("infographic, pastel colors", "muted aged hues", False),
        ("flyer, photocopied collage", "delicate handmade finish", False),
        ("a paper collage", "delicate handmade finish", True),
        ("a seamless pattern of ferns", "careful framing", False),
        ("a fern", "careful framing", True),
        ("a mandala", "rhythmic repetition", True),
        ("a lake", "fine reflections", True),
        ("a portrait from behind", "tilted angle", False),
        ("a castle, dutch angle", "tilted angle", True),
        ("a cake, top down", "overhead framing", True),
        ("a cake, top down", "sense of scale", False),
        ("a steampunk inventor", "futuristic atmosphere", False),
        ("coral reef, underwater, vibrant colors", "subtle cool gradients", False),
        ("a tunnel, hard fluorescent light", "strong sidelight", False),
        ("oil painting, thick impasto", "soft painterly blending", False),
        ("oil painting of a harbor", "soft painterly blending", True),
        ("charcoal drawing of a boxer", "precise linework", False),
        ("pencil drawing of a boxer", "precise linework", True),
        ("an inventor, blueprints on the wall", "precise linework", False),
        ("low poly canyon", "realistic shaders", False),
        ("a girl under cherry blossoms", "crisp botanical accuracy", False),
        ("a fern", "crisp botanical accuracy", True),
        ("botanical illustration of a fern", "expressive lighting", False),
        ("grim reaper on vacation in Hawaii", "creeping dread", False),
        ("floor plan, clean lines", "warm polished tones", False),
        ("abandoned park in quiet fog", "raw elemental power", False),
        ("low poly canyon, pastel colors", "earthy tones", False),
        ("a bright spice market, antique", "muted aged hues", False),
        ("a funeral", "captivating atmosphere", False),
        ("a cyborg, glowing neon city", "synthetic glow", True),
        ("a stag, backlit, energetic", "intense edge lighting", True),
        ("close up of an eye", "close framing", True),
    ],
)
def test_what_needs_no_reason_or_has_one(prompt, phrase, called_for):
    behind = Accord(RULES, RULES.says([phrase]), RULES.read(prompt), suits=RULES.suit([phrase]))
    assert bool(behind.allowed[0]) is called_for


def test_what_suits_every_picture_decides_about_none():
    decided = {
        f
        for f, no in zip(RULES.facts, RULES.given | RULES.decides | RULES.never, strict=True)
        if no
    }
    for phrase in RULES.neutral | RULES.common:
        assert not RULES.read(phrase, phrase=True).said & decided, phrase


def test_what_was_written_counts_too():
    phrases = ["balanced composition", "pleasing asymmetry", "fine textures"]
    behind = accord(phrases, "a cup")
    assert behind.allowed.tolist() == [True, True, True]
    behind.add(0)
    assert behind.allowed.tolist() == [True, False, True]


def test_no_phrase_clashes_with_itself():
    for phrase, says in zip(PHRASES, RULES.says(PHRASES), strict=True):
        assert not RULES.clashes[np.ix_(says, says)].any(), phrase


def test_each_facet_has_its_limit():
    says = RULES.says(["fine textures", "highly detailed", "evocative storytelling"])
    behind = Accord(RULES, says, Reading(), facets=np.array([0, 0, 1]), limits=[1, 1])
    behind.add(0)
    assert behind.allowed.tolist() == [False, False, True]


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    reading = RULES.read(text)
    assert reading.said <= set(RULES.facts)
    assert not reading.said & reading.denied


def test_praise_comes_once():
    assert facet_limits(["finish", "light"], LONGEST) == [1, 2]


@given(st.integers(0, 500), st.integers(0, 2**64 - 1), st.booleans())
def test_few_phrases(words, seed, neutral):
    count = phrase_count(words, seed, neutral=neutral)
    assert 2 <= count <= LONGEST
    assert all(limit >= 1 for limit in facet_limits(["light", "mood", "other"], count))


@pytest.mark.parametrize("begins_with", ["sais light.bright", "once of"])
def test_a_line_that_is_no_rule_is_named(tmp_path, begins_with):
    path = tmp_path / "rules.txt"
    path.write_text(f"says time.night: night\n{begins_with}: time\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=rf"rules\.txt: no line may begin with '{re.escape(begins_with)}'"
    ):
        load_rules(path)


def test_a_file_of_rules_may_leave_out_what_it_has_nothing_for(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("# of one kind alone\nsays time.night: night\n", encoding="utf-8")
    rules = load_rules(path)
    assert rules.read("a night at sea").said == {"time.night"}
    assert not rules.given.any()
    path = tmp_path / "nothing.txt"
    path.write_text("", encoding="utf-8")
    assert load_rules(path).read("a night at sea").said == frozenset()
