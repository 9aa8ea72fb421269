"""Stands in for the host behind our routes."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient

from fooocus_ext.api import routes
from fooocus_ext.api.base import PREFIX
from fooocus_ext.data_files import Problem
from fooocus_ext.errors import RequestError
from fooocus_ext.generation.writer import Writer
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import Preset
from fooocus_ext.prompting.styles import Style, StyleLibrary
from fooocus_ext.prompting.wildcards import Wildcards

STYLES = StyleLibrary(
    (Style("film", "film still of {prompt}", "cartoon"), Style("warm", "warm light", "", "Mood")),
    (Problem("styles/bad.json", "third", "it has no name"),),
)
PRESETS = PresetLibrary({"mine": Preset("mine", sharpness=3.0, extra={"other": [1]})})


class Backend:
    """Stands in for the host: remembers what it was asked for."""

    def __init__(self):
        self.reloads = 0
        self.resident = "refiner.safetensors"
        self.jobs = []
        self.refusal = None

    def reload(self):
        self.reloads += 1

    def rewrite(self, prompt, negative_prompt, seed, chosen):
        writer = Writer(STYLES, Wildcards(), self.expand)
        return writer.rewrite([prompt], [negative_prompt], [seed], chosen)[0]

    def expand(self, texts, seeds, _style_texts=None, _preceding=None):
        return [f"{text}, word{seed}" for text, seed in zip(texts, seeds, strict=True)]

    def make_pictures(self, request, chosen):
        if self.refusal:
            raise RequestError(self.refusal)
        self.jobs.append((request, chosen))
        numbers = range(request.image_number)
        return routes.Pictures(
            [f"picture{number}" for number in numbers],
            [f"Seed: {request.seed + number}" for number in numbers],
            [request.seed + number for number in numbers],
        )

    def edit_picture(self, request, chosen, edit, picture, masks):
        self.jobs.append((edit, chosen, picture, masks))
        return self.remake(request.prompt)

    def remake(self, text):
        if self.refusal:
            raise RequestError(self.refusal)
        self.jobs.append(text)
        return routes.Pictures(["picture"], ["Seed: 7"], [7], ["It is here."])

    def release_refiner(self):
        title, self.resident = self.resident, None
        return title


def client_of(backend: Backend) -> TestClient:
    app = FastAPI()
    services = routes.Services(
        styles=lambda: STYLES,
        presets=lambda: PRESETS,
        reload=backend.reload,
        rewrite=backend.rewrite,
        expand=backend.expand,
        make_pictures=backend.make_pictures,
        edit_picture=backend.edit_picture,
        remake=backend.remake,
        release_refiner=backend.release_refiner,
    )
    app.include_router(routes.router(services))
    return TestClient(app, raise_server_exceptions=False)


def post(client, path, **body):
    return client.post(PREFIX + path, json=body)
