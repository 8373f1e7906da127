"""Back ends over AMQP that log in and have a role, and no key: azure-eventhub and azure-iot-hub for Python, @azure/event-hubs and
azure-iothub for Node, with azure-identity, unmodified."""

import time

import pytest
import uamqp
from azure.eventhub.exceptions import AuthenticationError
from azure.iot.hub import IoTHubRegistryManager

from harness import eventhub, hub
from harness.login import credential
from harness.node import Actor

CONTRIBUTOR = "IoT Hub Data Contributor"
READER = "IoT Hub Data Reader"
# A minute until the server looks again, and time for clients to hear of it.
REVOKED_WITHIN_S = 75


@pytest.fixture(autouse=True, scope="module")
def port_5671(server):
    if server.amqp_port != 5671:
        pytest.skip("port 5671 is taken, and these clients know no other")


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.fixture
def node(server):
    made = Actor(server, "backend.js")
    yield made
    made.end()


def log_in(server, service_principal: dict) -> dict:
    """For the Node program; its MSAL takes no IP address with a port that goes without saying."""
    return {**service_principal, "url": server.exports["ROADSTEAD_ARM_URL"]}


@pytest.fixture
def send(server, key, device_id):
    """Sends one message of the test's device."""

    def sent(body: bytes):
        assert hub.post_event(server, device_id, body, hub.device_token(server, device_id, key)).ok

    return sent


@pytest.mark.parametrize("flavour", ["sync-amqp", "sync-ws", "aio-amqp", "uamqp-amqp"])
def test_azure_eventhub_reads(request, server, service_principal, send, device_id, flavour):
    if flavour.endswith("-ws"):
        request.getfixturevalue("port_443")
    send(b"1")
    reader = service_principal("--role", READER)
    if not flavour.startswith("aio"):
        with eventhub.client(server, flavour, service_principal=reader) as client:
            found = client.get_eventhub_properties()
            states = [client.get_partition_properties(partition) for partition in found["partition_ids"]]
        assert any(not state["is_empty"] for state in states)
    with eventhub.Reader(server, flavour, service_principal=reader) as reading:
        assert reading.wait(device_id, 1)[0].body_as_str() == "1"
        send(b"2")
        assert reading.wait(device_id, 2)[1].body_as_str() == "2"


@pytest.mark.parametrize("transport", [uamqp.TransportType.Amqp, uamqp.TransportType.AmqpOverWebsocket])
def test_azure_iot_hub_sends(request, server, service, service_principal, endpoint, key, device_id, transport):
    """A reader does not."""
    if transport == uamqp.TransportType.AmqpOverWebsocket:
        request.getfixturevalue("port_443")

    def back_end(role):
        logged_in = credential(service_principal("--role", role), endpoint)
        return IoTHubRegistryManager.from_token_credential(server.hub_host, logged_in, transport)

    back_end(CONTRIBUTOR).send_c2d_message(device_id, "hello", properties={"messageId": "m1"})
    (message,) = service.take_messages(device_id, key)
    assert (message.content, message.headers["iothub-messageid"]) == (b"hello", "m1")
    with pytest.raises(Exception, match="has no role that allows to change a hub's data"):
        back_end(READER).send_c2d_message(device_id, "hello")
    assert service.take_messages(device_id, key) == []


@pytest.mark.parametrize("transport", ["tls", "ws"])
def test_event_hubs_for_node_reads(request, server, service_principal, node, send, device_id, transport):
    if transport == "ws":
        request.getfixturevalue("port_443")
    since = server.now_ms() - 200
    send(b'{"t":1}')
    login = log_in(server, service_principal("--role", READER))
    node("openReaderAs", login, server.hub_host, eventhub.entity(server), transport)
    found = node("properties")
    assert any(not node("partition", partition)["isEmpty"] for partition in found["partitionIds"])
    node("read", device_id, since)
    assert node.event("event", 30)["body"] == {"t": 1}
    node("closeReader")


def test_azure_iothub_for_node_sends_and_hears_what_became_of_it(
    port_443, server, service, service_principal, node, key, device_id
):
    login = log_in(server, service_principal("--role", CONTRIBUTOR))
    node("openSenderAs", login, server.hub_host, "tls")
    node("feedback")
    node("send", device_id, "hello", {"messageId": f"of-{device_id}", "ack": "full"})
    (message,) = service.take_messages(device_id, key)
    assert message.content == b"hello"
    deadline, records = time.monotonic() + 40, []
    while not any(record["originalMessageId"] == f"of-{device_id}" for record in records):
        records = node.event("feedback", deadline - time.monotonic())
    node("closeSender")


def test_without_a_role_for_data_nothing_opens(server, service_principal, node):
    """As in Azure, who may change the hub itself has no role for its data."""
    owner = service_principal("--role", "Owner")
    why = "has no role that allows to read a hub's data"
    with eventhub.Reader(server, service_principal=owner, partition_id="0") as reading:
        error = reading.wait_error()
        assert isinstance(error, AuthenticationError) and why in str(error)
    node("openReaderAs", log_in(server, owner), server.hub_host, eventhub.entity(server), "tls")
    assert why in node.attempt("properties")["message"]
    # azure-iothub keeps the reason to itself.
    refused = node.attempt("openSenderAs", log_in(server, owner), server.hub_host, "tls")
    assert refused.get("message") == "AMQP Transport: Could not connect", refused


def test_a_token_for_something_else_opens_nothing(server, service_principal, endpoint):
    logged_in = credential(service_principal("--role", READER), endpoint)

    class OfManagement:
        def get_token(self, *_, **options):
            return logged_in.get_token(f"{endpoint}/.default", **options)

    options = {"connection_verify": server.ca_file, "retry_total": 0}
    with eventhub.EventHubConsumerClient(server.hub_host, eventhub.entity(server), "$Default", OfManagement(), **options) as client:
        with pytest.raises(AuthenticationError):
            client.get_eventhub_properties()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_who_is_signed_out_or_loses_the_role_loses_the_links(server, roadstead, service_principal, send, device_id):
    """Within a minute, while reading; then nothing opens."""
    send(b"1")
    signed_out, without_role = (service_principal("--role", READER) for _ in range(2))
    with (
        eventhub.Reader(server, service_principal=signed_out) as first,
        eventhub.Reader(server, "aio-amqp", service_principal=without_role) as second,
    ):
        first.wait(device_id, 1)
        second.wait(device_id, 1)
        roadstead("service-principal", "sign-out", "--id", signed_out["appId"])
        roadstead("role", "assignment", "delete", "--assignee", without_role["appId"], "--role", READER)
        assert "was revoked" in str(first.wait_error(REVOKED_WITHIN_S))
        assert "has no role that allows to read a hub's data" in str(second.wait_error(REVOKED_WITHIN_S))
    with eventhub.Reader(server, service_principal=without_role, partition_id="0") as again:
        assert isinstance(again.wait_error(), AuthenticationError)
