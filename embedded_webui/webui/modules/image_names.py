"""File names of saved pictures; doubles the naming half of the host's `modules/images.py`.

A pattern is text with `[key]` or `[key<argument>]` parts.  The host's keys that name things this
host has are honoured; an unknown key stays in the name as it was typed, as it does in the host.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import os
import re
import string
from collections.abc import Callable
from typing import Any, ClassVar

from PIL import Image

from modules import shared

logger = logging.getLogger("fooocus.embedded")

INVALID_CHARACTERS = '#<>:"/\\|?*\n\r\t'
MAXIMUM_PART_LENGTH = 128
DEFAULT_TIME_FORMAT = "%Y%m%d%H%M%S"
NOTHING_AND_SKIP_PREVIOUS_TEXT = object()
"""What a pattern's function returns to drop itself together with the text before it."""

_NON_WORDS = re.compile(r"[\s" + re.escape(string.punctuation) + r"]+")
_PIECE = re.compile(r"(?P<text>.*?)(?:\[(?P<pattern>[^\[\]]+)\]|$)")
_ARGUMENT = re.compile(r"(?P<rest>.*)<(?P<argument>[^>]*)>$")


def sanitize_filename_part(text: str | None, replace_spaces: bool = True) -> str | None:
    """`text` without characters a file system may refuse, at most 128 long; None stays None."""
    if text is None:
        return None
    if replace_spaces:
        text = text.replace(" ", "_")
    text = text.translate({ord(character): "_" for character in INVALID_CHARACTERS})
    return text.lstrip(" ")[:MAXIMUM_PART_LENGTH].rstrip(" .")


def get_next_sequence_number(path: str, basename: str) -> int:
    """One more than the highest number that starts a file's name in `path`; 0 for no file."""
    prefix = f"{basename}-" if basename else ""
    numbers = [-1]
    for name in os.listdir(path):
        if name.startswith(prefix):
            digits = os.path.splitext(name[len(prefix) :])[0].split("-")[0]
            if digits.isdecimal():
                numbers.append(int(digits))
    return max(numbers) + 1


class FilenameGenerator:
    """Fills patterns in for one picture of one generation `p` (any object with its attributes)."""

    def __init__(
        self,
        p: Any,
        seed: Any,
        prompt: str | None,
        image: Image.Image,
        zip: bool = False,
        basename: str = "",
    ) -> None:
        self.p = p
        self.seed = seed
        self.prompt = prompt
        self.image = image
        self.zip = zip
        self.basename = basename

    def apply(self, pattern: str) -> str:
        """The file name that `pattern` gives, without folder, number and extension."""
        result = ""
        for piece in _PIECE.finditer(pattern):
            text, key = piece["text"], piece["pattern"]
            if key is None:
                result += text
                continue
            replacement = self._replacement(key)
            if replacement is None:
                result += f"{text}[{self._without_arguments(key)[0]}]"
            elif replacement is not NOTHING_AND_SKIP_PREVIOUS_TEXT:
                result += text + str(replacement)
        return result

    @staticmethod
    def _without_arguments(key: str) -> tuple[str, list[str]]:
        arguments: list[str] = []
        while (match := _ARGUMENT.match(key)) is not None:
            key = match["rest"]
            arguments.insert(0, match["argument"])
        return key, arguments

    def _replacement(self, key: str) -> Any:
        name, arguments = self._without_arguments(key)
        function = self.replacements.get(name.lower())
        if function is None:
            return None
        try:
            return function(self, *arguments)
        except Exception:  # whatever a pattern does, the picture still has to be saved
            logger.exception("cannot fill [%s] into a file name", key)
            return None

    def _several(self, value: Callable[[], Any]) -> Any:
        return NOTHING_AND_SKIP_PREVIOUS_TEXT if self.p.batch_size == 1 or self.zip else value()

    def _generation_number(self) -> Any:
        if self.zip or (self.p.n_iter == 1 and self.p.batch_size == 1):
            return NOTHING_AND_SKIP_PREVIOUS_TEXT
        return self.p.iteration * self.p.batch_size + self.p.batch_index + 1

    def prompt_words(self) -> str | None:
        """The prompt's first words, as many as the option says; "empty" for none."""
        words = [word for word in _NON_WORDS.split(self.prompt or "") if word] or ["empty"]
        most = int(getattr(shared.opts, "directories_max_prompt_words", 8))
        return sanitize_filename_part(" ".join(words[:most]), replace_spaces=False)

    def datetime(self, time_format: str = "", *_unused: str) -> str | None:
        """Now, as `time_format` says (strftime), or as year to second without separators."""
        now = dt.datetime.now().astimezone()
        return sanitize_filename_part(now.strftime(time_format or DEFAULT_TIME_FORMAT), False)

    def image_hash(self, length: str = "") -> str:
        """SHA-256 of the pixels, cut to `length` characters where given."""
        digest = hashlib.sha256(self.image.tobytes()).hexdigest()
        return digest[: int(length)] if length else digest

    @staticmethod
    def string_hash(text: str | None, length: str = "") -> str:
        """SHA-256 of `text`, cut to `length` characters (8 where not given)."""
        return hashlib.sha256((text or "").encode()).hexdigest()[: int(length or 8)]

    def _styles(self) -> str | None:
        names = [name for name in self.p.styles if name != "None"]
        return sanitize_filename_part(", ".join(names) or "None", replace_spaces=False)

    replacements: ClassVar[dict[str, Callable[..., Any]]] = {
        "basename": lambda self: self.basename or "img",
        "seed": lambda self: "" if self.seed is None else self.seed,
        "seed_first": lambda self: self.seed if self.p.batch_size == 1 else self.p.all_seeds[0],
        "seed_last": lambda self: self._several(lambda: self.p.all_seeds[-1]),
        "steps": lambda self: self.p and self.p.steps,
        "cfg": lambda self: self.p and self.p.cfg_scale,
        "width": lambda self: self.image.width,
        "height": lambda self: self.image.height,
        "styles": lambda self: self.p and self._styles(),
        "sampler": lambda self: self.p and sanitize_filename_part(self.p.sampler_name, False),
        "scheduler": lambda self: self.p and sanitize_filename_part(self.p.scheduler, False),
        "model_hash": lambda self: getattr(self.p, "sd_model_hash", None),
        "model_name": lambda self: sanitize_filename_part(
            getattr(self.p, "sd_model_name", None), False
        ),
        "date": lambda self: dt.datetime.now().astimezone().strftime("%Y-%m-%d"),
        "datetime": datetime,
        "job_timestamp": lambda self: getattr(self.p, "job_timestamp", shared.state.job_timestamp),
        "prompt_hash": lambda self, *args: self.string_hash(self.prompt, *args),
        "negative_prompt_hash": lambda self, *a: self.string_hash(self.p.negative_prompt, *a),
        "full_prompt_hash": lambda self, *args: self.string_hash(
            f"{self.p.prompt} {self.p.negative_prompt}", *args
        ),
        "prompt": lambda self: sanitize_filename_part(self.prompt),
        "prompt_spaces": lambda self: sanitize_filename_part(self.prompt, replace_spaces=False),
        "prompt_words": prompt_words,
        "batch_number": lambda self: self._several(lambda: self.p.batch_index + 1),
        "batch_size": lambda self: self.p.batch_size,
        "generation_number": _generation_number,
        "denoising": lambda self: (
            (self.p and getattr(self.p, "denoising_strength", None))
            or NOTHING_AND_SKIP_PREVIOUS_TEXT
        ),
        "user": lambda self: self.p.user,
        "none": lambda self: "",
        "image_hash": image_hash,
    }
