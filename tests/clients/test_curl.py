"""curl alone, as "How to use X.509 certificates over HTTPS without an SDK" prints it (seed 003)."""

import json
import re
import subprocess

import pytest

from harness import hub
from harness.certs import openssl
from harness.dps import key_credential
from harness.monitor import body

JSON_AS_PRINTED = ["-H", "Content-Type: application/json", "-H", "Content-Encoding: utf-8"]
PASSPHRASE = "1234"


class Reply:
    def __init__(self, printed: str):
        head, _, text = printed.partition("\r\n\r\n")
        status_line, *lines = head.split("\r\n")
        self.status = int(status_line.split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        self.body = json.loads(text) if text else None


def curl(server, *words: str) -> Reply:
    """`curl -L -i ...`; the server's certificate is checked."""
    command = ["curl", "-sS", "-L", "-i", "--cacert", server.ca_file, *map(str, words)]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return Reply(done.stdout.decode())


def register(server, registration_id: str, *credential) -> Reply:
    url = server.url(server.dps_host, f"/{server.id_scope}/registrations/{registration_id}/register?api-version=2021-06-01")
    body = json.dumps({"registrationId": registration_id})
    return curl(server, "-X", "PUT", *credential, *JSON_AS_PRINTED, "-d", body, url)


def operation_status(server, registration_id: str, operation_id: str, *credential) -> Reply:
    path = f"/{server.id_scope}/registrations/{registration_id}/operations/{operation_id}?api-version=2021-06-01"
    return curl(server, "-X", "GET", *credential, *JSON_AS_PRINTED, server.url(server.dps_host, path))


def send_telemetry(server, hub_host: str, device_id: str, *credential) -> Reply:
    url = server.url(hub_host, f"/devices/{device_id}/messages/events?api-version=2020-03-13")
    return curl(server, "-X", "POST", *credential, *JSON_AS_PRINTED, "-d", '{"temperature": 30}', url)


def whole_flow(server, monitor, registration_id: str, *credential) -> None:
    """Register, look the operation up, send telemetry; the answers have what the page shows, but that no device has to wait."""
    registered = register(server, registration_id, *credential)
    assert registered.status == 202, registered.body
    assert registered.headers["content-type"] == "application/json; charset=utf-8"
    assert registered.headers["location"].startswith("https://")
    assert registered.headers["location"].split("?")[0].endswith(f"/{server.id_scope}/registrations/{registration_id}/register")
    assert registered.body["status"] == "assigned"
    assert "retry-after" not in registered.headers, "there is nothing left to wait for"
    assert re.fullmatch(r"[0-9a-f-]{36}", registered.headers["x-ms-request-id"])
    assert re.fullmatch(r"\d\.[0-9a-f]{16}\.[0-9a-f-]{36}", registered.body["operationId"])

    looked_up = operation_status(server, registration_id, registered.body["operationId"], *credential)
    assert (looked_up.status, looked_up.body["status"]) == (200, "assigned")
    state = looked_up.body["registrationState"]
    assert (state["registrationId"], state["deviceId"], state["substatus"]) == (registration_id, registration_id, "initialAssignment")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", state["createdDateTimeUtc"])
    assert state["etag"] and state["lastUpdatedDateTimeUtc"]

    sent = send_telemetry(server, state["assignedHub"], state["deviceId"], *credential)
    assert (sent.status, sent.body) == (204, None)
    assert body(monitor.wait(registration_id, 1)[0]) == {"temperature": 30}


def test_x509_self_signed_with_passphrase(server, roadstead, monitor, tmp_path, device_id):
    command = "req -outform PEM -x509 -sha256 -newkey rsa:4096 -keyout device-key.pem -out device-cert.pem -days 30"
    command += f" -extensions usr_cert -addext extendedKeyUsage=clientAuth -subj '/CN={device_id}' -passout pass:{PASSPHRASE}"
    openssl(tmp_path, command)
    roadstead.enroll_certificate(device_id, tmp_path / "device-cert.pem")
    cert = f"{tmp_path / 'device-cert.pem'}:{PASSPHRASE}"
    whole_flow(server, monitor, device_id, "--cert", cert, "--key", tmp_path / "device-key.pem")


def chain_of(roadstead, certificates, device_id):
    """Root (uploaded, verified), intermediate and device, as the page's tutorial names them."""
    root = certificates.root(f"root-{device_id}")
    intermediate = certificates.issue(root, f"intermediate-{device_id}", ca=True)
    roadstead.upload_ca(f"root-{device_id}", root.path)
    return intermediate, certificates.issue(intermediate, device_id)


def test_x509_chain_individual(server, roadstead, monitor, certificates, device_id):
    intermediate, device = chain_of(roadstead, certificates, device_id)
    roadstead.enroll_certificate(device_id, device.path)
    chain, key = device.chained(intermediate)
    whole_flow(server, monitor, device_id, "--cert", chain, "--key", key)


def test_x509_chain_group(server, roadstead, monitor, certificates, device_id):
    intermediate, device = chain_of(roadstead, certificates, device_id)
    words = ("--enrollment-id", f"group-{device_id}", "--certificate-path", intermediate.path)
    roadstead.dps("enrollment-group", "create", *words)
    chain, key = device.chained(intermediate)
    whole_flow(server, monitor, device_id, "--cert", chain, "--key", key)


def test_symmetric_key(server, roadstead, monitor, device_id):
    """The DPS half with a SAS token for the scope, the hub half with one for the hub."""
    key = roadstead.enroll_with_key(device_id)
    token = key_credential(server, device_id, key).token
    registered = register(server, device_id, "-H", f"Authorization: {token}")
    assert registered.status == 202, registered.body
    looked_up = operation_status(server, device_id, registered.body["operationId"], "-H", f"Authorization: {token}")
    hub_host = looked_up.body["registrationState"]["assignedHub"]
    token = hub.device_token(server, device_id, key, hub_host=hub_host)
    assert send_telemetry(server, hub_host, device_id, "-H", f"Authorization: {token}").status == 204
    assert body(monitor.wait(device_id, 1)[0]) == {"temperature": 30}


def test_registration_status(server, roadstead, certificates, device_id):
    """`POST /{scope}/registrations/{id}` answers the bare registration, not wrapped in an operation."""
    device = certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, device.path)
    credential = ("--cert", device.path, "--key", device.key_path)
    assert register(server, device_id, *credential).status == 202
    url = server.url(server.dps_host, f"/{server.id_scope}/registrations/{device_id}?api-version=2021-06-01")
    found = curl(server, "-X", "POST", *credential, *JSON_AS_PRINTED, "-d", json.dumps({"registrationId": device_id}), url)
    assert found.status == 200, found.body
    assert (found.body["registrationId"], found.body["status"]) == (device_id, "assigned")
    assert found.body["assignedHub"] == server.hub_host


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_operations(server, path):
    command = ["curl", "-sS", "-f", "--cacert", server.ca_file, server.url(server.dps_host, path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    if path == "/metrics":
        assert re.search(r"^# TYPE \w+ (counter|gauge|histogram|summary)$", done.stdout, re.MULTILINE), done.stdout
