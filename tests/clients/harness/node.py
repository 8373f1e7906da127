"""Programs on the Node SDK, run as a user's would be."""

import json
import os
import subprocess
import threading
from collections import defaultdict
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
        self._process = subprocess.Popen(["node", SCRIPTS / script], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._answers: dict[int, Inbox] = {}
        self._events: dict[str, Inbox] = defaultdict(lambda: Inbox("an event of the Node program"))
        self._next = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            said = json.loads(line)
            if "event" in said:
                self._events[said["event"]].put(said["value"])
            else:
                self._answers[said["id"]].put(said)

    def attempt(self, step: str, *given) -> dict:
        """`{"result": ...}` or `{"error": name, "message": ...}`."""
        self._next += 1
        answer = self._answers[self._next] = Inbox(f"the answer to {step}{given}")
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

    def event(self, name: str, timeout_s: float = 15):
        return self._events[name].take(timeout_s)

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            pipe.close()
