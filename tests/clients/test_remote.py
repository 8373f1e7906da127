"""A hub on another server: DPS places devices there as on a hub of its own. Two processes, two CAs, one loopback interface."""

import socket
import threading
import time
from pathlib import Path

import pytest
import requests
from azure.iot.device import X509, IoTHubDeviceClient, Message, ProvisioningDeviceClient

from harness import dps, sas, wait
from harness.monitor import Monitor, body
from harness.neighbour import Neighbour, can_bind

NEAR, FAR = "127.0.0.2", "127.0.0.3"
# Nobody speaks there.
MUTE = "127.0.0.4"


class Pair:
    """`near`, whose DPS has both hubs linked, and `far`, which knows nothing of it."""

    def __init__(self, home: Path):
        (home / "near").mkdir()
        (home / "far").mkdir()
        self.far = Neighbour(home / "far", FAR)
        self.far.serve()
        self.far.populate()
        self.near = Neighbour(home / "near", NEAR, trusts=[Path(self.far.ca_file)])
        self.near.serve()
        self.near.populate()
        self.servers = [self.near, self.far]
        self.linked = self.near.dps("linked-hub", "create", "--connection-string", self.far.owner)
        self.bundle = home / "both.pem"
        self.bundle.write_text("".join(Path(each.ca_file).read_text() for each in (self.near, self.far)))

    def end(self):
        for server in self.servers:
            server.end()

    def register(self, device_id: str, key: str) -> dict:
        """The final registration state, over bare MQTT."""
        credential = dps.key_credential(self.near, device_id, key)
        return dps.register("mqtt", self.near, device_id, credential).body["registrationState"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    if not (can_bind(NEAR) and can_bind(FAR)):
        pytest.skip(f"ports 443 and 8883 of {NEAR} and {FAR} may not be bound here, and no SDK can be told others")
    home = tmp_path_factory.mktemp("remote")
    made = Pair(home)
    yield made
    made.end()


@pytest.fixture
def trusting(pair, monkeypatch):
    """SDKs of this process trust both servers."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.bundle))


def provision_and_send(pair, how: str, device_id: str, **arguments):
    """What the seeds' programs do, with the unmodified SDK: register at `near`, connect to what it says, send."""
    where = {"provisioning_host": pair.near.dps_host, "id_scope": pair.near.id_scope, "registration_id": device_id}
    result = getattr(ProvisioningDeviceClient, f"create_from_{how}")(**where, **arguments).register()
    assert result.status == "assigned", result
    state = result.registration_state
    client = getattr(IoTHubDeviceClient, f"create_from_{how}")(hostname=state.assigned_hub, device_id=state.device_id, **arguments)
    try:
        client.connect()
        client.send_message(Message('{"from": "dps"}'))
    finally:
        client.shutdown()
    return state


def heard(server, device_id: str) -> dict:
    watching = Monitor(server.say, 0, hub_name=server.hub_name)
    try:
        return body(watching.wait(device_id, 1)[0])
    finally:
        watching.end()


def assert_assigning(server, device_id: str, key: str) -> None:
    """The first answer to a register over HTTPS."""
    url = server.url(server.dps_host, f"/{server.id_scope}/registrations/{device_id}/register?api-version=2021-06-01")
    headers = {"Authorization": dps.key_credential(server, device_id, key).token}
    answer = requests.put(url, json={"registrationId": device_id}, headers=headers, verify=server.ca_file, timeout=30)
    assert (answer.status_code, answer.json()["status"], answer.headers["Retry-After"]) == (202, "assigning", "2")


def test_link_is_shown_masked(pair):
    shown = next(each for each in pair.linked if each["name"] == FAR)
    assert shown["location"] == "local", "that of the DPS, as nobody here knows better"
    assert shown["connectionString"] == f"HostName={FAR};SharedAccessKeyName=iothubowner;SharedAccessKey=****"
    key = sas.parse_connection_string(pair.far.owner)["SharedAccessKey"]
    assert key not in str(pair.near.dps("linked-hub", "list"))


def test_python_sdk_is_placed_elsewhere(pair, trusting, device_id):
    """Registers at one server, is sent to the other, and is heard there; identity and twin are as enrolled."""
    words = ("--initial-twin-tags", '{"line": 3}', "--initial-twin-properties", '{"interval_s": 30}', "--edge-enabled", "true")
    key = pair.near.enroll(device_id, "--iot-hub-host-name", FAR, *words)
    state = provision_and_send(pair, "symmetric_key", device_id, symmetric_key=key)
    assert (state.assigned_hub, state.device_id, state.sub_status) == (FAR, device_id, "initialAssignment")
    assert heard(pair.far, device_id) == {"from": "dps"}
    twin = pair.far.twin(device_id)
    assert (twin["tags"], twin["properties"]["desired"]["interval_s"]) == ({"line": 3}, 30)
    identity = pair.far.hub("device-identity", "show", "--device-id", device_id)
    assert (identity["capabilities"]["iotEdge"], identity["authentication"]["symmetricKey"]["primaryKey"]) == (True, key)
    assert device_id not in pair.near.devices()


def test_x509_group(pair, trusting, certificates, device_id):
    """The other server does not know the group's CA: it is told the certificate that the device has now."""
    root = certificates.root(f"root-{device_id}")
    device = certificates.issue(root, device_id)
    pair.near.dps("certificate", "create", "--certificate-name", device_id, "--path", root.path, "--verified", "true")
    words = ("--enrollment-id", f"group-{device_id}", "--ca-name", device_id, "--iot-hub-host-name", FAR)
    pair.near.dps("enrollment-group", "create", *words)
    state = provision_and_send(pair, "x509_certificate", device_id, x509=X509(*map(str, device.pair)))
    assert state.assigned_hub == FAR
    assert heard(pair.far, device_id) == {"from": "dps"}
    shown = pair.far.hub("device-identity", "show", "--device-id", device_id)["authentication"]
    assert (shown["type"], shown["x509Thumbprint"]["primaryThumbprint"]) == ("selfSigned", device.thumbprint)

    renewed = certificates.issue(root, device_id)
    state = provision_and_send(pair, "x509_certificate", device_id, x509=X509(*map(str, renewed.pair)))
    shown = pair.far.hub("device-identity", "show", "--device-id", device_id)["authentication"]
    assert shown["x509Thumbprint"]["primaryThumbprint"] == renewed.thumbprint


@pytest.mark.parametrize("policy", ["hashed", "geoLatency"])
def test_allocation_over_both(pair, device_id, policy):
    words = ("--enrollment-id", device_id, "--allocation-policy", policy)
    group_key = pair.near.dps("enrollment-group", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]
    names = [f"{device_id}-{number}" for number in range(20)]
    hosts = {name: pair.register(name, sas.device_key(group_key, name))["assignedHub"] for name in names}
    assert set(hosts.values()) == {NEAR, FAR}
    for server in (pair.near, pair.far):
        assert {name for name in names if hosts[name] == server.address} == server.devices() & set(names)


REPROVISION = [("reprovisionandmigratedata", "migrate"), ("reprovisionandresetdata", "reset"), ("never", "keep")]


@pytest.mark.parametrize("policy,what", REPROVISION, ids=[what for _, what in REPROVISION])
@pytest.mark.parametrize("first,second", [(NEAR, FAR), (FAR, NEAR)], ids=["there", "back"])
def test_moves_between_servers(pair, trusting, device_id, policy, what, first, second):
    """The device takes its twin along, what it reported included, or begins anew, or stays."""
    words = ("--reprovision-policy", policy, "--iot-hub-host-name", first, "--initial-twin-tags", '{"made": "first"}')
    key = pair.near.enroll(device_id, *words)
    assert pair.register(device_id, key)["substatus"] == "initialAssignment"
    client = IoTHubDeviceClient.create_from_symmetric_key(symmetric_key=key, hostname=first, device_id=device_id)
    client.patch_twin_reported_properties({"firmware": "1.2"})
    client.shutdown()
    servers = {NEAR: pair.near, FAR: pair.far}
    servers[first].hub("device-twin", "update", "--device-id", device_id, "--desired", '{"hz": 5}')
    words = ("--iot-hub-host-name", second, "--initial-twin-tags", '{"made": "second"}')
    pair.near.dps("enrollment", "update", "--enrollment-id", device_id, *words)

    state = pair.register(device_id, key)
    here, gone = (first, second) if what == "keep" else (second, first)
    substatus = {"migrate": "deviceDataMigrated", "reset": "deviceDataReset", "keep": "initialAssignment"}[what]
    assert (state["assignedHub"], state["substatus"]) == (here, substatus)
    assert device_id in servers[here].devices() and device_id not in servers[gone].devices()
    twin = servers[here].twin(device_id)
    desired, reported = twin["properties"]["desired"], twin["properties"]["reported"]
    expected = ("second", None, None) if what == "reset" else ("first", 5, "1.2")
    assert (twin["tags"]["made"], desired.get("hz"), reported.get("firmware")) == expected
    again = pair.register(device_id, key)
    assert (again["assignedHub"], again["substatus"]) == (here, substatus)


def test_reset_where_it_is(pair, trusting, device_id):
    """A factory reset on the other server: the twin goes back to its beginning, reported properties are gone."""
    words = ("--reprovision-policy", "reprovisionandresetdata", "--iot-hub-host-name", FAR, "--initial-twin-tags", '{"made": "anew"}')
    key = pair.near.enroll(device_id, *words)
    pair.register(device_id, key)
    client = IoTHubDeviceClient.create_from_symmetric_key(symmetric_key=key, hostname=FAR, device_id=device_id)
    client.patch_twin_reported_properties({"firmware": "1.2"})
    client.shutdown()
    pair.far.hub("device-twin", "update", "--device-id", device_id, "--tags", '{"made": "changed"}', "--desired", '{"hz": 5}')
    assert pair.register(device_id, key)["substatus"] == "deviceDataReset"
    twin = pair.far.twin(device_id)
    assert (twin["tags"], twin["properties"]["desired"].get("hz")) == ({"made": "anew"}, None)
    assert "firmware" not in twin["properties"]["reported"]


def test_new_keys_reach_the_other_server(pair, trusting, device_id):
    """And a device that an administrator disabled there stays disabled."""
    key = pair.near.enroll(device_id, "--iot-hub-host-name", FAR)
    pair.register(device_id, key)
    pair.far.hub("device-identity", "update", "--device-id", device_id, "--set", "status=disabled")
    renewed = sas.device_key(key, "another")
    pair.near.dps("enrollment", "update", "--enrollment-id", device_id, "--primary-key", renewed)
    assert pair.register(device_id, renewed)["status"] == "assigned"
    identity = pair.far.hub("device-identity", "show", "--device-id", device_id)
    assert (identity["authentication"]["symmetricKey"]["primaryKey"], identity["status"]) == (renewed, "disabled")


def test_killed_and_back(pair, trusting, device_id):
    """While the other server is away its devices wait, and are told so; all others hardly notice. Then all goes on by itself."""
    key = pair.near.enroll(device_id, "--iot-hub-host-name", FAR)
    known = f"{device_id}-known"
    known_key = pair.near.enroll(known, "--iot-hub-host-name", FAR)
    pair.register(known, known_key)
    here = f"{device_id}-here"
    here_key = pair.near.enroll(here, "--iot-hub-host-name", NEAR)
    pair.far.kill()
    placed = []
    waiting = threading.Thread(target=lambda: placed.append(provision_and_send(pair, "symmetric_key", device_id, symmetric_key=key)))
    waiting.start()

    def told():
        shown = pair.near.dps("enrollment", "show", "--enrollment-id", device_id).get("registrationState") or {}
        return shown if shown.get("errorCode") == 503001 else None

    shown = wait.until(told, 30, "the record says why")
    assert shown["status"] == "failed" and FAR in shown["errorMessage"] and "refused" in shown["errorMessage"], shown
    before = time.monotonic()
    assert pair.register(here, here_key)["assignedHub"] == NEAR
    assert time.monotonic() - before < 15
    assert pair.register(known, known_key)["assignedHub"] == FAR, "where it is does not change because nobody answers there"
    assert waiting.is_alive() and not placed
    pair.far.serve()
    waiting.join(60)
    assert placed and placed[0].assigned_hub == FAR
    assert heard(pair.far, device_id) == {"from": "dps"}
    shown = pair.near.dps("enrollment", "show", "--enrollment-id", device_id)["registrationState"]
    assert (shown["status"], shown["assignedHub"]) == ("assigned", FAR)


def test_server_that_says_nothing(pair, device_id):
    """Somebody takes connections and never says a word: the device is told to ask again, and all others are as quick as ever."""
    with socket.socket() as mute:
        mute.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        mute.bind((MUTE, 443))
        mute.listen(64)
        string = pair.far.owner.replace(FAR, MUTE)
        pair.near.dps("linked-hub", "create", "--connection-string", string)
        try:
            key = pair.near.enroll(device_id, "--iot-hub-host-name", MUTE)
            here = f"{device_id}-here"
            here_key = pair.near.enroll(here, "--iot-hub-host-name", NEAR)
            before = time.monotonic()
            assert_assigning(pair.near, device_id, key)
            waited = time.monotonic() - before
            assert 0.9 < waited < 15, waited
            before = time.monotonic()
            for _ in range(20):
                assert pair.register(here, here_key)["assignedHub"] == NEAR
            assert time.monotonic() - before < 18, "as the first, each would have waited for a second"
        finally:
            pair.near.dps("linked-hub", "delete", "--linked-hub", MUTE)


def test_ca_that_is_not_trusted(pair, device_id):
    """`far` was not told `near`'s CA: what is wrong, and where it is put right, stands in the registration."""
    pair.far.dps("linked-hub", "create", "--connection-string", pair.near.owner, "--location", "elsewhere")
    key = pair.far.enroll(device_id, "--iot-hub-host-name", NEAR)
    assert_assigning(pair.far, device_id, key)

    def told():
        shown = pair.far.dps("enrollment", "show", "--enrollment-id", device_id).get("registrationState") or {}
        return shown.get("errorMessage")

    message = wait.until(told, 30, "the record says why")
    assert "its certificate is not trusted" in message and "links.ca_files" in message, message


def test_link_with_a_wrong_key(pair, device_id):
    """The other server refuses the link: the registration fails, as it does with a hub of its own."""
    words = ("--connection-string", pair.far.owner, "--location", "elsewhere")
    wrong = pair.far.owner.rsplit("SharedAccessKey=", 1)[0] + "SharedAccessKey=" + "a2tr" * 10 + "a2s="
    pair.near.dps("linked-hub", "delete", "--linked-hub", FAR)
    pair.near.dps("linked-hub", "create", "--connection-string", wrong, "--location", "elsewhere")
    try:
        key = pair.near.enroll(device_id, "--iot-hub-host-name", FAR)
        state = pair.register(device_id, key)
        assert (state["status"], state["errorCode"]) == ("failed", 400209), state
    finally:
        pair.near.dps("linked-hub", "delete", "--linked-hub", FAR)
        pair.near.dps("linked-hub", "create", *words)
    assert pair.register(device_id, key)["assignedHub"] == FAR
