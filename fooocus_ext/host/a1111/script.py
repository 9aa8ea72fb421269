"""The AlwaysOn script: each of the webui's hooks, in a few lines of the pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modules import script_callbacks, scripts

from fooocus_ext import args, infotext
from fooocus_ext.errors import RequestError
from fooocus_ext.generation import hooks, state
from fooocus_ext.generation.plan import Plan, make_plan
from fooocus_ext.host.a1111 import lifecycle, model_call
from fooocus_ext.host.http import routes
from fooocus_ext.host.jobs import overrides
from fooocus_ext.host.machine import assets, options
from fooocus_ext.host.panel import axes, build
from fooocus_ext.host.refiner import resident, turn
from fooocus_ext.host.tab import connect

log = logging.getLogger("fooocus")


class FooocusScript(scripts.Script):
    """Fooocus's rendering for txt2img and img2img, on the page and over the API."""

    section = "accordions"
    create_group = False

    def __init__(self) -> None:
        self._panel = build.PanelBuilder(self)

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

    def before_process(self, p: Any, *slots: Any) -> None:
        """Let presets, performance and aspect ratio set the request's own fields."""
        state.detach(p)
        with _refusing(p):
            plan = _plan(p, slots)
            if plan is not None:
                hooks.apply_to_request(p, plan)
                overrides.override(p, plan.options)

    def process(self, p: Any, *slots: Any) -> None:
        """Begin a generation: its texts, its infotext, and the ways it will end."""
        hooks.forget_infotext(p)
        if state.generation_of(p) is not None:
            return  # refused in before_process
        with _refusing(p):
            plan = _plan(p, slots)
            if plan is not None:
                generation = state.attach(p, plan.settings)
                lifecycle.close_with(p, generation)
                hooks.begin(p, plan, assets.writer(), infotext_varies=model_call.infotext_varies())
                generation.refiner = turn.take_part(p, generation)

    def process_batch(self, p: Any, *slots: Any, **_kwargs: Any) -> None:
        """Watch the sampling that the host begins next."""
        generation = state.generation_of(p)
        if generation is not None:
            lifecycle.follow_sampling(p, generation)

    def process_before_every_sampling(self, p: Any, *slots: Any, **_kwargs: Any) -> None:
        """Prepare the sampler of one pass (from webui 1.10 on)."""
        generation = state.generation_of(p)
        if generation is not None and generation.refiner is not None:
            generation.refiner.prepare_sampler(generation, p)

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
        lifecycle.refuse(p, state.attach(p, args.Settings()), error)
    except Exception as error:
        log.exception("cannot begin this generation")
        lifecycle.refuse(p, state.attach(p, args.Settings()), error)


def _plan(p: Any, slots: tuple[Any, ...]) -> Plan | None:
    """Return what the arguments come to; made in both hooks, as ``p`` may carry nothing between them.

    (Extensions that farm requests out turn all attributes of ``p`` into JSON in ``before_process``.)
    """
    settings = axes.apply_overrides(p, args.parse(slots))
    if not settings.enabled:
        return None
    chosen = "sd_model_checkpoint" in p.override_settings
    return make_plan(settings, assets.installed(), checkpoint_is_chosen=chosen)


def _before_model_call(params: Any) -> None:
    denoiser = model_call.denoiser_of(params)
    generation = state.generation_of(denoiser.p) if denoiser is not None else None
    if generation is not None:
        with lifecycle.ends_sampling_on_error():
            _guide(generation, params, denoiser)


def _guide(generation: state.Generation, params: Any, denoiser: Any) -> None:
    refined = generation.refiner is not None and generation.refiner.intervene(
        generation, params, denoiser
    )
    obstacle = model_call.guidance_obstacle()
    call = model_call.read_model_call(params, denoiser) if obstacle is None else None
    if call is None:
        generation.skipped["guidance"] = obstacle or "this model's rows have a foreign layout"
        return
    height, width = model_call.pass_size(denoiser.p)
    hooks.before_model_call(
        generation,
        call,
        height=height,
        width=width,
        refined=refined,
        number_dtype=model_call.size_number_dtype(),
    )


def _after_model_call(params: Any) -> None:
    p = lifecycle.sampled_processing()
    generation = state.generation_of(p) if p is not None else None
    if generation is not None:
        with lifecycle.ends_sampling_on_error():
            hooks.after_model_call(generation, params.x)


def _release_refiner(model: Any) -> None:
    """With another base, its memory is worth more than a refiner's; unless one samples."""
    if lifecycle.sampled_processing() is None and not resident.is_loading():
        resident.release_unless_for(model)


def _restore_typed_texts(_infotext: str, entries: dict[str, Any]) -> None:
    infotext.restore_typed_texts(entries)


def register() -> None:
    """Register with the host; it forgets all callbacks before it runs the entry file again."""
    script_callbacks.on_cfg_denoiser(_before_model_call)
    script_callbacks.on_cfg_denoised(_after_model_call)
    script_callbacks.on_model_loaded(_release_refiner)
    script_callbacks.on_ui_settings(options.register)
    script_callbacks.on_before_ui(axes.register)
    script_callbacks.on_infotext_pasted(_restore_typed_texts)
    script_callbacks.on_app_started(routes.register)
    connect.register()
