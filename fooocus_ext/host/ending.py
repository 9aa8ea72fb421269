"""How a generation ends on a webui, whatever happens in it: refused, failed, or come through.

The webui swallows exceptions in hooks and goes on to a picture without what was asked for. So a request
that is refused, or fails in a hook of ours, is made to end outside of its guards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import HTTPException

from fooocus_ext import infotext
from fooocus_ext.errors import RequestError
from fooocus_ext.generation import state

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation


def close_with(p: Any, generation: Generation) -> None:
    """Make ``p.close`` end the generation: the webui calls it after any, also after a failed one."""
    close = p.close

    def close_both() -> None:
        state.detach(p)
        close()

    generation.override(p, "close", close_both)


def report_skipped(p: Any, generation: Generation) -> None:
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

    ``p.setup_prompts`` is the first thing that the webui calls outside of its guard after ``before_process``,
    and ``p.init`` after ``process``. There other scripts have hooked into its model, and take their hooks
    off in ``postprocess`` (ControlNet 1.1.455, which else acts on the next job). Over the API the webui
    answers with the status of an HTTPException, and logs no traceback for one.
    """
    reason = reason_for_user(p, error)

    def refuse_to_start(*_args: Any, **_kwargs: Any) -> None:
        raise reason

    def end_others_and_refuse(*_args: Any, **_kwargs: Any) -> None:
        from modules.processing import Processed  # nothing else here needs a webui

        p.scripts.postprocess(p, Processed(p, []))
        raise reason

    generation.override(p, "setup_prompts", refuse_to_start)
    generation.override(p, "init", end_others_and_refuse)
    close_with(p, generation)
