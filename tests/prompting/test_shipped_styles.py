"""The styles and wildcards that come with the extension, read as a strict editor would."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import lookup_key
from fooocus_ext.prompting.wildcards import Wildcards

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = load_styles([ROOT / "styles"])
NEGATIVE_ONLY = {"Fooocus Enhance", "Fooocus Semi Realistic", "Fooocus Negative"}


def words(text):
    return set(re.findall(r"[a-z0-9]+", text.casefold()))


FILLER = words("a an and as at by from in into like no of on or prompt that the to with")
# Living artists, brands and what nobody should be shown unasked.
FORBIDDEN = words("""
    adobe apple canon disney dreamworks ferrari fujifilm ghibli gucci hasbro hasselblad
    imax kodachrome kodak leica lego lomo marvel mattel minecraft nike nikon nintendo octane pepsi
    photoshop pixar playmobil playstation pokemon polaroid porsche rolex sega simpsons sony
    starbucks technicolor tesla unreal vray zbrush artstation deviantart
    rutkowski artgerm banksy kusama hockney koons hirst richter murakami miyazaki toriyama wlop
    loish mignola sorayama beeple samdoesarts
    nude nudity naked nsfw sexy sensual erotic lingerie lewd fetish suggestive seductive
    cigarette drug drugs nazi swastika suicide corpse
""")
# Unpleasant things may only be asked away.
ONLY_NEGATIVE = words("blood gore severed mutilated")
FOOOCUS_STYLES = (
    "Enhance",
    "Sharp",
    "Cinematic",
    "Photograph",
    "Masterpiece",
    "Semi Realistic",
    "Negative",
    "Pony",
)

# What only a style's name may bring into a picture, or keep out of it by the negative text.
STAGED = words("""
    airplane altar anvil armchair armor arrow bag ball balloon banner barrel basket bed bell bench
    bicycle bike boat book boot bottle bouquet bowl bread bucket bus cable cake candle candlelight car
    carpet cart chair chandelier cloak clock clothes coat coin confetti couch cup curtain desk door
    drapery dress fan fence fireplace firelight flag flashlight food fountain fruit furniture garment
    gaslight gear glasses glove gown guitar gun hammer hat helmet hose jeans jewel jewelry kite lace
    ladder lamp lamplight lantern laptop letter locomotive machine machinery map mask microscope
    missile motorcycle mug necklace orchestra oven phone piano pillow propeller props puppet purse
    railing ribbon robe robot rocket rope sail scarf shelf ship shirt shoe shop shovel sign skirt sofa
    spaceship spear spotlight stair staircase stall statue stove streetlight sword table teacup tent
    throne tool toy train tray truck umbrella vase vehicle wallpaper wagon wardrobe weapon windmill
    window zipper

    airport alley apartment arcade arch attic backdrop backyard barn basement bathroom bay beach
    bedroom building cabin canyon castle cathedral cave cavern ceiling chapel church city cityscape
    classroom cliff coast corridor cottage countryside courtyard crag desert dune facade factory farm
    floor forest garage garden hall hangar harbor hill horizon house interior island jungle kitchen
    laboratory lake landscape library lobby market meadow mountain museum ocean office palace park
    peak pier planet plaza pond pool porch reef restaurant river road roof room ruin salon school sea
    shore skyline skyscraper sky stadium stairwell street studio summit swamp temple theater town
    tunnel valley veranda village volcano wall warehouse waterfall

    birch blossom branch bush coral fern flower foliage foam grass greenery ice ivy leaf leaves
    meteor moss mud nebula oak orchid palm petal pine plant poppies poppy puddle rock sawdust spray
    starfield stem tree trunk tulip vegetable vine wave water

    angel animal audience baby bee beings bird body boy bust cat character child children couple
    creature crowd doll dog dragon family figure fish flock ghost girl gull hero heroine horse human
    insect king knight lady man mannequin mascot men monster neighbor passer people person pet player
    prince princess queen soldier somebody spider stranger technician traveler villain wanderer
    warrior witness woman women worker

    arm cheek collarbone expression eye face finger flesh foot gaze gesture grin hair hand head
    jaw knee laughter leg limb lip muscle nose pose shoulder skin smile stance stare tear tooth waist
    wrist

    blizzard breeze cloud cloudy dew drizzle dust dusty fog foggy frost frosty hail haze hazy
    lightning mist misty overcast rain rainbow rainy smog smoke snow snowy steam storm stormy sunny
    thunder wind windy

    afternoon autumn dawn daylight daytime dusk evening midday midnight moon moonlight morning night
    noon season star starlight starry starlit summer sun sunlight sunlit sunrise sunset twilight
    winter

    aerial angle centered closeup crop distant fisheye foreshortening isometric macro overhead
    panorama portrait telephoto tilt tilted vista wide
""")
# Groups whose styles are not a medium, and so leave the prompt its own.
WITHOUT_MEDIUM = ("architecture", "fashion", "Fooocus", "future", "mood", "nature")
MEDIUMS = words("""
    airbrush anime cartoon charcoal collage comic crayon doodle drawing drawn engraving etching
    film fresco gouache illustration ink linocut lithograph manga mosaic painted painterly painting
    pencil photo photograph photographic photorealism pixel render rendered sculpture sketch sketchy
    snapshot sticker tapestry vector watercolor woodcut
""")
# A word of a style's name -> what the name says with it.
IMPLIED = {
    "architecture": words("arch ceiling facade floor ivy leaves moss oak roof wall"),
    "alpine": words("summit"),
    "aurora": words("night star"),
    "blueprint": words("painterly photographic"),
    "cinematic": words("cartoon film snapshot"),
    "cyberpunk": words("cable sign"),
    "dieselpunk": words("machinery"),
    "fashion": words("garment zipper"),
    "forest": words("fern leaves moss plant trunk"),
    "golden": words("sun"),
    "laboratory": words("ceiling"),
    "meadow": words("blossom grass petal stem"),
    "nanotech": words("machine"),
    "nebula": words("cloud dust star"),
    "night": words("star starlight"),
    "ocean": words("foam spray water wave"),
    "product": words("backdrop"),
    "realistic": words("doodle photographic"),
    "reef": words("coral water"),
    "sketch": words("comic ink photo render watercolor"),
    "solarpunk": words("greenery"),
    "space": words("starfield"),
    "steampunk": words("gaslight gear"),
    "storm": words("cloud"),
    "summer": words("sunlight"),
    "synthwave": words("sun"),
    "winter": words("snow"),
}
# Where such a word means handling, and the faults of bodies that any style may ask away.
HANDLING = (
    r"\bhand-|\bjewel-|jewel tones|machine-age|tilt-shift|balloon-like|cable pattern|tool marks"
    r"|dust-free|dusty smears"
)
# A text encoder does not read "no"; and where a picture shall have a sign, "garbled lettering" asks
# all lettering away.
DENIALS = words("no not nothing without")
WRITING = words(
    "caption label letter letters lettering signature signage slogan text title writing"
)
FAULTS = words("eye finger hair hand limb skin stare wrist")


def singular(word):
    ends = (word.removesuffix(end) for end in ("es", "s"))
    return next((end for end in ends if end in STAGED | MEDIUMS), word)


def unasked(name, text):
    """The words of a style's text that need its name's permission, and do not have it."""
    named = {singular(word) for word in words(name)}
    implied = {word for part in words(name) for word in IMPLIED.get(part, ())}
    guarded = STAGED | (MEDIUMS if name.startswith(WITHOUT_MEDIUM) else set())
    used = {
        singular(word) for word in words(re.sub(HANDLING, " ", text.replace("close-up", "closeup")))
    }
    return used & guarded - named - implied


def likeness(one, other):
    first, second = words(one) - FILLER, words(other) - FILLER
    return len(first & second) / len(first | second)


def test_everything_loads_in_at_least_a_dozen_groups_of_several():
    assert not LIBRARY.problems
    assert len(LIBRARY) >= 120
    assert len(LIBRARY.groups) >= 12
    assert all(len(styles) >= 6 for styles in LIBRARY.groups.values())
    assert "cinematic-default" in LIBRARY.names


def test_names_are_unique_also_as_fooocus_would_spell_them():
    keys = [lookup_key(style.name) for style in LIBRARY.styles]
    entries = sum(
        path.read_text("utf-8").count('"name"') for path in (ROOT / "styles").glob("*.json")
    )
    assert len(set(keys)) == len(keys) == entries


def test_fooocus_default_styles_exist():
    for name in FOOOCUS_STYLES:
        assert f"Fooocus {name}" in LIBRARY


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_reads_well(style):
    assert style.prompt.count("{prompt}") == (style.name not in NEGATIVE_ONLY)
    if style.prompt:
        assert 10 <= len(style.prompt.split()) <= 45
    assert 4 <= len(style.negative_prompt.split(",")) <= 14
    for text in (style.prompt, style.negative_prompt):
        assert text == text.strip()
        assert not re.search(r"\s\s|,,| ,|[\n;|<>()\[\]]|\.$|,$|__", text)
        parts = [part.strip() for part in text.split(",") if part]
        assert len(set(parts)) == len(parts)
        assert text.isascii()
    assert not set(style.prompt.split(", ")) & set(style.negative_prompt.split(", "))


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_names_no_artist_no_brand_and_nothing_unsafe(style):
    everything = f"{style.name} {style.prompt} {style.negative_prompt}"
    assert not words(everything) & FORBIDDEN
    assert not words(style.name + " " + style.prompt) & ONLY_NEGATIVE


def test_the_forbidden_words_would_be_noticed():
    assert words("in the style of LEGO, Sensual") & FORBIDDEN == {"lego", "sensual"}


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_brings_and_forbids_only_what_its_name_says(style):
    assert not unasked(style.name, style.prompt)
    assert not unasked(style.name, style.negative_prompt) - FAULTS


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("Fooocus Sharp", "a close-up of {prompt}, hazy mountains", "closeup hazy mountain"),
        ("Fooocus Sharp", "pencil drawing of {prompt}", "pencil drawing"),
        ("painting-baroque", "oil painting of {prompt}, candles", "candle"),
        ("nature-misty-forest", "{prompt} in a misty forest at dawn, mossy trunks", "dawn"),
        ("mood-joyful", "{prompt}, laughing people on a beach", "people beach"),
    ],
)
def test_what_a_name_does_not_say_would_be_noticed(name, text, found):
    assert unasked(name, text) == words(found)


def test_each_permission_is_used():
    texts = {style.name: f"{style.prompt} {style.negative_prompt}" for style in LIBRARY.styles}
    for part, implied in IMPLIED.items():
        used = [text for name, text in texts.items() if part in words(name)]
        assert implied <= {singular(word) for text in used for word in words(text)}, part


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_the_prompt_is_the_subject_and_comes_early(style):
    before = style.prompt.partition("{prompt}")[0]
    assert len(before.split()) <= 8
    assert not words(before) & words("close corner detail fragment glimpse part piece")
    assert "study" not in words(before) - words(style.name)


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_says_what_it_is_and_forbids_no_writing(style):
    assert not words(style.prompt) & DENIALS
    assert not {singular(word) for word in words(style.negative_prompt)} & WRITING


@pytest.mark.parametrize("style", LIBRARY.styles, ids=lambda style: style.name)
def test_a_style_says_nothing_in_the_grammar_of_the_webui(style):
    for text in (style.prompt.replace("{prompt}", ""), style.negative_prompt):
        assert not re.search(r"[#:{}\\]|\b(AND|BREAK)\b|__", text)


@pytest.mark.parametrize("part", ["prompt", "negative_prompt"])
def test_no_two_texts_are_nearly_the_same(part):
    texts = {style.name: getattr(style, part) for style in LIBRARY.styles if getattr(style, part)}
    likest = max(
        (likeness(texts[one], texts[other]), one, other)
        for one, other in itertools.combinations(texts, 2)
    )
    assert likest[0] < 0.4, likest


def test_wildcard_files_are_sound_and_resolve_each_other():
    wildcards = Wildcards([ROOT / "wildcards"])
    assert {"color", "animal", "light", "place/city"} <= set(wildcards.names)
    for name in wildcards.names:
        options = wildcards.options(name)
        assert len(options) >= 4
        assert len(set(options)) == len(options)
        for option in options:
            assert not words(option) & FORBIDDEN
            for inner in re.findall(r"__(.+?)__", option):
                assert wildcards.options(inner)
