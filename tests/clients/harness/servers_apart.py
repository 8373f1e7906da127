"""Two servers that know nothing of each other: an old one with devices of every kind, and a new one with hubs to fill."""

import itertools
import json
from pathlib import Path

from .certs import CertificateMaker
from .cli import Roadstead
from .production import Production

GROUP = "rg"


class Place:
    """A hub and a DPS of a server."""

    def __init__(self, server, hub_name: str, dps_name: str):
        self.server, self.hub_name, self.dps_name = server, hub_name, dps_name
        self.say = Roadstead(server)
        self.host = self.say("iot", "hub", "create", "-n", hub_name, "-g", GROUP)["properties"]["hostName"]
        self.say("iot", "dps", "create", "-n", dps_name, "-g", GROUP)

    def hub(self, *words):
        return self.say("iot", "hub", *words, "--hub-name", self.hub_name)

    def dps(self, *words):
        return self.say("iot", "dps", *words, "--dps-name", self.dps_name)

    def devices(self) -> set[str]:
        return {each["deviceId"] for each in self.hub("device-identity", "list")}

    def twin(self, device_id: str) -> dict:
        return self.hub("device-twin", "show", "--device-id", device_id)

    def key_of(self, device_id: str) -> str:
        return self.hub("device-identity", "show", "--device-id", device_id)["authentication"]["symmetricKey"]["primaryKey"]

    def __getattr__(self, name):
        return getattr(self.server, name)


class Pair:
    def __init__(self, home: Path):
        self.servers = []
        for name in ("old", "new"):
            (home / name).mkdir()
            server = Production(home / name)
            server.write_config()
            server.serve()
            Roadstead(server)("group", "create", "-n", GROUP, "-l", "local")
            self.servers.append(server)
        self.numbers = itertools.count(1)
        self.old = Place(self.servers[0], "plant", "gate")
        self.old.certificate_dir = home / "old" / "certificates"
        self._populate_hub()
        self._populate_dps()

    def fresh(self) -> Place:
        number = next(self.numbers)
        return Place(self.servers[1], f"plant{number}", f"gate{number}")

    def end(self):
        for server in self.servers:
            server.end()

    def _populate_hub(self):
        make = lambda device, *words: self.old.hub("device-identity", "create", "--device-id", device, *words)  # noqa: E731
        make("thermo")
        make("pinned", "--auth-method", "x509_thumbprint", "--primary-thumbprint", "AB" * 32, "--secondary-thumbprint", "CD" * 20)
        make("by-ca", "--auth-method", "x509_ca", "--status", "disabled", "--status-reason", "stolen")
        make("gateway", "--edge-enabled", "true")
        make("leaf")
        self.old.hub("device-identity", "parent", "set", "--device-id", "leaf", "--parent-device-id", "gateway")
        for device, module in (("thermo", "filter"), ("gateway", "store")):
            self.old.hub("module-identity", "create", "--device-id", device, "--module-id", module)
        self.old.hub("device-twin", "update", "--device-id", "thermo", "--tags", '{"site": "a"}', "--desired", '{"hz": 5}')
        words = ("--device-id", "thermo", "--module-id", "filter", "--desired", '{"window": {"s": 3}}')
        self.old.hub("module-twin", "update", *words)
        # What a device reports, as one that came from elsewhere brings it.
        lines = self.old.server.home / "reported.txt"
        thermo = self.old.hub("device-identity", "show", "--device-id", "thermo")
        line = {"id": "thermo", "status": "enabled", "authentication": thermo["authentication"], "properties": {"reported": {"firmware": "1.2"}}}
        lines.write_text(json.dumps(line) + "\n")
        report = self.old.say("import", "hub", lines, "--hub-name", self.old.hub_name)
        assert report["devices"]["updated"] == 1, report

    def _populate_dps(self):
        self.old.certificate_dir.mkdir()
        certificates = CertificateMaker(self.old.certificate_dir)
        device, signer = certificates.self_signed("by-certificate"), certificates.root("signer")
        make = lambda noun, name, *words: self.old.dps(noun, "create", "--enrollment-id", name, *words)  # noqa: E731
        terms = ("--initial-twin-tags", '{"line": 3}', "--reprovision-policy", "never")
        make("enrollment", "by-key", "--attestation-type", "symmetricKey", "--device-id", "other-name", *terms)
        make("enrollment", "by-certificate", "--attestation-type", "x509", "--certificate-path", device.path)
        make("enrollment-group", "fleet", "--edge-enabled", "true")
        make("enrollment-group", "signed", "--certificate-path", signer.path, "--provisioning-status", "disabled")


def comparable(text: str) -> dict:
    """A hub as a file has it, by name; keys of modules that only the edge runtime uses are the hub's own."""
    try:
        return _of_state(json.loads(text))
    except json.JSONDecodeError:
        return {(line["id"], line.get("moduleId")): _without_own_keys(line) for line in map(json.loads, text.splitlines())}


def _of_state(state: dict) -> dict:
    found = {}
    for name, device in state["devices"].items():
        for module, holder in device.pop("modules", {}).items():
            found[name, module] = _without_own_keys(holder, module)
        found[name, None] = device
    return found


def _without_own_keys(holder: dict, module: str | None = None) -> dict:
    if (module or holder.get("moduleId") or "").startswith("$"):
        holder.get("identity", holder).pop("authentication", None)
    return holder


def comparable_enrollments(text: str) -> dict:
    entries = json.loads(text)
    for entry in entries:
        for own in ("etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"):
            entry.pop(own)
    return {entry.get("registrationId") or entry["enrollmentGroupId"]: entry for entry in entries}
