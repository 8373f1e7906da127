"""Cloud-to-device messages over plain HTTPS: receive, complete, reject, abandon, and every status to the letter."""

import re

import pytest
import requests

from harness import bare, hub
from harness.service import Service

LOCK = re.compile(r'^"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"$')


class Device:
    """What a device without an MQTT stack sends. The C SDK takes nothing but the exact status for success."""

    def __init__(self, server, device_id: str, key: str):
        self.server, self.device_id = server, device_id
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = server.ca_file
        self._session.headers["Authorization"] = hub.device_token(server, device_id, key)

    def call(self, method: str, path: str, query: str = "api-version=2021-04-12", **headers):
        url = self.server.url(self.server.hub_host, f"/devices/{self.device_id}/messages/{path}?{query}")
        return self._session.request(method, url, headers=headers, timeout=60)

    def receive(self, path: str = "devicebound"):
        return self.call("GET", path)

    def lock(self) -> str:
        """The lock of the next message, without its quotes."""
        response = self.receive()
        assert response.status_code == 200, response.text
        assert LOCK.match(response.headers["ETag"]), "C wants it quoted"
        return response.headers["ETag"].strip('"')

    def settle(self, how: str, lock: str, **headers) -> int:
        calls = {
            "complete": ("DELETE", f"devicebound/{lock}"),
            "reject": ("DELETE", f"devicebound/{lock}", "api-version=2021-04-12&reject"),
            "abandon": ("POST", f"devicebound/{lock}/abandon"),
        }
        return self.call(*calls[how], **headers).status_code


@pytest.fixture
def device(server, roadstead, device_id):
    return Device(server, device_id, roadstead.device_key(device_id))


def test_empty_queue(device):
    response = device.receive()
    assert (response.status_code, response.content) == (204, b"")


def test_message_and_headers(service, device, device_id):
    service.sent(device_id, '{"ü": 1}'.encode(), message_id="m1", correlation_id="c1", user_id="me", ack="full", app_color="red")
    response = device.receive()
    assert (response.status_code, response.content) == (200, '{"ü": 1}'.encode())
    headers = response.headers
    expected = {"messageid": "m1", "correlationid": "c1", "userid": "me", "ack": "full", "app-color": "red", "deliverycount": "0"}
    assert {name: headers[f"iothub-{name}"] for name in expected} == expected
    assert headers["iothub-to"].lower() == f"/devices/{device_id}/messages/devicebound"
    assert int(headers["iothub-sequencenumber"]) > 0 and headers["iothub-enqueuedtime"]
    assert device.settle("complete", headers["ETag"].strip('"')) == 204
    assert device.receive().status_code == 204
    assert service.twin(device_id)["cloudToDeviceMessageCount"] == 0


def test_locked_is_hidden(service, device, device_id):
    """A message is given out once until it is settled; the next one follows."""
    service.sent(device_id, b"a")
    service.sent(device_id, b"b")
    first, second = device.receive(), device.receive()
    assert (first.content, second.content, device.receive().status_code) == (b"a", b"b", 204)


def test_abandoned_comes_again(service, device, device_id):
    service.sent(device_id, b"a")
    for count in range(3):
        response = device.receive()
        assert (response.content, response.headers["iothub-deliverycount"]) == (b"a", str(count))
        assert device.settle("abandon", response.headers["ETag"].strip('"')) == 204
    assert device.settle("complete", device.lock()) == 204


def test_abandoned_too_often_is_dead(service, device, device_id):
    """Ten times, as in Azure by default."""
    service.sent(device_id, b"a")
    for _ in range(10):
        assert device.settle("abandon", device.lock()) == 204
    assert device.receive().status_code == 204


def test_rejected_is_dead(service, device, device_id):
    service.sent(device_id, b"a")
    assert device.settle("reject", device.lock()) == 204
    assert device.receive().status_code == 204
    assert service.twin(device_id)["cloudToDeviceMessageCount"] == 0


@pytest.mark.parametrize("query", ["reject", "reject=", "reject=true", "%3Freject=true"], ids=["bare", "empty", "true", "java"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_reject_as_it_is_written(service, device, device_id, query, first):
    service.sent(device_id, b"a")
    version = "api-version=2021-04-12"
    whole = f"{query}&{version}" if first else f"{version}&{query}"
    assert device.call("DELETE", f"devicebound/{device.lock()}", whole).status_code == 204
    assert device.receive().status_code == 204


@pytest.mark.parametrize("form", ['"{}"', "{}", '"not a lock"'], ids=["c", "node", "c-sharp"])
def test_if_match_is_not_asked(service, device, device_id, form):
    """The lock in the path counts; C# sends another text in the header."""
    service.sent(device_id, b"a")
    lock = device.lock()
    assert device.settle("complete", lock, **{"If-Match": form.format(lock)}) == 204


@pytest.mark.parametrize("how", ["complete", "reject", "abandon"])
def test_lost_lock(service, device, device_id, how):
    service.sent(device_id, b"a")
    lock = device.lock()
    assert device.settle("abandon", lock) == 204
    assert device.settle(how, lock) == 412
    assert device.settle(how, "11112222-3333-4444-5555-666677778888") == 412
    assert device.settle("complete", device.lock()) == 204


def test_lock_that_is_none(device):
    assert device.settle("complete", "nonsense") in (400, 412)


def test_paths_in_other_letters(service, device, device_id):
    """C# writes `deviceBound`."""
    service.sent(device_id, b"a")
    response = device.receive("deviceBound")
    assert response.content == b"a"
    lock = response.headers["ETag"].strip('"')
    assert device.call("POST", f"deviceBound/{lock}/abandon").status_code == 204
    assert device.receive("DEVICEBOUND").content == b"a"


def test_of_another_device(server, service, roadstead, device, device_id):
    """A token opens its own queue alone."""
    other = Device(server, f"{device_id}-other", roadstead.device_key(f"{device_id}-other"))
    other.device_id = device_id
    service.sent(device_id, b"a")
    assert other.receive().status_code == 401
    lock = device.lock()
    assert other.settle("complete", lock) == 401
    assert device.settle("complete", lock) == 204


def test_mqtt_and_https_share_the_queue(server, service, roadstead, device, device_id):
    key = service.ok("GET", f"/devices/{device_id}")["authentication"]["symmetricKey"]["primaryKey"]
    service.sent(device_id, b"a")
    lock = device.lock()
    service.sent(device_id, b"b")
    with bare.connected(server, device_id, key, bare.devicebound(device_id)) as mqtt:
        assert mqtt.received().payload == b"b"
        assert device.settle("abandon", lock) == 204
        assert mqtt.received().payload == b"a"


class TestSending:
    """`POST /messages/devicebound` by a back end."""

    def test_unknown_device(self, service, device_id):
        response = service.send(f"{device_id}-unknown")
        assert (response.status_code, response.headers["iothub-errorcode"]) == (404, "DeviceNotFound")

    def test_too_big(self, service, device, device_id):
        assert service.send(device_id, b"x" * (64 * 1024 + 1)).status_code == 413
        service.sent(device_id, b"x" * 60_000)
        assert len(device.receive().content) == 60_000

    def test_expired_already(self, service, device, device_id):
        """Taken, and dead on arrival: whoever asked for feedback hears of it."""
        assert service.send(device_id, b"late", expiry="2001-01-01T00:00:00Z").ok
        service.sent(device_id, b"on time")
        assert device.receive().content == b"on time"

    def test_needs_service_connect(self, server, roadstead, device, device_id):
        assert Service(server, roadstead.policy("registryRead")).send(device_id).status_code == 401

    def test_to_in_every_spelling(self, server, service, roadstead, device_id):
        """Raw as Python and az write it, percent-encoded as Node does, `+` for a space in C# alone."""
        name = f"{device_id}@a"
        own = Device(server, name, roadstead.device_key(name))
        for to in (f"/devices/{name}/messages/devicebound", f"/devices/{device_id}%40a/messages/deviceBound"):
            response = service.call("POST", "/messages/devicebound", raw=b"x", headers={"iothub-to": to})
            assert response.ok, response.text
            assert own.settle("complete", own.lock()) == 204
