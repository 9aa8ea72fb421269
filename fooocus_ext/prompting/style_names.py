"""Names of styles that circulate in pasted settings, and our nearest to each.

Settings from elsewhere name the styles that Fooocus ships ("SAI Photographic", "mre-comic",
"Artstyle Cubist"). Whoever copied Fooocus's files has them; for all others, ``nearest`` gives the
style that comes closest in kind, and ``note`` the sentence that says so. Both take any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from fooocus_ext.normal_forms import normal_form
from fooocus_ext.prompting.styles import special_style

_LONGEST = 200
"""letters of a name that are looked at: longer ones name no style (see ``style_files``)"""
_LONGEST_SHOWN = 100

# A style of ours | names of others that it comes nearest to, with or without the pack's name.
_TABLE = """
3d-animated-feature | Adorable 3D Character, Fortnite Art Style
3d-clay-model | Sketchup
3d-glass-sculpture | MK Carnival Glass
3d-low-poly | sai-lowpoly
3d-miniature-diorama | photo-tilt-shift, Action Figure
3d-studio-render | sai-3d-model, Terragen
3d-voxel | game-minecraft
ad-corporate-annual | ads-corporate
ad-luxury-fragrance | ads-luxury, ads-advertising, Luxurious Elegance
anime-chibi | misc-kawaii, Adorable Kawaii
anime-key-visual | sai-anime, mre-anime, Cel Shaded Art
architecture-art-deco | Art Deco, artstyle-art deco
architecture-blueprint | Blueprint Schematic Drawing
architecture-mid-century | Googie Art Style
architecture-parametric | Neo-Futurism
architecture-real-estate | ads-real estate
cinematic-default | sai-cinematic, cinematic-diva, mre-cinematic-dynamic
cinematic-found-footage | Glitchcore
cinematic-neon-thriller | sai-neonpunk, photo-neon noir, Vibrant Rim Light, Glo-fi
cinematic-noir-city | photo-film noir
cinematic-space-opera | mre-space-art, misc-space, futuristic-sci-fi
comic-newspaper-strip | Caricature
comic-pop-art | artstyle-pop art, Pop Art 2, MK Andy Warhol, MK Halftone print
comic-silver-age | sai-comic book, mre-comic
comic-underground-doodle | mre-underground, Doodle Art, Graffiti Art, artstyle-graffiti, MK Basquiat
craft-ceramic-glaze | MK Cibulak Porcelain, MK Vitreous Enamel
craft-clay-stop-motion | sai-craft clay
craft-embroidery | MK Embroidery, MK Cross-Stitching
craft-mosaic | MK mosaic, Pebble Art, Neo-Byzantine
craft-origami | sai-origami
craft-paper-cut-layers | papercraft-flat papercut, papercraft-kirigami, papercraft-papercut collage,
    papercraft-papercut shadow box, papercraft-stacked papercut, papercraft-thick layered papercut,
    papercraft-collage
craft-papier-mache | papercraft-paper mache
craft-quilling | papercraft-paper quilling
craft-stained-glass | misc-stained glass
craft-wood-carving | MK Inuit Carving
design-bauhaus | Bauhaus-Style Poster, MK bauhaus-style
design-flat-vector | Flat 2D Art, Simple Vector Art
design-infographic-cutaway | Infographic Drawing
design-logo-emblem | Logo Design
design-pattern-seamless | sai-texture
design-screenprint-gig-poster | MK shepard-fairey-style, MK Punk Collage
design-sticker | Sticker Designs
design-swiss-poster | artstyle-typography
fashion-avant-garde | Avant-garde
fashion-editorial | ads-fashion editorial, High Fashion, photo-glamour
fashion-streetwear | misc-techwear fashion
Fooocus Enhance | sai-enhance
Fooocus Masterpiece | sai-digital art, mre-artistic-vision, mre-dynamic-illustration
Fooocus Photograph | photo-hdr, photo-iphone photographic
future-biopunk | futuristic-biomechanical, futuristic-biomechanical cyberpunk
future-cyberpunk-street | futuristic-cyberpunk cityscape, mre-dark-cyberpunk, game-cyberpunk game,
    futuristic-retro cyberpunk
future-mecha | futuristic-cybernetic, futuristic-cybernetic robot
future-post-apocalypse | misc-dystopian
future-retro-1960s | futuristic-retro futurism, MK atompunk
future-steampunk | artstyle-steampunk, Steampunk 2
future-vaporwave | futuristic-vaporwave
game-eight-bit | game-bubble bobble, game-mario, game-retro game, game-retro arcade
game-fantasy-rpg-card | game-rpg fantasy game, sai-fantasy art, mre-heroic-fantasy
game-fighting-poster | game-fighting game, game-streetfighter
game-isometric-strategy | game-strategy game
game-pixel-adventure | sai-pixel art, game-zelda
illustration-botanical-plate | MK Herbarium
illustration-colored-pencil | Colored Pencil Art
illustration-engraving | mre-ancient-illustration, MK Aquatint Print, MK Scrimshaw
illustration-ink-wash | Ink Dripping Drawing
illustration-isometric | sai-isometric
illustration-line-art | sai-line art, MK One Line Art, MK Coloring Book, misc-zentangle
illustration-pencil-study | Pencil Sketch Drawing
illustration-silhouette | photo-silhouette, Silhouette Art
illustration-travel-poster | MK vintage-travel-poster, MK vintage-airline-poster, MK Chromolithography
manga-screentone | mre-manga, misc-manga
mood-dreamlike | misc-dreamscape, Astral Aura
mood-ethereal-fairy | misc-fairy tale
mood-gothic-horror | misc-gothic, misc-horror, misc-macabre, mre-dark-dream, mre-undead-art, Dark Fantasy
mood-heroic | mre-brave-art
mood-joyful | Light Cheery Atmosphere
mood-melancholic | mre-gloomy-art
mood-mysterious | Dark Moody Atmosphere
mood-ominous | mre-bad-dream, misc-lovecraftian
mood-psychedelic | artstyle-psychedelic, DMT Art Style, Mandola Art, Op Art, MK Blacklight Paint
mood-serene | Tranquil Relaxing Atmosphere, Idyllic
mood-stark-minimal | misc-minimalist, Minimalism
mood-whimsical | Whimsical and Playful
painting-abstract-expressionist | Abstract Expressionism, artstyle-abstract expressionism, MK Pollock,
    artstyle-abstract, Dripping Paint Splatter Art
painting-art-nouveau | artstyle-art nouveau, Art Nouveau
painting-baroque | Baroque, Neo-Baroque
painting-color-field | Color Field Painting
painting-cubist | artstyle-cubist, Cubism
painting-expressionist | artstyle-expressionist, Expressionism
painting-fauvist | Fauvism
painting-fresco | MK fayum-portrait, MK Encaustic Paint
painting-futurist-motion | Futurism
painting-impressionist | artstyle-impressionist, Impressionism, MK Singer Sargent
painting-pointillist | artstyle-pointillism, Neo-Impressionism
painting-post-impressionist | MK Van Gogh
painting-renaissance | artstyle-renaissance, Classicism Art, Neoclassicism
painting-rococo | Rococo, Neo-Rococo
painting-sumi-e | mre-sumi-e-symbolic, mre-sumi-e-detailed, Japanese Ink Drawing, MK Gyotaku
painting-suprematist | Suprematism, Constructivism, artstyle-constructivist, MK constructivism, MK de-stijl,
    mre-lyrical-geometry
painting-surrealist | artstyle-surrealist, Surrealism, mre-surreal-painting, Dadaism
painting-ukiyo-e | MK Ukiyo-e
painting-watercolor-loose | artstyle-watercolor, Watercolor 2, MK Alcohol Ink Art, MK Suminagashi
photo-analog-35mm | sai-photographic, sai-analog film, Faded Polaroid Photo, MK Cross Processing Print,
    MK Dufaycolor Photograph
photo-cyanotype | MK Cyanotype Print, MK Anthotype Print
photo-double-exposure | Double Exposure
photo-flash-party | misc-disco
photo-food | ads-food photography, ads-gourmet food photography
photo-large-format | artstyle-hyperrealism
photo-macro | Macro Photography
photo-slow-shutter | photo-long exposure, MK Luminogram
photo-street-candid | mre-spontaneous-picture
photo-studio-product | ads-retail, ads-automotive, Knolling Photography
photo-wet-plate | MK Albumen Print, MK Calotype Print, MK Bromoil Print, MK pictorialism
science-field-journal | MK Color Sketchnote
"""
_PACKS = frozenset(
    [
        "ads",
        "artstyle",
        "futuristic",
        "game",
        "misc",
        "mk",
        "mre",
        "papercraft",
        "photo",
        "sai",
        "style",
    ]
)
_FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "art",
        "artwork",
        "effect",
        "in",
        "look",
        "of",
        "style",
        "styles",
        "the",
        "v2",
    ]
)
_ENDINGS = ("istic", "ism", "ist", "ographic", "ography", "ograph", "ing", "ed", "ic", "es", "s")


def nearest(name: str, installed: Iterable[str]) -> str | None:
    """Return the one of ``installed`` that is ``name`` or comes nearest to it, or None.

    Letters' case, spaces and punctuation do not matter. In this order: an installed style of that
    name; what the table of Fooocus's names says, if it is installed; the installed style whose name
    has all words of ``name`` and the fewest others, if there is one such. The two special styles
    (``styles.SPECIAL_STYLES``) are never installed, and nothing is near to them.

    Args:
        name: any text.
        installed: names as ``StyleLibrary.names`` has them.
    """
    if special_style(name[:_LONGEST]):
        return None
    forms = _forms(tuple(installed))
    if name in forms.names:
        return name
    words = _words(name)
    if not words:
        return None
    if found := forms.by_key.get(_key(words)):
        return found
    for key in filter(None, (_key(words), _key(_without_pack(words)))):
        if found := forms.by_key.get(_key(_words(_table().get(key, "")))):
            return found
    return forms.of_the_same_words(words)


def note(name: str, near: str | None) -> str:
    """Return the sentence about a style that is not installed and ``nearest``'s answer for it."""
    shown = "".join(letter if letter.isprintable() else " " for letter in name[:_LONGEST_SHOWN])
    shown = (shown.strip() or "A style without a name") + "..." * (len(name) > _LONGEST_SHOWN)
    if near is None:
        return f"{shown} is not installed, and no style comes near it"
    return f"{shown} is not installed; {near} is the nearest"


def _words(name: str) -> list[str]:
    plain = normal_form("NFKC", name[:_LONGEST]).casefold()
    return re.findall(r"[^\W_]+", plain)


def _key(words: list[str]) -> str:
    """The form under which names are compared: "low poly", "Low-Poly" and "lowpoly" are one."""
    return "".join(words)


def _without_pack(words: list[str]) -> list[str]:
    start = next((index for index, word in enumerate(words) if word not in _PACKS), len(words))
    return words[start:]


@cache
def _table() -> dict[str, str]:
    """Key of a name, with and without its pack, -> our style. Whole names go before shortened ones."""
    whole: dict[str, str] = {}
    short: dict[str, str] = {}
    for line in re.sub(r",\n\s+", ", ", _TABLE).strip().splitlines():
        ours, names = line.split(" | ")
        for name in names.split(", "):
            words = _words(name)
            whole.setdefault(_key(words), ours)
            short.setdefault(_key(_without_pack(words)), ours)
    return short | whole


class _Forms:
    """The installed names in the forms under which others are compared with them.

    Attributes:
        names: as they are spelled.
        by_key: the first name of each key.
    """

    def __init__(self, installed: Iterable[str]) -> None:
        self.names = dict.fromkeys(installed)
        self.by_key: dict[str, str] = {}
        for spelled in self.names:
            if key := _key(_words(spelled)):
                self.by_key.setdefault(key, spelled)
        self._stems = {spelled: _stems(_words(spelled)) for spelled in self.by_key.values()}
        self._with_stem: dict[str, list[str]] = {}
        for spelled, stems in self._stems.items():
            for stem in stems:
                self._with_stem.setdefault(stem, []).append(spelled)

    def of_the_same_words(self, words: list[str]) -> str | None:
        wanted = _stems(_without_pack(words)) or _stems(words)
        if not wanted:
            return None
        rarest = min((self._with_stem.get(stem, []) for stem in wanted), key=len)
        extra = {
            spelled: len(stems - wanted)
            for spelled in rarest
            if wanted <= (stems := self._stems[spelled])
        }
        fewest = min(extra.values(), default=0)
        best = [spelled for spelled, count in extra.items() if count == fewest]
        return best[0] if len(best) == 1 else None


@lru_cache(maxsize=2)
def _forms(installed: tuple[str, ...]) -> _Forms:
    """Return the forms of a library's names: made once, for all names that are looked up in it."""
    return _Forms(installed)


def _stems(words: list[str]) -> set[str]:
    return {_stem(word) for word in words if word not in _FILLERS}


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
