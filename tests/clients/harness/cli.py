"""`roadstead iot ...` as a user types it, with its JSON read."""

import json
import subprocess
from functools import cached_property

from .server import Server


class Refused(Exception):
    """A command that ended with another exit code than 0."""

    def __init__(self, words, code: int, stderr: str):
        super().__init__(f"roadstead {' '.join(map(str, words))}: exit {code}\n{stderr}")
        self.code = code
        self.stderr = stderr


class Roadstead:
    """The command line, pointed at one server by `ROADSTEAD_DATA_DIR`."""

    def __init__(self, server: Server):
        self.server = server
        self._uploaded: list[str] = []

    def text(self, *words, cwd=None) -> str:
        """Standard output of one command. Errors: `Refused`."""
        return self._run(words, cwd).stdout

    def said(self, *words, cwd=None) -> str:
        """What one command tells the person who typed it (standard error). Errors: `Refused`."""
        return self._run(words, cwd).stderr

    def _run(self, words, cwd) -> subprocess.CompletedProcess:
        command = [self.server.binary, *map(str, words)]
        done = subprocess.run(command, env=self.server.environment, cwd=cwd, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Refused(words, done.returncode, done.stderr)
        return done

    def __call__(self, *words, cwd=None):
        """Parsed JSON of one command; `None` when it prints nothing."""
        printed = self.text(*words, "-o", "json", cwd=cwd)
        return json.loads(printed) if printed.strip() else None

    def hub(self, *words):
        """`roadstead iot hub device-identity ...` and the like, on the hub of the exports."""
        return self("iot", "hub", *words, "--hub-name", self.hub_name)

    def dps(self, *words, cwd=None):
        """`roadstead iot dps enrollment ...` and the like, on the DPS of the exports."""
        return self("iot", "dps", *words, "--dps-name", self.dps_name, "--resource-group", self.group, cwd=cwd)

    @cached_property
    def hub_name(self) -> str:
        hubs = self("iot", "hub", "list")
        return next(hub["name"] for hub in hubs if hub["properties"]["hostName"] == self.server.hub_host)

    @cached_property
    def dps_name(self) -> str:
        return self._dps["name"]

    @cached_property
    def group(self) -> str:
        return self._dps["resourcegroup"]

    @cached_property
    def _dps(self) -> dict:
        services = self("iot", "dps", "list")
        return next(dps for dps in services if dps["properties"]["idScope"] == self.server.id_scope)

    def create_device(self, device_id: str, *words) -> dict:
        return self.hub("device-identity", "create", "--device-id", device_id, *words)

    def update_device(self, device_id: str, *words) -> dict:
        return self.hub("device-identity", "update", "--device-id", device_id, *words)

    def connection_string(self, device_id: str) -> str:
        words = ("device-identity", "connection-string", "show", "--device-id", device_id)
        return self.text("iot", "hub", *words, "--hub-name", self.hub_name, "-o", "tsv").strip()

    def policy(self, name: str) -> str:
        """The connection string of one of the hub's shared access policies."""
        words = ("connection-string", "show", "--policy-name", name, "--query", "connectionString")
        return self.text("iot", "hub", *words, "--hub-name", self.hub_name, "-o", "tsv").strip()

    def device_key(self, device_id: str) -> str:
        """The primary key of a new device with generated keys."""
        return self.create_device(device_id)["authentication"]["symmetricKey"]["primaryKey"]

    def enroll_with_key(self, registration_id: str, *words) -> str:
        """An individual enrollment with generated keys; its primary key."""
        words = ("--enrollment-id", registration_id, "--attestation-type", "symmetricKey", *words)
        return self.dps("enrollment", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]

    def enroll_group_with_key(self, group_id: str, *words) -> str:
        """An enrollment group with generated keys; its primary key."""
        group = self.dps("enrollment-group", "create", "--enrollment-id", group_id, *words)
        return group["attestation"]["symmetricKey"]["primaryKey"]

    def enroll_certificate(self, registration_id: str, certificate, *words) -> dict:
        words = ("--enrollment-id", registration_id, "--attestation-type", "x509", "--certificate-path", certificate, *words)
        return self.dps("enrollment", "create", *words)

    def upload_ca(self, name: str, certificate, verified: bool = True) -> dict:
        words = ("certificate", "create", "--certificate-name", name, "--path", certificate)
        made = self.dps(*words, "--verified", "true") if verified else self.dps(*words)
        self.remember_ca(name)
        return made

    def remember_ca(self, name: str) -> None:
        """For `forget_cas`."""
        self._uploaded.append(name)

    def forget_cas(self) -> None:
        """Deletes every CA uploaded so far that is still there: a DPS holds 25 of them."""
        if not self._uploaded:
            return
        for held in self.dps("certificate", "list")["value"]:
            if held["name"] in self._uploaded:
                self.dps("certificate", "delete", "--certificate-name", held["name"], "--etag", held["etag"])
        self._uploaded.clear()
