"""From the page's choices to a job: a new picture, or a variation of one that is there."""

from __future__ import annotations

from typing import Any

from modules import sd_samplers, shared

from fooocus_ext.errors import RequestError, did_you_mean
from fooocus_ext.host import assets, outputs
from fooocus_ext.host.jobs import Job
from fooocus_ext.ui.tab_values import Choices


def job_for(
    choices: Choices, base_model: str, action: str, gallery: Any, output: outputs.Output
) -> Job:
    """Return the job that the page asks for.

    Raises:
        RequestError: something it names does not exist on this machine.
    """
    _check_names(choices)
    request: dict[str, Any] = {
        "cfg_scale": choices.guidance_scale,
        "sampler_name": choices.sampler,
        **({"scheduler": choices.scheduler} if choices.scheduler else {}),
    }
    forced: dict[str, Any] = {"steps": choices.steps} if choices.steps else {}
    if choices.size:
        forced.update(width=choices.size[0], height=choices.size[1])
    options: dict[str, Any] = {"sd_vae": choices.vae} if choices.vae else {}
    if shared.opts.show_progress_every_n_steps > 1:
        options["show_progress_every_n_steps"] = 1
    return Job(
        prompt=choices.prompt,
        negative_prompt=choices.negative_prompt,
        settings=choices.settings,
        image_number=choices.image_number,
        seed=-1 if choices.seed is None else choices.seed,
        base_model=base_model,
        loras=choices.loras,
        request=request,
        options=options,
        forced=forced,
        output=output,
    )


def _check_names(choices: Choices) -> None:
    """Refuse what the host would replace by something else, or leave out, without a word."""
    known = (
        ("Sampler", choices.sampler, list(sd_samplers.all_samplers_map)),
        ("Schedule type", choices.scheduler or None, assets.scheduler_labels()),
        ("VAE", choices.vae, ["Automatic", "None", *assets.installed().vaes]),
        *(("LoRA", name, assets.lora_names()) for name, _weight in choices.loras),
    )
    for label, value, names in known:
        if value is not None and value not in names:
            allowed = ", ".join(f'"{name}"' for name in names) or "none, because none is installed"
            raise RequestError(
                f'{label}: there is no "{value}"{did_you_mean(value, names)}; allowed: {allowed}.'
            )
