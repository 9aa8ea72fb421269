"""Doubles modules/shared_total_tqdm.py: the console bar over a whole job, drawn only if asked for."""

from __future__ import annotations

import tqdm

from modules import shared


class TotalTQDM:
    """A progress bar over all batches; each call is harmless when no bar is shown."""

    def __init__(self):
        self._tqdm = None

    def _enabled(self) -> bool:
        return shared.opts.multiple_tqdm and not shared.cmd_opts.disable_console_progressbars

    def reset(self):
        """Start a new bar for the running job."""
        self._tqdm = tqdm.tqdm(
            desc="Total progress",
            total=shared.state.job_count * shared.state.sampling_steps,
            position=1,
            file=shared.progress_print_out,
        )

    def update(self):
        """One sampling step is done."""
        if not self._enabled():
            return
        if self._tqdm is None:
            self.reset()
        self._tqdm.update()

    def updateTotal(self, new_total):
        """Correct the number of steps."""
        if not self._enabled():
            return
        if self._tqdm is None:
            self.reset()
        self._tqdm.total = new_total

    def clear(self):
        """Remove the bar."""
        if self._tqdm is not None:
            self._tqdm.close()
            self._tqdm = None
