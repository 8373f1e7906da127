"""Twins over bare MQTT: the bytes of SDKs that are not run here, and what SDKs hide.

The C SDK sends GET with no body at QoS 0, embedded C and Java slice topics by position.
"""

import json

import pytest

from harness import bare, hub
from harness.bare import DESIRED, TWIN_ANSWERS, TwinAnswer
from harness.rawmqtt import PUBACK, PUBLISH, publish_packet


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.fixture
def device(server, key, device_id):
    with bare.connected(server, device_id, key, TWIN_ANSWERS, DESIRED) as made:
        yield made


EMPTY = {"desired": {"$version": 1}, "reported": {"$version": 1}}


@pytest.mark.parametrize("payload", [b"", b" ", b"{}", b"anything"], ids=["c", "node", "object", "text"])
@pytest.mark.parametrize("qos", [0, 1])
def test_get_ignores_its_body(device, payload, qos):
    assert device.get(payload, qos) == TwinAnswer(200, None, EMPTY)


def test_report_answers_with_the_version(device):
    """204, an empty body, and the version of the section after the write."""
    assert device.report({"a": 1}) == TwinAnswer(204, 2, None)
    assert device.report({}) == TwinAnswer(204, 3, None)
    assert device.report({"a": None}) == TwinAnswer(204, 4, None)
    assert device.get().body["reported"] == {"$version": 4}


def test_request_ids_are_echoed(device):
    """Opaque text: a number, a uuid, upper-case hex, what is percent-encoded."""
    for request in ("0", "65535", "1F-a", "c6f2b8a4-1111-4444-8888-000000000000", "a%20b"):
        device.mqtt.publish(f"$iothub/twin/GET/?$rid={request}", b"", 0)
        assert device.twin_answer(request).status == 200


def test_expected_version(device):
    """Java says which version it saw: another one is refused and changes nothing."""
    assert device.report({"a": 1}, version=1).version == 2
    refused = device.report({"a": 2}, version=1)
    assert refused.status == 412 and refused.body["errorCode"] and refused.body["message"]
    assert device.get().body["reported"] == {"a": 1, "$version": 2}


REFUSED = {
    "no-json": b"{",
    "no-object": b"[1]",
    "text": b'"a"',
    "empty": b"",
    "dot": b'{"a.b": 1}',
    "dollar": b'{"a": {"$b": 1}}',
    "long-text": json.dumps({"a": "x" * 4097}).encode(),
    "not-utf-8": b'{"a": "\xff"}',
    "deep-json": b'{"a":' * 20 + b"1" + b"}" * 20,
    "very-deep-json": b"[" * 50_000,
}


@pytest.mark.parametrize("patch", REFUSED.values(), ids=REFUSED.keys())
def test_refused_report(device, patch):
    """Never with an empty body: Node takes that for success."""
    refused = device.report(patch)
    assert 400 <= refused.status < 500
    assert refused.body["errorCode"] and refused.body["message"]
    assert device.get().body == EMPTY


def test_too_big_report(device):
    fits = {str(number): "x" * 4000 for number in range(8)}
    assert device.report(fits).status == 204
    refused = device.report({"8": "x" * 4000})
    assert refused.status == 403 and refused.body["message"]


def test_oversized_packet_is_a_refusal_or_an_end(server, key, device):
    """Beyond what any twin can hold the hub need not read on, and the next connection is as good as ever."""
    patch = json.dumps({"a": "x" * 200_000}).encode()
    device.mqtt.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", patch, 0)
    answer = device.mqtt.read_or_closed()
    assert answer is None or b"$iothub/twin/res/4" in answer.rest
    with bare.connected(server, device.device_id, key, TWIN_ANSWERS) as again:
        assert again.get().body == EMPTY


def test_duplicate_report(device):
    """C sends again what was not acknowledged in time, with DUP: both are answered, and the twin is the same."""
    topic = "$iothub/twin/PATCH/properties/reported/?$rid=7"
    for dup in (False, True):
        device.mqtt.send(publish_packet(topic, b'{"a": 1}', qos=1, packet_id=9, dup=dup))
    kinds = [device.mqtt.read() for _ in range(4)]
    assert sorted(each.kind for each in kinds) == [PUBLISH, PUBLISH, PUBACK, PUBACK]
    assert device.get().body["reported"]["a"] == 1


@pytest.mark.parametrize("topic", ["$iothub/twin/PUT/properties/reported/?$rid=1", "$iothub/twin/PATCH/properties/desired/?$rid=1", "$iothub/twin/GET/"])
def test_foreign_requests_end_the_connection(device, topic):
    device.mqtt.send(publish_packet(topic, b"{}", qos=0))
    device.mqtt.wait_closed()


def test_desired_for_subscribers_alone(server, service, key, device_id):
    """A connection without the subscription hears nothing of a change, and reads it."""
    with bare.connected(server, device_id, key, TWIN_ANSWERS) as device:
        service.desire(device_id, {"a": 1})
        assert device.get().body["desired"] == {"a": 1, "$version": 2}


def test_desired_between_question_and_subscription(server, service, key, device_id):
    """C and Node subscribe once they have read their twin: what changed in between is told then."""
    with bare.connected(server, device_id, key, TWIN_ANSWERS) as device:
        service.desire(device_id, {"a": 1})
        assert device.get().body["desired"] == {"a": 1, "$version": 2}
        service.desire(device_id, {"a": 2})
        service.desire(device_id, {"b": 3})
        device.mqtt.subscribe(DESIRED)
        assert device.desired() == {"a": 2, "$version": 3}
        assert device.desired() == {"b": 3, "$version": 4}
        device.marker()


def test_answers_for_subscribers_alone(server, service, key, device_id):
    """A request without the subscription is done, and its answer goes nowhere."""
    with bare.connected(server, device_id, key) as device:
        device.mqtt.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", b'{"a": 1}', 1)
        device.mqtt.ping()
    with bare.connected(server, device_id, key, TWIN_ANSWERS) as again:
        assert again.get().body["reported"]["a"] == 1


@pytest.mark.parametrize("ending", ["disconnect", "drop"])
def test_subscriptions_outlive_connections(server, service, key, device_id, ending):
    """Python and Node never subscribe again after a clean DISCONNECT: the hub remembers for them."""
    device = bare.connected(server, device_id, key, TWIN_ANSWERS, DESIRED, clean=False)
    getattr(device.mqtt, ending)()
    service.desire(device_id, {"missed": 1})
    with bare.Device(hub.connected(server, device_id, key, clean=False), device_id) as again:
        again.marker()
        service.desire(device_id, {"heard": 1})
        assert again.desired() == {"heard": 1, "$version": 3}, "nothing is kept for who was away"


def test_desired_in_order(service, device, device_id):
    for number in range(50):
        service.desire(device_id, {"n": number})
    assert [device.desired() for _ in range(50)] == [{"n": number, "$version": number + 2} for number in range(50)]


def test_events(monitor, service, device, device_id):
    """Every accepted change is an event with the change as it was made, nulls included: the vendor's suites wait for it."""
    device.report({"a": {"b": 1}, "c": 2})
    device.report({"c": None})
    service.desire(device_id, {"d": 1})
    service.patch_twin(device_id, {"tags": {"t": 1}})
    events = monitor.wait(device_id, 4)
    bodies = [event["payload"] if isinstance(event["payload"], dict) else json.loads(event["payload"]) for event in events]
    for event in events:
        assert event["annotations"]["iothub-message-source"] == "twinChangeEvents"
        assert event["properties"]["application"]["opType"] == "updateTwin"
    reported = [body["properties"]["reported"] for body in bodies[:2]]
    assert (reported[0]["a"], reported[0]["c"], reported[0]["$version"]) == ({"b": 1}, 2, 2)
    assert reported[1]["c"] is None and reported[1]["$version"] == 3
    assert bodies[2]["properties"]["desired"]["d"] == 1
    assert bodies[3]["tags"] == {"t": 1}
