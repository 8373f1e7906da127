"""Devices with a TPM register over HTTPS and AMQP: `swtpm` for the chip, `tpm2-tools` or the Node SDK for the device."""

import base64
import time
from urllib.parse import quote

import pytest
import requests

from harness import tpm
from harness.node import Actor

pytestmark = pytest.mark.skipif(not tpm.is_installed(), reason="needs swtpm and tpm2-tools")

MESSAGES = ['{"n": 0}', '{"n": 1}']


@pytest.fixture
def chip(tmp_path):
    made = tpm.SoftwareTpm(tmp_path / "tpm")
    yield made
    made.end()


class Device:
    """A device that speaks plain HTTPS, and whose keys are in its TPM."""

    def __init__(self, server, registration_id: str, keys: dict[str, str], chip):
        self._resource = f"{server.id_scope}/registrations/{registration_id}"
        self._url = server.url(server.dps_host, f"/{self._resource}")
        self._body = {"registrationId": registration_id, "tpm": keys}
        self._chip = chip
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = server.ca_file

    def token(self, resource: str) -> str:
        encoded, expiry = quote(resource, safe=""), int(time.time()) + 3600
        signature = base64.b64encode(self._chip.sign(f"{encoded}\n{expiry}")).decode()
        return f"SharedAccessSignature sr={encoded}&sig={quote(signature, safe='')}&se={expiry}"

    def ask(self, method: str, path: str, body=None, token=None):
        headers = {"Authorization": token} if token else {}
        return self._session.request(method, self._url + path, json=body, headers=headers, params={"api-version": "2019-03-31"}, timeout=60)

    def challenge(self) -> bytes:
        answer = self.ask("PUT", "/register", self._body)
        assert answer.status_code == 401, answer.text
        challenge = answer.json()
        assert (challenge["keyName"], "status" in challenge) == ("registration", False)
        return base64.b64decode(challenge["authenticationKey"])

    def register(self) -> dict:
        """The state of the registration; its key for the hub is in the TPM then."""
        self._chip.activate(self.challenge())
        token = self.token(self._resource)
        answer = self.ask("PUT", "/register", self._body, token)
        assert answer.status_code == 202, answer.text
        polled = self.ask("GET", f"/operations/{answer.json()['operationId']}", token=token)
        assert polled.status_code == 200, polled.text
        state = polled.json()["registrationState"]
        self._chip.activate(base64.b64decode(state["tpm"]["authenticationKey"]))
        return state


def enroll(roadstead, device_id: str, keys: dict[str, str], *words) -> dict:
    words = ("--enrollment-id", device_id, "--attestation-type", "tpm", "--endorsement-key", keys["endorsementKey"], *words)
    return roadstead.dps("enrollment", "create", *words)


def test_registers_and_speaks_to_its_hub(server, roadstead, service, chip, device_id):
    keys = chip.make_keys()
    made = enroll(roadstead, device_id, keys)
    assert made["attestation"] == {"type": "tpm", "tpm": {"endorsementKey": keys["endorsementKey"]}}
    device = Device(server, device_id, keys, chip)
    state = device.register()
    assert (state["status"], state["assignedHub"], state["deviceId"]) == ("assigned", server.hub_host, device_id)
    assert service.ok("GET", f"/devices/{device_id}")["authentication"]["type"] == "sas"
    token = device.token(f"{server.hub_host}/devices/{device_id}")
    sent = service.call("POST", f"/devices/{device_id}/messages/events", raw=b"{}", token=token)
    assert sent.status_code == 204, sent.text


def test_another_tpm_is_refused(server, roadstead, chip, tmp_path, device_id):
    keys = chip.make_keys()
    enroll(roadstead, device_id, keys, "--storage-root-key", keys["storageRootKey"])
    other = tpm.SoftwareTpm(tmp_path / "other")
    try:
        stranger = Device(server, device_id, other.make_keys(), other)
        answer = stranger.ask("PUT", "/register", stranger._body)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, 401002)
        # Public keys can be copied, but what is sent for them cannot be opened.
        blob = Device(server, device_id, keys, other).challenge()
        with pytest.raises(AssertionError, match="activatecredential"):
            other.activate(blob)
    finally:
        other.end()
    chip.activate(Device(server, device_id, keys, chip).challenge())


def test_unknown_device(server, chip, device_id):
    stranger = Device(server, device_id, chip.make_keys(), chip)
    answer = stranger.ask("PUT", "/register", stranger._body)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, 404201)


@pytest.mark.parametrize("transport", ["http", "amqp", "amqpws"])
def test_node_sdk(server, port_443, port_5671, roadstead, monitor, chip, transport, device_id):
    """`azure-iot-security-tpm`: it makes the keys, takes in both blobs and signs every token in the TPM."""
    device = Actor(server, "tpm.js")
    try:
        keys = device("open", device_id, chip.port)
        enroll(roadstead, device_id, keys, "--device-id", f"{device_id}-d")
        result = device("register", transport, server.dps_host, server.id_scope)
        assert (result["assignedHub"], result["deviceId"], result["status"]) == (server.hub_host, f"{device_id}-d", "assigned")
        device("send", server.hub_host, f"{device_id}-d", MESSAGES)
        assert len(monitor.wait(f"{device_id}-d", 2)) == 2
        assert device("register", transport, server.dps_host, server.id_scope)["status"] == "assigned"
    finally:
        device.end()
