"""The built-in endpoint through azure-eventhub, unmodified."""

import base64
import datetime
import itertools
import json
import os
import time
from urllib.parse import quote

import pytest
import uamqp
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.exceptions import AuthenticationError, ConnectionLostError

from harness import eventhub, sas, wait
from harness.arm import Arm
from harness.cli import Roadstead
from harness.load import Sender
from harness.server import Server

pytestmark = pytest.mark.usefixtures("port_5671")

KILLS = 8


@pytest.fixture(params=eventhub.FLAVOURS)
def flavour(request):
    if request.param.endswith("-ws"):
        request.getfixturevalue("port_443")
    return request.param


def just_now() -> datetime.datetime:
    """Whatever other tests sent was before."""
    return datetime.datetime.now(datetime.UTC) - datetime.timedelta(milliseconds=200)


def partition_of(server, device_id: str, since) -> str:
    with eventhub.Reader(server, starting_position=since) as reader:
        reader.wait(device_id, 1)
        return next(partition for partition, event in reader.events if eventhub.device(event) == device_id)


def test_an_event_and_all_about_it(server, flavour, send, device_id):
    since = just_now()
    send(b'{"t":1}', messageid="m1", correlationid="c1", contenttype="application/json", contentencoding="utf-8", app_colour="red")
    with eventhub.Reader(server, flavour, starting_position=since, track_last_enqueued_event_properties=True) as reader:
        event = reader.wait(device_id, 1)[0]
        last = next(iter(reader.contexts.values())).last_enqueued_event_properties
    assert event.body_as_str() == '{"t":1}'
    assert (event.message_id, event.correlation_id, event.content_type) == ("m1", "c1", "application/json")
    assert event.properties == {b"colour": b"red"}
    assert isinstance(event.offset, str) and isinstance(event.sequence_number, int) and int(event.offset) == event.sequence_number
    assert event.partition_key == device_id.encode()
    assert abs(event.enqueued_time.timestamp() - time.time()) < 60
    system = event.system_properties
    assert system[b"iothub-message-source"] == b"Telemetry"
    assert json.loads(system[b"iothub-connection-auth-method"])["type"] == "sas"
    assert system[b"iothub-connection-auth-generation-id"].isdigit()
    assert last["sequence_number"] >= event.sequence_number and int(last["offset"]) == last["sequence_number"]


def test_the_hub_and_its_partitions(server, send, device_id):
    send(b"1")
    for flavour in ("sync-amqp", "sync-plain", "uamqp-amqp"):
        with eventhub.client(server, flavour) as client:
            found = client.get_eventhub_properties()
            assert found["partition_ids"] == [str(number) for number in range(len(found["partition_ids"]))]
            states = [client.get_partition_properties(partition) for partition in found["partition_ids"]]
        assert any(not state["is_empty"] and int(state["last_enqueued_offset"]) >= 0 for state in states)


def test_every_position_to_start_from(server, send, device_id):
    since = just_now()
    for number in range(4):
        send(b"%d" % number)
    partition = partition_of(server, device_id, since)
    with eventhub.Reader(server, starting_position=since) as reader:
        events = reader.wait(device_id, 4)
    second = events[1]
    for position, inclusive, first in [
        ("-1", False, "0"),
        (second.offset, False, "2"),
        (second.offset, True, "1"),
        (second.sequence_number, False, "2"),
        (second.sequence_number, True, "1"),
        (second.enqueued_time, True, "1"),
    ]:
        asked = {"partition_id": partition, "starting_position": position, "starting_position_inclusive": inclusive}
        with eventhub.Reader(server, **asked) as reader:
            assert reader.wait(device_id, 1)[0].body_as_str() == first, (position, inclusive)
    numbers = itertools.count(100)
    with eventhub.Reader(server, partition_id=partition, starting_position="@latest") as reader:
        # Nobody is told when the reader is there: what it gets then is what was sent since, and nothing before.
        wait.until(lambda: send(b"%d" % next(numbers)) or reader.of(device_id), 30, "a new event")
        assert int(reader.of(device_id)[0].body_as_str()) >= 100


def test_the_largest_event(server, send, device_id):
    since = just_now()
    body = b"x" * (255 * 1024)
    send(body)
    with eventhub.Reader(server, starting_position=since) as reader:
        assert reader.wait(device_id, 1)[0].body_as_str().encode() == body


def test_a_higher_owner_level_takes_the_partition(server, consumer_group, send, device_id):
    since = just_now()
    send(b"1")
    partition = partition_of(server, device_id, since)
    asked = {"group": consumer_group, "partition_id": partition, "starting_position": since}
    with eventhub.Reader(server, owner_level=1, **asked) as first:
        first.wait(device_id, 1)
        with eventhub.Reader(server, "aio-amqp", owner_level=2, **asked) as second:
            second.wait(device_id, 1)
            assert "amqp:link:stolen" in str(first.wait_error())
            with eventhub.Reader(server, owner_level=1, **asked) as third:
                assert "owner level (epoch) 2" in str(third.wait_error())


def test_each_consumer_group_reads_everything(server, roadstead, send, device_id):
    def groups(verb: str, name: str):
        return roadstead("iot", "hub", "consumer-group", verb, "--hub-name", roadstead.hub_name, "--name", name)

    names = [f"{device_id}-1", f"{device_id}-2"]
    for name in names:
        groups("create", name)
    since = just_now()
    send(b"1")
    for name in ("$Default", names[0].upper(), names[1]):
        with eventhub.Reader(server, group=name, starting_position=since) as reader:
            assert reader.wait(device_id, 1)[0].body_as_str() == "1", name
    with eventhub.Reader(server, group=names[0], starting_position=since) as reader:
        reader.wait(device_id, 1)
        for name in names:
            groups("delete", name)
        assert f"no consumer group `{names[0]}`" in str(reader.wait_error())
    with eventhub.Reader(server, group=names[0], partition_id="0") as reader:
        assert f"no consumer group `{names[0]}`" in str(reader.wait_error())


@pytest.mark.parametrize("flavour", ["sync-amqp", "sync-ws", "aio-amqp", "uamqp-amqp"], indirect=True)
def test_a_key_made_anew_ends_what_rests_on_the_old_one(server, roadstead, flavour, send, device_id):
    arm, policy = Arm(server), f"reads-{device_id}"
    arm.put_policy(policy, "ServiceConnect")
    since = just_now()
    string = eventhub.connection_string(server, roadstead.policy(policy))
    send(b"1")
    with eventhub.Reader(server, flavour, string=string, starting_position=since) as reader:
        event = reader.wait(device_id, 1)[0]
        partition = next(partition for partition, one in reader.events if one is event)
        arm.put_policy(policy, "ServiceConnect", *(base64.b64encode(os.urandom(32)).decode() for _ in range(2)))
        assert "not signed with a key of policy" in str(reader.wait_error())
    with eventhub.Reader(server, flavour, string=string, partition_id=partition) as reader:
        assert isinstance(reader.wait_error(), AuthenticationError)
    send(b"2")
    string = eventhub.connection_string(server, roadstead.policy(policy))
    goes_on = {"partition_id": partition, "starting_position": event.offset}
    with eventhub.Reader(server, flavour, string=string, **goes_on) as reader:
        assert reader.wait(device_id, 1)[0].body_as_str() == "2"
        arm.delete_policy(policy)
        assert f"no access policy `{policy}`" in str(reader.wait_error())


def test_refusals_say_why(server, send, device_id):
    with eventhub.Reader(server, group="nobody", partition_id="0") as reader:
        error = reader.wait_error()
        assert isinstance(error, ConnectionLostError) and "no consumer group `nobody`" in str(error)
    with eventhub.Reader(server, partition_id="0", starting_position="999999999") as reader:
        assert "was never stored" in str(reader.wait_error())
    wrong_key = eventhub.connection_string(server).replace("SharedAccessKey=", "SharedAccessKey=A")
    with eventhub.Reader(server, string=wrong_key, partition_id="0") as reader:
        error = reader.wait_error()
        assert isinstance(error, AuthenticationError) and "not signed with a key of policy" in str(error)


def test_nobody_writes_into_the_endpoint(server):
    string = eventhub.connection_string(server)
    with EventHubProducerClient.from_connection_string(string, connection_verify=server.ca_file, retry_total=0) as client:
        with pytest.raises(Exception, match="filled by the hub"):
            client.send_batch([EventData("x")])


def test_az_is_led_to_the_endpoint(server):
    """As the monitor of `az` does it: PLAIN in the URI, then where it is sent to."""
    given = sas.parse_connection_string(server.exports["IOTHUB_CONNECTION_STRING"])
    name, key = given["SharedAccessKeyName"], given["SharedAccessKey"]
    token = sas.token(server.hub_host, key, policy=name)
    user = quote(f"{name}@sas.root.{server.hub_host.split('.')[0]}", safe="")
    endpoint = f"amqps://{user}:{quote(token, safe='')}@{server.hub_host}/messages/events/$management"
    receiver = uamqp.ReceiveClient(endpoint)
    try:
        with pytest.raises(uamqp.errors.LinkRedirect) as redirect:
            receiver.receive_message_batch(max_batch_size=1)
    finally:
        receiver.close()
    entity = sas.parse_connection_string(server.exports["EVENTHUB_CONNECTION_STRING"])["EntityPath"]
    assert redirect.value.address == f"amqps://{server.hub_host}:5671/{entity}/$management".encode()


def test_az_reads_where_it_was_led(server, send, device_id):
    """As the monitor of `az` goes on from there: `$management`, then a partition with its filter, the policy's key all along."""
    since_ms = server.now_ms() - 200
    since = just_now()
    send(b"1")
    partition = partition_of(server, device_id, since)
    given = sas.parse_connection_string(server.exports["IOTHUB_CONNECTION_STRING"])
    entity = sas.parse_connection_string(server.exports["EVENTHUB_CONNECTION_STRING"])["EntityPath"]

    def auth():
        uri = f"sb://{server.hub_host}/{entity}"
        name, key = given["SharedAccessKeyName"], given["SharedAccessKey"]
        return uamqp.authentication.SASTokenAuth.from_shared_access_key(uri, name, key)

    question = uamqp.Message(application_properties={"name": entity})
    asking = uamqp.AMQPClient(f"amqps://{server.hub_host}/{entity}", auth=auth())
    try:
        asking.open()
        read = {"op_type": b"com.microsoft:eventhub", "status_code_field": b"status-code", "description_fields": b"status-description"}
        answer = asking.mgmt_request(question, b"READ", **read)
    finally:
        asking.close()
    assert partition in [one.decode() for one in answer.get_data()[b"partition_ids"]]
    source = uamqp.address.Source(f"amqps://{server.hub_host}/{entity}/ConsumerGroups/$Default/Partitions/{partition}")
    source.set_filter(f"amqp.annotation.x-opt-enqueuedtimeutc > {since_ms}".encode())
    receiver = uamqp.ReceiveClient(source, auth=auth(), prefetch=300)
    devices = []
    try:
        while device_id not in devices:
            messages = receiver.receive_message_batch(timeout=30_000)
            assert messages, f"no event of {device_id}, those of {devices}"
            devices += [message.annotations[b"iothub-connection-device-id"].decode() for message in messages]
    finally:
        receiver.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("flavour", ["sync-plain", "aio-plain"])
def test_a_reader_is_back_by_itself(own_server: Server, flavour):
    """A server that is stopped in good order takes leave of its readers; they look for it again."""
    own_server.start()
    sender = Sender(own_server, "dev", Roadstead(own_server).device_key("dev"))
    with eventhub.Reader(own_server, flavour) as reader:
        sender.send(1)
        reader.wait("dev", 1)
        own_server.terminate()
        own_server.start()
        sender.send(1)
        wait.until(lambda: {1, 2} <= {json.loads(event.body_as_str())["n"] for event in reader.of("dev")}, 60, "both")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_slow_reader_continues_across_kills(own_server: Server):
    """It falls behind, loses the server again and again, and goes on behind the last event it worked on."""
    own_server.start()
    roadstead = Roadstead(own_server)
    sender = Sender(own_server, "falls-behind", roadstead.device_key("falls-behind"), body_bytes=2000)
    found, offsets = [], {}

    class Slow(eventhub.Reader):
        def _take(self, context, event):
            if event is None:
                return
            time.sleep(0.001)
            offsets[context.partition_id] = event.offset
            found.append(json.loads(event.body_as_str())["n"])

    def reader():
        return Slow(own_server, "aio-plain", starting_position=dict(offsets) or "-1", starting_position_inclusive=False)

    def partitions() -> list[str]:
        with eventhub.client(own_server, "sync-plain") as client:
            return client.get_partition_ids()

    offsets.update({partition: "-1" for partition in partitions()})
    for _ in range(KILLS):
        sender.start(1500)
        with reader():
            before = len(found)
            wait.until(lambda: len(found) > before + 50, 60, "50 more events")
            own_server.kill()
        sender.join()
        own_server.start()
    sender.send(1)
    with reader():
        wait.until(lambda: found and found[-1] >= sender.acknowledged[-1], 120, "the last event")
    assert found == sorted(set(found)), "twice or out of order"
    assert set(sender.acknowledged) <= set(found), "lost"
    assert len(sender.acknowledged) > KILLS * 50
