"""What other extensions do with a request of ours, and what a request of ours leaves of theirs."""

from __future__ import annotations

import pytest

from tests.contract import probes
from tests.contract.conftest import OFF


@pytest.mark.parametrize("late", [False, True], ids=["before others begin", "after they began"])
@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_a_refused_request_leaves_no_hook_of_another_script(
    host, unchanged, monkeypatch, picture, tab, late
):
    """As ControlNet's, which are in the model from its `process` to its `postprocess`."""
    heard = []
    hooks = {
        "process": lambda self, p, *args: heard.append("process"),
        "postprocess": lambda self, p, processed, *args: heard.append("postprocess"),
    }
    if late:
        monkeypatch.setattr(host.script_of(tab), "before_process", lambda p, *slots: None)
    request = {"init_images": [picture]} if tab == "img2img" else {}
    with probes.spying_script(host, hooks, tab=tab):
        refused = host.run({"sharpness": 99}, tab=tab, **request)
    assert refused.status == 422
    assert "sharpness" in str(refused.body)
    assert heard == (["process", "postprocess"] if late else [])


class WrappedNoise:
    """As ControlNet 1.1.455 puts around the webui's noise for "inpaint_only+lama": no more than this."""

    def __init__(self, noise):
        self.rng = noise

    def next(self):
        return self.rng.next() * 0.9


@pytest.mark.parametrize("way", ["rendering", "refiner"])
def test_noise_that_another_script_has_wrapped_stays_wrapped(host, unchanged, way):
    def wrap(self, p, *args, **kwargs):
        p.rng = WrappedNoise(p.rng)

    ways = {
        "rendering": {**OFF, "rendering": "Fooocus"},
        "refiner": {
            **OFF,
            "refiner": host.checkpoints.refiner,
            "refiner_switch": 0.5,
            "refiner_method": "vae",
        },
    }
    plain = host.generate(ways[way])
    with probes.spying_script(host, {"process_batch": wrap}):
        wrapped = host.generate(ways[way])
    assert not wrapped.same_pixels(plain)
    assert host.generate(ways[way]).same_pixels(plain)
