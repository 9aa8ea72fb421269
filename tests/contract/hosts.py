"""The host that the contract tests run on, the embedded one or a real webui, behind one interface."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import io
import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from tests.contract.checkpoints import Checkpoints, add_broken, collect
from tests.contract.families import INFOTEXTS, NO_INFOTEXTS, NO_LCM, PASS_HOOK, family_of
from tests.embedded_webui.command_line import FLAGS, data_folder

ROOT = Path(__file__).resolve().parents[2]
WEBUI = os.environ.get("FOOOCUS_TEST_WEBUI")
CHECKPOINTS = os.environ.get("FOOOCUS_TEST_CHECKPOINTS")
FAMILY = family_of(Path(WEBUI) if WEBUI else None)

OPTIONS = {"show_progress_type": "Approx cheap", "samples_save": False, "grid_save": False}

SECOND_RUN = ("separate", "vae")
"""How a refiner begins in a pass of its own."""

REQUEST = {
    "prompt": "a red fox in the snow",
    "negative_prompt": "blurry",
    "width": 128,
    "height": 128,
    "steps": 4,
    "seed": 1,
    "cfg_scale": 5.0,
    "sampler_name": "Euler",
    "scheduler": "Automatic",
}


@dataclass
class Result:
    """The answer to one generation request."""

    status: int
    body: dict[str, Any]

    @property
    def detail(self) -> Any:
        return self.body.get("detail")

    @property
    def payload(self) -> list[str]:
        """The pictures as sent: PNG files, infotext included."""
        return self.body["images"]

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        return [decode(text) for text in self.payload]

    @cached_property
    def info(self) -> dict[str, Any]:
        return json.loads(self.body["info"])

    @property
    def infotext(self) -> str:
        return self.info["infotexts"][0]

    def difference(self, other: Result) -> int:
        """Return the largest difference of any channel of any pixel, 0..255."""
        pairs = zip(self.pictures, other.pictures, strict=True)
        return max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)

    def same_pixels(self, other: Result) -> bool:
        return self.difference(other) == 0


def decode(text: str) -> np.ndarray:
    """Return a picture of an API answer as [height, width, 3]."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def encode(picture: np.ndarray) -> str:
    """Return a picture [height, width(, 3)] as the API takes it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


class _Modules:
    """``host.modules.shared`` is the host's ``modules.shared``. A module may have had another name."""

    former = MappingProxyType({"infotext_utils": "generation_parameters_copypaste"})  # before 1.8

    def __getattr__(self, name: str) -> Any:
        if importlib.util.find_spec(f"modules.{name}") is None:
            name = self.former.get(name, name)
        return importlib.import_module(f"modules.{name}")


@dataclass
class Host:
    """A running host.

    Attributes:
        name: "embedded" or the webui's folder name.
        client: a FastAPI TestClient of its API.
        checkpoints: what there is to run with.
        folder: its scratch data folder.
    """

    name: str
    client: Any
    checkpoints: Checkpoints
    folder: Path
    modules: _Modules = field(default_factory=_Modules)

    @property
    def is_embedded(self) -> bool:
        return self.name == "embedded"

    def run(self, fooocus: Any = None, *, tab: str = "txt2img", **request: Any) -> Result:
        """Generate: ``REQUEST`` with ``request`` on top, and ``fooocus`` as the script's one dict.

        ``fooocus=None`` leaves the script out of the request. ``alwayson_scripts`` in the request
        replaces both. A test that asks for a setting unknown to this webui, which refuses it, is skipped.
        """
        body = {**REQUEST, **FAMILY.request, **request}
        for setting in body.get("override_settings", {}):
            self.need_setting(setting)
        if body.get("sampler_name") == "LCM":
            FAMILY.need(NO_LCM)
        if fooocus is not None:
            arguments = {"enabled": True, "expansion": False, **fooocus}
            if arguments.get("refiner_method") in SECOND_RUN:
                FAMILY.need(PASS_HOOK)
            body["alwayson_scripts"] = {"Fooocus": {"args": [arguments]}}
        return self.post(f"/sdapi/v1/{tab}", body)

    def has_setting(self, name: str) -> bool:
        return name in self.modules.shared.opts.data_labels

    def need_setting(self, name: str) -> None:
        """Skip a test on a webui of a version without a setting."""
        if not self.has_setting(name):
            pytest.skip(f"this webui lacks what the test needs: the setting {name}")

    def generate(self, fooocus: Any = None, **request: Any) -> Result:
        """Like `run`, but the generation must succeed."""
        result = self.run(fooocus, **request)
        assert result.status == 200, result.body
        return result

    def post(self, path: str, body: Any) -> Result:
        """Send a body, NaN and infinity included, as lenient clients do."""
        if isinstance(body, dict) and "infotext" in body and path.startswith("/sdapi"):
            FAMILY.need(INFOTEXTS)
            FAMILY.need(NO_INFOTEXTS)
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.client.post(path, content=text, headers={"Content-Type": "application/json"})
        try:
            return Result(answer.status_code, answer.json())
        except ValueError:  # Forge's errors are no JSON
            return Result(answer.status_code, {"detail": answer.text})

    def use(self, checkpoint: str) -> None:
        """Make a checkpoint the active one, as choosing it on the page does."""
        info = self.modules.sd_models.get_closet_checkpoint_match(checkpoint)
        FAMILY.use(self.modules, info.title)
        assert self.modules.shared.sd_model.sd_checkpoint_info.filename == info.filename

    @property
    def script(self) -> Any:
        """The extension's script object of the txt2img tab."""
        return self.script_of("txt2img")

    def runner_of(self, tab: str) -> Any:
        return getattr(self.modules.scripts, f"scripts_{tab}")

    def script_of(self, tab: str) -> Any:
        scripts = self.runner_of(tab).alwayson_scripts
        (script,) = [item for item in scripts if item.title() == "Fooocus"]
        return script

    def widgets_of(self, tab: str) -> list[Any]:
        """Return the widgets of the extension's script in a tab (1.8 has them in ``script.controls``)."""
        script = self.script_of(tab)
        return self.runner_of(tab).inputs[script.args_from : script.args_to]

    def selectable_arguments(self, title: str) -> tuple[Any, list[Any]]:
        """Return a selectable script and its widgets' defaults."""
        runner = self.modules.scripts.scripts_txt2img
        (script,) = [item for item in runner.selectable_scripts if item.title().lower() == title]
        return script, [widget.value for widget in runner.inputs[script.args_from : script.args_to]]


def start(folder: Path) -> Host:
    """Start the host that the environment asks for inside this process, with ``folder`` as data."""
    return _start_webui(Path(WEBUI), folder) if WEBUI else _start_embedded(folder)


def _start_webui(webui: Path, folder: Path) -> Host:
    """Boot a real webui as its --nowebui start does, up to where it would begin to listen."""
    checkpoints = _checkpoint_folder(folder)
    (folder / "extensions").mkdir()
    (folder / "extensions" / "sd-webui-fooocus").symlink_to(ROOT)
    _write_options(folder, checkpoints)
    sys.argv = ["launch.py", *FAMILY.flags, "--data-dir", str(folder)]
    os.chdir(webui)
    sys.path.insert(0, str(webui))
    entry = FAMILY.boot()
    _wait_for_threads("load_model")
    _save_all_options()
    client = _serve(entry.initialize_util.setup_middleware, entry.create_api)
    return Host(webui.name, client, checkpoints, folder)


def _wait_for_threads(name: str) -> None:
    for thread in threading.enumerate():
        if name in thread.name:
            thread.join()


def _start_embedded(folder: Path) -> Host:
    """Boot the embedded host inside this process, without a server."""
    import embedded_webui

    folder = data_folder(lambda: folder)
    checkpoints = _checkpoint_folder(folder)
    if checkpoints.base is None:
        checkpoints = _write_checkpoints(folder / "models" / "Stable-diffusion")
    _write_options(folder, checkpoints)
    embedded_webui.bootstrap([*FLAGS, "--data-dir", str(folder)])
    _save_all_options()
    server = importlib.import_module("modules.server")
    client = _serve(server.setup_middleware, server.create_api)
    return Host("embedded", client, checkpoints, folder)


def _entry_points(host: Host) -> tuple[Callable[[Any], None], Callable[[Any], Any]]:
    """Return the host's functions that set up a server and its API."""
    if host.is_embedded:
        return host.modules.server.setup_middleware, host.modules.server.create_api
    entry = importlib.import_module("webui")
    return entry.initialize_util.setup_middleware, entry.create_api


def _write_checkpoints(folder: Path) -> Checkpoints:
    """Write Pocket SDXL's base and refiner, and a second base, which differs from the first a little."""
    from embedded_webui import pocket

    found = Checkpoints()
    folder.mkdir(parents=True, exist_ok=True)
    for part, kind in (("base", "base"), ("second", "base"), ("refiner", "refiner")):
        tensors = pocket.pocket_state_dict(kind)
        if part == "second":
            generator = torch.Generator().manual_seed(1)
            for key, value in tensors.items():
                if key.startswith(pocket.UNET):
                    tensors[key] = value + 0.02 * value * torch.randn(
                        value.shape, generator=generator
                    )
        path = folder / f"pocket-{part}.safetensors"
        pocket.write_checkpoint(tensors, path, part)
        setattr(found, part, path.name)
        found.paths[path.name] = path
    add_broken(folder)
    return found


def _checkpoint_folder(folder: Path) -> Checkpoints:
    target = folder / "models" / "Stable-diffusion"
    target.mkdir(parents=True)
    found = collect(Path(CHECKPOINTS), target) if CHECKPOINTS else Checkpoints()
    if found.base:
        add_broken(target)
    return found


def _write_options(folder: Path, checkpoints: Checkpoints) -> None:
    chosen = {"sd_model_checkpoint": checkpoints.base} if checkpoints.base else {}
    (folder / "config.json").write_text(json.dumps({**OPTIONS, **chosen}), encoding="utf-8")


def _serve(setup_middleware: Callable[[Any], None], create_api: Callable[[Any], Any]) -> Any:
    """Build the host's API and return a client of it.

    A start with the page calls before_ui before it builds the scripts' widgets, --nowebui only after
    that: there, X/Y/Z plot knows no extension's axes. Here it is as with the page.
    """
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    script_callbacks = importlib.import_module("modules.script_callbacks")
    app = FastAPI()
    setup_middleware(app)
    script_callbacks.before_ui_callback()
    create_api(app)
    script_callbacks.app_started_callback(None, app)
    return TestClient(app, raise_server_exceptions=False)


def reload(host: Host) -> None:
    """Do what "Reload UI" does: unload the scripts, load them again, and serve anew."""
    modules = host.modules
    modules.script_callbacks.app_reload_callback()
    modules.script_callbacks.script_unloaded_callback()
    modules.initialize.initialize_rest(reload_script_modules=True)
    _wait_for_threads("load_model")
    host.client = _serve(*_entry_points(host))


def _save_all_options() -> None:
    """Store every option's default: the host never restores an overridden option that was not saved."""
    opts = importlib.import_module("modules.shared").opts
    for key, option in opts.data_labels.items():
        opts.data.setdefault(key, option.default)
