"""Waiting for something to become true, without guessing how long it takes."""

import threading
import time


def until(condition, timeout_s: float, what: str):
    """Asks `condition` again and again and returns its first true answer; fails with `what` at the deadline."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        pause.wait(0.02)
