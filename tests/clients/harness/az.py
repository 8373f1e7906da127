"""The Azure CLI, unmodified, from an environment of its own; every run has a profile of its own, so that nothing leaks."""

import json
import os
import subprocess
from pathlib import Path

from .cli import Refused
from .server import REPOSITORY, Server

COMMAND_WITHIN_S = 120


def installed() -> Path:
    """`az` as `./test` installs it: `ROADSTEAD_AZ` names another."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    return Path(os.environ.get("ROADSTEAD_AZ", target / "test-env" / "az" / "bin" / "az"))


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
        done = subprocess.run(
            [installed(), *map(str, words)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
        )
        if done.returncode != 0:
            raise Refused(words, done.returncode, done.stderr)
        return done.stdout

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
