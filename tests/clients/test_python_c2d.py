"""Cloud-to-device messages through the Python device SDK."""

import pytest

from harness import hub


@pytest.fixture
def client(sdk, roadstead, device_id):
    roadstead.create_device(device_id)
    return sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))


def test_message_and_properties(sdk, service, client, device_id):
    sdk(client.connect())
    messages = sdk.messages(client)
    named = {"message_id": "m/1", "correlation_id": "c 1", "user_id": "me", "content_type": "application/json", "content_encoding": "utf-8"}
    service.sent(device_id, '{"ü": 1}'.encode(), **named, ack="full", app_color="dark red", app_empty="")
    message = messages.take()
    assert message.data.decode() == '{"ü": 1}'
    assert {name: getattr(message, name) for name in named} == named
    assert message.ack == "full"
    assert message.custom_properties == {"color": "dark red", "empty": ""}


def test_order(sdk, service, client, device_id):
    sdk(client.connect())
    messages = sdk.messages(client)
    for number in range(20):
        service.sent(device_id, b"%d" % number)
    assert sorted(int(messages.take().data) for _ in range(20)) == list(range(20)), "the SDK hands over in several threads"


def test_empty_body(sdk, service, client, device_id):
    sdk(client.connect())
    messages = sdk.messages(client)
    service.sent(device_id, b"", message_id="nothing")
    message = messages.take()
    assert (message.data, message.message_id) == (b"", "nothing")


def test_biggest_body(sdk, service, client, device_id):
    sdk(client.connect())
    messages = sdk.messages(client)
    body = b"x" * (64 * 1024 - 1024)
    service.sent(device_id, body)
    assert messages.take().data == body


def test_queued_while_offline(sdk, service, client, device_id):
    """Nobody has to be there when a message is sent, nor ever have been."""
    for number in range(3):
        service.sent(device_id, b"%d" % number, message_id=f"m{number}")
    assert service.twin(device_id)["cloudToDeviceMessageCount"] == 3
    sdk(client.connect())
    messages = sdk.messages(client)
    assert sorted(messages.take().message_id for _ in range(3)) == ["m0", "m1", "m2"]


def test_after_reconnect(sdk, server, service, client, device_id):
    """The SDK does not subscribe again when it is back: the hub remembers, and delivers what came in between."""
    sdk(client.connect())
    messages = sdk.messages(client)
    sdk(client.disconnect())
    service.sent(device_id, b"in between")
    sdk(client.connect())
    assert messages.take().data == b"in between"
    key = service.ok("GET", f"/devices/{device_id}")["authentication"]["symmetricKey"]["primaryKey"]
    hub.connected(server, device_id, key, clean=False).wait_closed()
    service.sent(device_id, b"after take-over")
    assert messages.take().data == b"after take-over"


def test_what_is_acknowledged_is_gone(sdk, service, client, device_id):
    sdk(client.connect())
    messages = sdk.messages(client)
    service.sent(device_id, b"once")
    assert messages.take().data == b"once"
    sdk(client.disconnect())
    sdk(client.connect())
    service.sent(device_id, b"next")
    assert messages.take().data == b"next"
