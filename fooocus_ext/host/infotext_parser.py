"""The host's parser of infotexts, given only what it reads in a reasonable time.

``copypaste`` is the host's module with it and all else that infotexts are pasted with.
"""

from __future__ import annotations

import re
from typing import Any

try:
    from modules import infotext_utils as copypaste
except ImportError:  # its name before webui 1.8
    from modules import generation_parameters_copypaste as copypaste

from fooocus_ext.errors import RequestError
from fooocus_ext.metadata.values import MAX_SOURCE_LENGTH

__all__ = ["copypaste", "parse"]

_RUN = re.compile(r"[\w\s/-]+")
_MOST_WORK = 25_000_000


def parse(text: str) -> dict[str, Any]:
    """Return the entries of an infotext.

    The host looks for a key (letters and blanks before a colon) from each character on, so its time
    grows with the square of the longest stretch without other marks: a line of 300 000 letters takes
    it minutes.

    Raises:
        RequestError: the text is too long, or its last line would take too long to read.
    """
    if len(text) > MAX_SOURCE_LENGTH:
        raise RequestError(
            f"infotext: got {len(text)} characters; allowed: up to {MAX_SOURCE_LENGTH}."
        )
    last = text.strip().rpartition("\n")[2]
    if sum((run.end() - run.start()) ** 2 for run in _RUN.finditer(last)) > _MOST_WORK:
        raise RequestError("infotext: its last line is not one of keys and values.")
    entries: dict[str, Any] = copypaste.parse_generation_parameters(text)
    return entries
