"""Waiting for something to become true, without guessing how long it takes."""

import queue
import threading
import time
from dataclasses import dataclass


def until(condition, timeout_s: float, what: str, pause_s: float = 0.02):
    """Asks `condition` again and again and returns its first true answer; fails with `what` at the deadline."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        pause.wait(pause_s)


class Inbox:
    """What handlers hand over, in order; `put` is a handler."""

    def __init__(self, what: str = "the next one"):
        self._what = what
        self._queue = queue.Queue()

    def put(self, item) -> None:
        self._queue.put(item)

    def close(self, why: str) -> None:
        """Nothing more comes: whoever waits, fails at once."""
        self._queue.put(Closed(why))

    def take(self, timeout_s: float = 30):
        """The next item; fails at the deadline."""
        try:
            item = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"{self._what}: not within {timeout_s} s") from None
        if isinstance(item, Closed):
            self._queue.put(item)
            raise AssertionError(f"{self._what} will not come: {item.why}")
        return item


@dataclass
class Closed:
    """The last item of an inbox."""

    why: str
