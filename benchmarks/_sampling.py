"""The embedded webui's sampling loop alone: without its model, timed, or in a context of one's own.

The webui is running, with a model loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def no_model(size: int) -> Iterator[None]:
    """Let the UNet return its input and the decoder an empty picture of size x size, both at once."""
    from modules import shared  # noqa: PLC0415 - the embedded webui's

    model = shared.sd_model
    model.apply_model = lambda x, *_, **__: x
    model.decode_first_stage = lambda z: z.new_zeros(1, 3, size, size)
    try:
        yield
    finally:
        del model.apply_model, model.decode_first_stage


@contextmanager
def around_sampling(around: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Enter a context around the sampling of each generation."""
    from modules import sd_samplers_common  # noqa: PLC0415

    sampler = sd_samplers_common.Sampler
    launch = sampler.launch_sampling

    def launch_within(self: Any, steps: int, function: Callable[[], Any]) -> Any:
        with around():
            return launch(self, steps, function)

    sampler.launch_sampling = launch_within
    try:
        yield
    finally:
        sampler.launch_sampling = launch


@contextmanager
def sampling_times(
    clock: Callable[[], float], finish: Callable[[], object] | None = None
) -> Iterator[list[float]]:
    """Collect how long the sampling of each generation takes, in seconds of a clock.

    ``finish`` is called before a time is taken at the end: it waits for a device's work.
    """
    times: list[float] = []

    @contextmanager
    def timed() -> Iterator[None]:
        begin = clock()
        yield
        if finish is not None:
            finish()
        times.append(clock() - begin)

    with around_sampling(timed):
        yield times
