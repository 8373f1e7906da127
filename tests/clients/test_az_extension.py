"""The Azure CLI's extension for IoT, azure-iot 0.25.0: what is in a hub and in a DPS.

No package registry has it, so that it must be given: `ROADSTEAD_AZ_EXTENSION=azure_iot-0.25.0-py3-none-any.whl`, or the folder
into which it was added (`AZURE_EXTENSION_DIR`).
"""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from harness import bare, sas, wait
from harness import hub as hubs
from harness.az import Az, installed
from harness.certs import CertificateMaker
from harness.cli import Refused
from harness.dps import key_credential, register

GIVEN = os.environ.get("ROADSTEAD_AZ_EXTENSION")
AMQP_PORT = 5671

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not GIVEN, reason="no azure-iot extension: ROADSTEAD_AZ_EXTENSION names its wheel"),
]


def install(az: Az) -> None:
    """pip obeys REQUESTS_CA_BUNDLE, too, and it is not our server that it speaks to."""
    outside = {**os.environ, **{name: az.environment[name] for name in ("HOME", "AZURE_CONFIG_DIR", "AZURE_EXTENSION_DIR")}}
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        outside.pop(name, None)
    add = [installed(), "extension", "add", "--source", GIVEN, "-y", "--only-show-errors"]
    # What `monitor-events -y` would install by itself.
    folder = Path(az.environment["AZURE_EXTENSION_DIR"]) / "azure-iot"
    uamqp = [installed().parent / "python", "-m", "pip", "install", "-q", "--target", folder, "uamqp~=1.2"]
    for command in (add, uamqp):
        subprocess.run(command, env=outside, check=True, timeout=200)


@pytest.fixture(scope="module")
def az(server, tmp_path_factory):
    if not installed().is_file():
        pytest.skip(f"there is no {installed()}: `./test clients` installs the Azure CLI")
    made = Az(server, tmp_path_factory.mktemp("az-extension"))
    if Path(GIVEN).is_dir():
        made.environment["AZURE_EXTENSION_DIR"] = GIVEN
    else:
        install(made)
    made.register()
    made.log_in()
    return made


@pytest.fixture(scope="module")
def names(command_line):
    return {"hub": command_line.hub_name, "dps": command_line.dps_name, "group": command_line.group}


@pytest.fixture(scope="module")
def hub(az, names):
    """`az iot hub …` on the hub of the exports."""
    return lambda *words: az("iot", "hub", *words, "-n", names["hub"])


@pytest.fixture(scope="module")
def dps(az, names):
    return lambda *words: az("iot", "dps", *words, "--dps-name", names["dps"], "-g", names["group"])


@pytest.fixture
def amqp_port(server):
    if server.amqp_port != AMQP_PORT:
        pytest.skip(f"port {AMQP_PORT} is taken, and the extension knows no other")


def send(server, device_id: str, key: str, body: dict) -> None:
    with hubs.connected(server, device_id, key) as mqtt:
        bag = "%24.ct=application%2Fjson&%24.ce=utf-8"
        mqtt.publish(hubs.events_topic(device_id, bag), json.dumps(body).encode())


def test_device_identity(az, hub, names, device_id):
    """Seed 000, step 3, and seed 001's list."""
    made = hub("device-identity", "create", "-d", device_id)
    key = made["authentication"]["symmetricKey"]["primaryKey"]
    words = ("iot", "hub", "device-identity", "connection-string", "show", "-d", device_id, "-n", names["hub"], "-o", "tsv")
    assert sas.parse_connection_string(az.text(*words).strip())["SharedAccessKey"] == key
    with pytest.raises(Refused):
        hub("device-identity", "create", "-d", device_id)
    query = "[].{DeviceID:deviceId, Auth:authentication.type, Status:status}"
    listed = hub("device-identity", "list", "--query", query)
    assert {"DeviceID": device_id, "Auth": "sas", "Status": "enabled"} in listed


def test_parent_and_children(hub, device_id):
    parent = f"{device_id}-edge"
    hub("device-identity", "create", "-d", device_id)
    hub("device-identity", "create", "-d", parent, "--edge-enabled")
    hub("device-identity", "parent", "set", "-d", device_id, "--pd", parent)
    assert hub("device-identity", "children", "list", "-d", parent) == [device_id]


def test_twin_and_query(hub, device_id):
    hub("device-identity", "create", "-d", device_id)
    hub("device-twin", "update", "-d", device_id, "--tags", json.dumps({"by": device_id}), "--desired", '{"rpm": 100}')
    found = hub("query", "-q", f"select deviceId, properties.desired.rpm from devices where tags.by = '{device_id}'")
    assert found == [{"deviceId": device_id, "rpm": 100}]
    with pytest.raises(Refused):
        hub("device-twin", "update", "-d", device_id, "--tags", '{"by": "x"}', "--etag", '"stale"')


def test_modules(az, hub, names, device_id):
    hub("device-identity", "create", "-d", device_id)
    module = ("-d", device_id, "-m", "filter")
    hub("module-identity", "create", *module)
    assert hub("module-identity", "list", "-d", device_id, "--query", "[].moduleId") == ["filter"]
    assert hub("module-twin", "update", *module, "--desired", '{"a": 1}')["properties"]["desired"]["a"] == 1
    before = hub("module-identity", "show", *module)["authentication"]["symmetricKey"]
    after = hub("module-identity", "renew-key", *module, "--kt", "primary")["authentication"]["symmetricKey"]
    assert after["primaryKey"] != before["primaryKey"] and after["secondaryKey"] == before["secondaryKey"]
    az.text("iot", "hub", "module-identity", "delete", *module, "-n", names["hub"])


def test_method_of_a_device_that_is_there(server, hub, device_id):
    key = hub("device-identity", "create", "-d", device_id)["authentication"]["symmetricKey"]["primaryKey"]
    with bare.answering(server, device_id, key):
        answer = hub("invoke-device-method", "-d", device_id, "--mn", "reboot", "--mp", '{"in_s": 3}')
        assert answer == {"status": 200, "payload": {"in_s": 3}}
        assert hub("device-identity", "show", "-d", device_id)["connectionState"] == "Connected"


def test_devices_played(az, names, hub, device_id, tmp_path, port_443):
    """Telemetry and a file of a device that is not there. These know no other ports."""
    hub("device-identity", "create", "-d", device_id)
    which = ("-d", device_id, "-n", names["hub"])
    az.text("iot", "device", "send-d2c-message", *which, "--data", '{"rpm": 890}')
    file = tmp_path / "log.txt"
    file.write_text("all is well")
    az.text("iot", "device", "upload-file", *which, "--fp", file, "--ct", "text/plain")


def test_monitor_events(az, server, names, hub, device_id, amqp_port):
    """Seed 001: telemetry of one device, from the past and as it comes."""
    key = hub("device-identity", "create", "-d", device_id)["authentication"]["symmetricKey"]["primaryKey"]
    send(server, device_id, key, {"rpm": 890})
    words = ("-n", names["hub"], "-d", device_id, "--enqueued-time", "1", "--message-count", "2", "--timeout", "100", "-y")
    watching = az.start("iot", "hub", "monitor-events", *words)
    printed: list[str] = []
    reader = threading.Thread(target=lambda: printed.extend(watching.stdout), daemon=True)
    try:
        reader.start()
        wait.until(lambda: "890" in "".join(printed), 90, "the event that was there")
        send(server, device_id, key, {"rpm": 891})
        reader.join(90)
    finally:
        watching.kill()
        watching.wait(60)
    text = "".join(printed)
    assert text.count('"origin": "' + device_id) == 2 and '"rpm": 891' in text


@pytest.mark.parametrize("auth", ["key", "login"])
def test_feedback(az, names, hub, device_id, amqp_port, auth):
    """A message to a device, taken by it, and what the back end hears of it: with a policy's key, or with whoever logged in."""
    by = ("--auth-type", auth)
    hub("device-identity", "create", "-d", device_id)
    to = ("-d", device_id, "-n", names["hub"])
    az.text("iot", "device", "c2d-message", "send", *to, "--data", "hello", "--ack", "full", "--mid", device_id, "-y", *by)
    taken = az("iot", "device", "c2d-message", "receive", *to, "--complete")
    assert (taken["data"], taken["properties"]["system"]["iothub-messageid"]) == ("hello", device_id)
    heard = az.text("iot", "hub", "monitor-feedback", "-n", names["hub"], "-d", device_id, "-w", device_id, "-y", *by)
    assert f"originalMessageId: {device_id}" in heard and "statusCode: Success" in heard


def test_enrollment(server, dps, device_id):
    """Seed 000, step 7, and the registration after it."""
    enrollment = ("--enrollment-id", device_id)
    made = dps("enrollment", "create", *enrollment, "--attestation-type", "symmetricKey", "--device-id", device_id)
    key = made["attestation"]["symmetricKey"]["primaryKey"]
    answer = register("https", server, device_id, key_credential(server, device_id, key))
    assert answer.body["registrationState"]["assignedHub"] == server.hub_host
    assert dps("enrollment", "registration", "show", *enrollment)["status"] == "assigned"
    assert device_id in dps("enrollment", "list", "--query", "[].registrationId")
    disabled = dps("enrollment", "update", *enrollment, "--provisioning-status", "disabled")
    assert disabled["provisioningStatus"] == "disabled"
    dps("enrollment", "delete", *enrollment)
    with pytest.raises(Refused):
        dps("enrollment", "show", *enrollment)


def test_enrollment_group(server, dps, device_id):
    """Seed 001: which devices a group has brought in."""
    group = ("--enrollment-id", f"group-{device_id}")
    dps("enrollment-group", "create", *group)
    key = dps("enrollment-group", "compute-device-key", *group, "--registration-id", device_id)
    assert register("https", server, device_id, key_credential(server, device_id, key)).body["status"] == "assigned"
    query = "[].{DeviceID:deviceId, Hub:assignedHub}"
    listed = dps("enrollment-group", "registration", "list", *group, "--query", query)
    assert listed == [{"DeviceID": device_id, "Hub": server.hub_host}]


def test_enrollments_by_certificate(dps, device_id, tmp_path, roadstead):
    """Seed 003, and seed 000's group with the flags that `az` takes."""
    maker = CertificateMaker(tmp_path)
    leaf, root, other = maker.self_signed(device_id), maker.root("root"), maker.root("other")
    words = ("--enrollment-id", device_id, "--attestation-type", "x509", "--certificate-path", leaf.path)
    assert dps("enrollment", "create", *words)["attestation"]["type"] == "x509"
    made = dps("enrollment-group", "create", "--enrollment-id", f"{device_id}-path", "--certificate-path", root.path)
    assert made["attestation"]["x509"]["signingCertificates"]["primary"]["info"]["subjectName"].endswith("root")
    name = f"ca-{device_id}"
    dps("certificate", "create", "--certificate-name", name, "--path", other.path, "--verified", "true")
    roadstead.remember_ca(name)
    group = ("--enrollment-id", f"{device_id}-ca")
    dps("enrollment-group", "create", *group, "--ca-name", name, "--provisioning-status", "enabled")
    shown = dps("enrollment-group", "show", *group)
    assert shown["attestation"]["x509"]["caReferences"]["primary"] == name
    for each in (f"{device_id}-ca", f"{device_id}-path"):
        dps("enrollment-group", "delete", "--enrollment-id", each)


def test_state(az, names, hub, device_id, tmp_path):
    """Devices leave with one command and come back with another, keys and all."""
    key = hub("device-identity", "create", "-d", device_id)["authentication"]["symmetricKey"]["primaryKey"]
    file = tmp_path / "state.json"
    hub("state", "export", "-f", file, "--aspects", "devices")
    state = json.loads(file.read_text())
    file.write_text(json.dumps({"devices": {device_id: state["devices"][device_id]}}))
    hub("device-identity", "delete", "-d", device_id)
    hub("state", "import", "-f", file, "--aspects", "devices")
    back = hub("device-identity", "show", "-d", device_id)
    assert back["authentication"]["symmetricKey"]["primaryKey"] == key


@pytest.fixture(scope="module")
def principal(server, az, command_line, tmp_path_factory):
    """`az` as a service principal that has one role: by that role's name."""
    made = {}

    def log_in(role):
        if role not in made:
            service = command_line("service-principal", "create", "-n", "az-login", "--days", "1", "--role", role)
            other = Az(server, tmp_path_factory.mktemp("az-login"))
            other.environment["AZURE_EXTENSION_DIR"] = az.environment["AZURE_EXTENSION_DIR"]
            other.register()
            tenant = server.exports["ROADSTEAD_TENANT"]
            words = ("-u", service["appId"], "-p", service["password"], "--tenant", tenant, "--allow-no-subscriptions")
            other.text("login", "--service-principal", *words)
            made[role] = (service, other)
        return made[role][1]

    yield log_in
    for service, _ in made.values():
        command_line("service-principal", "delete", "--id", service["appId"])


def test_a_hub_with_a_role_and_no_key(server, principal, roadstead, device_id, port_443):
    """`--auth-type login`. With a role on data alone, ARM shows nothing, so that the hub is named by its host."""
    login = ("-n", server.hub_host, "--auth-type", "login")
    contributor, reader = principal("IoT Hub Data Contributor"), principal("IoT Hub Data Reader")

    def hub(az, *words):
        return az("iot", "hub", *words, *login)

    hub(contributor, "device-identity", "create", "-d", device_id)
    assert hub(contributor, "device-twin", "update", "-d", device_id, "--tags", '{"by": "role"}')["tags"] == {"by": "role"}
    key = hub(contributor, "device-identity", "show", "-d", device_id)["authentication"]["symmetricKey"]["primaryKey"]
    with bare.answering(server, device_id, key):
        method = ("invoke-device-method", "-d", device_id, "--mn", "reboot", "--mp", '{"in_s": 3}')
        assert hub(contributor, *method)["payload"] == {"in_s": 3}
    assert device_id in hub(reader, "device-identity", "list", "--query", "[].deviceId")
    assert hub(reader, "query", "-q", f"select deviceId from devices where tags.by = 'role' and deviceId = '{device_id}'") == [
        {"deviceId": device_id}
    ]
    for words in [
        ("device-identity", "delete", "-d", device_id),
        ("device-twin", "update", "-d", device_id, "--tags", '{"by": "reader"}'),
    ]:
        with pytest.raises(Refused) as refused:
            hub(reader, *words)
        assert "has no role that allows" in refused.value.stderr
    with pytest.raises(Refused) as refused:
        hub(principal("Device Provisioning Service Data Contributor"), "device-identity", "list")
    assert "has no role that allows" in refused.value.stderr
    hub(contributor, "device-identity", "delete", "-d", device_id)


def test_a_dps_with_a_role_and_no_key(server, principal, device_id, port_443):
    login = ("--dps-name", server.dps_host, "--auth-type", "login")
    contributor, reader = (principal(f"Device Provisioning Service Data {role}") for role in ("Contributor", "Reader"))
    enrollment = ("--enrollment-id", device_id)
    contributor("iot", "dps", "enrollment", "create", *enrollment, "--attestation-type", "symmetricKey", *login)
    assert device_id in reader("iot", "dps", "enrollment", "list", *login, "--query", "[].registrationId")
    assert reader("iot", "dps", "enrollment", "show", *enrollment, *login)["registrationId"] == device_id
    with pytest.raises(Refused) as refused:
        reader("iot", "dps", "enrollment", "delete", *enrollment, *login)
    assert "has no role that allows" in refused.value.stderr
    contributor("iot", "dps", "enrollment", "delete", *enrollment, *login)


def test_state_of_a_hub(az, tmp_path):
    """The hub itself, into one of another name."""
    az("group", "create", "-n", "state-rg", "-l", "local")
    try:
        made = az("iot", "hub", "create", "-n", "state-first", "-g", "state-rg", "--partition-count", "3", "--tags", "site=north")
        file = tmp_path / "state.json"
        az.text("iot", "hub", "state", "export", "-n", "state-first", "-f", file, "--aspects", "arm")
        az.text("iot", "hub", "state", "import", "-n", "state-second", "-g", "state-rg", "-f", file, "--aspects", "arm")
        copy = az("iot", "hub", "show", "-n", "state-second")
        assert copy["tags"] == made["tags"]
        assert copy["properties"]["eventHubEndpoints"]["events"]["partitionCount"] == 3
    finally:
        az.text("group", "delete", "-n", "state-rg", "--yes")
