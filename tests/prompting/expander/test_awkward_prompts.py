"""What may not stand behind prompts that are easily misread, with the default styles.

Each line was seen to fail before the rule that it stands for.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fooocus_ext.prompting.expander import Expander, load_expander
from fooocus_ext.prompting.expander.rules_file import load_rules
from fooocus_ext.prompting.style_files import load_styles

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = load_styles([ROOT / "styles"])
PRESETS = sorted((ROOT / "presets").glob("*.json"))
MOODS = frozenset(
    [
        "light",
        "beam",
        "heat",
        "hue",
        "gray",
        "chroma",
        "temper",
        "pace",
        "time",
        "weather",
        "season",
    ]
)
SEEDS = 12
FOOD = "delicious|mouthwatering|appetizing|gourmet|juicy|succulent|luscious|indulgen|tempting"
FEAR = (
    "terror|ominous|oppressive|eerie|haunting|creeping|unease|chilling|grim|decayed|claustro|sinister"
    "|menace|foreboding|gothic|disturbing|macabre|sickly|dread|unsettling|disquieting|heavy darkness"
)
MEDIUM = "medium"  # any phrase that names one

MODIFIERS = [
    ("chocolate labrador", FOOD),
    ("a coffee table", FOOD),
    ("coffee brown leather boots", FOOD),
    ("a picnic blanket", FOOD),
    ("pie chart", FOOD),
    ("wine red velvet curtain", FOOD),
    ("a traffic jam in Cairo", FOOD),
    ("honey colored hair, a girl", FOOD),
    ("a ghost town in Nevada", FEAR),
    ("graveyard shift nurse", FEAR),
    ("a child in a skeleton costume", FEAR),
    ("a vampire bat", FEAR),
]
NO_FEAR = [
    ("a scarecrow in a wheat field", FEAR),
    ("gargoyle", FEAR),
    ("Reaper combine harvester", FEAR),
]
DENIED = [
    ("not dark, not scary, a cemetery in May", f"{FEAR}|deep somber"),
    ("not scary, a dragon skull", FEAR),
    ("a cat, not cute, just normal", "endearing|adorable|heartwarming|playful"),
    ("a bright, not gloomy, gothic chapel", f"{FEAR}|somber"),
]
FRIENDLY = [
    ("a friendly ghost waving", FEAR),
    ("a joyful skeleton playing the banjo", FEAR),
    ("a horror clown, but friendly", FEAR),
    ("a cute vampire in pastel colors", FEAR),
    ("a kind old monster reading to children", FEAR),
]
NO_MEDIUM = [
    ("an oil rig in the North Sea", MEDIUM),
    ("oil lamp in a barn", MEDIUM),
    ("acrylic nails, hand close up", MEDIUM),
    ("a marker on the trail", MEDIUM),
    ("a soldier with a drawn sword", MEDIUM),
    ("a Victorian drawing room", MEDIUM),
    ("curtains drawn in a hotel room", MEDIUM),
    ("a painted door in Lisbon", MEDIUM),
    ("portrait of a woman with tattoos", MEDIUM),
    ("a nutcracker figurine", MEDIUM),
    ("ink stains on a shirt", MEDIUM),
    ("a child with crayons", MEDIUM),
    ("a chef rendering fat in a pan", MEDIUM),
    ("a girl in an embroidered dress", MEDIUM),
]
MAGIC = "fairytale|enchanted|magical|mystical|mythic|arcane|otherworldly|legend|destiny"
SHALLOW = "shallow focus|bokeh|isolating focus|wide aperture"
NOT_ASKED = [
    ("a castle in Wales", MAGIC),
    ("a heatwave in Rome, shimmering asphalt, noon", MAGIC),
    ("satellite photo of a river delta", SHALLOW),
    ("passport photo of an old man", SHALLOW),
    ("a warehouse, photo", SHALLOW),
    ("photo of a dancer, no bokeh", SHALLOW),
]
MANY = [
    ("crowd of thousands at a demonstration", "uncluttered|intimate|solitude|stillness"),
    ("concert crowd, confetti", "uncluttered|intimate|solitude|stillness"),
    ("a volcano erupting", "calm|serene|tranquil|soothing|stillness"),
    ("seven nuns on a roller coaster", "solitude|tranquil|serene|calm"),
]
FEELINGS = (
    "atmosphere|ambience|mood|welcoming|shadow|glow|sidelight|weathered|tactile|perspective|realis"
)
SHEETS = [
    ("floor plan of a three room apartment", FEELINGS),
    ("bar chart of rainfall", FEELINGS),
    ("spreadsheet with sales figures", FEELINGS),
    ("a weather app on a phone, interface design", FEELINGS),
    ("screenshot of a website for a bakery", FEELINGS),
    ("exploded technical drawing of a bicycle hub, dimension lines, white paper", FEELINGS),
    ("orthographic front view of a chair, plain white background", FEELINGS),
    ("ASCII art of a cat", f"{FEELINGS}|anatomy|vitality"),
    ("topiary elephant", "vivid realism|accurate anatomy"),
]
FINE = (
    "exquisite|elegan|inviting|welcoming|homely|cosy|timeless|serene|delicious|gourmet|enchanting"
    "|pristine"
)
PRAISE = "beautiful|gorgeous|stunning|exquisite|masterpiece|remarkable"
PLAIN = [
    ("an ugly, badly drawn, crude stick figure", FINE),
    ("a dirty, grimy motel bathroom, disposable camera", FINE),
    ("rotten apple full of worms", f"{FINE}|fresh|appetizing|juicy|hospitality|wholesome"),
    ("an overflowing dumpster behind a restaurant", FINE),
    ("an abandoned amusement park", "immaculate|polished|pristine|flawless"),
    ("burnt toast, disgusting", f"{FINE}|fresh|appetizing|juicy|hospitality|wholesome"),
    ("messy teenage bedroom", f"{FINE}|uncluttered|simplicity"),
    ("a filthy operating room", FINE),
    ("tired mother in a chaotic kitchen", f"{FINE}|uncluttered|simplicity|calm"),
    ("harsh flash, ugly shadows, red eyes", "even illumination|soft glow|gentle light|soft light"),
    ("asymmetric composition, off-center cup", "symmetry|symmetrical|centered"),
]


LIT = "lighting|light|atmosphere|storytelling|focal"
SWATCHES = [
    ("seamless brick wall texture, tileable, albedo, no shadows", LIT),
    ("a gradient from teal to magenta", LIT),
    ("an electron microscope image of pollen", f"{LIT}|expressive"),
    ("three cubes and a sphere", "storytelling"),
]
SHADED = "hatching|varied linework|rich tones|tonal|global illumination|studio|exposure|expressive"
DRAWN_EXACTLY = [
    ("cross section diagram of a human tooth, labeled", SHADED),
    ("assembly instructions for a bookshelf, line drawing", SHADED),
    ("garden shed plan, pencil sketch with dimensions", SHADED),
    ("wireframe of a sports car", "global illumination"),
    ("icon set of kitchen tools, outline, monochrome", "rich tones|tonal"),
]
LETTERING = [
    ('a wooden sign on a farm road that says "FRESH EGGS"', FOOD),
    ("a neon sign that says \u201cPIZZA\u201d, rainy night", FOOD),
    ("worksheet for kindergarten: five apples in a basket", FOOD),
]
GLOW = "glow|edge light|rim light|backlight"
NO_GLOW = [
    ("a mecha standing in a hangar", GLOW),
    ("an elf archer, forest, dynamic pose", GLOW),
    ("a cosmetic bottle, soft shadows", "edge light|backlight"),
    ("a necromancer, character sheet", f"{GLOW}|fairytale|gentle"),
    ("a dragon over a burning village", "fairytale|gentle|charm"),
    ("a bowl of soup, dark table", "deep shadows|dim|darkness"),
]
OTHERS_THINGS = [
    ("empty room, no furniture, white walls", "natural textures"),
    ("1920s photograph of a fishing crew, sepia", "exposure|professional photo|optics"),
    ("portrait of a baker at his oven, 35mm film", "close framing|exposure|professional photo"),
    ("street photo, kodak tri-x", "beautiful colors|harmonious colors|balanced colors"),
    ("japanese tattoo design of a koi, black and grey", "beautiful colors|color contrast"),
    ("macro shot of a jumping spider on a leaf", "botanical"),
    ("red explosion, thumbnail background", "determination|graceful|poised"),
    ("book cover for a thriller", "editorial illustration"),
]
ALIVE = "lifelike|observation|natural coloring"
TALES = "fairytale|enchanted"
NOT_ALIVE = [
    ("a bat lying on the home plate of a baseball field", ALIVE),
    ("passport page with a stamp of a lion", f"{ALIVE}|atmosphere|storytelling"),
    ("a tattoo of a phoenix on a shoulder", f"{TALES}|otherworldly|magical"),
    ("a dragon embroidered on a silk robe", f"{TALES}|otherworldly|magical"),
    ("a dragon flying over a village", TALES),
    ("lego minifigure of a firefighter on a desk", "handmade"),
    ("a robot watering flowers", "organic forms"),
]
OF_ONE_THING = [
    ("a woman looking at herself in a broken mirror", "gritty|weathered"),
    ("linocut print of a rooster in two colors", "earthy|muted"),
    ("exactly three eggs in a nest", FOOD),
    ("circuit board layout seen from above", "lighting|atmosphere|storytelling"),
    ("shiba dog meme, impact font caption", "intense"),
]


@pytest.fixture(scope="module")
def expander() -> Expander:
    return load_expander()


@pytest.fixture(scope="module")
def default_styles() -> str:
    return SHIPPED.get("Fooocus Sharp").prompt


def phrases_behind(expander: Expander, prompt: str, style: str) -> list[str]:
    expansions = expander.expansions([prompt] * SEEDS, range(SEEDS), style_texts=[style] * SEEDS)
    return [phrase for expansion in expansions for phrase in expansion.words.split(", ")]


def names_a_medium(phrase: str) -> bool:
    said = load_rules().read(phrase, phrase=True).said
    return any(fact.startswith("medium.") for fact in said)


@pytest.mark.parametrize(
    ("prompt", "not_behind"),
    [
        *(*MODIFIERS, *NO_FEAR, *DENIED, *FRIENDLY, *NO_MEDIUM, *NOT_ASKED, *MANY, *SHEETS, *PLAIN),
        *(*SWATCHES, *DRAWN_EXACTLY, *LETTERING, *NO_GLOW, *OTHERS_THINGS),
        *(*NOT_ALIVE, *OF_ONE_THING),
    ],
)
@pytest.mark.parametrize("styled", [False, True])
def test_not_behind(expander, default_styles, prompt, not_behind, styled):
    phrases = phrases_behind(expander, prompt, default_styles if styled else "")
    if not_behind is MEDIUM:
        assert not [phrase for phrase in phrases if names_a_medium(phrase)]
    else:
        assert not [phrase for phrase in phrases if re.search(not_behind, phrase)]


@pytest.mark.parametrize(
    ("prompt", "somewhere_behind"),
    [
        ("a chocolate cake on a table", FOOD),
        ("bowl of ramen", FOOD),
        ("sushi platter", FOOD),
        ("chocolate cake photography", FOOD),
        ("a haunted mansion", FEAR),
        ("a demon", FEAR),
        ("a wizard casting a spell", MAGIC),
        ("elf girl in a forest", MAGIC),
        ("a pizza without cheese", FOOD),
        ("a wizard, no dragon", MAGIC),
        ("a wizard cat", MAGIC),
        ("1girl, red eyes, long hair", PRAISE),
        ("portrait of a woman with dirty blonde hair", PRAISE),
        ("a girl with messy hair", PRAISE),
        ("a princess with a messy bun", PRAISE),
        ("worm's eye view of a cathedral", PRAISE),
        ("worm's-eye view of a cathedral", PRAISE),
        ("photo of a fox, blurred background", SHALLOW),
        ("floor plan of a house", "precise|clean|crisp|detail"),
        ("a dirty, grimy motel bathroom", "light|color|colors|tones|hues"),
        ("oil painting of a fox", MEDIUM),
        ("ink drawing of a heron", MEDIUM),
        ("a fox in ink", MEDIUM),
        ("pencil, a fox", MEDIUM),
        ("poster design, a whale", MEDIUM),
        ('a cake with the words "Happy Birthday" on it', FOOD),
        ('a 12" pizza on a 14" plate', FOOD),
        ("close up portrait of an old monk", "framing"),
        ("a bat hanging in a cave", ALIVE),
        ("a wizard casting a spell", TALES),
    ],
)
def test_still_behind(expander, prompt, somewhere_behind):
    """A rule that closed too much would keep the promises, too."""
    phrases = phrases_behind(expander, prompt, "")
    if somewhere_behind is MEDIUM:
        assert any(map(names_a_medium, phrases))
    else:
        assert any(re.search(somewhere_behind, phrase) for phrase in phrases)


def default_styles_of(preset: Path) -> list[str]:
    names = json.loads(preset.read_text("utf-8")).get("default_styles", [])
    return [name for name in names if name in SHIPPED.names]


def test_what_presets_add_decides_nothing_about_light_and_color():
    """Night and noon, black and white and color must all go with what nobody chose."""
    for name in {name for preset in PRESETS for name in default_styles_of(preset)}:
        said = load_rules().read(SHIPPED.get(name).prompt).said
        assert not {fact for fact in said if fact.partition(".")[0] in MOODS}, name


@pytest.mark.parametrize(
    "prompt", ["oil painting of a fox", "watercolor of a barn", "a fox in ink"]
)
def test_a_medium_keeps_its_technique_beside_the_default_styles(expander, default_styles, prompt):
    assert any(map(names_a_medium, phrases_behind(expander, prompt, default_styles)))


def test_the_masterpiece_is_no_render():
    said = load_rules().read(SHIPPED.get("Fooocus Masterpiece").prompt).said
    assert not {fact for fact in said if fact.startswith("medium.")}
