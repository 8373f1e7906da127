"""Cloud-to-device messages over bare MQTT: topics to the letter, redelivery, expiry, order."""

import datetime as dt

import pytest

from harness import bare, hub
from harness.bare import bag, devicebound

WINDOW = 10


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.fixture
def device(server, key, device_id):
    with bare.connected(server, device_id, key, devicebound(device_id), clean=False) as made:
        yield made


def reconnected(server, device_id: str, key: str) -> bare.Device:
    return bare.Device(hub.connected(server, device_id, key, clean=False), device_id)


def pending(service, device_id: str) -> int:
    return service.twin(device_id)["cloudToDeviceMessageCount"]


def test_topic_to_the_letter(service, device, device_id):
    """`$` percent-encoded, `%24.mid` first, spaces as `%20`, application properties last: C, Java and C# go by it."""
    named = {"correlation_id": "c9", "content_type": "application/json", "content_encoding": "utf-8", "ack": "full"}
    service.sent(device_id, b'{"a": 1}', message_id="m-17", **named, app_color="dark red")
    message = device.received()
    parts = message.topic.split("/messages/devicebound/", 1)[1].split("&")
    assert parts[0] == "%24.mid=m-17"
    assert parts[1].lower() == f"%24.to=%2fdevices%2f{device_id}%2fmessages%2fdevicebound"
    assert parts[2:] == ["%24.cid=c9", "%24.ct=application%2Fjson", "%24.ce=utf-8", "iothub-ack=full", "color=dark%20red"]
    assert (message.payload, message.qos, message.is_dup) == (b'{"a": 1}', 1, False)


def test_topic_without_properties(service, device, device_id):
    """Never bare: C# reads beyond the end of a topic without a bag."""
    service.sent(device_id, b"x")
    assert device.received().topic.lower() == f"devices/{device_id}/messages/devicebound/%24.to=%2fdevices%2f{device_id}%2fmessages%2fdevicebound"


@pytest.mark.parametrize("wildcard", ["devices/+/messages/devicebound/#", "devices/{}/messages/#", "devices/{}/messages/devicebound/#"])
def test_filters(server, service, key, device_id, wildcard):
    """Embedded C subscribes with `+`, documents show `messages/#`."""
    with bare.connected(server, device_id, key, wildcard.format(device_id)) as device:
        service.sent(device_id, b"x")
        assert device.received().payload == b"x"


def test_five_filters_in_one_packet(server, service, key, device_id):
    """As the C SDK subscribes; everything arrives."""
    filters = [devicebound(device_id), bare.TWIN_ANSWERS, bare.DESIRED, bare.METHODS, f"devices/{device_id}/messages/devicebound/"]
    with bare.connected(server, device_id, key, *filters) as device:
        service.sent(device_id, b"x")
        assert device.received().payload == b"x"
        service.desire(device_id, {"a": 1})
        assert device.desired()["a"] == 1
        assert device.get().status == 200


def test_acknowledged_is_completed(server, service, key, device, device_id):
    service.sent(device_id, b"x")
    device.received()
    device.mqtt.ping()
    assert pending(service, device_id) == 0
    device.mqtt.disconnect()
    with reconnected(server, device_id, key) as again:
        service.sent(device_id, b"y")
        assert again.received().payload == b"y"


@pytest.mark.parametrize("ending", ["disconnect", "drop"])
def test_unacknowledged_comes_again(server, service, key, device, device_id, ending):
    """First, in order, with DUP; what was acknowledged in between does not."""
    for text in (b"a", b"b", b"c"):
        service.sent(device_id, text)
    seen = [device.received(acknowledge=False) for _ in range(3)]
    device.mqtt.acknowledge(seen[1].packet_id)
    device.mqtt.ping()
    assert pending(service, device_id) == 2
    getattr(device.mqtt, ending)()
    service.sent(device_id, b"d")
    with reconnected(server, device_id, key) as again:
        found = [again.received() for _ in range(3)]
        assert [(each.payload, each.is_dup) for each in found] == [(b"a", True), (b"c", True), (b"d", False)]
        again.mqtt.ping()
    assert pending(service, device_id) == 0


def test_qos_0_is_completed_when_written(server, service, key, device_id):
    with bare.connected(server, device_id, key, devicebound(device_id), qos=0) as device:
        service.sent(device_id, b"x")
        message = device.received()
        assert (message.qos, message.payload) == (0, b"x")
        device.mqtt.ping()
        assert pending(service, device_id) == 0


def test_order_and_window(service, device, device_id):
    """In the order of sending; a device that acknowledges nothing gets a bounded number at once."""
    for number in range(50):
        service.sent(device_id, b"%d" % number)
    first = [device.received(acknowledge=False) for _ in range(WINDOW)]
    assert len({each.packet_id for each in first}) == WINDOW
    for each in first:
        device.mqtt.acknowledge(each.packet_id)
    rest = [device.received() for _ in range(50 - WINDOW)]
    assert [int(each.payload) for each in [*first, *rest]] == list(range(50))


def test_queue_depth(service, key, device_id):
    """Fifty wait for a device, as in Azure; the next is refused, and taken again once there is room."""
    for number in range(50):
        service.sent(device_id, b"%d" % number)
    refused = service.send(device_id, b"one too many")
    assert refused.status_code == 403 and refused.headers["iothub-errorcode"] == "DeviceMaximumQueueDepthExceeded"
    assert service.ok("DELETE", f"/devices/{device_id}/commands")["totalMessagesPurged"] == 50
    service.sent(device_id, b"again")
    assert pending(service, device_id) == 1


def test_purged_is_not_delivered(server, service, key, device_id):
    service.sent(device_id, b"purged")
    service.ok("DELETE", f"/devices/{device_id}/commands")
    service.sent(device_id, b"kept")
    with bare.connected(server, device_id, key, devicebound(device_id)) as device:
        assert device.received().payload == b"kept"


def test_expired_is_not_delivered(server, service, key, device_id):
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(milliseconds=300)
    service.sent(device_id, b"too late", expiry=soon.isoformat().replace("+00:00", "Z"))
    service.sent(device_id, b"kept")
    while dt.datetime.now(dt.timezone.utc) <= soon:
        pass
    with bare.connected(server, device_id, key, devicebound(device_id)) as device:
        assert device.received().payload == b"kept"


def test_take_over_moves_what_is_under_way(server, service, key, device, device_id):
    service.sent(device_id, b"x")
    device.received(acknowledge=False)
    with reconnected(server, device_id, key) as newer:
        again = newer.received()
        assert (again.payload, again.is_dup) == (b"x", True)


def test_queue_outlives_a_clean_session(server, service, key, device, device_id):
    """A clean session forgets subscriptions, never messages."""
    service.sent(device_id, b"x")
    device.received(acknowledge=False)
    device.mqtt.drop()
    with bare.connected(server, device_id, key, clean=True) as bystander:
        bystander.mqtt.subscribe(devicebound(device_id))
        assert bystander.received().payload == b"x"


def test_deleted_device_takes_its_queue_along(server, service, key, roadstead, device_id):
    service.sent(device_id, b"old")
    roadstead.hub("device-identity", "delete", "--device-id", device_id)
    key = roadstead.device_key(device_id)
    assert pending(service, device_id) == 0
    service.sent(device_id, b"new")
    with bare.connected(server, device_id, key, devicebound(device_id)) as device:
        assert device.received().payload == b"new"


def test_property_bag(service, device, device_id):
    """Whatever a header can hold arrives as it was."""
    service.sent(device_id, b"x", message_id="a:b/c?d", app_k1="v=1&2+3 %41", app_empty="")
    found = bag(device.received())
    assert {name: found[name] for name in ("$.mid", "k1", "empty")} == {"$.mid": "a:b/c?d", "k1": "v=1&2+3 %41", "empty": ""}
