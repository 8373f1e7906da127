"""Hundreds of readers of the built-in endpoint at once, some of which read badly, while telemetry flows."""

import contextlib
import statistics
import threading
import time

import pytest

from harness import hub, qpid
from harness.cli import Roadstead
from harness.load import Sender
from harness.rawamqp import RawReader, turn_all
from harness.rawmqtt import publish_packet

FAST_CONNECTIONS, STUCK_CONNECTIONS, THIRSTY_CONNECTIONS = 25, 15, 5
LINKS_EACH = 12
EVENTS, BODY_BYTES, SENDERS = 1500, 1500, 8
# `EVENT_BYTES_AHEAD_MAX` and `EVENT_BYTES_KEPT_MAX` of the AMQP front: what a connection may wait to send, and may have read ahead.
CONNECTION_BYTES_MAX = (128 + 512) * 1024
# Telemetry and the log's own buffers, and what an allocator keeps.
OTHER_BYTES_MAX = 16 * 1024 * 1024


class Probe:
    """A device that sends one message at a time, and times each acknowledgement."""

    def __init__(self, server, key: str):
        self._server, self._key = server, key
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seconds: list[float] = []
        self.surprise: BaseException | None = None

    def _run(self) -> None:
        try:
            with hub.connected(self._server, "probe", self._key) as mqtt:
                topic = hub.events_topic("probe")
                while not self._stopped.is_set():
                    begin = time.monotonic()
                    mqtt.publish(topic, b"{}")
                    self.seconds.append(time.monotonic() - begin)
        except BaseException as error:
            self.surprise = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(30)
        assert self.surprise is None, self.surprise


@pytest.mark.slow
def test_slow_readers_cost_nobody_anything(own_server):
    server = own_server.start()
    roadstead = Roadstead(server)
    senders = [Sender(server, f"soak-{n}", roadstead.device_key(f"soak-{n}"), BODY_BYTES) for n in range(SENDERS)]
    probe_key = roadstead.device_key("probe")
    with qpid.plain(server) as peer:
        partitions = peer.ask("$management", READ | {"name": qpid.entity(server)}).body["partition_ids"].elements

    def places(first: int) -> list[tuple[str, str]]:
        numbers = [(first + n) % len(partitions) for n in range(LINKS_EACH)]
        return [(qpid.partition_address(server, number), qpid.since("offset", -1)) for number in numbers]

    with contextlib.ExitStack() as closing:

        def connect(count: int, **options) -> list[RawReader]:
            made = [RawReader(server, places(n), **options) for n in range(count)]
            for reader in made:
                closing.callback(reader.close)
            return made

        def send_and_read() -> list[float]:
            """All devices send; all fast readers have read it in the end. How long each of the probe's messages took."""
            with Probe(server, probe_key) as probe:
                for sender in senders:
                    sender.start(EVENTS // SENDERS)
                while any(sender.is_sending for sender in senders):
                    turn_all(fast)
            for sender in senders:
                sender.join()
            read_all(fast)
            return probe.seconds

        def read_all(readers: list[RawReader], timeout_s: float = 120) -> None:
            last = last_numbers(server, partitions)
            deadline = time.monotonic() + timeout_s
            while any(expected(reader, n, last) for n, reader in enumerate(readers)):
                assert time.monotonic() < deadline, "not all was read"
                turn_all(readers)

        def expected(reader: RawReader, first: int, last: list[int]) -> bool:
            """Whether something is still to come."""
            ends = [last[(first + n) % len(partitions)] for n in range(LINKS_EACH)]
            return any((numbers[-1] if numbers else -1) < end for numbers, end in zip(reader.numbers, ends, strict=True))

        fast = connect(FAST_CONNECTIONS)
        alone = send_and_read()
        before_kib = server.resident_kib()
        stuck = connect(STUCK_CONNECTIONS, receive_buffer=4096)
        thirsty = connect(THIRSTY_CONNECTIONS, credit=0)
        beside = send_and_read()
        grown = (server.resident_kib() - before_kib) * 1024

        slow_connections = STUCK_CONNECTIONS + THIRSTY_CONNECTIONS
        assert grown <= slow_connections * CONNECTION_BYTES_MAX + OTHER_BYTES_MAX, f"{grown} bytes more"
        assert not any(sum(reader.numbers, []) for reader in [*stuck, *thirsty]), "they did read"
        assert statistics.median(beside) <= 3 * statistics.median(alone) + 0.2, (statistics.median(alone), statistics.median(beside))
        assert max(beside) < 15
        # In the end they do read, and have missed nothing either.
        read_all(stuck)
        for reader in [*fast, *stuck]:
            for numbers in reader.numbers:
                assert numbers == list(range(numbers[-1] + 1)), "a gap, or something twice"


READ = {"operation": "READ", "type": "com.microsoft:eventhub"}


def last_numbers(server, partitions) -> list[int]:
    """The last sequence number of each partition."""
    with qpid.plain(server) as peer:
        words = READ | {"name": qpid.entity(server), "type": "com.microsoft:partition"}
        states = [peer.ask("$management", words | {"partition": partition}).body for partition in partitions]
    return [state["last_enqueued_sequence_number"] for state in states]
