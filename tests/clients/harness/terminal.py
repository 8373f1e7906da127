"""A program that thinks a person types: what it prints is waited for, nothing is slept through."""

import os
import pty
import re
import select
import subprocess
import time

ANSWERED_WITHIN_S = 30


class Terminal:
    def __init__(self, command: list, environment: dict):
        self._ours, theirs = pty.openpty()
        self._program = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def read_until(self, pattern: str) -> str:
        """All that is printed from now on, up to and with what `pattern` finds."""
        printed, until = "", time.monotonic() + ANSWERED_WITHIN_S
        while not re.search(pattern, printed):
            left = until - time.monotonic()
            ready = select.select([self._ours], [], [], max(left, 0))[0]
            assert ready, f"{pattern!r} was not printed, but {printed!r}"
            printed += os.read(self._ours, 65536).decode(errors="replace")
        return printed

    def end(self) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._ours)
