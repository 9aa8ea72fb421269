"""Starts the embedded host with a probing extension, sends requests, prints what happened as JSON.

Run in a process of its own: the host keeps its state in modules, and can be started once a process.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import threading
import time
from pathlib import Path

PROBE = """
import gradio as gr
from modules import script_callbacks, scripts

LOG = []


class Probe(scripts.Script):
    def title(self):
        return "Probe"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        LOG.append("ui")
        return [gr.Checkbox(label="Fail", value=False), gr.Textbox(label="Text", value="t")]

    def setup(self, p, *args):
        LOG.append(("setup", list(args)))


def hook(name):
    def call(self, p, *args, **kwargs):
        LOG.append(name)
        if True in args:
            raise ValueError("probe failed in " + name)

    return call


for name in scripts.ScriptRunner().callback_names + ["process_before_every_sampling", "before_hr"]:
    if not name.endswith("component"):
        setattr(Probe, name, hook(name))


class Choice(scripts.Script):
    def title(self):
        return "Choice"


def denoiser(params):
    LOG.append(("cfg_denoiser", list(params.x.shape), list(params.text_cond.shape),
                list(params.text_uncond.shape), params.sampling_step, params.denoiser.step))


script_callbacks.on_cfg_denoiser(denoiser)
script_callbacks.on_cfg_denoised(lambda params: LOG.append("cfg_denoised"))
script_callbacks.on_cfg_after_cfg(lambda params: LOG.append("cfg_after_cfg"))
script_callbacks.on_model_loaded(lambda model: LOG.append("model_loaded"))
"""

REQUEST = {
    "prompt": "a red cat",
    "negative_prompt": "blurry",
    "width": 64,
    "height": 64,
    "steps": 3,
    "seed": 1,
    "cfg_scale": 5,
    "sampler_name": "Euler",
    "scheduler": "Automatic",
}
CASES = {
    "plain": {},
    "again": {},
    "failing": {"alwayson_scripts": {"PROBE": {"args": [True]}}},
    "hires": {"enable_hr": True, "hr_scale": 2, "hr_upscaler": "Latent", "hr_second_pass_steps": 2},
    "batch": {"batch_size": 2, "n_iter": 2},
    "single": {"seed": 2},
    "and": {"prompt": "a AND b:0.5", "batch_size": 2},
    "long": {"prompt": "one two three, " * 30},
    "heun": {"sampler_name": "Heun"},
    "ngms": {"override_settings": {"s_min_uncond": 20.0, "s_min_uncond_all": True}},
    "lora": {"prompt": "cat <lora:x:1>"},
    "refiner": {"refiner_checkpoint": "pocket-sdxl-refiner", "refiner_switch_at": 0.5, "steps": 4},
    "unknown script": {"alwayson_scripts": {"nobody": {"args": []}}},
    "selectable": {"alwayson_scripts": {"choice": {"args": []}}},
    "more args": {"alwayson_scripts": {"probe": {"args": [False, "u", 3, 4]}}},
    "unknown option": {"override_settings": {"no_such_option": 1}},
    "unknown refiner": {"refiner_checkpoint": "nobody", "refiner_switch_at": 0.5},
    "negative height": {"height": -64},
}


def start(folder: Path):
    """Boot the host with the probe; (client, the probe's log)."""
    extension = folder / "probe-extension"
    (extension / "scripts").mkdir(parents=True)
    (extension / "scripts" / "probe.py").write_text(PROBE, encoding="utf-8")
    options = {"samples_save": False, "s_min_uncond": 0.0, "s_min_uncond_all": False}
    (folder / "config.json").write_text(json.dumps(options), encoding="utf-8")
    import embedded_webui

    flags = ["--data-dir", str(folder), "--extension", str(extension), "--api"]
    embedded_webui.bootstrap([*flags, "--disable-console-progressbars", "--use-cpu", "all"])
    from fastapi.testclient import TestClient
    from modules import script_loading, server

    client = TestClient(server.make_api_app(), raise_server_exceptions=False)
    module = script_loading.loaded_scripts[str(extension / "scripts" / "probe.py")]
    return client, module.LOG


def pixels(answer):
    """Every picture of an answer as a list of numbers."""
    from PIL import Image

    return [
        list(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB").tobytes())
        for text in answer.get("images", [])
    ]


def run_case(client, log, name, body):
    """One request: status, error, infotexts, pictures, the probe's log."""
    log.clear()
    response = client.post("/sdapi/v1/txt2img", json={**REQUEST, **body})
    answer = response.json()
    info = json.loads(answer["info"]) if response.status_code == 200 else {}
    return {
        "status": response.status_code,
        "error": {key: answer.get(key) for key in ("error", "detail", "errors")},
        "infotexts": info.get("infotexts", []),
        "seeds": info.get("all_seeds"),
        "pixels": pixels(answer),
        "log": list(log),
    }


def interrupted(client):
    """A long request that is interrupted while it samples: seconds and status."""
    from modules import shared

    def press_the_button():
        while shared.state.sampling_step < 2:
            time.sleep(0.01)
        client.post("/sdapi/v1/interrupt")

    presser = threading.Thread(target=press_the_button)
    presser.start()
    body = {**REQUEST, "steps": 150, "n_iter": 3}
    response = client.post("/sdapi/v1/txt2img", json=body)
    presser.join()
    return {"status": response.status_code, "pictures": len(response.json()["images"])}


def residency():
    """What switching checkpoints does to the models under both limits."""
    from modules import sd_models, shared

    base, refiner = (
        sd_models.get_closet_checkpoint_match(x) for x in ("sdxl-base", "sdxl-refiner")
    )
    first = sd_models.reload_model_weights(info=base)
    second = sd_models.reload_model_weights(info=refiner)
    at_one = next(first.parameters()).device.type
    shared.opts.data["sd_checkpoints_limit"] = 2
    third = sd_models.reload_model_weights(info=base)
    swapped = sd_models.reload_model_weights(info=refiner)
    back = sd_models.reload_model_weights(info=base)
    shared.opts.data["sd_checkpoints_limit"] = 1
    return {
        "evicted": at_one,
        "same object": swapped is second and back is third,
        "active": shared.sd_model is third,
        "loaded": len(sd_models.model_data.loaded_sd_models),
        "crossattn": list(shared.sd_model.cond_stage_model_empty_prompt.shape),
        "vae": sorted(
            {next(m.first_stage_model.parameters()).device.type for m in (second, third)}
        ),
    }


def main(folder: Path):
    """Everything, on standard output."""
    client, log = start(folder)
    started = list(log)
    report = {name: run_case(client, log, name, body) for name, body in CASES.items()}
    picture = client.post("/sdapi/v1/txt2img", json=REQUEST).json()["images"][0]
    img2img = {**REQUEST, "init_images": [picture], "denoising_strength": 0.5}
    report["img2img"] = client.post("/sdapi/v1/img2img", json=img2img).status_code
    report["png info"] = client.post("/sdapi/v1/png-info", json={"image": picture}).json()["info"]
    report["started"] = started
    report["scripts"] = client.get("/sdapi/v1/scripts").json()
    report["routes"] = {
        name: client.get(f"/sdapi/v1/{name}").status_code
        for name in ("options", "sd-models", "samplers", "schedulers", "script-info", "progress",
                     "cmd-flags")
    }  # fmt: skip
    report["interrupted"] = interrupted(client)
    report["residency"] = residency()
    sys.stdout.write("\nREPORT " + json.dumps(report))


if __name__ == "__main__":
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    main(Path(sys.argv[1]))
