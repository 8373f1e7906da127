"""Back ends over AMQP: azure-iothub and @azure/event-hubs for Node, azure-iot-hub for Python, unmodified."""

import time

import pytest
import uamqp
from azure.iot.hub import IoTHubRegistryManager
from azure.storage.blob import BlobClient

from harness import eventhub, hub
from harness.arm import Arm
from harness.node import Actor

pytestmark = pytest.mark.usefixtures("port_443", "port_5671")


@pytest.fixture
def node(server):
    made = Actor(server, "backend.js")
    yield made
    made.end()


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.fixture
def told_of_files(server):
    """The hub keeps a notification of every upload: a switch of the hub, off by default."""
    arm = Arm(server)
    arm.change_hub(lambda properties: properties.update(enableFileUploadNotifications=True))
    yield
    arm.change_hub(lambda properties: properties.update(enableFileUploadNotifications=False))


class TestNode:
    @pytest.mark.parametrize("transport", ["tls", "ws", "custom", "plain"])
    def test_reads_events(self, server, node, key, device_id, transport):
        since = server.now_ms() - 200
        token = hub.device_token(server, device_id, key)
        headers = {"iothub-messageid": "m1", "iothub-contenttype": "application/json", "iothub-app-k": "v"}
        assert hub.post_event(server, device_id, b'{"t":1}', token, headers=headers).ok
        string = server.exports["EVENTHUB_CONNECTION_STRING"] if transport == "plain" else eventhub.connection_string(server)
        node("openReader", string, transport, "localhost")
        found = node("properties")
        assert found["partitionIds"] == [str(number) for number in range(len(found["partitionIds"]))]
        states = [node("partition", partition) for partition in found["partitionIds"]]
        assert any(not state["isEmpty"] and state["lastEnqueuedOffset"] >= "0" for state in states)
        node("read", device_id, since)
        event = node.event("event")
        assert (event["body"], event["properties"], event["messageId"]) == ({"t": 1}, {"k": "v"}, "m1")
        assert event["offset"] == str(event["sequenceNumber"]) and event["partitionKey"] == device_id
        assert event["systemProperties"]["iothub-message-source"] == "Telemetry"
        assert event["last"]["sequenceNumber"] >= event["sequenceNumber"]
        node("closeReader")

    @pytest.mark.parametrize("transport", ["tls", "ws"])
    def test_sends_and_hears_what_became_of_it(self, server, service, node, key, device_id, transport):
        node("openSender", server.exports["IOTHUB_CONNECTION_STRING"], transport)
        node("feedback")
        given = {"messageId": f"of-{device_id}", "ack": "full", "contentType": "text/plain", "correlationId": "c1"}
        node("send", device_id, "hello", given)
        (message,) = service.take_messages(device_id, key)
        assert message.content == b"hello"
        assert message.headers["iothub-messageid"] == given["messageId"]
        assert message.headers["iothub-correlationid"] == "c1" and message.headers["iothub-app-a"] == "b"
        # It is told in batches, every 15 s at most; those of other tests come along.
        deadline = time.monotonic() + 60
        records = []
        while not any(record["originalMessageId"] == given["messageId"] for record in records):
            records = node.event("feedback", deadline - time.monotonic())
        record = next(record for record in records if record["originalMessageId"] == given["messageId"])
        assert (record["deviceId"], record["statusCode"]) == (device_id, "Success")
        node("closeSender")

    def test_hears_of_files(self, server, service, told_of_files, node, key, device_id):
        node("openSender", server.exports["IOTHUB_CONNECTION_STRING"], "tls")
        node("files")
        token = hub.device_token(server, device_id, key)
        place = service.call("POST", f"/devices/{device_id}/files", {"blobName": "a.bin"}, token=token).json()
        uri = f"https://{place['hostName']}/{place['containerName']}/{place['blobName']}{place['sasToken']}"
        with BlobClient.from_blob_url(uri) as target:
            target.upload_blob(b"content", overwrite=True)
        done = {"correlationId": place["correlationId"], "isSuccess": True, "statusCode": 200, "statusDescription": "OK"}
        assert service.call("POST", f"/devices/{device_id}/files/notifications", done, token=token).ok
        while (told := node.event("file"))["deviceId"] != device_id:
            pass  # another test's
        assert (told["deviceId"], told["blobName"], told["blobSizeInBytes"]) == (device_id, f"{device_id}/a.bin", 7)
        assert told["blobUri"].endswith(f"/{device_id}/a.bin")
        node("closeSender")

    def test_refusals(self, server, node, key, device_id):
        node("openSender", server.exports["IOTHUB_CONNECTION_STRING"], "tls")
        assert node.refused("send", "nobody", "hello", {}) == "DeviceNotFoundError"
        assert node.refused("send", device_id, "x" * 66_000, {}) == "MessageTooLargeError"
        for _ in range(50):
            node("send", device_id, "x", {})
        assert node.refused("send", device_id, "x", {}) == "DeviceMaximumQueueDepthExceededError"


class TestPython:
    @pytest.mark.parametrize("transport", [uamqp.TransportType.Amqp, uamqp.TransportType.AmqpOverWebsocket])
    def test_sends_to_a_device(self, server, service, key, device_id, transport):
        string = server.exports["IOTHUB_CONNECTION_STRING"]
        registry = IoTHubRegistryManager.from_connection_string(string, transport_type=transport)
        registry.send_c2d_message(device_id, "hello", properties={"messageId": "m1", "ack": "none", "colour": "red"})
        (message,) = service.take_messages(device_id, key)
        assert (message.content, message.headers["iothub-messageid"]) == (b"hello", "m1")
        assert message.headers["iothub-app-colour"] == "red"
        with pytest.raises(Exception, match="C2D message send failure"):
            registry.send_c2d_message("nobody", "hello")
