"""The picture that is to be varied: whole, cut off, damaged, in memory, or none."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from fooocus_ext.errors import RequestError
from fooocus_ext.job_queue.jobs import Made, QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.job_queue.store import SplitStore, Store
from fooocus_ext.tab.selected import picture_of

FORMATS = ("PNG", "JPEG", "WEBP")
WINDOW = "0123456789abcdef"
GONE = "The selected picture cannot be read any more."


def stored(kind: str) -> bytes:
    stream = io.BytesIO()
    noise = Image.frombytes("RGB", (40, 30), random.Random(1).randbytes(3600))
    noise.save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def select(tmp_path):
    """Returns the picture of a job that has stored what it is given, or has it in memory."""
    queue = JobQueue(SplitStore(Store.in_memory()))
    queue.add(QueuedJob("job", WINDOW, "generate", {}, seed=1))
    queue.take()
    file = tmp_path / "picture"

    def select_picture(content, *, in_memory=False, window=WINDOW, index=0):
        if in_memory:
            queue.picture_made("job", Made(0, None, "", 1), content)
        else:
            file.write_bytes(content)
            queue.picture_made("job", Made(0, str(file), "", 1))
        return picture_of(queue, window, "job", index)

    return select_picture


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("in_memory", [False, True])
def test_a_picture_comes_with_its_pixels(select, kind, in_memory):
    picture = select(stored(kind), in_memory=in_memory)
    assert (picture.size, picture.mode) == ((40, 30), "RGB")
    picture.getpixel((39, 29))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_that_is_cut_off_gets_a_readable_message(select, kind):
    whole = stored(kind)
    for length in range(0, len(whole) - 40, max(1, len(whole) // 40)):
        with pytest.raises(RequestError) as refused:
            select(whole[:length])
        assert refused.value.detail == GONE


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_picture_is_read_or_gets_a_readable_message(select, kind):
    rng, whole = random.Random(2), stored(kind)
    said = set()
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(min(len(damaged), 300))] = rng.randrange(256)
        try:
            select(bytes(damaged))
        except RequestError as error:
            said.add(error.detail)
    assert said == {GONE}


@pytest.mark.parametrize("asked", [{"window": "fedcba9876543210"}, {"index": 1}])
def test_a_picture_that_is_not_the_windows_own_is_refused(select, asked):
    with pytest.raises(RequestError, match="cannot be read any more"):
        select(stored("PNG"), **asked)


def test_what_is_no_picture_gets_a_readable_message(select):
    with pytest.raises(RequestError, match="cannot be read any more"):
        select(b"no picture")
