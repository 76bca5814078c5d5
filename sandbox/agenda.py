"""
What WeChat has still to do: actions due at a moment of the sandbox's own time.

One thread runs what is due, holding the world's lock, so an action must be short; anything that
waits (a delivery) is handed to a worker.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sandbox.clock import Clock

log = logging.getLogger("sandbox")
WORKERS = 8


class Agenda:
    """A heap of due actions and the workers for the slow ones."""

    def __init__(self, lock: threading.RLock, clock: Clock) -> None:
        self._changed = threading.Condition(lock)
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._busy = 0
        self._stopping = False
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="sandbox-worker")
        self._thread = threading.Thread(target=self._run, name="sandbox-agenda", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def after(self, seconds: float, action: Callable[[], None]) -> float:
        """Do `action` once `seconds` of sandbox time have passed; return when that is."""
        with self._changed:
            due = self._clock.passed() + seconds
            heapq.heappush(self._heap, (due, next(self._order), action))
            self._changed.notify_all()
            return due

    def in_background(self, action: Callable[[], object]) -> None:
        """Do `action`, which may wait, on a worker and without the lock."""
        with self._changed:
            self._busy += 1
        self._workers.submit(self._guarded, action)

    def wake(self) -> None:
        """Look again: the clock has been changed."""
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._heap.clear()

    def wait_idle(self, timeout: float) -> bool:
        """Wait, at most `timeout` real seconds, until nothing is due and nothing is being done."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._changed:
                if not self._busy and not self._is_due():
                    return True
            time.sleep(0.005)
        return False

    def _is_due(self) -> bool:
        return bool(self._heap) and self._heap[0][0] <= self._clock.passed()

    def _run(self) -> None:
        with self._changed:
            while not self._stopping:
                if self._is_due():
                    _, _, action = heapq.heappop(self._heap)
                    _logged(action)
                elif self._heap:
                    self._changed.wait(self._clock.real_seconds_until(self._heap[0][0]))
                else:
                    self._changed.wait()

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            _logged(action)
        finally:
            with self._changed:
                self._busy -= 1


def _logged(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:
        log.exception("an action of the sandbox failed")
