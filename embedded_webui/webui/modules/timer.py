"""Doubles modules/timer.py: how long the parts of a task took."""

from __future__ import annotations

import time


class Timer:
    """`record` books the time since the last call under a category."""

    def __init__(self, print_log=False):
        self.start = time.time()
        self.records: dict[str, float] = {}
        self.total = 0.0
        self.base_category = ""
        self.print_log = print_log

    def elapsed(self):
        """Seconds since the last call."""
        now = time.time()
        seconds, self.start = now - self.start, now
        return seconds

    def record(self, category, extra_time=0, disable_log=False):
        """Book the elapsed time."""
        seconds = self.elapsed() + extra_time
        key = self.base_category + category
        self.records[key] = self.records.get(key, 0.0) + seconds
        self.total += seconds
