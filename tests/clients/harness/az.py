"""The Azure CLI, unmodified, from an environment of its own; every run has a profile of its own, so that nothing leaks."""

import json
import os
import select
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from .cli import Refused
from .server import REPOSITORY, Server

COMMAND_WITHIN_S = 120
FORKS = Path(__file__).with_name("az_forks.py")


def installed() -> Path:
    """`az` as `./test` installs it, its `python` beside it: `ROADSTEAD_AZ` names another."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return Path(os.environ.get("ROADSTEAD_AZ", target / "test-env" / "az" / "bin" / "az"))


@cache
def command_index() -> bytes:
    """Where `az` finds which command. Its first command in a profile loads all there are to make it, and leaves it there."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.environ["PATH"], "HOME": home, "AZURE_CONFIG_DIR": home, "AZURE_CORE_COLLECT_TELEMETRY": "no"}
        subprocess.run([installed(), "cloud", "list"], env=environment, capture_output=True, check=True, timeout=COMMAND_WITHIN_S)
        return Path(home, "commandIndex.json").read_bytes()


class Az:
    """`az` for one server: it trusts its CA, and finds it, by what `roadstead env` exports."""

    def __init__(self, server: Server, home: Path):
        self.server = server
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AZURE_CONFIG_DIR": str(home / "az"),
            "AZURE_EXTENSION_DIR": str(home / "extensions"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_NO_COLOR": "1",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "1",
            **{name: server.exports[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")},
        }

    def text(self, *words) -> str:
        """Standard output of one command. Errors: `Refused`."""
        code, printed, complaint = self._run(list(map(str, words)))
        if code != 0:
            raise Refused(words, code, complaint)
        return printed

    def _run(self, words: list[str]) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": COMMAND_WITHIN_S}
        done = subprocess.run([installed(), *words], env=self.environment, **options)
        return done.returncode, done.stdout, done.stderr

    def start(self, *words) -> subprocess.Popen:
        """A command that goes on until it is ended; its standard output is to be read."""
        environment = {**self.environment, "PYTHONUNBUFFERED": "1"}
        pipe = subprocess.PIPE
        return subprocess.Popen([installed(), *map(str, words)], env=environment, stdin=subprocess.DEVNULL, stdout=pipe, text=True)

    def __call__(self, *words):
        """Parsed JSON of one command; `None` when it prints nothing."""
        printed = self.text(*words, "-o", "json")
        return json.loads(printed) if printed.strip() else None

    def register(self) -> None:
        """What `roadstead az-setup` prints, up to the login."""
        self.text("cloud", "register", "-n", "Roadstead", "--endpoint-resource-manager", self.server.exports["ROADSTEAD_ARM_URL"])
        self.text("cloud", "set", "-n", "Roadstead")

    def log_in(self, secret: str | None = None):
        exports = self.server.exports
        words = ("-u", exports["ROADSTEAD_SP_ID"], "-p", secret or exports["ROADSTEAD_SP_SECRET"])
        return self("login", "--service-principal", *words, "--tenant", exports["ROADSTEAD_TENANT"])


class ForkedAz(Az):
    """The same, one command after the other in forks of a process that has imported the CLI: without the second that each would take."""

    def __init__(self, server: Server, home: Path):
        super().__init__(server, home)
        (home / "az").mkdir()
        (home / "az" / "commandIndex.json").write_bytes(command_index())
        self._streams = [home / "stdout", home / "stderr"]
        # What `az` is, but for a variable that it sets.
        command, environment = [installed().parent / "python", FORKS], {"AZ_INSTALLER": "PIP", **self.environment}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True, start_new_session=True)

    def _run(self, words: list[str]) -> tuple[int, str, str]:
        assert self._process.returncode is None, f"{words}: `az` was ended, as a command before was not over in time"
        for path in self._streams:
            path.write_text("")
        stdout, stderr = map(str, self._streams)
        print(json.dumps({"words": words, "stdout": stdout, "stderr": stderr}), file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], COMMAND_WITHIN_S)[0]:
            self.end()
            raise AssertionError(f"{words}: not within {COMMAND_WITHIN_S} s")
        code = int(self._process.stdout.readline())
        return code, *(path.read_text() for path in self._streams)

    def end(self) -> None:
        """Ends the process, and the command that may still run: nothing else is answered any more."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
