"""What a request comes to: its preset, performance and aspect ratio looked up on this machine.

Three layers decide, each over the one before: the page's own fields, the preset (for every argument
that has its default), and the performance mode (whose distilled kinds also switch guidance off). What
``keep`` names stays as the page has it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import CLIP_SKIP, CLIP_SKIP_ON_SDXL
from fooocus_ext.presets.aspect_ratios import find_aspect_ratio
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.performance import Performance, find_lora, find_performance
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.samplers import DEFAULT_SAMPLER, DEFAULT_SCHEDULER, host_sampler
from fooocus_ext.prompting.comments import Signs, before_comments, strip_comments
from fooocus_ext.prompting.embeddings import bare_embeddings

_OF_A_REFINER = ("refiner", "refiner_switch")


@dataclass
class Plan:
    """What a request comes to.

    Attributes:
        settings: the arguments in effect.
        typed: the arguments as given, which the infotext records.
        request: values for fields of the host's request (``steps``, ``width``, ...).
        fallbacks: values for fields of the request that the user left empty (``prompt``,
            ``negative_prompt``, ``hr_second_pass_steps``).
        options: values for options of the host that hold for this request only.
        loras: LoRAs to add, with weights.
        performance_lora: which of them is the performance's; no prompt changes its weight.
        notes: sentences for the user about what gave way to what.
    """

    settings: Settings
    typed: Settings
    request: dict[str, Any] = field(default_factory=dict)
    fallbacks: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    loras: list[tuple[str, float]] = field(default_factory=list)
    performance_lora: str | None = None
    notes: list[str] = field(default_factory=list)

    def within_another(self) -> Plan:
        """Return what acts in another extension's pass over a picture: its size, steps and texts are set."""
        settings = self.settings.replace(styles=[], expansion=False)
        return replace(self, settings=settings, request={}, fallbacks={})

    def with_loras(self, prompt: str) -> str:
        """Return a rewritten prompt with the host's tags for the LoRAs.

        A prompt's own tag wins over a preset's LoRA, but not over the performance's, whose few steps
        need its weight.
        """
        if self.performance_lora is not None:
            own = rf" ?<lora:{re.escape(self.performance_lora)}(?::[^<>]*)?>"
            prompt = re.sub(own, "", prompt, flags=re.IGNORECASE)
        return prompt + lora_tags(self.loras, prompt)


def make_plan(
    settings: Settings,
    installed: Installed,
    *,
    checkpoint_is_chosen: bool = False,
    has_picture: bool = False,
) -> Plan:
    """Look up everything that the arguments name.

    Args:
        settings: the arguments.
        installed: what this machine has.
        checkpoint_is_chosen: whether the request names its base model itself; a preset's is then
            neither used nor missed, and neither is its refiner where the arguments decide it.
        has_picture: whether the request has a picture, whose size no preset changes: "Send to img2img"
            sends the size, and the preset along with it.

    Raises:
        RequestError: an unknown preset, size or mode; or files that this machine lacks, each with
            where it belongs.
    """
    preset = installed.presets.get(settings.preset)
    sets_size = preset is not None and "aspect_ratio" in preset.settings
    if has_picture and sets_size and settings.is_open("aspect_ratio"):
        settings = settings.keeping("aspect_ratio")
    plan = Plan(settings=settings, typed=settings)
    if preset is not None and checkpoint_is_chosen:
        preset = dataclasses.replace(preset, base_model=None)
    if preset is not None and not settings.is_open("refiner"):
        preset = dataclasses.replace(preset, refiner=None)
    if preset is not None:
        _apply_preset(plan, preset, installed)
    mode = find_performance(plan.settings.performance)
    if mode is not None:
        _apply_performance(plan, mode, installed)
    if preset is not None:
        _apply_step_counts(plan, preset)
    size = find_aspect_ratio(plan.settings.aspect_ratio)
    if size is not None:
        plan.request.update(width=size.width, height=size.height)
    for name in settings.keep:
        plan.request.pop(name, None)
    return plan


def preset_model(settings: Settings, installed: Installed) -> str | None:
    """Return the base model of a request's preset, where nothing is sampled and so no file is needed.

    None if it is not here, or the preset names none.

    Raises:
        RequestError: an unknown preset, size or mode.
    """
    find_performance(settings.performance)
    find_aspect_ratio(settings.aspect_ratio)
    preset = installed.presets.get(settings.preset)
    return installed.find(preset).checkpoint if preset is not None else None


def _apply_preset(plan: Plan, preset: Preset, installed: Installed) -> None:
    found = installed.find(preset)
    if found.problems:
        raise RequestError(" ".join(found.problems))
    plan.notes.extend((*preset.complaints, *found.notes))
    # Fooocus's rendering has both encoders obey, but takes 1, the webui's default, for "as usual".
    acts = installed.clip_skip_acts or (
        plan.settings.rendering == FOOOCUS and preset.clip_skip != CLIP_SKIP.minimum
    )
    if preset.clip_skip is not None and not acts:
        plan.notes.append(
            f'Preset "{preset.name}", clip skip {preset.clip_skip}: {CLIP_SKIP_ON_SDXL}.'
        )
    values = {**preset.settings, **({"refiner": found.refiner} if found.refiner else {})}
    plan.settings = plan.settings.with_preset(values)
    plan.loras.extend(found.loras)
    texts = {"prompt": preset.prompt, "negative_prompt": preset.negative_prompt}
    plan.fallbacks.update(
        {name: bare_embeddings(text) if text else text for name, text in texts.items()}
    )
    if preset.cfg_scale is not None:
        plan.request["cfg_scale"] = preset.cfg_scale
    if preset.sampler or preset.scheduler:
        _set_sampler(plan, preset.sampler, preset.scheduler, installed)
    options = {
        "sd_model_checkpoint": found.checkpoint,
        "sd_vae": found.vae,
        "CLIP_stop_at_last_layers": preset.clip_skip,
    }
    plan.options.update({name: value for name, value in options.items() if value is not None})


def _apply_step_counts(plan: Plan, preset: Preset) -> None:
    """Let a preset's own numbers of steps replace the performance's and the switch fraction."""
    if preset.steps is not None and preset.steps > 0:
        plan.request["steps"] = preset.steps
    if preset.switch_step is None or preset.switch_step <= 0:
        return
    steps = plan.request.get("steps")
    if steps is None:
        plan.notes.append(
            f"The preset's refiner switch at step {preset.switch_step} is not used, because neither "
            "the preset nor the performance says how many steps there are."
        )
    elif plan.typed.is_open("refiner_switch"):
        lowest = FIELDS_BY_NAME["refiner_switch"].minimum
        share = min(1.0, max(lowest, preset.switch_step / steps))
        plan.settings = plan.settings.replace(refiner_switch=share)


def _apply_performance(plan: Plan, mode: Performance, installed: Installed) -> None:
    kept = set(plan.typed.keep)
    plan.request["steps"] = mode.steps
    if "steps" not in kept:  # as the webui has it, a second pass takes the steps of the first
        plan.fallbacks["hr_second_pass_steps"] = mode.upscale_steps
    if mode.cfg_scale is not None:
        plan.request["cfg_scale"] = mode.cfg_scale
    if mode.sampler or mode.scheduler:
        _set_sampler(plan, mode.sampler, mode.scheduler, installed)
    lora = find_lora(mode, installed.loras, installed.folders.loras)
    if lora is not None:
        plan.loras.append((lora, mode.lora_weight))
        plan.performance_lora = lora
    if "refiner" in kept:
        kept.add("refiner_switch")  # which the mode puts at its end for want of a refiner
    forced = {name: value for name, value in mode.settings.items() if name not in kept}
    if "refiner" in forced and plan.settings.refiner != NONE:
        plan.notes.append(f'"{mode.name}" works without a refiner, so none is used.')
    _note_overruled(plan, mode, forced)
    plan.settings = plan.settings.replace(**forced)


def _note_overruled(plan: Plan, mode: Performance, forced: Mapping[str, Any]) -> None:
    """Name the numbers that the request chose and that a mode does not leave as they are."""
    overruled = [
        f"{FIELDS_BY_NAME[name].label} {value:g} in place of {getattr(plan.typed, name):g}"
        for name, value in forced.items()
        if name not in _OF_A_REFINER
        if getattr(plan.typed, name) not in (value, FIELDS_BY_NAME[name].default)
    ]
    if overruled:
        plan.notes.append(f'"{mode.name}" uses its own values: {", ".join(overruled)}.')


def _set_sampler(
    plan: Plan, sampler: str | None, scheduler: str | None, installed: Installed
) -> None:
    if "sampler" in plan.typed.keep:
        return
    chosen = host_sampler(
        sampler or DEFAULT_SAMPLER,
        scheduler or DEFAULT_SCHEDULER,
        installed.samplers,
        installed.schedulers,
        as_fooocus=plan.settings.rendering == FOOOCUS,
    )
    options = chosen.options if installed.has_uni_pc_variants else {}
    plan.request["sampler_name"] = chosen.sampler
    if chosen.scheduler is not None:
        plan.request["scheduler"] = chosen.scheduler
    plan.options.update(options)
    if not options:  # which are what the notes would ask for
        plan.notes.extend(chosen.notes)


def lora_tags(loras: Iterable[tuple[str, float]], prompt: str) -> str:
    """Return the host's tags for LoRAs, leaving out those that ``prompt`` names itself."""
    return "".join(
        f" <lora:{name}:{weight:g}>"
        for name, weight in loras
        if not re.search(rf"<lora:{re.escape(name)}[:>]", prompt, re.IGNORECASE)
    )


def with_lora_tags(typed: str, loras: Iterable[tuple[str, float]], comments: Signs) -> str:
    """Return a typed prompt with the host's tags for LoRAs, less those that it names itself.

    The tags stand before the comments that end the prompt, and a tag in a comment names nothing. The
    comments stay, for the infotext to give them back.
    """
    tags = lora_tags(loras, strip_comments(typed, comments))
    end = before_comments(typed, comments) if tags else len(typed)
    if tags and not end and typed.startswith("/*"):
        tags += "\n"  # a comment of many lines is one at the beginning of its line alone
    return typed[:end] + tags + typed[end:]
