"""The main loop over batches, process_images_inner; modules/processing.py re-exports it, as in the host."""

from __future__ import annotations

import os

import torch

from modules import (
    devices,
    extra_networks,
    lowvram,
    paths,
    rng,
    scripts,
    sd_models,
    sd_unet,
    sd_vae,
    shared,
)
from modules.processing_images import (
    decode_latent_batch,
    opt_C,
    opt_f,
)
from modules.processing_output import Output, finish_image
from modules.processing_result import Processed, get_fixed_seed
from modules.sd_hijack import model_hijack
from modules.shared import cmd_opts, opts, state

NO_CHECKPOINT = (None, "", "None", "none")


def _resolve_refiner(p) -> None:
    if p.refiner_checkpoint not in NO_CHECKPOINT:
        p.refiner_checkpoint_info = sd_models.get_closet_checkpoint_match(p.refiner_checkpoint)
        if p.refiner_checkpoint_info is None:
            raise Exception(f"Could not find checkpoint with name {p.refiner_checkpoint}")


def _prepare(p) -> None:
    """Everything up to the scripts' `process`: model names, prompts and seeds of all images."""
    seed, subseed = get_fixed_seed(p.seed), get_fixed_seed(p.subseed)
    p.restore_faces = opts.face_restoration if p.restore_faces is None else p.restore_faces
    p.tiling = opts.tiling if p.tiling is None else p.tiling
    _resolve_refiner(p)
    if hasattr(shared.sd_model, "fix_dimensions"):
        p.width, p.height = shared.sd_model.fix_dimensions(p.width, p.height)
    p.sd_model_name = shared.sd_model.sd_checkpoint_info.name_for_extra
    p.sd_model_hash = shared.sd_model.sd_model_hash
    p.sd_vae_name = sd_vae.get_loaded_vae_name()
    p.sd_vae_hash = sd_vae.get_loaded_vae_hash()
    model_hijack.apply_circular(p.tiling)
    model_hijack.clear_comments()
    p.fill_fields_from_opts()
    p.setup_prompts()
    count = len(p.all_prompts)
    same_seed = p.subseed_strength != 0
    p.all_seeds = (
        seed
        if isinstance(seed, list)
        else [int(seed) + (0 if same_seed else x) for x in range(count)]
    )
    p.all_subseeds = (
        subseed if isinstance(subseed, list) else [int(subseed) + x for x in range(count)]
    )
    if os.path.exists(cmd_opts.embeddings_dir) and not p.do_not_reload_embeddings:
        model_hijack.embedding_db.load_textual_inversion_embeddings()


def _start_batch(p, n) -> bool:
    """Prompts, noise and conds of batch `n`; False if a script left no prompts."""
    batch = slice(n * p.batch_size, (n + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[batch], p.all_negative_prompts[batch]
    p.seeds, p.subseeds = p.all_seeds[batch], p.all_subseeds[batch]
    channels = getattr(shared.sd_model, "latent_channels", opt_C)
    p.rng = rng.ImageRNG(
        (channels, p.height // opt_f, p.width // opt_f),
        p.seeds,
        subseeds=p.subseeds,
        subseed_strength=p.subseed_strength,
        seed_resize_from_h=p.seed_resize_from_h,
        seed_resize_from_w=p.seed_resize_from_w,
    )
    if p.scripts is not None:
        p.scripts.before_process_batch(
            p, batch_number=n, prompts=p.prompts, seeds=p.seeds, subseeds=p.subseeds
        )
    if len(p.prompts) == 0:
        return False
    p.parse_extra_network_prompts()
    if not p.disable_extra_networks:
        with devices.autocast():
            extra_networks.activate(p, p.extra_network_data)
    if p.scripts is not None:
        p.scripts.process_batch(
            p, batch_number=n, prompts=p.prompts, seeds=p.seeds, subseeds=p.subseeds
        )
    p.setup_conds()
    p.extra_generation_params.update(model_hijack.extra_generation_params)
    if n == 0 and not cmd_opts.no_prompt_history:
        os.makedirs(paths.data_path, exist_ok=True)
        with open(os.path.join(paths.data_path, "params.txt"), "w", encoding="utf8") as file:
            file.write(Processed(p, []).infotext(p, 0))
    for comment in model_hijack.comments:
        p.comment(comment)
    return True


def _sample_batch(p, n):
    """Pictures [B,3,H,W] in 0..1 of the prepared batch."""
    if p.n_iter > 1:
        state.job = f"Batch {n + 1} out of {p.n_iter}"
    sd_models.apply_alpha_schedule_override(p.sd_model, p)
    with devices.without_autocast() if devices.unet_needs_upcast else devices.autocast():
        samples = p.sample(
            conditioning=p.c,
            unconditional_conditioning=p.uc,
            seeds=p.seeds,
            subseeds=p.subseeds,
            subseed_strength=p.subseed_strength,
            prompts=p.prompts,
        )
    if p.scripts is not None:
        post_sample = scripts.PostSampleArgs(samples)
        p.scripts.post_sample(p, post_sample)
        samples = post_sample.samples
    if not getattr(samples, "already_decoded", False):
        devices.test_for_nans(samples, "unet")
        if opts.sd_vae_decode_method != "Full":
            p.extra_generation_params["VAE Decoder"] = opts.sd_vae_decode_method
        samples = decode_latent_batch(
            p.sd_model, samples, target_device=devices.cpu, check_for_nans=True
        )
    pictures = torch.clamp((torch.stack(list(samples)).float() + 1.0) / 2.0, min=0.0, max=1.0)
    if lowvram.is_enabled(shared.sd_model):
        lowvram.send_everything_to_cpu()
    devices.torch_gc()
    state.nextjob()
    return pictures


def _postprocess_batch(p, n, pictures):
    """The batch's pictures after the scripts; they may have become more or fewer."""
    if p.scripts is None:
        return pictures
    p.scripts.postprocess_batch(p, pictures, batch_number=n)
    batch = slice(n * p.batch_size, (n + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[batch], p.all_negative_prompts[batch]
    params = scripts.PostprocessBatchListArgs(list(pictures))
    p.scripts.postprocess_batch_list(p, params, batch_number=n)
    return params.images


def process_images_inner(p) -> Processed:
    """All batches of a request."""
    assert p.prompt is not None
    assert p.prompt != []
    devices.torch_gc()
    _prepare(p)
    if p.scripts is not None:
        p.scripts.process(p)
    output = Output(p)
    with torch.no_grad(), p.sd_model.ema_scope():
        with devices.autocast():
            p.init(p.all_prompts, p.all_seeds, p.all_subseeds)
            sd_unet.apply_unet()
        if state.job_count == -1:
            state.job_count = p.n_iter
        for n in range(p.n_iter):
            p.iteration = n
            state.skipped = False
            if state.interrupted or state.stopping_generation:
                break
            sd_models.reload_model_weights()  # the refiner may have replaced the base
            if not _start_batch(p, n):
                break
            pictures = _postprocess_batch(p, n, _sample_batch(p, n))
            save = p.save_samples()
            for i, x in enumerate(pictures):
                finish_image(p, i, x, output, save)
            devices.torch_gc()
        if not output.infotexts:
            output.infotexts.append(Processed(p, []).infotext(p, 0))
        p.color_corrections = None
        output.add_grid()
    if not p.disable_extra_networks and p.extra_network_data:
        extra_networks.deactivate(p, p.extra_network_data)
    devices.torch_gc()
    res = Processed(
        p,
        images_list=output.images,
        seed=p.all_seeds[0],
        info=output.infotexts[0],
        subseed=p.all_subseeds[0],
        index_of_first_image=output.index_of_first_image,
        infotexts=output.infotexts,
    )
    if p.scripts is not None:
        p.scripts.postprocess(p, res)
    return res
