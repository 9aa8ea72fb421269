"""A picture made again from the text of its settings, without a page: what dropping it on the tab does."""

from __future__ import annotations

from typing import Any

from fooocus_ext.errors import RequestError
from fooocus_ext.host.jobs.run import Job
from fooocus_ext.host.machine import assets
from fooocus_ext.host.tab import loaded
from fooocus_ext.host.tab.job import job_for, with_base
from fooocus_ext.presets.samplers import DEFAULT_SAMPLER, DEFAULT_SCHEDULER, host_sampler
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.edited import UNSAMPLED
from fooocus_ext.tab.start import Start
from fooocus_ext.tab.variations import GENERATE
from fooocus_ext.tab.widgets import DEFAULTS, NAMES


def job_of(text: str) -> tuple[Job, list[str]]:
    """Return the job that makes the picture again, and sentences about what differs or is missing.

    What the text does not state is as on a page that has just been opened, but for the number of
    pictures, which is one.

    Args:
        text: Fooocus's JSON, or an infotext of Fooocus or the webui.

    Raises:
        RequestError: the text states no settings, or some that this machine lacks.
    """
    filled = loaded.read_settings(text)
    if filled is None:
        raise RequestError(
            "text: it contains no settings; allowed: what a picture of Fooocus or the webui carries, or "
            "what the button of a log copies."
        )
    if UNSAMPLED in filled.notes:
        raise RequestError(f"text: {UNSAMPLED}")
    values: dict[str, Any] = {**DEFAULTS, **_usual_sampler(), "image_number": 1, **filled.values}
    choices = with_base(read_choices([values[name] for name in NAMES]))
    return job_for(choices, GENERATE, Start(), None), list(filled.notes)


def _usual_sampler() -> dict[str, str]:
    """Return the page's first sampler as this webui calls it: up to v1.8 its name includes the schedule."""
    here = assets.installed()
    usual = host_sampler(DEFAULT_SAMPLER, DEFAULT_SCHEDULER, here.samplers, here.schedulers)
    return {"sampler": usual.sampler, "scheduler": usual.scheduler or ""}
