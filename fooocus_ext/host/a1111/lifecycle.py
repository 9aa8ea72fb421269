"""How a generation of ours runs and ends on the host, whatever happens in it.

The host swallows exceptions in hooks and callbacks and goes on to a picture without what was asked
for. So a request that is refused, or fails in a hook of ours, is made to end outside of its guards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from fooocus_ext import infotext
from fooocus_ext.errors import RequestError
from fooocus_ext.generation import state

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation

_sampling: list[Any] = []
"""Processing objects whose sampling is running, innermost last; not every callback names its own."""


class _SamplingFailedError(BaseException):
    """Carries an error of ours out of a callback: the host's guards stop at Exception."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def sampled_processing() -> Any:
    """Return the processing object whose sampling we are in; None outside of any of ours."""
    return _sampling[-1] if _sampling else None


def close_with(p: Any, generation: Generation) -> None:
    """Make ``p.close`` end the generation: the host calls it after any, also after a failed one."""
    close = p.close

    def close_both() -> None:
        state.detach(p)
        close()

    generation.override(p, "close", close_both)


def follow_sampling(p: Any, generation: Generation) -> None:
    """Make the coming ``p.sample`` undo what is done for it, whatever happens in it.

    Called once for each batch, right before the host samples it. The override goes as soon as
    sampling begins, so that copies of ``p`` made later (inpainting passes) sample for themselves.
    """
    sample = p.sample

    def sample_and_undo(*args: Any, **kwargs: Any) -> Any:
        generation.give_back(p, "sample")
        with _running(p, generation):
            if generation.refiner is not None:
                generation.refiner.encode(p)
            return sample(*args, **kwargs)

    generation.override(p, "sample", sample_and_undo)


@contextmanager
def _running(p: Any, generation: Generation) -> Iterator[None]:
    _sampling.append(p)
    try:
        yield
    except _SamplingFailedError as failure:
        raise failure.error from failure.error.__cause__
    finally:
        _sampling.pop()
        generation.end_sampling()
        _report_skipped(p, generation)


@contextmanager
def ends_sampling_on_error() -> Iterator[None]:
    """Make an error of ours inside a callback end the sampling with that error."""
    try:
        yield
    except Exception as error:
        raise _SamplingFailedError(error) from error


def _report_skipped(p: Any, generation: Generation) -> None:
    """Say under the picture and in its infotext what was asked for but could not be applied."""
    if not generation.skipped:
        return
    reasons = [f"{what}: {why}" for what, why in generation.skipped.items()]
    p.extra_generation_params[infotext.SKIPPED] = "; ".join(reasons)
    p.comment(f"Fooocus skipped {'; '.join(reasons)}")


def reason_for_user(p: Any, error: Exception) -> Exception:
    """Return an error in the form that reaches the user of ``p``, on the page or over the API."""
    if isinstance(error, RequestError) and getattr(p, "is_api", False):
        return HTTPException(status_code=error.status_code, detail=error.detail)
    return error


def refuse(p: Any, generation: Generation, error: Exception) -> None:
    """Make the generation of ``p`` end with ``error`` before any model work.

    ``p.init`` is the first thing that the host calls outside of its guard after ``process``. Over
    the API it answers with the status of an HTTPException, and logs no traceback for one.
    """
    reason = reason_for_user(p, error)

    def refuse_to_start(*_args: Any, **_kwargs: Any) -> None:
        raise reason

    generation.override(p, "init", refuse_to_start)
    close_with(p, generation)
