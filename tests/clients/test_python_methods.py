"""Direct methods through the Python device SDK, called over the service API."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.service import refusal_b

PAYLOAD_BYTES_MAX = 128 * 1024
PAYLOADS = [None, "", "foo", 0, -1.5, 12345678901234, True, False, [], [1, [2, None]], {}, {"k": {"ünï": "çödé"}}]


@pytest.fixture
def client(sdk, roadstead, device_id):
    roadstead.create_device(device_id)
    made = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(made.connect())
    return made


def test_payloads_of_every_kind(sdk, service, client, device_id):
    asked = []

    def handle(request):
        asked.append((request.name, request.payload))
        return 200, request.payload

    sdk.answer_methods(client, handle)
    for payload in PAYLOADS:
        assert service.invoked(device_id, "echo", payload) == {"status": 200, "payload": payload}
    assert asked == [("echo", payload) for payload in PAYLOADS]
    # True equals 1 in Python; what arrived is checked to be what was sent.
    assert [type(payload) for _, payload in asked] == [type(payload) for payload in PAYLOADS]


def test_absent_payload(sdk, service, client, device_id):
    """A call without a payload arrives as null, which every SDK can read, and an answer without one comes back as null."""
    sdk.answer_methods(client, lambda request: (299, None) if request.payload is None else (500, None))
    answer = service.invoke(device_id, "this_is_my_method_name")
    assert (answer.status_code, answer.json()) == (200, {"status": 299, "payload": None})


def test_statuses_are_the_devices(sdk, service, client, device_id):
    """Whatever a device says of an unknown method is no error of the hub."""
    sdk.answer_methods(client, lambda request: (int(request.name.removeprefix("status")), {"unknown": request.name}))
    for status in (0, 200, 299, 404, 500, 2147483647):
        assert service.invoked(device_id, f"status{status}") == {"status": status, "payload": {"unknown": f"status{status}"}}


def test_biggest_payload(sdk, service, client, device_id):
    sdk.answer_methods(client, lambda request: (200, request.payload))
    biggest = "x" * (PAYLOAD_BYTES_MAX - 2)
    assert service.invoked(device_id, "echo", biggest) == {"status": 200, "payload": biggest}
    refused = service.invoke(device_id, "echo", payload=biggest + "x")
    assert refused.status_code in (400, 413)
    assert service.invoked(device_id, "echo", "after")["payload"] == "after"


def test_concurrent_calls(sdk, service, client, device_id):
    """Every caller gets its own answer."""
    sdk.answer_methods(client, lambda request: (200, {"for": request.payload}))
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda number: service.invoked(device_id, "echo", number), range(40)))
    assert [answer["payload"] for answer in answers] == [{"for": number} for number in range(40)]


def test_slow_answer(sdk, service, client, device_id):
    """A device that answers too late is a timeout for this caller and none for the next."""
    late = threading.Event()

    def handle(request):
        if request.name == "slow":
            late.wait(30)
        return 200, request.name

    sdk.answer_methods(client, handle)
    answer = service.invoke(device_id, "slow", responseTimeoutInSeconds=5)
    assert refusal_b(answer) == (504, 504101, "GatewayTimeout")
    late.set()
    assert service.invoked(device_id, "quick") == {"status": 200, "payload": "quick"}


def test_offline_device(sdk, service, roadstead, client, device_id):
    """Unknown, not connected, connected without a handler: three ways not to be there."""
    assert service.invoke(f"{device_id}-unknown", "m").status_code == 404
    assert refusal_b(service.invoke(device_id, "m")) == (404, 404103, "DeviceNotOnline"), "connected, but not listening"
    sdk.answer_methods(client, lambda _: (200, None))
    assert service.invoked(device_id, "m")["status"] == 200
    sdk(client.disconnect())
    service.wait_gone(device_id)
    assert refusal_b(service.invoke(device_id, "m")) == (404, 404103, "DeviceNotOnline")


def test_connect_timeout(sdk, service, client, device_id):
    """A caller may wait for a device to turn up."""
    sdk(client.disconnect())
    service.wait_gone(device_id)
    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(service.invoked, device_id, "wake", {"n": 1}, connect_s=60)
        sdk(client.connect())
        sdk.answer_methods(client, lambda request: (200, request.payload))
        assert call.result(30) == {"status": 200, "payload": {"n": 1}}
