"""One server for the whole run, on the ports that SDKs cannot change; every test brings its own devices."""

import itertools
import os
import re
from pathlib import Path

import pytest

from harness import hub, qpid
from harness import server as servers
from harness.certs import CertificateMaker
from harness.cli import Roadstead
from harness.monitor import Monitor
from harness.node import Actor
from harness.python_sdk import Sdk
from harness.server import Server
from harness.service import Service

MQTT_PORT = 8883
HTTPS_PORT = 443
AMQP_PORT = 5671
AMQP_PLAIN_PORT = 5672
DEVICES = itertools.count(1)
pytest_plugins = ["harness.portal"]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if not servers.is_free(MQTT_PORT):
        pytest.exit(f"port {MQTT_PORT} is taken, and no SDK can be told another: end what listens there", returncode=3)
    https_port = HTTPS_PORT if servers.is_free(HTTPS_PORT) else servers.free_port()
    amqp_port, amqp_plain_port = (port if servers.is_free(port) else None for port in (AMQP_PORT, AMQP_PLAIN_PORT))
    home = tmp_path_factory.mktemp("server")
    running = Server(home, MQTT_PORT, https_port, amqp_port=amqp_port, amqp_plain_port=amqp_plain_port)
    try:
        running.start()
        # SDKs trust what the environment of their process says: `roadstead env` is pasted there, as a user would.
        os.environ.update(running.exports)
        yield running
    finally:
        running.end()


@pytest.fixture(scope="session")
def port_443(server):
    """For clients that cannot be told another HTTPS port."""
    if server.https_port != HTTPS_PORT:
        pytest.skip(f"port {HTTPS_PORT} may not be bound here (not root, or taken), and this client knows no other")


@pytest.fixture(scope="session")
def port_5671(server):
    """For clients that cannot be told another port for AMQP."""
    if server.amqp_port != AMQP_PORT:
        pytest.skip(f"port {AMQP_PORT} is taken, and this client knows no other")


@pytest.fixture(scope="session")
def command_line(server):
    return Roadstead(server)


@pytest.fixture
def roadstead(command_line):
    """The command line; CAs that a test uploads go with it."""
    yield command_line
    command_line.forget_cas()


@pytest.fixture(scope="session")
def monitor(server, command_line):
    watching = Monitor(command_line, server.now_ms())
    yield watching
    watching.end()


@pytest.fixture
def device_id(request):
    """A device of this test alone. Lower case, so that it is the same to DPS and to the hub."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_")).strip("-")
    return f"{name[:40]}-{next(DEVICES)}"


@pytest.fixture
def policy(roadstead, device_id):
    """Of this test alone, for back ends that read."""
    roadstead.hub("policy", "create", "--name", device_id, "--permissions", "RegistryRead", "ServiceConnect")
    yield device_id
    roadstead.hub("policy", "delete", "--name", device_id)


@pytest.fixture
def consumer_group(roadstead, device_id):
    """Of this test alone, in which nobody else reads."""
    words = ("--hub-name", roadstead.hub_name, "--name", device_id)
    roadstead("iot", "hub", "consumer-group", "create", *words)
    yield device_id
    roadstead("iot", "hub", "consumer-group", "delete", *words)


@pytest.fixture
def endpoint(server):
    """Where one logs in."""
    return f"https://{server.hub_host}:{server.https_port}"


@pytest.fixture
def service_principal(roadstead):
    """Makes service principals with a role, and deletes them."""
    made = []

    def create(*words):
        made.append(roadstead("service-principal", "create", "-n", "test", "--days", "1", *words))
        return made[-1]

    yield create
    for one in made:
        roadstead("service-principal", "delete", "--id", one["appId"])


@pytest.fixture
def certificates(tmp_path):
    return CertificateMaker(tmp_path)


@pytest.fixture(scope="session")
def service(server):
    """The hub's service API by plain HTTPS, as its owner."""
    return Service(server)


@pytest.fixture(params=["sync-mqtt", "sync-ws", "aio-mqtt", "aio-ws"])
def sdk(request, server, roadstead):
    """Asked for after `roadstead`, so that clients end before the CAs that they stand on."""
    flavour, transport = request.param.split("-")
    if transport == "ws":
        request.getfixturevalue("port_443")
    made = Sdk(flavour, transport)
    yield made
    made.end()


@pytest.fixture
def send(server, roadstead, device_id):
    """Sends one message of the test's device, `app_colour` as the header `iothub-app-colour`."""
    token = hub.device_token(server, device_id, roadstead.device_key(device_id))

    def sent(body: bytes, **headers):
        named = {f"iothub-{name.replace('_', '-')}": value for name, value in headers.items()}
        response = hub.post_event(server, device_id, body, token, headers=named)
        assert response.ok, f"{response.status_code} {response.text}"

    return sent


@pytest.fixture(params=qpid.WIRES)
def wire(request):
    """What AMQP is spoken on by Qpid Proton."""
    if request.param == "ws":
        request.getfixturevalue("port_443")
    return request.param


@pytest.fixture
def peer(server):
    """Qpid Proton, logged in as the hub's owner."""
    with qpid.plain(server) as made:
        yield made


@pytest.fixture
def actor(server):
    """A program on Node's device SDK."""
    made = Actor(server, "device.js")
    yield made
    made.end()


@pytest.fixture
def client(actor, transport, roadstead, device_id):
    """The same, connected as a new device by the test's `transport`."""
    roadstead.create_device(device_id)
    actor("open", transport, roadstead.connection_string(device_id))
    return actor


@pytest.fixture
def own_server(tmp_path):
    """A server of this test alone, on ports of its own, not yet started; for tests that break it."""
    alone = Server(tmp_path, servers.free_port(), servers.free_port())
    yield alone
    alone.end()


def servers_of(item) -> dict[Server, str]:
    """Those that the test's fixtures gave, alone, in a tuple or as `servers` of a pair; each with the fixture's name."""
    found = {}
    for name, value in item.funcargs.items():
        for one in value if isinstance(value, tuple) else getattr(value, "servers", (value,)):
            if isinstance(one, Server):
                found.setdefault(one, name)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        starts = item.stash.get(LOG_STARTS, {})
        for running, name in servers_of(item).items():
            if Path(running.log_path).exists():
                report.sections.append((f"log of `{name}`", running.log(starts.get(running, 0))[-20_000:]))
    return report


LOG_STARTS = pytest.StashKey[dict[Server, int]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    item.stash[LOG_STARTS] = {running: running.log_bytes() for running in servers_of(item)}
