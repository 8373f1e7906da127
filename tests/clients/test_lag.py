"""How far consumer groups are: an unmodified azure-eventhub reads, stops and reads on, and what it was not given yet is counted."""

import datetime
import re

import pytest

from harness import eventhub, wait

pytestmark = pytest.mark.usefixtures("port_5671")


@pytest.fixture
def group(roadstead, device_id):
    """A consumer group that nobody else reads in."""
    roadstead.hub("consumer-group", "create", "--name", device_id)
    yield device_id
    roadstead.hub("consumer-group", "delete", "--name", device_id)


@pytest.fixture
def rows(roadstead, group):
    """What the command line says of the group, for each partition."""

    def asked() -> list[dict]:
        return [row for row in roadstead.hub("consumer-group", "lag") if row["consumerGroup"] == group]

    return asked


def lag(rows: list[dict]) -> int:
    return sum(row["lag"] for row in rows)


def test_what_was_not_delivered_is_counted(server, roadstead, send, device_id, group, rows):
    since = datetime.datetime.now(datetime.UTC)
    for number in range(2):
        send(b"%d" % number)
    assert {row["readers"] for row in rows()} == {0} and not any("lag" in row or "deliveredTime" in row for row in rows())

    with eventhub.Reader(server, group=group, starting_position=since) as reader:
        reader.wait(device_id, 2)
        wait.until(lambda: lag(rows()) == 0, 20, "all is delivered")
        assert {row["readers"] for row in rows()} == {1}
    wait.until(lambda: {row["readers"] for row in rows()} == {0}, 20, "the readers are gone")
    places = {row["partitionId"]: row for row in rows()}
    partition = next(number for number, event in reader.events if eventhub.device(event) == device_id)
    assert places[partition]["deliveredSequenceNumber"] == places[partition]["lastEnqueuedSequenceNumber"]
    assert places[partition]["deliveredTime"] >= places[partition]["lastEnqueuedTime"]

    for number in range(2, 5):
        send(b"%d" % number)
    behind = {row["partitionId"]: row["lag"] for row in rows()}
    assert behind == {number: 3 if number == partition else 0 for number in places}
    table = roadstead.text("iot", "hub", "consumer-group", "lag", "-n", roadstead.hub_name, "-o", "table")
    assert table.splitlines()[0].split()[:4] == ["Group", "Partition", "Readers", "Lag"]
    assert re.search(rf"^{re.escape(group)} +{partition} +0 +3 ", table, re.MULTILINE), table

    positions = {number: str(row["deliveredSequenceNumber"]) if "deliveredSequenceNumber" in row else "@latest" for number, row in places.items()}
    with eventhub.Reader(server, group=group, starting_position=positions) as reader:
        assert [event.body_as_str() for event in reader.wait(device_id, 3)] == ["2", "3", "4"]
        wait.until(lambda: lag(rows()) == 0, 20, "it caught up")


def test_a_group_made_again_was_never_read(server, roadstead, send, device_id, group, rows):
    since = datetime.datetime.now(datetime.UTC)
    send(b"1")
    with eventhub.Reader(server, group=group, starting_position=since) as reader:
        reader.wait(device_id, 1)
    wait.until(lambda: {row["readers"] for row in rows()} == {0}, 20, "the readers are gone")
    assert all("lag" in row for row in rows())
    roadstead.hub("consumer-group", "delete", "--name", group)
    roadstead.hub("consumer-group", "create", "--name", group)
    assert not any("lag" in row for row in rows())
