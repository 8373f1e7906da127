"""One running `roadstead dev`: started, waited for, read, ended."""

import itertools
import os
import random
import re
import shlex
import signal
import socket
import ssl
import subprocess
import time
from http.client import HTTPSConnection
from pathlib import Path

from . import wait
from .sas import parse_connection_string

READY_WITHIN_S = 60
ENDED_WITHIN_S = 60
REPOSITORY = Path(__file__).resolve().parents[3]


def binary() -> Path:
    """The binary under test: `ROADSTEAD_BIN`, else cargo's dev build."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    path = Path(os.environ.get("ROADSTEAD_BIN", target / "debug" / "roadstead"))
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built: run `cargo build -p roadstead-cli` or set ROADSTEAD_BIN")
    return path


def is_free(port: int) -> bool:
    """Whether this process may listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
        return True


# Below those that systems lend to who connects: else somebody's connection may have it when a server is started, or started again.
PORTS = itertools.cycle(random.sample(range(10_000, 32_000), 22_000))


def free_port() -> int:
    """A port that was free just now, and that no earlier call gave."""
    return next(port for port in PORTS if is_free(port))


class Server:
    """`roadstead dev` on one data directory. May be killed and started again: ports and data stay."""

    def __init__(
        self,
        home: Path,
        mqtt_port: int,
        https_port: int,
        data_dir: Path | None = None,
        amqp_port: int | None = None,
        amqp_plain_port: int | None = None,
    ):
        self.binary = binary()
        self.home = home
        self.address = "127.0.0.1"
        self.data_dir = data_dir or home / "data"
        self.log_path = home / "server.log"
        self.mqtt_port = mqtt_port
        self.https_port = https_port
        self.amqp_port = amqp_port or free_port()
        self.amqp_plain_port = amqp_plain_port or free_port()
        self.process: subprocess.Popen | None = None
        self.exports: dict[str, str] = {}
        # A machine's own settings must not leak into a run, nor a run into the machine.
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        dirs = {name: str(home / name.lower()) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
        self.environment = {**kept, **dirs, "ROADSTEAD_DATA_DIR": str(self.data_dir)}

    def start(self, *extra: str) -> "Server":
        command = [self.binary, "dev", "--data-dir", self.data_dir]
        command += ["--mqtt-port", str(self.mqtt_port), "--https-port", str(self.https_port)]
        command += ["--amqp-port", str(self.amqp_port), "--amqp-plain-port", str(self.amqp_plain_port), *extra]
        log_start = self.log_bytes()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        wait.until(lambda: self._says_ready(log_start), READY_WITHIN_S, "`Roadstead is ready` of `roadstead dev`")
        wait.until(lambda: self.http_status("/readyz") == 200, READY_WITHIN_S, "/readyz")
        done = subprocess.run([self.binary, "env"], env=self.environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        self.exports = parse_exports(done.stdout)
        return self

    def _says_ready(self, log_start: int) -> bool:
        assert self.process.poll() is None, f"roadstead dev ended with {self.process.returncode}:\n{self.log()}"
        return "Roadstead is ready" in self.log(log_start)

    def http_status(self, path: str) -> int | None:
        """Status of a GET on the HTTPS port, whatever its certificate; `None` while nothing answers."""
        context = ssl._create_unverified_context()
        connection = HTTPSConnection(self.address, self.https_port, context=context, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(ENDED_WITHIN_S)

    def kill(self) -> None:
        """SIGKILL: what a power switch does to a process."""
        self.process.kill()
        self.process.wait(ENDED_WITHIN_S)

    def end(self) -> None:
        """Ends what may still run, when a test is over."""
        if self.process is None or self.process.poll() is not None:
            return
        try:
            self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()

    def log(self, start: int = 0) -> str:
        with self.log_path.open("rb") as log:
            log.seek(start)
            return log.read().decode(errors="replace")

    def log_bytes(self) -> int:
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    @property
    def hub_host(self) -> str:
        return parse_connection_string(self.exports["IOTHUB_CONNECTION_STRING"])["HostName"]

    @property
    def dps_host(self) -> str:
        return self.exports["PROVISIONING_HOST"]

    @property
    def id_scope(self) -> str:
        return self.exports["PROVISIONING_IDSCOPE"]

    @property
    def ca_file(self) -> str:
        """Our CA alone; what `SSL_CERT_FILE` names also holds the CAs that the machine trusts anyway."""
        return self.exports["ROADSTEAD_CA_FILE"]

    def portal_link(self) -> str:
        """What `dev` printed last; it signs in once."""
        return re.findall(r"https://\S+/portal/in/\S+", self.log())[-1]

    def url(self, host: str, path: str) -> str:
        port = "" if self.https_port == 443 else f":{self.https_port}"
        return f"https://{host}{port}{path}"

    def now_ms(self) -> int:
        """Server and tests share one clock."""
        return int(time.time() * 1000)


def parse_exports(text: str) -> dict[str, str]:
    """`export NAME=value` lines, quoted as a shell would read them."""
    found = {}
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["export"]:
            found.update(word.split("=", 1) for word in words[1:])
    return found
