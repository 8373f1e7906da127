"""Bytes and topics that the MQTT face refuses, each by closing the connection as IoT Hub does, and nothing else hurt."""

import contextlib
import struct

import pytest

from harness import hub
from harness.monitor import body
from harness.rawmqtt import (
    CONNACK,
    CONNECT,
    PINGREQ,
    PUBLISH,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Closed,
    Will,
    connect_packet,
    packet,
    publish_packet,
    subscribe_packet,
    text,
)

SHORT_ID = struct.pack("!H", 1)


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.fixture
def still_works(server, key, monitor, device_id):
    """After the refusal: the same device connects and sends, and nothing came of what was refused."""
    yield
    assert_only_event(server, device_id, key, monitor)


def assert_only_event(server, device_id, key, monitor) -> None:
    """Order per device is kept: had anything come before this message, it would be seen before it."""
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.publish(hub.events_topic(device_id), b'{"still": "works"}')
    assert [body(event) for event in monitor.wait(device_id, 1)] == [{"still": "works"}]


BEFORE_CONNECT = {
    "not-connect-but-publish": publish_packet("devices/a/messages/events/", b""),
    "not-connect-but-pingreq": packet(PINGREQ, 0, b""),
    "type-0": b"\x00\x00",
    "type-15": b"\xf0\x00",
    "length-of-five-bytes": b"\x10\xff\xff\xff\xff\x01",
    "length-beyond-bounds": b"\x10\xff\xff\xff\x7f",
    "connect-with-flags": packet(CONNECT, 1, connect_packet("a")[2:]),
    "connect-with-reserved-flag": packet(CONNECT, 0, text("MQTT") + b"\x04\x03\x00\x3c" + text("a")),
    "connect-cut-short": packet(CONNECT, 0, text("MQTT") + b"\x04\x02"),
    "connect-with-more-behind": packet(CONNECT, 0, connect_packet("a")[2:] + b"more"),
    "connect-with-will-qos-3": packet(CONNECT, 0, text("MQTT") + b"\x04\x1e\x00\x3c" + text("a") + text("t") + text("p")),
    "connect-with-password-alone": packet(CONNECT, 0, text("MQTT") + b"\x04\x42\x00\x3c" + text("a") + text("p")),
    "client-id-not-utf8": packet(CONNECT, 0, text("MQTT") + b"\x04\x02\x00\x3c" + text(b"\xff\xfe")),
    "client-id-with-nul": packet(CONNECT, 0, text("MQTT") + b"\x04\x02\x00\x3c" + text("a\0b")),
    "protocol-name-unknown": packet(CONNECT, 0, text("HTTP") + b"\x04\x02\x00\x3c" + text("a")),
    "http-request": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
}

AFTER_CONNECT = {
    "second-connect": connect_packet("a"),
    "connack-from-client": packet(CONNACK, 0, b"\0\0"),
    "publish-qos-3": packet(PUBLISH, 6, text("devices/a/messages/events/") + SHORT_ID),
    "publish-without-topic": packet(PUBLISH, 2, b""),
    "publish-with-packet-id-0": publish_packet("devices/{id}/messages/events/", b"", packet_id=0),
    "publish-dup-at-qos-0": publish_packet("devices/{id}/messages/events/", b"", qos=0, dup=True),
    "publish-topic-with-wildcard": publish_packet("devices/+/messages/events/", b""),
    "publish-topic-with-nul": publish_packet("devices/{id}/messages/events/a=\0", b""),
    "publish-topic-not-utf8": publish_packet(b"devices/{id}/messages/events/\xff", b""),
    "publish-topic-cut-short": packet(PUBLISH, 0, b"\x00\x40devices"),
    "subscribe-flags": packet(SUBSCRIBE, 0, SHORT_ID + text("$iothub/twin/res/#") + b"\1"),
    "subscribe-to-nothing": packet(SUBSCRIBE, 2, SHORT_ID),
    "subscribe-qos-3": subscribe_packet("$iothub/twin/res/#", qos=3),
    "unsubscribe-from-nothing": packet(UNSUBSCRIBE, 2, SHORT_ID),
    "pingreq-with-body": packet(PINGREQ, 0, b"x"),
    "type-15": b"\xf0\x00",
    "length-of-five-bytes": b"\x32\xff\xff\xff\xff\x01",
}


@pytest.mark.parametrize("name", BEFORE_CONNECT)
def test_malformed_first_packet(server, still_works, name):
    with hub.dial(server) as mqtt:
        mqtt.send(BEFORE_CONNECT[name])
        mqtt.wait_closed()


@pytest.mark.parametrize("name", AFTER_CONNECT)
def test_malformed_packet(server, key, still_works, device_id, name):
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.send(with_device(AFTER_CONNECT[name], device_id))
        mqtt.wait_closed()


def with_device(raw: bytes, device_id: str) -> bytes:
    """Puts the id into a table's PUBLISH: topic length and packet length grow with it."""
    if b"{id}" not in raw:
        return raw
    size = struct.unpack("!H", raw[2:4])[0]
    topic = raw[4 : 4 + size].replace(b"{id}", device_id.encode())
    return packet(PUBLISH, raw[0] & 15, text(topic) + raw[4 + size :])


@pytest.mark.parametrize("name,level", [("MQIsdp", 3), ("MQTT", 3), ("MQTT", 6)])
def test_other_protocol_level(server, key, still_works, device_id, name, level):
    with hub.dial(server) as mqtt:
        token = hub.device_token(server, device_id, key)
        connack = mqtt.connect(device_id, hub.username(server.hub_host, device_id), token, name=name, level=level)
        assert connack.code == 1
        mqtt.wait_closed()


def test_mqtt_5(server, key, still_works, device_id):
    """Answered in the words of either version: code 1, or reason 0x84."""
    with hub.dial(server) as mqtt:
        token = hub.device_token(server, device_id, key)
        connack = mqtt.connect(device_id, hub.username(server.hub_host, device_id), token, level=5)
        assert connack.code in (1, 0x84)
        mqtt.wait_closed()


def test_qos_2_publish(server, key, still_works, device_id):
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.send(publish_packet(hub.events_topic(device_id), b'{"qos": 2}', qos=2))
        mqtt.wait_closed()


def test_qos_2_subscription_is_granted_1(server, key, device_id):
    with hub.connected(server, device_id, key) as mqtt:
        assert mqtt.subscribe(f"devices/{device_id}/messages/devicebound/#", qos=2) == [1]


@pytest.mark.parametrize("size", [262_145, 400_000])
def test_oversized_message(server, key, still_works, device_id, size):
    with hub.connected(server, device_id, key) as mqtt:
        # The header says it all, so the connection may end while the rest is still on its way.
        with contextlib.suppress(Closed):
            mqtt.send(publish_packet(hub.events_topic(device_id), b"x" * size))
        mqtt.wait_closed()


def test_largest_message(server, key, monitor, device_id):
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.publish(hub.events_topic(device_id), b'"' + b"x" * 262_000 + b'"')
    assert len(body(monitor.wait(device_id, 1)[0])) == 262_000


WRONG_TOPICS = [
    "telemetry",
    "devices",
    "devices/{id}",
    "devices/{id}/messages",
    "devices/{id}/messages/devicebound/",
    "/devices/{id}/messages/events/",
    "devices/{id}/messages/event/",
    "Devices/{id}/messages/events/",
    "devices/{other}/messages/events/",
    "devices/{id}/modules/none/messages/events/",
    "$iothub/telemetry",
    "$iothub/twin/PUT/?$rid=1",
    "$dps/registrations/PUT/iotdps-register/?$rid=1",
    "$SYS/broker/uptime",
]


@pytest.fixture
def other(server, roadstead, monitor, device_id):
    """Another device of the hub, that the first must not speak for; at the end, nothing came in its name."""
    name = f"{device_id}-other"
    key = roadstead.device_key(name)
    yield name
    assert_only_event(server, name, key, monitor)


@pytest.mark.parametrize("topic", WRONG_TOPICS)
def test_wrong_topic(server, key, still_works, device_id, other, topic):
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.send(publish_packet(topic.format(id=device_id, other=other), b"{}"))
        mqtt.wait_closed()


WRONG_FILTERS = ["#", "+", "+/+", "$iothub/#", "$dps/registrations/res/#", "devices/{other}/messages/devicebound/#", "devices/#"]


@pytest.mark.parametrize("wanted", WRONG_FILTERS)
def test_wrong_filter(server, key, still_works, device_id, other, wanted):
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.send(subscribe_packet(wanted.format(id=device_id, other=other)))
        mqtt.wait_closed()


def test_foreign_will(server, key, still_works, device_id, other):
    """A will for another device's topic is refused with the connection, and never sent."""
    with hub.dial(server) as mqtt:
        token = hub.device_token(server, device_id, key)
        will = Will(hub.events_topic(other), b"{}")
        mqtt.send(connect_packet(device_id, hub.username(server.hub_host, device_id), token, will=will))
        answer = mqtt.read_or_closed()
        assert answer is None or answer.rest[1] != 0, "a will for a foreign topic was accepted"
