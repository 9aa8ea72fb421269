"""What a real webui holds in memory over many jobs and checkpoint switches, with the extension and without.

    python -m benchmarks.soak --webui ~/stable-diffusion-webui --models ~/small-checkpoints --extension on

starts that webui with a data folder of its own, over which it has two base checkpoints and a refiner (the
names tell which), and asks it over the API. On Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from bulk.ports import free_port
from embedded_webui.argument_types import at_least, folder_to_read

ROOT = Path(__file__).resolve().parents[1]
FLAGS = (
    "--api",
    "--skip-prepare-environment",
    "--skip-torch-cuda-test",
    "--skip-version-check",
    "--use-cpu=all",
    "--no-half",
    "--no-download-sd-model",
    "--disable-console-progressbars",
)
OPTIONS = {"samples_save": False, "grid_save": False, "show_progress_type": "Approx cheap"}
PYTHON = Path("venv", "bin", "python")
STARTED = "Startup time:"
START_SECONDS = 600
JOB_SECONDS = 600

REQUEST = {
    "prompt": "a red fox in the snow",
    "negative_prompt": "blurry",
    "width": 64,
    "height": 64,
    "steps": 3,
    "cfg_scale": 5.0,
}
"""small, and of few texts: what costs time is the webui's text encoders, not what is soaked here"""
TRICKS = {"sharpness": 10, "adm_positive": 1.5, "adm_negative": 0.8, "adaptive_cfg": 3}
JOBS: tuple[tuple[dict[str, Any] | None, dict[str, Any]], ...] = (
    (None, {}),
    ({"sharpness": 10}, {}),
    ({"styles": ["cinematic-default"], "expansion": True}, {"width": 128}),
    (TRICKS, {"batch_size": 2}),
    ({**TRICKS, "refiner_method": "joint"}, {}),
    ({**TRICKS, "refiner_method": "separate"}, {"width": 128, "height": 128}),
    ({"refiner_method": "vae"}, {"n_iter": 2}),
    (TRICKS, {"lora": 0.7}),
    ({**TRICKS, "refiner_method": "joint"}, {"lora": 0.4, "sampler_name": "DPM++ 2M SDE"}),
    (TRICKS, {"enable_hr": True, "hr_scale": 2, "denoising_strength": 0.6}),
    ({**TRICKS, "rendering": "Fooocus"}, {"sampler_name": "Euler a"}),
    ({"sharpness": 99}, {}),
)
"""The extension's arguments (None: it is not used; the last are refused) and what the request has
besides `REQUEST`."""


class Webui:
    """A webui that runs: how it is asked and what it offers.

    Attributes:
        client: asks its API.
        base, second, refiner: titles of its checkpoints; lora: the name of one of its LoRAs, or "".
        extension: "on", "off" (installed and never asked for) or "absent".
    """

    def __init__(self, client: httpx.Client, extension: str) -> None:
        self.client = client
        self.extension = extension
        titles = [each["title"] for each in self.ask("/sdapi/v1/sd-models")]
        self.refiner = next(title for title in titles if "refiner" in title)
        self.base, self.second = sorted(title for title in titles if title != self.refiner)[:2]
        loras = self.ask("/sdapi/v1/loras")
        self.lora = loras[0]["name"] if loras else ""

    def ask(self, path: str, body: Any = None) -> Any:
        """Return the answer to a request, or None if it is refused (HTTP 422)."""
        answer = self.client.get(path) if body is None else self.client.post(path, json=body)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            return None
        answer.raise_for_status()
        return answer.json()

    def job(self, number: int, settings: dict[str, Any] | None, extra: dict[str, Any]) -> None:
        """Make the pictures of one job."""
        extra = dict(extra)
        weight = extra.pop("lora", None)
        body = {**REQUEST, "seed": number, **extra}
        if weight is not None and self.lora:
            body["prompt"] += f" <lora:{self.lora}:{weight}>"
        if settings is not None and self.extension == "on":
            named = {"expansion": False, **settings, "enabled": True}
            if "refiner_method" in settings:
                named["refiner"] = self.refiner
            body["alwayson_scripts"] = {"Fooocus": {"args": [named]}}
        self.ask("/sdapi/v1/txt2img", body)

    def row(self, what: str, *, trim: bool = False) -> None:
        """Print what is held in memory."""
        held = self.ask("/soak/memory" + ("?trim=true" if trim else ""))
        gigabytes = [held[key] / 1e9 for key in ("bytes", "RssAnon", "VmRSS")]
        cells = [what, str(held["tensors"]), *(f"{each:.2f}" for each in gigabytes)]
        print("| " + " | ".join(cells) + " |", flush=True)


@contextlib.contextmanager
def running(webui: Path, models: Path, loras: Path | None, extension: str) -> Iterator[Webui]:
    """Start a webui and end it afterwards. Raises TimeoutError if it does not answer."""
    with tempfile.TemporaryDirectory() as data:
        _write_data(Path(data), models, loras, extension)
        port = free_port()
        command = [str(webui / PYTHON), "launch.py", *FLAGS]
        command += ["--data-dir", data, "--port", str(port)]
        log_path = Path(data, "log.txt")
        with log_path.open("wb") as log:
            process = subprocess.Popen(command, cwd=webui, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=url, timeout=JOB_SECONDS) as client:
                _wait(process, log_path)
                yield Webui(client, extension)
        except httpx.HTTPStatusError:
            print(_end_of(log_path), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait()


def _write_data(data: Path, models: Path, loras: Path | None, extension: str) -> None:
    (data / "models").mkdir()
    (data / "models" / "Stable-diffusion").symlink_to(models.resolve())
    if loras is not None:
        (data / "models" / "Lora").symlink_to(loras.resolve())
    probe = data / "extensions" / "soak-probe" / "scripts"
    probe.mkdir(parents=True)
    (probe / "soak_probe.py").write_bytes(Path(__file__).with_name("_soak_probe.py").read_bytes())
    if extension != "absent":
        (data / "extensions" / "sd-webui-fooocus").symlink_to(ROOT)
    (data / "config.json").write_text(json.dumps(OPTIONS), encoding="utf-8")


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the log to say so: a request that comes a moment too early ends A1111's start (1.10.1)."""
    for _ in range(START_SECONDS):
        if process.poll() is not None:
            break
        if STARTED in log.read_text("utf-8", "replace"):
            return
        time.sleep(1)
    raise TimeoutError(f"the webui did not start:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text("utf-8", "replace")[-3000:]


def soak(webui: Webui, jobs: int) -> None:
    """Make pictures in all the ways of `JOBS`, in turn."""
    for number in range(jobs):
        webui.job(number, *JOBS[number % len(JOBS)])
        if (number + 1) % 20 == 0:
            webui.row(f"{number + 1} jobs")


def switch(webui: Webui, switches: int) -> None:
    """Change the checkpoint and make a picture, with all tricks where the extension is on."""
    for number in range(switches):
        title = (webui.second, webui.base)[number % 2]
        webui.ask("/sdapi/v1/options", {"sd_model_checkpoint": title})
        webui.job(number, TRICKS, {})
        if (number + 1) % 5 == 0:
            webui.row(f"{number + 1} switches")


def _webui(text: str) -> Path:
    folder = folder_to_read(text)
    if not (folder / PYTHON).is_file():
        raise argparse.ArgumentTypeError(f"got {text}; allowed: a webui's folder, with {PYTHON}")
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the soak and print a Markdown table."""
    parser = argparse.ArgumentParser("benchmarks.soak", description=__doc__)
    parser.add_argument("--webui", type=_webui, required=True, help="its folder, with a venv")
    parser.add_argument(
        "--models", type=folder_to_read, required=True, help="the folder of checkpoints"
    )
    parser.add_argument("--loras", type=folder_to_read, help="a folder of LoRAs")
    parser.add_argument("--extension", choices=("on", "off", "absent"), default="on")
    parser.add_argument("--jobs", type=at_least(0), default=200)
    parser.add_argument("--switches", type=at_least(0), default=40)
    options = parser.parse_args(arguments)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    with running(options.webui, options.models, options.loras, options.extension) as webui:
        print(f"| extension {options.extension} | tensors | their GB | own GB | resident GB |")
        print("|---|---|---|---|---|")
        webui.row("start")
        soak(webui, options.jobs)
        switch(webui, options.switches)
        webui.row("the end")
        webui.row("the end, trimmed", trim=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
