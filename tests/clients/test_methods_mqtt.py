"""Direct methods over bare MQTT: topics to the letter, answers of every kind, and devices that go in the middle."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import bare, hub
from harness.bare import METHODS
from harness.rawmqtt import DISCONNECT, packet, publish_packet
from harness.service import refusal_b


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.fixture
def device(server, key, device_id):
    with bare.connected(server, device_id, key, METHODS) as made:
        yield made


@pytest.fixture
def caller():
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_request_to_the_letter(service, caller, device, device_id):
    """Nothing follows the request id, since C, C# and embedded C take the rest of the topic for it; QoS 0."""
    call = caller.submit(service.invoked, device_id, "reboot", {"delay": 5})
    message = device.mqtt.message()
    path, request = message.topic.split("/?$rid=")
    assert path == "$iothub/methods/POST/reboot"
    assert request and all(each.isalnum() or each == "-" for each in request)
    assert (message.qos, json.loads(message.payload)) == (0, {"delay": 5})
    device.answer(request, 200, b'{"ok": 1}')
    assert call.result(30) == {"status": 200, "payload": {"ok": 1}}


def test_null_payload(service, caller, device, device_id):
    call = caller.submit(service.invoke, device_id, "m")
    _, request, payload = device.method()
    assert payload == b"null", "Python cannot read an empty one"
    device.answer(request, 200, b"")
    assert call.result(30).json() == {"status": 200, "payload": None}


def test_answer_at_qos_1(service, caller, device, device_id):
    call = caller.submit(service.invoked, device_id, "m")
    _, request, _ = device.method()
    device.answer(request, 201, b"[]", qos=1)
    assert call.result(30) == {"status": 201, "payload": []}


def test_answer_and_goodbye_in_one_write(service, caller, device, device_id):
    """The answer counts, although the device is gone at once: Node's tests do so."""
    call = caller.submit(service.invoked, device_id, "m")
    _, request, _ = device.method()
    answer = publish_packet(f"$iothub/methods/res/200/?$rid={request}", b'"bye"', qos=0)
    device.mqtt.send(answer + packet(DISCONNECT, 0, b""))
    assert call.result(30) == {"status": 200, "payload": "bye"}


def test_answers_to_nobody(service, caller, device, device_id):
    """Unknown ids and second answers are passed over."""
    device.answer("ffff")
    call = caller.submit(service.invoked, device_id, "m")
    _, request, _ = device.method()
    device.answer(request, 200, b"1")
    assert call.result(30)["payload"] == 1
    device.answer(request, 200, b"2")
    device.mqtt.ping()


def test_answer_that_is_no_json(service, caller, device, device_id):
    call = caller.submit(service.invoke, device_id, "m")
    _, request, _ = device.method()
    device.answer(request, 200, b"{")
    assert call.result(30).status_code in (400, 502)
    device.mqtt.ping()


def test_device_that_goes(service, caller, device, device_id):
    """The caller learns at once, and not when its time is over."""
    call = caller.submit(service.invoke, device_id, "m", responseTimeoutInSeconds=60)
    device.method()
    device.mqtt.drop()
    assert refusal_b(call.result(30))[:2] == (404, 404104)


def test_device_that_is_taken_over(server, service, caller, key, device, device_id):
    """An answer counts only from the connection that was asked."""
    call = caller.submit(service.invoke, device_id, "m", responseTimeoutInSeconds=60)
    _, request, _ = device.method()
    with bare.connected(server, device_id, key, METHODS) as newer:
        newer.answer(request, 200, b'"not mine"')
        assert refusal_b(call.result(30))[:2] == (404, 404104)
        call = caller.submit(service.invoked, device_id, "m")
        _, request, _ = newer.method()
        newer.answer(request, 200, b'"mine"')
        assert call.result(30)["payload"] == "mine"


def test_persisted_subscription(server, service, caller, key, device_id):
    """Who is back without subscribing again is there for methods."""
    bare.connected(server, device_id, key, METHODS, clean=False).mqtt.disconnect()
    service.wait_gone(device_id)
    call = caller.submit(service.invoked, device_id, "m", None, None, 30)
    with bare.Device(hub.connected(server, device_id, key, clean=False), device_id) as again:
        _, request, _ = again.method()
        again.answer(request, 200)
        assert call.result(30)["status"] == 200


def test_unsubscribed_is_offline(server, service, key, device_id):
    with bare.connected(server, device_id, key, METHODS) as device:
        device.mqtt.unsubscribe(METHODS)
        assert refusal_b(service.invoke(device_id, "m"))[:2] == (404, 404103)


def test_names(service, caller, device, device_id):
    """A name is one segment of the topic, in either case of letters."""
    for name in ("a", "A", "get.Value_1-x", "n" * 100):
        call = caller.submit(service.invoked, device_id, name)
        found, request, _ = device.method()
        assert found == name
        device.answer(request)
        call.result(30)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"methodName": ""},
        {"methodName": 1},
        {"methodName": "m", "responseTimeoutInSeconds": 0},
        {"methodName": "m", "responseTimeoutInSeconds": 1_000_000},
        {"methodName": "m", "connectTimeoutInSeconds": -1},
        {"methodName": "m", "connectTimeoutInSeconds": 301},
        {"methodName": "m", "responseTimeoutInSeconds": "soon"},
    ],
)
def test_bad_calls(service, device, device_id, body):
    """Refused before any device hears of them."""
    assert service.call("POST", f"/twins/{device_id}/methods", body).status_code == 400
    device.mqtt.ping()


def test_body_that_is_no_json(service, device, device_id):
    assert service.call("POST", f"/twins/{device_id}/methods", raw=b"{").status_code == 400


def test_many_at_once(service, device, device_id):
    """Answers in the order opposite to the calls."""
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(service.invoked, device_id, "m", number) for number in range(16)]
        asked = [device.method() for _ in range(16)]
        for _, request, payload in reversed(asked):
            device.answer(request, 200, payload)
        assert [call.result(30)["payload"] for call in calls] == list(range(16))
