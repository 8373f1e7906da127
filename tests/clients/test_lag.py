"""How far consumer groups are: an unmodified azure-eventhub reads, stops and reads on, and what it was not given yet is counted.

On a server of this file alone: what nobody else sends and reads can be counted to the event.
"""

import re

import pytest

from harness import eventhub, hub, wait
from harness.cli import Roadstead
from harness.server import Server, free_port
from harness.service import Service

SOON_S = 30
FLAVOUR = "sync-plain"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("lag"), free_port(), free_port())
    try:
        yield running.start()
    finally:
        running.end()


@pytest.fixture(scope="module")
def command_line(server):
    return Roadstead(server)


@pytest.fixture
def rows(server, consumer_group):
    """What the hub says of the group, for each partition."""
    service = Service(server)

    def asked() -> list[dict]:
        groups = service.ok("GET", "/statistics/consumers")["consumerGroups"]
        return next(group["partitions"] for group in groups if group["consumerGroup"] == consumer_group)

    return asked


def readers(rows: list[dict], count: int) -> bool:
    """So many at every partition: azure-eventhub comes to one after the other."""
    return all(row["readers"] == count for row in rows)


def lag(rows: list[dict]) -> dict[str, int | None]:
    """`None` where nobody has read."""
    return {row["partitionId"]: row.get("lag") for row in rows}


def test_what_was_not_delivered_is_counted(server, roadstead, send, device_id, consumer_group, rows):
    for number in range(2):
        send(b"%d" % number)
    places = [row["partitionId"] for row in rows()]
    assert readers(rows(), 0) and lag(rows()) == dict.fromkeys(places) and not any("deliveredTime" in row for row in rows())

    none = dict.fromkeys(places, 0)
    with eventhub.Reader(server, FLAVOUR, consumer_group) as reader:
        reader.wait(device_id, 2)
        wait.until(lambda: readers(rows(), 1), SOON_S, "a reader at every partition")
        wait.until(lambda: lag(rows()) == none, SOON_S, "all is delivered")
    wait.until(lambda: readers(rows(), 0), SOON_S, "the readers are gone")
    partition, event = next((place, event) for place, event in reader.events if eventhub.device(event) == device_id)
    read = next(row for row in rows() if row["partitionId"] == partition)
    assert read["deliveredSequenceNumber"] == read["lastEnqueuedSequenceNumber"] == event.sequence_number + 1
    assert read["deliveredTime"] >= read["lastEnqueuedTime"]

    for number in range(2, 5):
        send(b"%d" % number)
    assert lag(rows()) == {**none, partition: 3}
    listed = [row for row in roadstead.hub("consumer-group", "lag") if row["consumerGroup"] == consumer_group]
    assert [{name: value for name, value in row.items() if name != "consumerGroup"} for row in listed] == rows()
    table = roadstead.text("iot", "hub", "consumer-group", "lag", "-n", roadstead.hub_name, "-o", "table")
    assert table.splitlines()[0].split()[:4] == ["Group", "Partition", "Readers", "Lag"]
    assert re.search(rf"^{re.escape(consumer_group)} +{partition} +0 +3 ", table, re.MULTILINE), table

    goes_on = {**dict.fromkeys(places, "@latest"), partition: str(read["deliveredSequenceNumber"])}
    with eventhub.Reader(server, FLAVOUR, consumer_group, starting_position=goes_on) as reader:
        assert [event.body_as_str() for event in reader.wait(device_id, 3)] == ["2", "3", "4"]
        wait.until(lambda: lag(rows()) == none, SOON_S, "it caught up")


def test_a_group_made_again_was_never_read(server, roadstead, send, device_id, consumer_group, rows):
    send(b"1")
    with eventhub.Reader(server, FLAVOUR, consumer_group) as reader:
        reader.wait(device_id, 1)
        wait.until(lambda: readers(rows(), 1), SOON_S, "a reader at every partition")
    wait.until(lambda: readers(rows(), 0), SOON_S, "the readers are gone")
    assert None not in lag(rows()).values()
    roadstead.hub("consumer-group", "delete", "--name", consumer_group)
    roadstead.hub("consumer-group", "create", "--name", consumer_group)
    assert set(lag(rows()).values()) == {None}
