"""Doubles modules/lowvram.py: with --medvram and --lowvram the parts of a model take turns on the device.

One at a time: the autoencoder, the text encoders, the UNet (with --lowvram, each of its blocks). A part comes
when it is called, and the one before it goes.
"""

from __future__ import annotations

from modules import devices, shared

module_in_gpu = None


def send_everything_to_cpu():
    """Take the part that is on the device off it."""
    global module_in_gpu
    if module_in_gpu is not None:
        module_in_gpu.to(devices.cpu)
    module_in_gpu = None


def is_needed(sd_model):
    """What the flags say of a model."""
    flags = shared.cmd_opts
    return (
        flags.lowvram or flags.medvram or (flags.medvram_sdxl and hasattr(sd_model, "conditioner"))
    )


def is_enabled(sd_model):
    """Whether the parts of a model take turns."""
    return sd_model.lowvram


def apply(sd_model):
    """Let the parts of a model take turns if the flags say so."""
    enable = is_needed(sd_model)
    shared.parallel_processing_allowed = not enable
    if enable:
        setup_for_low_vram(sd_model, not shared.cmd_opts.lowvram)
    else:
        sd_model.lowvram = False


def _take_turn(module, *_given):
    global module_in_gpu
    if module_in_gpu is module:
        return
    send_everything_to_cpu()
    module.to(devices.device)
    module_in_gpu = module


def _takes_turn_in(module, name) -> None:
    """Have a method that is no forward bring its module to the device."""
    method = getattr(module, name)

    def on_device(values):
        _take_turn(module)
        return method(values)

    setattr(module, name, on_device)


def _to_device_without(place, names) -> None:
    """Send a module to the device except for some of its parts."""
    parts = {name: getattr(place, name) for name in names}
    for name in parts:
        setattr(place, name, None)
    place.to(devices.device)
    for name, part in parts.items():
        setattr(place, name, part)


def setup_for_low_vram(sd_model, use_medvram):
    """Let the parts of a model take turns, its UNet as a whole (medvram) or block by block."""
    if sd_model.lowvram:
        return
    sd_model.lowvram = True
    text = "conditioner" if hasattr(sd_model, "conditioner") else "cond_stage_model"
    _to_device_without(sd_model, ("first_stage_model", "model", text))
    _takes_turn_in(sd_model.first_stage_model, "encode")
    _takes_turn_in(sd_model.first_stage_model, "decode")
    unet = sd_model.model.diffusion_model
    turns = [getattr(sd_model, text)]
    if use_medvram:
        turns.append(sd_model.model)
    else:
        blocks = ("input_blocks", "middle_block", "output_blocks", "time_embed")
        _to_device_without(unet, blocks)
        turns += [unet.time_embed, *unet.input_blocks, unet.middle_block, *unet.output_blocks]
    for module in turns:
        module.register_forward_pre_hook(_take_turn)
