"""`roadstead serve`, as an operator runs it."""

import socket
import ssl
import subprocess

from . import wait
from .server import READY_WITHIN_S, Server, free_port


class Production(Server):
    """`roadstead serve` with the configuration that `roadstead init` wrote, on ports of its own."""

    def __init__(self, home):
        super().__init__(home, free_port(), free_port())
        self.config = home / "roadstead.toml"

    @property
    def ca_file(self) -> str:
        return str(self.data_dir / "tls" / "ca.pem")

    def run(self, *words) -> subprocess.CompletedProcess:
        command = [self.binary, *map(str, words)]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)

    def write_config(self) -> None:
        done = self.run("init", "--config", self.config, "--data-dir", self.data_dir)
        assert done.returncode == 0, done.stderr
        text = self.config.read_text()
        assert f'data_dir = "{self.data_dir}"' in text
        changed = text
        for port, own in ((443, self.https_port), (8883, self.mqtt_port), (5671, self.amqp_port)):
            changed = changed.replace(f"0.0.0.0:{port}", f"127.0.0.1:{own}")
        self.config.write_text(changed)

    def use_certificate(self, certificate) -> None:
        """The configuration names files of its own; they are read again when they change."""
        for made, name in ((certificate.path, "server.pem"), (certificate.key_path, "server.key")):
            (self.home / name).write_bytes(made.read_bytes())
        lines = f'[tls]\ncertificate_file = "{self.home}/server.pem"\nkey_file = "{self.home}/server.key"\n'
        if "\ncertificate_file" not in self.config.read_text():
            self.config.write_text(self.config.read_text().replace("[tls]\n", lines))

    def serve(self) -> "Production":
        with self.log_path.open("ab") as log:
            command = [self.binary, "serve", "--config", self.config]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        wait.until(self._is_ready, READY_WITHIN_S, "/readyz")
        return self

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        return self.http_status("/readyz") == 200

    def presented(self) -> bytes:
        """The certificate that a new connection is shown, DER."""
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", self.mqtt_port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="plant.localhost") as tls:
                return tls.getpeercert(binary_form=True)
