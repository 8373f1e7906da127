"""`roadstead serve` beside another one: each at a loopback address of its own, on the ports that SDKs cannot change."""

import socket
from functools import cached_property
from pathlib import Path

from .cli import Roadstead
from .production import Production

GROUP = "rg"
DPS_DOMAIN = "neighbour.test"


def can_bind(address: str) -> bool:
    """Whether this process may listen on 443 and 8883 of `address` now."""
    for port in (443, 8883):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


class Neighbour(Production):
    """A server with one hub whose host name is the server's address (hub `127` of domain `0.0.3`), and one DPS."""

    def __init__(self, home: Path, address: str, trusts: list[Path] = ()):
        super().__init__(home)
        self.address = address
        self.https_port, self.mqtt_port, self.amqp_port = 443, 8883, 5671
        self.hub_name, domain = address.split(".", 1)
        done = self.run("init", "--config", self.config, "--data-dir", self.data_dir, "--hub-domain", domain)
        assert done.returncode == 0, done.stderr
        text = self.config.read_text().replace("0.0.0.0:", f"{address}:").replace("also = []", f'also = ["{address}"]')
        # The command line alone asks for the DPS by a name: addresses have no room for two.
        text = text.replace(f'# dps_domain = "{domain}"', f'dps_domain = "{DPS_DOMAIN}"')
        trusted = ", ".join(f'"{path}"' for path in trusts)
        self.config.write_text(text.replace("[links]\n", f"[links]\nca_files = [{trusted}]\n"))
        context = self.data_dir / "context.toml"
        lines = context.read_text().replace(f"https://{domain}", f"https://{address}")
        context.write_text(f'{lines}\n[connect_to]\n"gate.{DPS_DOMAIN}" = "{address}"\n')
        self.say = Roadstead(self)

    def populate(self) -> "Neighbour":
        """The hub, and a DPS that it is linked to."""
        self.say("group", "create", "-n", GROUP, "-l", "local")
        made = self.say("iot", "hub", "create", "-n", self.hub_name, "-g", GROUP)
        assert made["properties"]["hostName"] == self.address, made
        self.say("iot", "dps", "create", "-n", "gate", "-g", GROUP)
        self.say("iot", "dps", "linked-hub", "create", "--dps-name", "gate", "-g", GROUP, "--hub-name", self.hub_name)
        return self

    def dps(self, *words):
        return self.say("iot", "dps", *words, "--dps-name", "gate", "-g", GROUP)

    def hub(self, *words):
        return self.say("iot", "hub", *words, "--hub-name", self.hub_name)

    def enroll(self, registration_id: str, *words) -> str:
        """An individual enrollment; its key."""
        words = ("--enrollment-id", registration_id, "--attestation-type", "symmetricKey", *words)
        return self.dps("enrollment", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]

    @cached_property
    def owner(self) -> str:
        """The connection string of the hub's owner."""
        return self.hub("connection-string", "show")["connectionString"]

    def devices(self) -> set[str]:
        return {each["deviceId"] for each in self.hub("device-identity", "list")}

    def twin(self, device_id: str) -> dict:
        return self.hub("device-twin", "show", "--device-id", device_id)

    @property
    def hub_host(self) -> str:
        return self.address

    @property
    def dps_host(self) -> str:
        return self.address

    @cached_property
    def id_scope(self) -> str:
        return self.say("iot", "dps", "show", "-n", "gate", "-g", GROUP)["properties"]["idScope"]
