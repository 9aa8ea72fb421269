"""Jobs of the tab's queue on the host: killed at any moment, stopped, without room on the disk."""

from __future__ import annotations

import errno
import importlib
import io
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors
import torch
from PIL import Image

from fooocus_ext import image_log
from tests.contract import lora_stand_in

WINDOW = "window-of-a-test"
PICTURES = 3
SMALL = {"width": 64, "height": 64, "steps": 1, "image_number": PICTURES, "random_seed": False}
SMALL |= {
    "seed": "7",
    "styles": "[]",
    "sampler": "Euler",
    "prompt": "[[a fox, an owl, a hare]] in the snow",
}


class KilledError(BaseException):
    """Stands for the end of the process: nothing catches it."""


def levels(file):
    """Return a picture's levels [H,W,3]; in alpha Forge writes the infotext, and its grids have one."""
    return np.asarray(Image.open(file).convert("RGB"))


class Desk:
    """A queue of its own in a folder, worked through on the host by hand."""

    def __init__(self, host, folder, monkeypatch):
        load = importlib.import_module
        self.host, self.folder, self.monkeypatch = host, folder, monkeypatch
        self.jobs, self.queues = (load(f"fooocus_ext.job_queue.{n}") for n in ("jobs", "queue"))
        self.stores, self.run = (
            load("fooocus_ext.job_queue.store"),
            load("fooocus_ext.host.jobs.run"),
        )
        self.record, self.work = (load(f"fooocus_ext.host.tab.{n}") for n in ("record", "work"))
        monkeypatch.setattr(
            host.modules.shared.cmd_opts, "fooocus_outputs", str(folder / "out"), raising=False
        )
        self.store = None
        self.start()

    def start(self):
        """Start the server, or another one after the last was killed."""
        if self.store is not None:
            self.store.close()
        self.store = self.stores.Store.open(self.folder / "queue")
        self.queue = self.queues.JobQueue(self.stores.SplitStore(self.store))
        for job in self.queue.unsettled():
            self.record.settle(self.queue, job)

    def add(self, name="task(job)", source=None, mask=None, action="generate", **values):
        assets = importlib.import_module("fooocus_ext.host.machine.assets")
        of_page = {"scheduler": "Karras" if assets.scheduler_labels() else ""}
        values = {"base_model": self.host.checkpoints.base, **of_page, **SMALL, **values}
        job = self.jobs.QueuedJob(
            id=name,
            window=WINDOW,
            action=action,
            values=values,
            seed=7,
            image_number=values["image_number"],
            private=bool(values.get("private")),
        )
        self.queue.add(job, source, mask)

    def work_on(self):
        """Make the next job's pictures, as the worker does."""
        with self.host.modules.call_queue.queue_lock:
            job = self.queue.take()
            with self.run.as_task(job.id):
                self.work.make(self.queue, job)
        return self.queue.now(job.id)

    def entries(self):
        """The log's entries, in order."""
        days = [d for d in (self.folder / "out").iterdir() if d.is_dir()]
        return [e for day in sorted(days) for e in image_log.read_newest(day, 500)][::-1]

    def pictures(self):
        """Return the stored pictures' levels by their seed."""
        files = sorted((self.folder / "out").rglob("*.png"))
        return {self.seed_of(file): levels(file) for file in files}

    def seed_of(self, file):
        seeds = {entry.file: entry.metadata["seed"] for entry in self.entries()}
        return int(seeds[file.name])


@pytest.fixture
def desk(host, tmp_path, monkeypatch):
    made = Desk(host, tmp_path, monkeypatch)
    yield made
    made.store.close()


def kill_before(desk, place, name, count):
    """End the process when ``place.name`` is called for the ``count``-th time."""
    original, calls = getattr(place, name), []

    def killed(*args, **kwargs):
        calls.append(1)
        if len(calls) == count:
            raise KilledError
        return original(*args, **kwargs)

    desk.monkeypatch.setattr(place, name, killed)


def test_the_queue_is_open_before_anybody_can_ask_for_it(host, monkeypatch):
    served = importlib.import_module("fooocus_ext.host.tab.queue")
    happened = []
    worker = SimpleNamespace(start=lambda: happened.append("started"))
    monkeypatch.setattr(served, "_worker", lambda: happened.append("opened") or worker)
    monkeypatch.setattr(served, "add_routes", lambda *_given: happened.append("reachable"))
    monkeypatch.setattr(served, "page_login", lambda _app: [])
    served.register(None, None)
    assert happened == ["opened", "reachable", "started"]


def test_pictures_are_taken_down_one_by_one(desk):
    desk.add()
    seen = []
    skipped = desk.queue.picture_made

    def made(*args):
        skipped(*args)
        seen.append([m.index for m in desk.queue.now("task(job)").made])

    desk.monkeypatch.setattr(desk.queue, "picture_made", made)
    job = desk.work_on()
    assert seen == [[0], [0, 1], [0, 1, 2]]
    assert (job.state, [m.seed for m in job.made]) == ("done", [7, 8, 9])
    assert [e.metadata["seed"] for e in desk.entries()] == ["7", "8", "9"]
    assert all(f"Seed: {m.seed}" in m.infotext for m in job.made)
    words = [json.loads(e.json)["full_prompt"][0] for e in desk.entries()]
    assert [w.split()[1] for w in words] == ["fox", "owl", "hare"]


@pytest.mark.parametrize(
    "moment",
    ["before it is announced", "before it is stored", "before the log", "before it is done"],
)
@pytest.mark.parametrize("count", [1, 2])
def test_a_killed_job_goes_on_without_a_picture_lost_or_made_twice(desk, host, moment, count):
    desk.add("task(reference)")
    desk.work_on()
    reference = desk.pictures()
    for file in (desk.folder / "out").rglob("*"):
        if file.is_file():
            file.unlink()
    desk.add()
    place, name = {
        "before it is announced": (desk.queue, "announce"),
        "before it is stored": (host.modules.images, "save_image_with_geninfo"),
        "before the log": (image_log, "append"),
        "before it is done": (desk.queue, "picture_made"),
    }[moment]
    with desk.monkeypatch.context() as patched:
        desk.monkeypatch = patched
        kill_before(desk, place, name, count)
        with pytest.raises(KilledError):
            desk.work_on()
    desk.start()
    job = desk.work_on()
    assert [m.index for m in job.made] == list(range(PICTURES))
    assert [e.metadata["seed"] for e in desk.entries()] == ["7", "8", "9"]
    again = desk.pictures()
    assert again.keys() == reference.keys() == {7, 8, 9}
    for seed, pixels in again.items():
        assert np.abs(pixels.astype(int) - reference[seed].astype(int)).max() <= 1


@pytest.mark.reports_errors
def test_a_picture_that_cannot_be_stored_is_kept_and_stored_at_the_next_try(desk, host):
    desk.add()
    store, calls = host.modules.images.save_image, []

    def full(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return store(*args, **kwargs)

    desk.monkeypatch.setattr(host.modules.images, "save_image", full)
    job = desk.work_on()
    assert job.state == "failed"
    assert str(desk.folder / "out") in job.error
    assert "No space left on device" in job.error
    assert [(m.index, m.file is None) for m in job.made] == [(0, False), (1, True)]
    content = desk.queue.picture(WINDOW, job.id, 1)
    kept = np.asarray(Image.open(io.BytesIO(content)))
    desk.queue.retry(WINDOW, job.id)
    job = desk.work_on()
    assert [(m.index, m.file is None) for m in job.made] == [(0, False), (1, False), (2, False)]
    assert [e.metadata["seed"] for e in desk.entries()] == ["7", "8", "9"]
    assert np.abs(desk.pictures()[8].astype(int) - kept.astype(int)).max() <= 1


@pytest.mark.reports_errors
def test_the_page_shows_an_unsaved_picture_and_offers_it_for_download(desk, host):
    shown = importlib.import_module("fooocus_ext.host.tab.shown")
    desk.monkeypatch.setattr(shown.queue, "jobs", lambda: desk.queue)
    desk.add("task(first)", image_number=1)
    desk.work_on()
    fixed = dict(zip(shown.OUTPUTS, shown.show(WINDOW, "", False), strict=True))
    assert "value" not in fixed["seed"]  # what the user has fixed for the next job stays
    before = dict(zip(shown.OUTPUTS, shown.show(WINDOW, "", True), strict=True))
    assert len(before["gallery"]) == len(json.loads(before["infotexts"])) == 1
    assert (before["seed"], "alert" in before["ended"]) == ("7", False)

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    desk.monkeypatch.setattr(host.modules.images, "save_image", full)
    desk.add()
    desk.work_on()
    now = dict(zip(shown.OUTPUTS, shown.show(WINDOW, before["shown"], True), strict=True))
    (picture,) = now["gallery"]
    assert picture.startswith("data:image/png;base64,")
    assert 'role="alert"' in now["ended"]
    assert "No space left on device" in now["ended"]
    assert f"fooocus/v1/queue/picture?window={WINDOW}" in now["ended"]
    assert json.loads(now["shown"])["pictures"] == [["task(job)", 0]]
    again = dict(zip(shown.OUTPUTS, shown.show(WINDOW, now["shown"], True), strict=True))
    assert "value" not in again["ended"]  # what was said is not said again


@pytest.mark.reports_errors
@pytest.mark.parametrize("private", [False, True])
def test_a_grid_of_all_pictures_is_the_jobs_last(desk, private):
    desk.add(image_grid=True, private=private)
    job = desk.work_on()
    assert (job.state, job.error, job.comments) == ("done", "", "")
    assert [made.index for made in job.made] == [0, 1, 2, 3]
    contents = [
        desk.queue.picture(WINDOW, job.id, made.index) if private else made.file
        for made in job.made
    ]
    *pictures, grid = (levels(io.BytesIO(content) if private else content) for content in contents)
    assert grid.shape[0] * grid.shape[1] >= PICTURES * 64 * 64
    cells = [
        grid[y : y + 64, x : x + 64]
        for y in range(0, grid.shape[0], 64)
        for x in range(0, grid.shape[1], 64)
    ]
    assert all(np.array_equal(*pair) for pair in zip(pictures, cells, strict=False))
    assert private or len(desk.entries()) == PICTURES


def test_a_grid_is_there_once_after_a_crash_and_a_missing_one_is_said(desk):
    desk.add(image_grid=True)
    kill_before(desk, desk.queue, "picture_made", PICTURES + 1)
    with pytest.raises(KilledError):
        desk.work_on()
    desk.monkeypatch.undo()
    desk.monkeypatch.setattr(
        desk.host.modules.shared.cmd_opts,
        "fooocus_outputs",
        str(desk.folder / "out"),
        raising=False,
    )
    desk.start()
    assert len(desk.work_on().made) == PICTURES + 1
    assert len(list((desk.folder / "out").rglob("grid_*"))) == 1

    desk.add("task(another)", image_grid=True)
    load = importlib.import_module("fooocus_ext.host.tab.grid")
    full = OSError(errno.ENOSPC, "No space left on device")

    def fail(*_given):
        raise full

    desk.monkeypatch.setattr(load, "_store", fail)
    job = desk.work_on()
    assert (job.state, len(job.made)) == ("done", PICTURES)
    assert "image grid is missing" in job.comments


def test_a_picture_that_the_log_cannot_take_is_said(desk):
    def refuse(*args):
        raise OSError(errno.EACCES, "Permission denied")

    desk.monkeypatch.setattr(image_log, "append", refuse)
    desk.add(image_number=1)
    job = desk.work_on()
    assert (job.state, len(job.made)) == ("done", 1)
    assert "is saved, but could not be entered into the log: Permission denied." in job.comments


@pytest.mark.reports_errors
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.cuda.OutOfMemoryError(), "There was not enough memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 17 GB)"), "not enough memory"),
        (safetensors.SafetensorError("header too large"), "cut off.* says: header too large"),
        (RuntimeError("shapes do not fit"), "^RuntimeError: shapes do not fit$"),
    ],
)
def test_a_failed_job_says_what_helps(desk, error, said):
    def fail(_job):
        raise error

    desk.monkeypatch.setattr(desk.work, "make_pictures", fail)
    desk.add()
    job = desk.work_on()
    assert job.state == "failed"
    assert re.search(said, job.error)


def test_without_a_folder_nothing_is_sampled(desk, host):
    (desk.folder / "out").write_text("a file where the folder should be", encoding="utf-8")
    desk.add()
    desk.monkeypatch.setattr(desk.work, "make_pictures", None)
    job = desk.work_on()
    assert job.state == "failed"
    assert job.error.startswith(f"Pictures cannot be saved in {desk.folder / 'out'}: ")
    desk.add("task(private)", private=True, image_number=1)
    desk.monkeypatch.undo()
    assert desk.work_on().state == "done"


def test_private_pictures_are_in_memory_alone_as_soon_as_they_are_made(desk):
    desk.add(private=True, image_number=2)
    states = []
    made = desk.queue.picture_made

    def noted(*args):
        made(*args)
        states.append((desk.queue.now("task(job)").state, args[1].index))

    desk.monkeypatch.setattr(desk.queue, "picture_made", noted)
    job = desk.work_on()
    assert states[:2] == [("running", 0), ("running", 1)]
    assert [m.file for m in job.made] == [None, None]
    assert "Seed: 8" in job.made[1].infotext
    assert desk.queue.picture(WINDOW, job.id, 1).startswith(b"\x89PNG")
    assert not (desk.folder / "out").exists()


def test_stop_ends_a_job_and_skip_a_picture(desk, host):
    state = host.modules.shared.state
    desk.add("task(stopped)")
    made = desk.queue.picture_made

    def then_stop(*args):
        made(*args)
        state.interrupt()

    with desk.monkeypatch.context() as patched:
        patched.setattr(desk.queue, "picture_made", then_stop)
        job = desk.work_on()
    assert (job.state, len(job.made)) == ("done", 1)
    assert not state.interrupted
    desk.add("task(skipped)", steps=3)
    announced = desk.queue.announce
    sampling = importlib.import_module("fooocus_ext.host.sampling")
    with desk.monkeypatch.context() as patched:

        def then_skip(*args):
            announced(*args)
            if args[1].picture.index == 0:
                patched.setattr(sampling, "was_cut_short", lambda: True)

        patched.setattr(desk.queue, "announce", then_skip)
        job = desk.work_on()
    assert (job.state, len(job.made), job.next_index) == ("done", 1, PICTURES)


def test_a_picture_is_kept_though_stop_comes_while_it_is_decoded(desk, host):
    """From 1.7 on the webui has forgotten by then at which step the sampling ended."""
    hooks = importlib.import_module("fooocus_ext.generation.hooks")
    end_batch = hooks.end_batch

    def then_stop(*args):
        host.modules.shared.state.interrupt()
        return end_batch(*args)

    desk.add("task(stopped)", steps=3)
    with desk.monkeypatch.context() as patched:
        patched.setattr(hooks, "end_batch", then_stop)
        job = desk.work_on()
    assert (job.state, len(job.made)) == ("done", 1)


def file_of(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def test_an_edited_picture_and_its_mask_survive_a_kill_and_the_rest_stays_as_it_is(desk, host):
    original = np.random.default_rng(3).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    mask = np.zeros((64, 96), dtype=np.uint8)
    mask[:, 56:] = 255
    asked = {"input_image": True, "edit_kind": "Inpaint or Outpaint", "edit_feather": 8}
    desk.add(source=file_of(original), mask=file_of(mask), action="edit", **asked)
    with desk.monkeypatch.context() as patched:
        desk.monkeypatch = patched
        kill_before(desk, host.modules.images, "save_image", 2)
        with pytest.raises(KilledError):
            desk.work_on()
    desk.start()
    job = desk.work_on()
    assert (job.state, job.error) == ("done", "")
    made = desk.pictures()
    assert sorted(made) == [7, 8, 9]
    for picture in made.values():
        assert (picture[:, :47] == original[:, :47]).all()
        assert (picture[:, 56:] != original[:, 56:]).any()
    assert all("Fooocus edit: " in m.infotext for m in job.made)
    assert list((desk.folder / "queue").glob("*-pictures/*")) == []


def test_an_edit_with_nothing_to_do_says_what_to_mark(desk):
    asked = {"input_image": True, "edit_kind": "Inpaint or Outpaint"}
    plain = file_of(np.zeros((64, 64, 3), dtype=np.uint8))
    desk.add(source=plain, action="edit", **asked)
    job = desk.work_on()
    assert job.state == "failed"
    assert "mark in the picture" in job.error


@pytest.mark.parametrize("lost", ["source", "mask"])
def test_a_job_whose_picture_was_deleted_makes_no_other_one(desk, lost):
    asked = {"input_image": True, "edit_kind": "Inpaint or Outpaint"}
    plain, marked = (file_of(np.full((64, 64, 3), level, dtype=np.uint8)) for level in (0, 255))
    desk.add(source=plain, mask=marked, action="edit", **asked)
    name = getattr(desk.queue.now("task(job)"), lost)
    [file] = (desk.folder / "queue").glob(f"*-pictures/{name}*")
    file.unlink()
    job = desk.work_on()
    assert (job.state, job.made) == ("failed", ())
    assert name in job.error
    assert "is gone" in job.error


def test_the_strength_forced_for_the_input_image_is_none_of_a_picture_shown(desk):
    load = importlib.import_module
    submit, widgets = load("fooocus_ext.host.tab.submit"), load("fooocus_ext.tab.widgets")
    desk.add("task(first)", image_number=1)
    first = desk.work_on()
    values = {**widgets.DEFAULTS, **first.values, "input_image": True, "edit_strength": 0.1}
    asked = load("fooocus_ext.api.queue").ToAdd(
        window=WINDOW,
        job="task(gallery-vary)",
        action="vary_subtle",  # what the input image is to become, too
        picture={"job": first.id, "index": 0},
        values=[values[name] for name in widgets.NAMES],
    )
    submit.add(desk.queue, asked)
    job = desk.work_on()
    assert (job.state, job.error) == ("done", "")
    assert "Denoising strength: 0.5," in job.made[0].infotext


def test_a_fast_performances_lora_is_logged_with_the_weight_that_it_had(desk, host):
    if not host.is_embedded:
        pytest.skip("the LoRA is one of a stand-in for the webui's own extension")
    lora, kept = "sdxl_lcm_lora", []
    slot = {"performance": "Extreme Speed", "lora_1": lora, "lora_weight_1": 0.5}
    announce = desk.queue.announce

    def noted(*args):
        kept.extend(
            (used.name, used.multiplier) for used in sys.modules["networks"].loaded_networks
        )
        announce(*args)

    desk.monkeypatch.setattr(desk.queue, "announce", noted)
    with lora_stand_in.installed(host, {lora: {}}):
        desk.add(image_number=1, steps=1, **slot)
        job = desk.work_on()
    (entry,) = desk.entries()
    assert kept == [(lora, 1.0)]
    assert entry.metadata["loras"] == [[f"{lora}.safetensors", 1.0]]
    assert f'The LoRA {lora} has the weight 1 of "Extreme Speed", not the 0.5' in job.comments
