"""Programs on the Node SDK, run as a user's would be."""

import contextlib
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path

from .wait import Inbox

SCRIPTS = Path(__file__).resolve().parents[1] / "node"


def node(server, script: str, **given) -> dict:
    """What a script in `node/` printed; it trusts our CA by the export alone."""
    environment = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": server.exports["NODE_EXTRA_CA_CERTS"]}
    command = ["node", SCRIPTS / script]
    done = subprocess.run(command, input=json.dumps(given), env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


class Actor:
    """A program in `node/` that is led step by step, and says what happens in between."""

    def __init__(self, server, script: str):
        environment = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": server.exports["NODE_EXTRA_CA_CERTS"]}
        pipe = subprocess.PIPE
        self._stderr = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            ["node", SCRIPTS / script], env=environment, stdin=pipe, stdout=pipe, stderr=self._stderr, text=True
        )
        # By the id of a step or the name of an event. Held while an inbox is made: the first to ask for it may be either thread.
        self._inboxes: dict[int | str, Inbox] = {}
        self._held = threading.Lock()
        self._ended: str | None = None
        self._next = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            said = json.loads(line)
            if "event" in said:
                self._inbox(said["event"]).put(said["value"])
            else:
                self._inbox(said["id"]).put(said)
        self._stderr.seek(0)
        with self._held:
            self._ended = f"the program ended: {self._stderr.read().decode(errors='replace')}"
            for inbox in self._inboxes.values():
                inbox.close(self._ended)

    def _inbox(self, key: int | str, what: str | None = None) -> Inbox:
        with self._held:
            if key not in self._inboxes:
                self._inboxes[key] = Inbox(what or f"the event `{key}` of the Node program")
                if self._ended is not None:
                    self._inboxes[key].close(self._ended)
            return self._inboxes[key]

    def attempt(self, step: str, *given) -> dict:
        """`{"result": ...}` or `{"error": name, "message": ...}`."""
        self._next += 1
        answer = self._inbox(self._next, f"the answer to {step}{given}")
        with contextlib.suppress(BrokenPipeError):  # the answer says why
            self._process.stdin.write(json.dumps({"id": self._next, "step": step, "given": given}) + "\n")
            self._process.stdin.flush()
        return answer.take(60)

    def __call__(self, step: str, *given):
        """The result of a step that must succeed."""
        answer = self.attempt(step, *given)
        assert "error" not in answer, f"{step}{given}: {answer}"
        return answer["result"]

    def refused(self, step: str, *given) -> str:
        """The name of the error that a step must end with."""
        answer = self.attempt(step, *given)
        assert "error" in answer, f"{step}{given} was not refused: {answer}"
        return answer["error"]

    def event(self, name: str, timeout_s: float = 30):
        return self._inbox(name).take(timeout_s)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(60)
        self._reader.join(60)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._stderr.close()
