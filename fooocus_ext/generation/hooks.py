"""The story of one generation, told hook by hook, without a host.

These functions are called in the order in which they appear here: ``remember_size`` when a request
comes, ``apply_to_request`` before the host reads the request, ``forget_infotext`` and ``begin`` once the
texts of all pictures are known, ``begin_batch`` before a batch is sampled, for each model call
``claim_sizes`` before it and ``guide`` after it (``damped_scale``, ``sharpen`` and ``note_unguided`` where
a host combines the predictions itself), and ``end_batch`` after the batch. Everything they need from the
webui comes as an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fooocus_ext import infotext
from fooocus_ext.args import HOST_CHOICE
from fooocus_ext.core import adm, guidance, schedule
from fooocus_ext.generation import originals, own_names, state, texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from fooocus_ext.generation.host import Host
    from fooocus_ext.generation.plan import Plan
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.generation.writer import Writer


SIZES = "_fooocus_sizes"
"""Where a request, and with it each copy, has the sizes that no script has set: also in its later rounds."""
PICTURE = "_fooocus_picture"
"""Where it has the id of the picture that it came with, or None."""


def remember_size(p: Any) -> None:
    """Note the size with which a request comes, and its picture, before a script of the page sets its own."""
    setattr(p, SIZES, ((p.width, p.height),))
    picture = _first_picture(p)
    setattr(p, PICTURE, None if picture is None else id(picture))


def apply_to_request(p: Any, plan: Plan) -> None:
    """Set what the plan decides in the host's request, before the host reads it.

    A script that makes a picture in other sizes (a cell of X/Y/Z) has set a size that is not the aspect
    ratio's to change: one that is neither the request's nor what the aspect ratio made of that in an
    earlier round (Loopback). Nor is the request's own of a script that cuts a picture into pieces of it
    (SD upscale).
    """
    values = dict(plan.request)
    known = getattr(p, SIZES, ())  # none where another extension has made the request
    if "width" in values and known:
        if (p.width, p.height) in known and not _is_piece(p, known):
            setattr(p, SIZES, (known[0], (values["width"], values["height"])))
        else:
            del values["width"], values["height"]
            p.comment(
                f"Fooocus: the script's own size {p.width}x{p.height} is used, not the aspect ratio."
            )
    for name, value in values.items():
        if hasattr(p, name):
            setattr(p, name, value)
    for name, value in plan.fallbacks.items():
        if value and not getattr(p, name, value):
            setattr(p, name, value)


def _is_piece(p: Any, known: Sequence[tuple[int, int]]) -> bool:
    """Whether a script has put another picture, of the request's size, in place of that of a new request."""
    came_with, picture = getattr(p, PICTURE, None), _first_picture(p)
    if len(known) > 1 or came_with is None or came_with == id(picture):
        return False
    return bool(getattr(picture, "size", None) == known[0])


def _first_picture(p: Any) -> Any:
    """Return the picture that an img2img request begins with, or None."""
    return next(iter(getattr(p, "init_images", None) or ()), None)


def forget_infotext(p: Any) -> None:
    """Drop our entries of an earlier generation, or of the request that this one is a copy of.

    Copies of a request share one dict, and the original's pictures may not be saved yet: the copy
    gets a dict of its own.
    """
    entries = p.extra_generation_params
    if any(key in entries for key in infotext.KEYS):
        p.extra_generation_params = infotext.without_ours(entries)


def begin(p: Any, plan: Plan, writer: Writer, host: Host) -> None:
    """Begin the generation of ``p``: its rendering, its infotext, the texts of all its pictures, its refiner.

    Where the host cannot render as Fooocus does, the settings go on without it: the texts and the refiner
    are then the webui's, too.

    Raises:
        RequestError: an unknown style, wildcards without end, a refiner that cannot take part,
            something that Fooocus's rendering cannot render, or an edit that the host cannot make.
    """
    plan = originals.settle(p, own_names.in_own_names(plan, writer.styles))
    generation = state.attach(p, plan.settings)
    host.attach(p, generation)
    generation.rendering = host.rendering(p, generation)
    if generation.rendering is None:
        generation.settings = generation.settings.replace(rendering=HOST_CHOICE)
    p.extra_generation_params = {
        **p.extra_generation_params,
        **infotext.settings_entries(plan.typed),
    }
    if generation.settings.same_seed:
        _give_all_the_first_seed(p, generation)
    generation.texts = texts.rewrite_job(
        p,
        generation.settings,
        writer,
        add_loras=plan.with_loras,
        infotext_varies=host.infotext_varies,
    )
    for note in (*plan.notes, *generation.texts.notes):
        p.comment(f"Fooocus: {note}")
    generation.refiner = host.refiner(p, generation)
    generation.editing = host.editing(p, generation)
    if generation.editing is not None:
        generation.inpaint_engine = host.inpaint_engine(p, generation, generation.editing.edit)


def _give_all_the_first_seed(p: Any, generation: Generation) -> None:
    if isinstance(p.seed, list):
        generation.skipped["same seed"] = "the request names the seed of each picture"
    else:
        p.all_seeds = [p.all_seeds[0]] * len(p.all_seeds)


def begin_batch(p: Any, generation: Generation) -> dict[str, Any]:
    """Prepare the sampling of a batch, whose texts the host has encoded and whose LoRAs are chosen.

    The rendering comes first: the refiner hears its texts. The edit comes last: its inpaint engine changes
    the base's UNet, which may have to make way while the refiner's texts are encoded.

    Returns what the batch is to be sampled with in place of the host's own arguments, by their names.
    """
    rendering = generation.rendering
    arguments: dict[str, Any] = {} if rendering is None else rendering.prepare_batch(p)
    if generation.refiner is not None:
        generation.refiner.prepare_batch(p, None if rendering is None else rendering.texts)
    if generation.editing is not None:
        generation.editing.prepare_batch(p)
    return arguments


def claim_sizes(
    generation: Generation,
    cond: torch.Tensor | None,
    uncond: torch.Tensor | None,
    *,
    timestep: float,
    size: tuple[int, int],
    number_dtype: torch.dtype,
    refined: bool,
) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Return the vectors that tell SDXL other picture sizes in this model call (negative ADM guidance).

    Args:
        generation: the running generation.
        cond: the conditioning vectors [rows,width] beside the prompt; None if the model has none.
        uncond: the same beside the negative prompt; None if this call has none.
        timestep: the model timestep 0..999 of this call.
        size: (height, width) in pixels of the pass (the second pass of hires fix has its own).
        number_dtype: the dtype in which the host rounds size numbers before embedding them.
        refined: whether a refiner makes this call, be it ours or the host's own. It is told the true
            size, as in Fooocus.

    Returns:
        New vectors for cond and uncond, or None if both stay as they are.
    """
    settings = generation.settings
    as_fooocus = generation.rendering is not None
    if settings.adm_positive == 1.0 == settings.adm_negative and not as_fooocus:
        return None
    if cond is None or not adm.is_sdxl_base(cond):
        if not refined:
            generation.skipped["ADM guidance"] = "it needs an SDXL base model"
        return None
    active = adm.adm_active(timestep, settings.adm_end)
    if not (active or as_fooocus):
        return None

    def claim(vector: torch.Tensor, scale: float) -> torch.Tensor:
        if as_fooocus:
            height, width = (side // 8 * 8 for side in size)  # as the latent has it
            return adm.claim_as_fooocus(vector, height, width, scale if active else None)
        return adm.scale_original_size(vector, *size, scale, number_dtype=number_dtype)

    claimed_uncond = None if uncond is None else claim(uncond, settings.adm_negative)
    return claim(cond, settings.adm_positive), claimed_uncond


def guide(
    generation: Generation,
    x: torch.Tensor,
    cond: torch.Tensor,
    uncond: torch.Tensor | None,
    *,
    timestep: float,
    cfg_scale: float,
    signal: torch.Tensor | None = None,
    spared: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the conditional predictions, sharpened and with a high CFG scale damped.

    The arguments are those of ``core.guidance.guide``, with the model timestep 0..999 for progress.
    """
    if guidance.is_unguided(cfg_scale):
        note_unguided(generation)
    return guidance.guide(
        x,
        cond,
        uncond,
        progress=schedule.progress(timestep),
        cfg_scale=cfg_scale,
        settings=generation.settings,
        signal=signal,
        spared=spared,
    )


def damped_scale(generation: Generation, cfg_scale: float, *, timestep: float) -> float:
    """Return the CFG scale to combine with: `guide`'s share for hosts that let the scale be set."""
    mimic = generation.settings.adaptive_cfg
    return guidance.effective_cfg(cfg_scale, mimic, schedule.progress(timestep))


def sharpen(
    generation: Generation, x: torch.Tensor, x0: torch.Tensor, *, timestep: float
) -> torch.Tensor:
    """Return the sharpened clean latents [rows,C,h,w]: `guide`'s share for hosts that are asked apart."""
    return guidance.sharpen(
        x, x0, sharpness=generation.settings.sharpness, progress=schedule.progress(timestep)
    )


def note_unguided(generation: Generation, *, in_second_alone: bool = False) -> None:
    """Note that sharpness has no CFG to act on in a pass; ``in_second_alone`` says that the first had.

    Adaptive CFG damps scales above its own, which is at least 1: nothing of it is skipped.
    """
    if generation.settings.sharpness:
        where = " in the second pass" if in_second_alone else ""
        generation.skipped[f"sharpness{where}"] = "it needs a CFG scale other than 1"


def end_batch(p: Any, generation: Generation, samples: Any) -> Any:
    """Return what the sampling of a batch comes to: its latents, or its pictures if they are decoded here.

    Args:
        p: the request.
        generation: its generation. If it was cut short, a refiner without a turn is nobody's fault.
        samples: what the host has sampled, latents [B,C,h,w].
    """
    if generation.refiner is not None and not generation.cut_short:
        generation.refiner.report(generation)
    if generation.rendering is None:
        return samples
    return generation.rendering.finish(p, samples)
