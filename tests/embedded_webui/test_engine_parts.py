"""Parts of the engine that need no model: the queue's lock, masks, noise, extra networks, options."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from PIL import Image

from tests.embedded_webui.lazy import Lazy

extra_networks, fifo_lock, masking = Lazy("extra_networks"), Lazy("fifo_lock"), Lazy("masking")


def test_the_lock_serves_threads_in_order():
    lock, served = fifo_lock.FIFOLock(), []

    def work(number):
        with lock:
            served.append(number)

    lock.acquire()
    threads = []
    for number in range(5):
        thread = threading.Thread(target=work, args=(number,))
        thread.start()
        threads.append(thread)
        time.sleep(0.02)
    assert not lock.acquire(blocking=False)
    lock.release()
    for thread in threads:
        thread.join(timeout=5)
    assert served == [0, 1, 2, 3, 4]
    assert lock.acquire(blocking=False)


def test_a_free_lock_cannot_be_released():
    with pytest.raises(RuntimeError):
        fifo_lock.FIFOLock().release()


def box_mask(width, height, box):
    mask = Image.new("L", (width, height))
    mask.paste(255, box)
    return mask


def test_crop_region_surrounds_the_mask_inside_the_picture():
    mask = box_mask(100, 80, (10, 20, 30, 50))
    assert masking.get_crop_region_v2(mask) == (10, 20, 30, 50)
    assert masking.get_crop_region_v2(mask, 15) == (0, 5, 45, 65)
    assert masking.get_crop_region_v2(Image.new("L", (9, 9)), 4) is None


def test_an_expanded_region_has_the_ratio_of_the_picture_and_stays_inside():
    x1, y1, x2, y2 = masking.expand_crop_region((10, 20, 30, 60), 512, 512, 200, 200)
    assert (x2 - x1, y2 - y1) == (40, 40)
    assert masking.expand_crop_region((0, 0, 10, 60), 512, 512, 200, 200) == (0, 0, 60, 60)
    x1, _, x2, _ = masking.expand_crop_region((190, 0, 200, 60), 512, 512, 200, 200)
    assert (x1, x2) == (140, 200)


def test_blur_keeps_the_sum_of_an_inner_spot_and_its_direction():
    array = np.zeros((41, 41), np.uint8)
    array[20, 20] = 255
    blurred = np.asarray(masking.gaussian_blur(Image.fromarray(array), 2, 0)).astype(int)
    assert set(np.nonzero(blurred)[0]) == {20}
    weights = np.exp(-(np.arange(-5, 6) ** 2) / 8)
    assert (
        blurred[20, 15:26].tolist() == np.rint(255 * weights / weights.sum()).astype(int).tolist()
    )


def test_fill_covers_the_mask_with_what_surrounds_it():
    picture = Image.new("RGB", (64, 64), (200, 40, 10))
    mask = box_mask(64, 64, (20, 20, 44, 44))
    picture.paste((0, 0, 255), (20, 20, 44, 44))
    filled = np.asarray(masking.fill(picture, mask)).astype(int)
    assert np.abs(filled[32, 32] - [200, 40, 10]).max() <= 3


def test_tags_are_parsed_and_stripped():
    prompts, data = extra_networks.parse_prompts(
        ["a <lora:x:0.5:te=1> b<hypernet:y>", "c <lora:z:1>"]
    )
    assert prompts == ["a  b", "c "]
    assert {name: [item.items for item in items] for name, items in data.items()} == {
        "lora": [["x", "0.5", "te=1"]],
        "hypernet": [["y"]],
    }
    assert data["lora"][0].named == {"te": "1"}
    assert data["lora"][0].positional == ["x", "0.5"]
