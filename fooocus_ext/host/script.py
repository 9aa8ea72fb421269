"""The AlwaysOn script: each of the webui's hooks, in a few lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from modules import scripts

from fooocus_ext import args, infotext
from fooocus_ext.errors import RequestError
from fooocus_ext.generation import hooks, state
from fooocus_ext.generation.plan import Plan, make_plan
from fooocus_ext.host import ending, family, passes, sampling
from fooocus_ext.host.by_request import ByRequest
from fooocus_ext.host.jobs import outputs, overrides
from fooocus_ext.host.machine import assets
from fooocus_ext.host.panel import axes, build

log = logging.getLogger("fooocus")


class FooocusScript(scripts.Script):  # type: ignore[misc]  # the webui has no types
    """Fooocus's rendering for txt2img and img2img, on the page and over the API."""

    section = "accordions"
    create_group = False

    def __init__(self) -> None:
        self._panel = build.PanelBuilder(self)
        self._plans: ByRequest[Plan] = ByRequest()

    def title(self) -> str:
        """Return the name that is also the API key (in any case)."""
        return args.TITLE

    def show(self, is_img2img: bool) -> Any:
        """Show the panel in both tabs, always."""
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """Build the panel; the host calls this at least three times per tab."""
        panel = self._panel.build()
        self.infotext_fields = panel.infotext_fields
        self.paste_field_names = panel.infotext_names
        return panel.components

    def setup(self, p: Any, *slots: Any) -> None:
        """Remember the size that was asked for."""
        hooks.remember_size(p)

    def before_process(self, p: Any, *slots: Any) -> None:
        """Let presets, performance and aspect ratio set the request's own fields."""
        state.detach(p)
        with _refusing(p):
            plan = _plan(p, slots)
            if plan is not None:
                passes.name_none_for_the_same(p)
                self._plans.note(p, plan)
                hooks.apply_to_request(p, plan)
                overrides.override(
                    p,
                    {
                        **family.of_this_webui().host.job_options(p, plan.settings),
                        **plan.options,
                    },
                )

    def process(self, p: Any, *slots: Any) -> None:
        """Begin a generation: its texts, its infotext, and the ways it will end."""
        hooks.forget_infotext(p)
        if state.generation_of(p) is not None:
            return  # refused in before_process
        outputs.say(p, outputs.PREPARING)
        with _refusing(p):
            # Another extension may process a request without the hook before.
            plan = self._plans.take(p) or _plan(p, slots)
            if plan is not None:
                writer = replace(assets.writer(), first_index=outputs.first_index(p))
                hooks.begin(p, plan, writer, family.of_this_webui().host)

    def process_batch(self, p: Any, *slots: Any, **_kwargs: Any) -> None:
        """Watch the sampling that the host begins next."""
        generation = state.generation_of(p)
        if generation is not None:
            infotext.count_through_job(p.extra_generation_params)
            sampling.follow_sampling(p, generation)

    def process_before_every_sampling(
        self, p: Any, *slots: Any, noise: Any = None, **_kwargs: Any
    ) -> None:
        """Prepare for the model calls of one pass (from webui 1.10 on)."""
        running = sampling.samplings.current()
        if running is None or running.p is not p:
            return
        with sampling.ends_sampling_on_error():
            if running.generation.rendering is not None:
                running.generation.rendering.prepare_pass(p, noise)
            family.of_this_webui().host.prepare_pass(p, running.generation)

    def postprocess_image(self, p: Any, image: Any, *slots: Any) -> None:
        """Put what was made anew into its picture, and let a job of the tab see it before it is stored."""
        generation = state.generation_of(p)
        if generation is not None and generation.editing is not None:
            image.image = generation.editing.pasted(image.image)
        outputs.picture_made(p, image.image)

    def postprocess(self, p: Any, processed: Any, *slots: Any) -> None:
        """End a generation that came through."""
        state.detach(p)


@contextmanager
def _refusing(p: Any) -> Iterator[None]:
    """Make whatever goes wrong in a hook end the generation: the host would make another picture."""
    try:
        yield
    except RequestError as error:
        log.error("%s", error.detail)  # noqa: TRY400  (a typing mistake is worth a line, no more)
        ending.refuse(p, state.attach(p, args.Settings()), error)
    except Exception as error:
        log.exception("cannot begin this generation")
        ending.refuse(p, state.attach(p, args.Settings()), error)


def _plan(p: Any, slots: tuple[Any, ...]) -> Plan | None:
    """Return what the arguments come to; asked before our own options are among the request's."""
    settings = axes.apply_overrides(p, args.parse(slots))
    if not settings.enabled:
        return None
    plan = make_plan(
        settings,
        assets.installed(p.override_settings),
        checkpoint_is_chosen=overrides.CHECKPOINT in p.override_settings,
        has_picture=hasattr(p, "init_images"),
    )
    # So ADetailer marks its own passes, if its settings let other scripts into them.
    return plan.within_another() if getattr(p, "_ad_inner", False) else plan
