"""Upscale without diffusion: the fast one, and pictures that would become too large for the model."""

from __future__ import annotations

import importlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.contract import probes
from tests.contract.test_queue import Desk, levels

SMALL = {"width": 64, "height": 64, "upscaler": "Lanczos", "image_number": 1}


@pytest.fixture
def desk(host, tmp_path, monkeypatch):
    made = Desk(host, tmp_path, monkeypatch)
    yield made
    made.store.close()


def source(size):
    """Return a picture of every level as a PNG file, and the picture."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    levels = np.stack([columns % 256, rows % 256, (rows + columns) % 256], axis=-1)
    picture = Image.fromarray(levels.astype(np.uint8))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue(), picture


def enlarged(desk, action, size, **values):
    """Return (the job afterwards, the stored picture, the picture it was made of, model calls)."""
    file, picture = source(size)
    desk.add(source=file, action=action, **{**SMALL, **values})
    calls = []

    def count(original, params):
        calls.append(1)
        original(params)

    with probes.around_callbacks(desk.host, denoiser=count):
        job = desk.work_on()
    assert job.state == "done", job
    [made] = job.made
    return job, levels(Path(made.file)), picture, len(calls)


def test_fast_2x_is_the_upscalers_picture_to_the_pixel(desk):
    _job, stored, picture, calls = enlarged(desk, "upscale_fast", (256, 256))
    wanted = picture.resize((1024, 1024), Image.Resampling.LANCZOS)
    wanted = wanted.resize((512, 512), Image.Resampling.LANCZOS)
    assert calls == 0
    assert stored.shape == (512, 512, 3)
    assert np.abs(stored.astype(int) - np.asarray(wanted).astype(int)).max() <= 1


def test_of_fast_2x_the_log_and_the_infotext_tell_no_sampling(desk):
    job, *_ = enlarged(desk, "upscale_fast", (64, 64), prompt="a fox")
    [made], [entry] = job.made, desk.entries()
    assert "Steps: " not in made.infotext
    assert "fox" not in made.infotext
    assert "Fooocus edit: " in made.infotext
    assert entry.metadata.keys() == {"resolution", "version", "metadata_scheme"}
    assert entry.metadata["resolution"] == "(128, 128)"


def test_no_level_is_lost_on_the_way_through_the_webui(host):
    undiffused = importlib.import_module("fooocus_ext.host.jobs.undiffused")
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    picture = Image.fromarray(np.stack([levels] * 3, axis=-1))
    values = undiffused._levels(picture)
    back = ((values + 1.0) / 2.0).clamp(0.0, 1.0).numpy() * 255.0  # as the webui does
    assert (np.moveaxis(back, 0, 2).astype(np.uint8) == np.asarray(picture)).all()


def test_a_picture_over_the_limit_is_enlarged_and_said_to_be(desk, monkeypatch):
    actions = importlib.import_module("fooocus_ext.tab.actions")
    monkeypatch.setattr(actions, "LARGEST_SIDE", 300)
    job, stored, _picture, calls = enlarged(desk, "upscale_2", (192, 160))
    assert calls == 0
    assert stored.shape == (320, 384, 3)
    assert "without adding detail" in job.comments
