"""What we keep in memory beside the webui's own model: a refiner, and the inpaint engine."""

from __future__ import annotations

from modules import call_queue

from fooocus_ext.host.inpaint_engine import resident as engines
from fooocus_ext.host.refiner import resident


def release() -> str | None:
    """Free them as soon as no generation needs them; return the refiner's title if there was one."""
    with call_queue.queue_lock:
        engines.RESIDENCE.release()
        return resident.RESIDENCE.release()
