"""A lock that is given in the order it was asked for; doubles the host's `modules/fifo_lock.py`."""

from __future__ import annotations

import collections
import threading


class FIFOLock:
    """First come, first served; not re-entrant: who holds it must not ask for it again."""

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._held = False
        self._waiting: collections.deque[threading.Event] = collections.deque()

    def acquire(self, blocking: bool = True) -> bool:
        """Waits for this caller's turn; without `blocking` returns False where it would have to."""
        with self._state:
            if not self._held:
                self._held = True
                return True
            if not blocking:
                return False
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()
        return True

    def release(self) -> None:
        """Hands the lock to the next in line; raises RuntimeError where nobody holds it."""
        with self._state:
            if not self._held:
                raise RuntimeError("release of a lock that nobody holds")
            if self._waiting:
                # It stays held: the next in line takes it over, nobody can slip in between.
                self._waiting.popleft().set()
            else:
                self._held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_exception: object) -> None:
        self.release()
