"""Twins through the Python device SDK: read, reported, desired, and what becomes of them over a lost connection."""

import pytest
from azure.iot.device.exceptions import ClientError

from harness import hub

NESTED = {"rate": 5, "on": True, "none": "ö ü 日本", "list": [1, None, {"a": []}], "cfg": {"a": {"b": 1.5}, "empty": {}}}


@pytest.fixture
def client(sdk, roadstead, device_id):
    roadstead.create_device(device_id)
    made = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(made.connect())
    return made


def plain(section: dict) -> dict:
    """Properties without what the hub adds to them."""
    return {name: value for name, value in section.items() if not name.startswith("$")}


def test_new_twin_is_empty(sdk, client):
    assert sdk(client.get_twin()) == {"desired": {"$version": 1}, "reported": {"$version": 1}}


def test_reported_properties(sdk, service, client, device_id):
    """A patch is there at once, for the device and for the service, with the time of every change."""
    sdk(client.patch_twin_reported_properties(NESTED))
    assert sdk(client.get_twin())["reported"] == {**NESTED, "$version": 2}
    reported = service.twin(device_id)["properties"]["reported"]
    assert plain(reported) == NESTED and reported["$version"] == 2
    assert set(reported["$metadata"]) >= set(NESTED) and "$lastUpdated" in reported["$metadata"]["cfg"]["a"]["b"]

    sdk(client.patch_twin_reported_properties({"rate": None, "cfg": {"a": None, "c": "new"}}))
    left = {**NESTED, "cfg": {"empty": {}, "c": "new"}}
    del left["rate"]
    assert sdk(client.get_twin())["reported"] == {**left, "$version": 3}


def test_first_call_connects(sdk, roadstead, device_id):
    roadstead.create_device(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(client.patch_twin_reported_properties({"first": True}))
    assert client.connected and sdk(client.get_twin())["reported"]["first"] is True


def test_desired_patches(sdk, service, client, device_id):
    """What the service patches arrives as it was sent, nulls included, and a replacement arrives whole."""
    patches = sdk.desired(client)
    service.desire(device_id, NESTED)
    assert patches.take() == {**NESTED, "$version": 2}
    service.desire(device_id, {"rate": None, "cfg": {"a": {"b": 2}}})
    assert patches.take() == {"rate": None, "cfg": {"a": {"b": 2}}, "$version": 3}
    service.desire(device_id, {"on": True})
    assert patches.take() == {"on": True, "$version": 4}, "a patch that changes nothing is a patch"
    service.replace_twin(device_id, {"properties": {"desired": {"only": 1}}})
    assert patches.take() == {"only": 1, "$version": 5}
    assert sdk(client.get_twin())["desired"] == {"only": 1, "$version": 5}


def test_desired_cleared_at_once(sdk, service, client, device_id):
    """`desired: null` takes every property away, and clients that merge what they hear learn of each."""
    patches = sdk.desired(client)
    service.desire(device_id, {"a": 1, "b": {"c": 2}})
    assert patches.take()["$version"] == 2
    service.patch_twin(device_id, {"properties": {"desired": None}})
    assert patches.take() == {"a": None, "b": None, "$version": 3}
    assert sdk(client.get_twin())["desired"] == {"$version": 3}


def test_tags_are_not_for_devices(sdk, service, client, device_id):
    patches = sdk.desired(client)
    service.patch_twin(device_id, {"tags": {"secret": 1}})
    assert "tags" not in sdk(client.get_twin())
    service.desire(device_id, {"marker": 1})
    assert patches.take() == {"marker": 1, "$version": 2}, "tags are no news for a device"


def test_desired_while_offline(sdk, service, client, device_id):
    """The SDK reads its twin when it is back, and hands over what it missed; it subscribes to answers with its first own request."""
    assert sdk(client.get_twin())["desired"] == {"$version": 1}
    patches = sdk.desired(client)
    service.desire(device_id, {"seen": 1})
    assert patches.take() == {"seen": 1, "$version": 2}
    sdk(client.disconnect())
    service.desire(device_id, {"missed": 1})
    sdk(client.connect())
    assert patches.take() == {"seen": 1, "missed": 1, "$version": 3}


def test_desired_after_take_over(sdk, server, service, roadstead, client, device_id):
    """Subscriptions last: the SDK reconnects without making them again."""
    patches = sdk.desired(client)
    key = service.ok("GET", f"/devices/{device_id}")["authentication"]["symmetricKey"]["primaryKey"]
    hub.connected(server, device_id, key, clean=False).wait_closed()
    service.desire(device_id, {"after": "reconnect"})
    assert patches.take() == {"after": "reconnect", "$version": 2}
    sdk(client.patch_twin_reported_properties({"after": "reconnect"}))


DEEP: dict = {"leaf": 1}
for _ in range(11):
    DEEP = {"deeper": DEEP}


@pytest.mark.parametrize(
    "patch",
    [{"a.b": 1}, {"a b": 1}, {"$a": 1}, {"k" * 1025: 1}, {"text": "x" * 4097}, {"n": 2**53}, DEEP, {str(n): "x" * 4096 for n in range(9)}],
    ids=["dot", "space", "dollar", "long-key", "long-text", "big-number", "deep", "big"],
)
def test_refused_reports(sdk, client, patch):
    """An error for whoever reported, and a twin as it was."""
    sdk(client.patch_twin_reported_properties({"before": 1}))
    with pytest.raises(ClientError):
        sdk(client.patch_twin_reported_properties(patch))
    assert sdk(client.get_twin())["reported"] == {"before": 1, "$version": 2}
