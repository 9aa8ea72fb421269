"""The samplings of ours that run, and how an error in a callback ends one.

The webui swallows exceptions in callbacks and goes on to a picture without what was asked for. So an
error of ours is carried past its guards, and raised again outside of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.generation import hooks, state
from fooocus_ext.host import ending

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation


_ARGUMENTS = (
    *("conditioning", "unconditional_conditioning"),
    *("seeds", "subseeds", "subseed_strength", "prompts"),
)
"""of the webui's ``p.sample``, in their order"""


@dataclass
class Sampling:
    """The sampling of one batch, from its first step to its last.

    Attributes:
        p: the processing object that is sampled.
        generation: its generation.
        call: the model call in progress, in the terms of the family: what it must remember from one
            hook around the call to the next.
    """

    p: Any
    generation: Generation
    call: Any = None

    def take_call(self) -> Any:
        """Return the model call in progress, or None. It is over with this."""
        call, self.call = self.call, None
        return call


class Samplings:
    """The samplings of ours that are running, innermost last; not every callback names its own."""

    def __init__(self) -> None:
        self._running: list[Sampling] = []

    def current(self) -> Sampling | None:
        """Return the sampling that we are in; None outside of any of ours."""
        return self._running[-1] if self._running else None

    @contextmanager
    def running(self, p: Any, generation: Generation) -> Iterator[None]:
        """Be in the sampling of ``p``; its end undoes what was done for it."""
        self._running.append(Sampling(p, generation))
        try:
            yield
        except _SamplingFailedError as failure:
            raise failure.error from failure.error.__cause__
        finally:
            self._running.pop()
            generation.end_sampling()
            ending.report_skipped(p, generation)


samplings = Samplings()
"""The webui samples one batch at a time in one process, so there is one of these."""


class _SamplingFailedError(BaseException):
    """Carries an error of ours out of a callback: the webui's guards stop at Exception."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def follow_sampling(p: Any, generation: Generation) -> None:
    """Make the coming ``p.sample`` undo what is done for it, whatever happens in it.

    Called once for each batch, right before the webui samples it. The override goes as soon as
    sampling begins; another script that has wrapped it may keep it for later batches and generations,
    where it does nothing of its own.
    """
    sample = p.sample

    def sample_and_undo(*args: Any, **kwargs: Any) -> Any:
        running = samplings.current()
        if (running and running.p is p) or state.generation_of(p) is not generation:
            return sample(*args, **kwargs)
        generation.give_back(p, "sample")
        with samplings.running(p, generation):
            # The webui names its arguments; another script that has wrapped this may not.
            arguments = dict(zip(_ARGUMENTS, args, strict=False)) | kwargs
            samples = sample(**arguments | hooks.begin_batch(p, generation))
            generation.cut_short = was_cut_short()
            return hooks.end_batch(p, generation, samples)

    generation.override(p, "sample", sample_and_undo)


def was_cut_short() -> bool:
    """Whether Skip or Stop has ended the sampling that has just returned before its last step.

    To be asked right then: the webui soon counts steps anew, and Skip or Stop may come while it decodes.
    """
    state = shared.state
    if not (state.interrupted or state.skipped):
        return False
    return not state.sampling_steps or state.sampling_step < state.sampling_steps - 1


@contextmanager
def ends_sampling_on_error() -> Iterator[None]:
    """Make an error of ours inside a callback end the sampling with that error."""
    try:
        yield
    except Exception as error:
        raise _SamplingFailedError(error) from error
