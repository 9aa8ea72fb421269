"""Where on the model's noise schedule a model call stands."""

from __future__ import annotations

LAST_TIMESTEP = 999


def progress(timestep: float) -> float:
    """Return Fooocus's progress of a model timestep: 0 at 999, pure noise, and 1 at 0."""
    return 1.0 - timestep / LAST_TIMESTEP
