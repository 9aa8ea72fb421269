"""The pictures of one job of ours: which of them were finished, and under which names they are stored."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modules import processing, shared

from fooocus_ext.generation.state import generation_of
from fooocus_ext.host.jobs import overrides
from fooocus_ext.metadata.settings import JSON_SCHEME
from fooocus_ext.tab.widgets import FOOOCUS_JSON, INFOTEXT, NO_METADATA

PREPARING = "Preparing the prompt"
"""What the page says between a loaded model and the first step."""
_PARAMETERS, _SCHEME = "parameters", "fooocus_scheme"
"""Under which keys a PNG file carries its settings, and Fooocus's name for their form."""
_ATTRIBUTE = "_fooocus_output"
EXTENSIONS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
"""What the file names of each output format end with."""
# Intermediate pictures of the host would be taken for finished ones.
_HOST_OPTIONS = {
    "save_to_dirs": False,
    "save_images_before_face_restoration": False,
    "save_images_before_color_correction": False,
    "save_mask": False,
    "save_mask_composite": False,
}
_PRIVATE_OPTIONS = {"save_init_img": False}


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Attributes:
        index: its number within the job, from 0.
        file: where it is stored, or will be; None if it is in memory alone.
        infotext: the host's text of its settings.
        seed: its seed.
        full_prompt: the texts that were encoded, styles and expansion included; one if they were joined.
        full_negative_prompt: likewise.
        expansion: the expansion, if it is the last of several texts; empty otherwise.
        steps: sampling steps.
        size: (width, height) in pixels, as sampled.
    """

    index: int
    file: Path | None
    infotext: str
    seed: int
    full_prompt: tuple[str, ...]
    full_negative_prompt: tuple[str, ...]
    expansion: str
    steps: int
    size: tuple[int, int]


class Listener(Protocol):
    """Is told what becomes of a job's pictures, while the job runs."""

    def sampled(self, picture: Picture, image: Any) -> None:
        """A picture was sampled to its end; the host may still change it, and store it."""

    def skipped(self, index: int) -> None:
        """A picture was cut short."""

    def announced(self, picture: Picture) -> str:
        """The host is about to store a picture as its ``file``; return its settings as Fooocus's JSON."""

    def stored(self, picture: Picture) -> None:
        """A picture is on disk."""


@dataclass
class Output:
    """Where a job's pictures go.

    Attributes:
        folder: the root of the daily folders; None to write nothing.
        output_format: "png", "jpeg" or "webp".
        first_index: the number of the first picture, if earlier ones of the job were made before.
        listener: who is told of each picture.
        metadata: what settings its file carries, one of ``tab.widgets.METADATA``.
        pictures: the stored pictures, in order.
        finished: whether sampling came to its end, by place among the pictures that are made now.
    """

    folder: Path | None
    output_format: str = "png"
    first_index: int = 0
    listener: Listener | None = None
    metadata: str = INFOTEXT
    pictures: list[Picture] = field(default_factory=list)
    finished: dict[int, bool] = field(default_factory=dict)
    _infotext: str = field(default="", init=False)

    def attach(self, p: Any) -> None:
        """Make the host store the pictures of ``p`` here, and no unfinished ones."""
        setattr(p, _ATTRIBUTE, self)
        p.save_samples = lambda: self._decide(p)
        p.outpath_samples = str(self._day_folder()) if self.folder else p.outpath_samples
        options = _HOST_OPTIONS if self.folder else _HOST_OPTIONS | _PRIVATE_OPTIONS
        without = {"enable_pnginfo": False} if self.metadata == NO_METADATA else {}
        overrides.override(p, {**options, **without})

    def _decide(self, p: Any) -> bool:
        """Answer whether the host stores the pictures of the batch that it has just sampled."""
        generation = generation_of(p)
        self.finished[p.iteration] = generation is None or not generation.cut_short
        if self.listener is not None and not self.finished[p.iteration]:
            self.listener.skipped(self.first_index + p.iteration)
        return self.folder is not None and self.finished[p.iteration]

    def _day_folder(self) -> Path:
        assert self.folder is not None  # noqa: S101  (asked for by its two callers only)
        return self.folder / datetime.datetime.now().astimezone().strftime("%Y-%m-%d")

    def new_name(self) -> Path:
        """Return a path that no picture has and none will get: the time and 48 random bits."""
        time = datetime.datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        folder = self._day_folder()
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            extension = EXTENSIONS[self.output_format]
            path = folder / f"{time}_{secrets.token_hex(6)}{extension}"
            if not path.exists():
                return path

    def in_memory(self, processed: Any) -> list[Picture]:
        """Return the finished pictures of a job that stored none, from what the host returned."""
        infotexts = processed.infotexts[: len(processed.images)]
        return [
            self.describe(processed, place, infotext)
            for place, infotext in enumerate(infotexts)
            if self.finished.get(place, False)
        ]

    def name_picture(self, p: Any, carried: dict[str, str]) -> Path:
        """Return where the host is to store a picture, once that is on record.

        ``carried`` is what its file is to carry, by key; changed if that is to be Fooocus's JSON.
        """
        path = self.new_name()
        self._infotext = carried.get(_PARAMETERS) or ""
        if self.listener is not None:
            picture = self.describe(p, p.iteration, self._infotext, path)
            settings = self.listener.announced(picture)
            if self.metadata == FOOOCUS_JSON:
                carried.update({_PARAMETERS: settings, _SCHEME: JSON_SCHEME})
        return path

    def picture_sampled(self, p: Any, image: Any) -> None:
        """Pass on a picture that was sampled to its end."""
        if self.listener is not None and self.finished.get(p.iteration, False):
            self.listener.sampled(self.describe(p, p.iteration, _infotext(p)), image)

    def picture_saved(self, p: Any, filename: str) -> None:
        """Take down a picture that the host has stored."""
        picture = self.describe(p, p.iteration, self._infotext, Path(filename))
        self.pictures.append(picture)
        if self.listener is not None:
            self.listener.stored(picture)

    def describe(self, p: Any, place: int, infotext: str, file: Path | None = None) -> Picture:
        """Return what is known of the picture at ``place`` among those that ``p`` makes."""
        return Picture(
            index=self.first_index + place,
            file=file,
            infotext=infotext,
            seed=p.all_seeds[place],
            **_texts(p, place),
            steps=p.steps,
            size=(p.width, p.height),
        )


def _infotext(p: Any) -> str:
    """Return the host's text of the settings of the picture that ``p`` has just sampled."""
    text: str = processing.create_infotext(
        p, p.prompts, p.seeds, p.subseeds, index=0, all_negative_prompts=p.negative_prompts
    )
    return text


def _texts(p: Any, index: int) -> dict[str, Any]:
    """Return what of a ``Picture`` says which texts were encoded."""
    generation = generation_of(p)
    job = generation.texts if generation is not None and generation.rendering else None
    one_by_one = job.first_pass[index].texts if job is not None else None
    if one_by_one is None:
        joined = p.all_prompts[index], p.all_negative_prompts[index]
        return {"full_prompt": joined[:1], "full_negative_prompt": joined[1:], "expansion": ""}
    last = one_by_one.positive[-1]
    return {
        "full_prompt": tuple(text for part in one_by_one.positive for text in part.texts),
        "full_negative_prompt": one_by_one.negative.texts,
        "expansion": last.texts[-1] if last.pooled < len(last.texts) else "",
    }


def name_picture(params: Any) -> None:
    """Callback: the host is about to store a picture; ours go where their job says."""
    output = output_of(params.p)
    if output is not None and output.folder is not None:
        params.filename = str(output.name_picture(params.p, params.pnginfo))


def picture_saved(params: Any) -> None:
    """Callback: the host has stored a picture."""
    output = output_of(params.p)
    if output is not None:
        output.picture_saved(params.p, params.filename)


def picture_made(p: Any, image: Any) -> None:
    """Hook of the script: the host has a picture, which it may store next."""
    output = output_of(p)
    if output is not None:
        output.picture_sampled(p, image)


def say(p: Any, words: str) -> None:
    """Let the page say what is being done, if ``p`` is a job of the tab."""
    if output_of(p) is not None:
        shared.state.textinfo = words


def first_index(p: Any) -> int:
    """Return the number of the first picture that ``p`` makes within its job; 0 for jobs of others."""
    output = output_of(p)
    return 0 if output is None else output.first_index


def output_of(p: Any) -> Output | None:
    """Return where the pictures of ``p`` go if it is a job of the tab, else None."""
    return getattr(p, _ATTRIBUTE, None)
