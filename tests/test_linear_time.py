"""Every parser of text that users or pictures bring takes time that grows with its length, and no faster."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fooocus_ext import image_log, infotext
from fooocus_ext.args import Settings
from fooocus_ext.data_files import DataFileError, parse_json
from fooocus_ext.errors import RequestError
from fooocus_ext.generation.plan import Plan, lora_tags, with_lora_tags
from fooocus_ext.host.panel import ranges
from fooocus_ext.images.decoding import from_base64
from fooocus_ext.metadata import values
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.infotext import from_infotext
from fooocus_ext.metadata.picture_file import picture_text
from fooocus_ext.presets.aspect_ratios import parse_size
from fooocus_ext.presets.file_names import match_file
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.samplers import fooocus_names
from fooocus_ext.prompting import grammar
from fooocus_ext.prompting.arrays import apply_arrays
from fooocus_ext.prompting.chunks import normal_pieces, spaced_words
from fooocus_ext.prompting.comments import (
    HASH,
    WITH_BLOCKS,
    end_of_words,
    strip_comments,
    without_signs,
)
from fooocus_ext.prompting.embeddings import bare_embeddings
from fooocus_ext.prompting.expander import cached_expander
from fooocus_ext.prompting.expander import text as expander_text
from fooocus_ext.prompting.expander.rules_file import load_rules
from fooocus_ext.prompting.lines import even_commas, take_apart
from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import apply_styles
from fooocus_ext.prompting.text_lists import text_list, untagged_main
from fooocus_ext.prompting.weights import weigh
from fooocus_ext.prompting.wildcards import Wildcards, apply_wildcards
from fooocus_ext.tab.choices import style_names
from fooocus_ext.tab.fill import fill

# Measures, and so wants a core of its own; a clock on the wall counts what a busy machine does meanwhile.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SHORT, LONG = 10_000, 300_000
LARGEST_RATIO = 90.0
"""Times the work on the long text may be that on the short one; linear is 30, quadratic 900."""
MOST_SECONDS = 2.0
SECONDS_OF_NOTE = 0.03
"""What takes less than this on the long text is not slow, whatever the short one took."""
ROOT = Path(__file__).parents[1]
HERE = Installed(loras=[f"lora {number}" for number in range(1_000)])


@functools.lru_cache(maxsize=1)
def library():
    return load_styles([ROOT / "styles"])


def exif_picture(text: str) -> bytes:
    exif = Image.Exif()
    exif[0x9286] = b"UNICODE\0" + text.encode("utf-16-le", "replace")[:60_000]
    stream = io.BytesIO()
    Image.new("RGB", (1, 1)).save(stream, "WEBP", exif=exif)
    return stream.getvalue()


def in_all_entries(text: str) -> dict[str, str]:
    ours = dict.fromkeys(infotext.KEYS, text)
    theirs = (
        "Prompt",
        "Sampler",
        "Steps",
        "Seed",
        "CFG scale",
        "Size-1",
        "Size-2",
        "Schedule type",
    )
    return {**ours, **dict.fromkeys(theirs, text), infotext.FIELDS[0].infotext: "True"}


PROMPTS: dict[str, Callable[[str], object]] = {
    "arrays": lambda text: apply_arrays(text, 3),
    "arrays of one item": lambda text: apply_arrays(text, 3, single=True),
    "wildcards": lambda text: apply_wildcards(text, Wildcards(), random.Random(1)),
    "lines": lambda text: take_apart(text, True, ", ", divides=True),
    "parts": lambda text: [part.is_wanted for part in grammar.split_parts(text)],
    "comments and tags": lambda text: grammar.without_tags(strip_comments(text, HASH)),
    "comments of reForge": lambda text: strip_comments(text, WITH_BLOCKS),
    "signs of comments": lambda text: without_signs(text, WITH_BLOCKS),
    "words before comments": lambda text: end_of_words(text, WITH_BLOCKS),
    "Fooocus's emphasis": weigh,
    "words": lambda text: [normal_pieces(bare_embeddings(word)) for word in spaced_words(text)],
    "texts one by one": lambda text: text_list([untagged_main(even_commas(text))]),
    "styles": lambda text: apply_styles(library().styles[:3], text),
    "lora tags before comments": lambda text: with_lora_tags(text, [("a", 1.0)], WITH_BLOCKS),
    "lora tags": lambda text: lora_tags([("<lora:<lora:", 1.0), ("a", 1.0)], text),
    "a performance's lora": lambda text: Plan(
        Settings(), Settings(), performance_lora="a"
    ).with_loras(text),
    "what the expander reads": lambda text: expander_text.readable_text(text, ("cat", "dog")),
    "what the expander's model reads": lambda text: cached_expander()._encoded(text),
    "what the expander finds said": load_rules().read,
    "what the expander may continue": expander_text.can_continue,
    "what the expander writes": lambda text: cached_expander().expansions([text], [1]),
    "what the expander adds": lambda text: expander_text.join_continuation(text, "fog"),
}
PROMPT_TEXTS = [
    ("", "9", "x"),
    ("(a:", "9", ""),
    ("", "AND ", "x"),
    ("", "AND a:1 ", "\n"),
    ("", "a:1", "x"),
    ("", " ", "x"),
    ("", "\n", "x"),
    ("", "_", "x"),
    ("", "__a__ ", ""),
    ("", "__a b__ ", "__a__"),
    ("__a b__", "__a__ some words of a prompt ", ""),
    ("", "__a__ some words of a prompt ", ""),
    ("", "[[", ""),
    ("", "[[a,b]] [[", ""),
    ("[[" * 20, "[a],(b),", "]]" * 20),
    ("", "(", ")"),
    ("(" * 2_000, "a", ")" * 1_999),
    ("", "(a:", ":1)" * 1_000),
    ("", "]", ""),
    ("", "\\", "("),
    ("", "<lora:", ""),
    ("", "<lora:a:1> ", ""),
    ("<lora:a:", "9", ""),
    ("", "# \n", ""),
    ("", "a, ", ""),
    ("", "embedding:", ""),
    ("", "{prompt}", ""),
    ("a", "\u0315\u0300", ""),
    ("a", "\u0f73\u0f71", ""),
    ("", ", 1", ""),
    ("", "'s ", ""),
    ("", "a½", ""),
]

RECORDS: dict[str, Callable[[str], object]] = {
    "infotext entries": lambda text: from_infotext(in_all_entries(text)),
    "infotext fields": lambda text: infotext.field_values(in_all_entries(text)),
    "typed texts": lambda text: infotext.replaced([text], ["a"]),
    "Fooocus's schemes": lambda text: read_fooocus_settings(text, library()),
    "lists of styles": values.style_names,
    "figures": values.figures(3, 0.0, 1.0),
    "whole figures": values.whole_figure(1, 10),
    "sizes": lambda text: (parse_size(text), values.size(text)),
    "samplers": lambda text: fooocus_names(text, text),
    "files": lambda text: match_file(text, [f"{text} [0123456789]", "b"]),
    "styles of the page": style_names,
    "widgets of the page": lambda text: fill(from_infotext(in_all_entries(text)), HERE, library()),
    "JSON": parse_json,
    "lines of the log": lambda text: image_log._read_entry(text.encode("utf-8", "replace")),
    "rows of the log": lambda text: (
        image_log.Entry(1, "a.png", "", {"prompt": text, "styles": text, text: 1}).rows
    ),
    "comments of pictures": lambda text: picture_text(exif_picture(text)),
    "style names": lambda text: library().get(text),
    "ranges of axes": ranges.numbers,
    "pictures of clients": lambda text: from_base64(text, "image"),
}
_A1111 = "\nSteps: 1, Sampler: a, Size: 1x1, Version: Fooocus 2, Raw prompt: "
RECORD_TEXTS = [
    ("", "9", "x"),
    ("<lora:a:", "9", "x"),
    ("<lora:a:.", "9", "x"),
    ("", " ", "<lora:a:1"),
    ("", "<lora:a:1> ", ""),
    ("", "<lora:" + "9" * 200 + ":", "x"),
    ("", "\n", "x"),
    ("", "Negative prompt:\n", _A1111),
    ("", "red, ", f"{_A1111}red, red"),
    (_A1111, "a", ""),
    (_A1111, "a: ", ""),
    (_A1111, 'aa: "b\\", ', ""),
    (f'{_A1111}"', '\\"', ""),
    (f"{_A1111}x, Lora hashes: a: b: 1, ", "a: b: 1, ", ""),
    ('{"prompt": "', "'a', ", '", "seed": 1, "steps": 2, "styles": "[]"}'),
    ('{"styles": "[', "'a', ", ']", "seed": 1, "steps": 2}'),
    ("", "[", ""),
    ("", '{"a":', ""),
    ("['", "\\'", "']"),
    ("[", "'a', ", "x"),
    ("[", "'a', ' ", ""),
    ("(", ", 'a", ")"),
    ("1x1", " ", "x"),
    ("1*1<", "x", ""),
    ("1-1", " ", "x"),
    ("", "DPM++ 2M ", "Karras"),
    ("", "a/", ""),
    ("", " [", "]"),
    ("", "é", ""),
    ("data:", "; ", ""),
    ("data:" + "; " * 90, " ", ""),
]


def spelled(text: tuple[str, str, str], length: int) -> str:
    start, unit, end = text
    return start + unit * ((length - len(start) - len(end)) // len(unit)) + end


def seconds(parse: Callable[[str], object], text: str) -> float:
    """Return the CPU time of one call; a refusal is as good as an answer."""
    start = time.process_time()
    with contextlib.suppress(RequestError, DataFileError):
        parse(text)
    return time.process_time() - start


def check(parse: Callable[[str], object], text: tuple[str, str, str]) -> None:
    """Fail if the long text takes too much; a busy machine is given three chances to be fair."""
    start, unit, _ = text
    for _attempt in range(3):
        gc.disable()
        try:
            long = seconds(parse, spelled(text, LONG))
            short = long if long < SECONDS_OF_NOTE else seconds(parse, spelled(text, SHORT))
        finally:
            gc.enable()
        if long < MOST_SECONDS and long < LARGEST_RATIO * max(short, 1e-4):
            return
    pytest.fail(f"{start[:20]!r} + many {unit[:20]!r}: {short:.4f} s, then {long:.3f} s")


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_takes_time_that_grows_with_its_length(name):
    library()
    cached_expander()
    for text in PROMPT_TEXTS:
        check(PROMPTS[name], text)


@pytest.mark.parametrize("name", RECORDS)
def test_what_a_picture_or_a_file_says_takes_time_that_grows_with_its_length(name):
    library()
    for text in RECORD_TEXTS:
        check(RECORDS[name], text)
