"""Help with the tab's prompt before a job begins: its expansion to be edited, its tokens, its wildcards."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from modules import extra_networks

from fooocus_ext.args import Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine import assets, text_encoder
from fooocus_ext.host.tab.fill import notice
from fooocus_ext.job_queue.jobs import draw_seed
from fooocus_ext.limits import MAX_TEXT_LENGTH, SEED
from fooocus_ext.prompting.styles import EXPANSION_STYLE, special_style
from fooocus_ext.tab.choices import read_seed, style_names, style_value
from fooocus_ext.ui.tab.page import Tab

_EXPANDED = (
    "The expansion is in the prompt, where you can edit it. Fooocus V2 is switched off, so that "
    "nothing more is added."
)
_NOTHING_ADDED = "There is nothing to add to this prompt."


def connect(tab: Tab) -> None:
    """Connect the prompt's helpers; nothing of them waits for the host's queue."""
    parts, widgets = tab.parts, tab.widgets
    prompt, styles = widgets["prompt"], widgets["styles"]
    parts["expand"].click(
        fn=expand,
        inputs=[prompt, styles, widgets["random_seed"], widgets["seed"]],
        outputs=[prompt, styles, parts["log"]],
        show_progress=False,
        queue=False,
    )
    # A picture may have had the first model loaded, which is what counts.
    for widget in (prompt, styles, parts["shown"]):
        widget.change(fn=None, _js="fooocusCountSoon", inputs=[])
    parts["count_tokens"].click(
        fn=count_tokens,
        inputs=[prompt, styles],
        outputs=[parts["tokens"]],
        show_progress=False,
        queue=False,
    )
    parts["list_wildcards"].click(
        fn=wildcard_names,
        inputs=[],
        outputs=[parts["wildcards"]],
        show_progress=False,
        queue=False,
    )


def expand(prompt: str, styles: str, random_seed: bool, seed: str) -> tuple[str, str, str]:
    """Return the prompt with its expansion, the styles without the one that expands, and a notice."""
    if len(prompt) > MAX_TEXT_LENGTH:
        problem = f"prompt: got {len(prompt)} characters; allowed: up to {MAX_TEXT_LENGTH}."
        return prompt, styles, notice([problem])
    names = style_names(styles)
    try:
        number = draw_seed() if random_seed else read_seed(seed)
        expanded = assets.writer().continued(prompt, number, names)
    except RequestError as error:
        return prompt, styles, notice([error.detail])
    if expanded == prompt:
        return prompt, styles, notice([_NOTHING_ADDED])
    others = [name for name in names if special_style(name) != EXPANSION_STYLE]
    return expanded, style_value(others), notice([_EXPANDED])


def count_tokens(prompt: str, styles: str) -> str:
    """Return how many tokens the prompt has, alone and with its styles; empty while no model is loaded."""
    lengths = text_encoder.prompt_lengths()
    if lengths is None:
        return ""
    count = _tokens(prompt, lengths)
    names = [name for name in style_names(styles) if special_style(name) is None]
    if not names or len(prompt) > MAX_TEXT_LENGTH:
        return count
    settings = Settings(styles=tuple(names), expansion=False)
    try:
        texts = assets.writer().rewrite([prompt], [""], [SEED.minimum], settings)[0]
    except RequestError:  # said when Generate is pressed: while typing, much is not finished
        return count
    return f"{count}, with styles {_tokens(texts.positive, lengths)}"


def _tokens(text: str, lengths: Callable[[str], text_encoder.Lengths]) -> str:
    # The webui's parser looks for the end of a tag behind each "<a:": up to the end of the text, if there
    # is none. So it gets no text in which there is none.
    tagged, end, rest = text.rpartition(">")
    tokens, places = lengths(extra_networks.parse_prompt(tagged + end)[0] + rest)
    return f"{tokens} of {places} tokens"


def wildcard_names() -> Any:
    """Return the names that can stand between double underscores, as JSON."""
    return json.dumps(assets.wildcards().names, ensure_ascii=False)
