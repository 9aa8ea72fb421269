"""One picture of all settings: a row for each, a column for each of some captions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from benchmarks._tunnel.arrays import Pixels

COLUMNS = 8
LABEL_WIDTH, CAPTION_HEIGHT, GAP = 170, 62, 4
LETTER_WIDTH = 6
"""of Pillow's own font"""


def contact_sheet(rows: Mapping[str, Pixels], captions: Sequence[str]) -> Image.Image:
    """Return a sheet of the first pictures of each row: name -> uint8 [N,H,W,3], captions [N]."""
    height, width = next(iter(rows.values())).shape[1:3]
    columns = min(COLUMNS, len(captions))
    size = (LABEL_WIDTH + columns * (width + GAP), CAPTION_HEIGHT + len(rows) * (height + GAP))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for column in range(columns):
        text = textwrap.fill(
            captions[column], width // LETTER_WIDTH, max_lines=4, placeholder=" ..."
        )
        draw.multiline_text((LABEL_WIDTH + column * (width + GAP), 2), text, fill="black")
    for row, (name, pictures) in enumerate(rows.items()):
        top = CAPTION_HEIGHT + row * (height + GAP)
        label = textwrap.fill(name, (LABEL_WIDTH - 8) // LETTER_WIDTH)
        draw.multiline_text((4, top + height // 2 - 12), label, fill="black")
        for column in range(columns):
            left = LABEL_WIDTH + column * (width + GAP)
            sheet.paste(Image.fromarray(pictures[column]), (left, top))
    return sheet
