"""Back ends that read events on Qpid Proton, unmodified: another AMQP 1.0, with no word of Azure in it."""

import json
import uuid

import proton
import pytest
from proton import Delivery, Described, int32, symbol, timestamp, ulong

from harness import qpid

ARGUMENT, NOT_FOUND = "com.microsoft:argument-error", "amqp:not-found"


class TestEvents:
    @pytest.mark.parametrize("login", [qpid.plain, qpid.by_token])
    def test_with_every_login_on_every_wire(self, server, send, device_id, login, wire):
        selector = qpid.just_now(server)
        before_ms = server.now_ms()
        send(b'{"t":1}', messageid="m1", correlationid="c1", contenttype="application/json", contentencoding="utf-8", app_colour="red")
        with login(server, wire) as peer:
            if wire == "tls":
                assert peer.ssl.protocol_name() == "TLSv1.3"
            partition = qpid.partition_of(peer, device_id, selector)
            link = peer.attached(peer.receiver(qpid.partition_address(server, partition), selector, credit=300))
            event = peer.wait_events(link, device_id)[0]
        message = event.message
        assert (message.id, message.correlation_id, message.content_type, message.content_encoding) == (
            "m1",
            "c1",
            "application/json",
            "utf-8",
        )
        assert bytes(message.body) == b'{"t":1}' and message.properties == {"colour": "red"}
        annotations = message.annotations
        assert all(type(name) is symbol for name in annotations)
        assert type(annotations["x-opt-offset"]) is str and type(annotations["x-opt-sequence-number"]) is int
        assert int(annotations["x-opt-offset"]) == annotations["x-opt-sequence-number"]
        for name in ("x-opt-enqueued-time", "iothub-enqueuedtime"):
            assert type(annotations[name]) is timestamp and before_ms <= annotations[name] <= server.now_ms(), name
        assert annotations["x-opt-partition-key"] == annotations["iothub-connection-device-id"] == device_id
        assert annotations["iothub-message-source"] == "Telemetry"
        assert json.loads(annotations["iothub-connection-auth-method"])["type"] == "sas"

    def test_every_selector(self, server, send, peer, device_id):
        selector = qpid.just_now(server)
        for number in range(4):
            send(b"%d" % number)
        partition = qpid.partition_of(peer, device_id, selector)
        address = qpid.partition_address(server, partition)

        def bodies(asked, **options) -> list[int]:
            link = peer.attached(peer.receiver(address, asked, credit=1000, **options))
            peer.until(lambda: mine(link)[-1:] == [3], f"the last event by {asked}")
            link.close()
            return mine(link)

        def mine(link) -> list[int]:
            return [int(bytes(event.message.body)) for event in peer.events(link, device_id)]

        first = peer.receiver(address, selector, credit=1000)
        second = peer.wait_events(first, device_id, 4)[1]
        enqueued = int(second.message.annotations["x-opt-enqueued-time"])
        begin = qpid.describe(peer, type="com.microsoft:partition", partition=partition)["begin_sequence_number"]
        for selector in (None, qpid.since("offset", "-1"), qpid.since("sequence-number", "-1")):
            link = peer.attached(peer.receiver(address, selector, credit=1))
            assert peer.wait(link, 1)[0].offset == begin, f"{selector} is the start"
        for name in ("offset", "sequence-number"):
            assert bodies(qpid.since(name, second.offset)) == [2, 3]
            assert bodies(qpid.since(name, second.offset, ">=")) == [1, 2, 3]
        assert bodies(f"amqp.annotation.x-opt-offset > {second.offset}") == [2, 3], "without quotes"
        assert bodies(qpid.since("enqueued-time", enqueued, ">="))[-3:] == [1, 2, 3]
        assert 1 not in bodies(qpid.since("enqueued-time", enqueued))
        assert 1 in bodies(f"amqp.annotation.x-opt-enqueuedtimeutc > {enqueued - 1}")
        assert bodies(qpid.since("offset", second.offset), described=ulong(0x468C00000004)) == [2, 3], "the type by its number"
        latest = peer.attached(peer.receiver(address, qpid.since("offset", "@latest"), credit=1000))
        send(b"4")
        peer.wait_events(latest, device_id)
        assert mine(latest) == [4]

    def test_selectors_that_are_none(self, server, peer):
        address = qpid.partition_address(server, 0)
        for selector, words in [
            ("colour = 'red'", "one comparison"),
            (qpid.since("offset", "x"), "neither a number"),
            (qpid.since("colour", "1"), "compares `x-opt-colour`"),
            (qpid.since("offset", 2**50), "was never stored"),
        ]:
            condition = peer.refused(peer.receiver(address, selector, credit=1))
            assert condition.name == ARGUMENT and words in condition.description, selector
        peer.settled()

    def test_credit_one_by_one(self, server, send, peer, device_id):
        selector = qpid.just_now(server)
        for number in range(3):
            send(b"%d" % number)
        address = qpid.partition_address(server, qpid.partition_of(peer, device_id, selector))
        link = peer.attached(peer.receiver(address, selector))
        peer.settled()
        assert peer.of(link) == [], "no credit, no event"
        for count in range(1, 4):
            link.flow(1)
            peer.wait(link, count)
            peer.settled()
            assert len(peer.of(link)) == count and link.credit == 0
        offsets = [event.offset for event in peer.of(link)]
        assert offsets == sorted(set(offsets))

    def test_drain_gives_credit_back(self, server, send, peer, device_id):
        selector = qpid.just_now(server)
        send(b"0")
        address = qpid.partition_address(server, qpid.partition_of(peer, device_id, selector))
        link = peer.attached(peer.receiver(address, selector))
        link.drain(1000)
        peer.until(lambda: not link.draining(), "the end of the drain")
        link.drain_mode = False
        assert len(peer.events(link, device_id)) == 1 and link.credit == 0
        count = len(peer.of(link))
        send(b"1")
        peer.settled()
        assert len(peer.of(link)) == count, "what was drained is no credit"
        link.flow(300)
        assert bytes(peer.wait_events(link, device_id, 2)[-1].message.body) == b"1"

    def test_consumer_groups(self, server, roadstead, send, peer, device_id):
        words = ["--hub-name", roadstead.hub_name, "--name", device_id]
        roadstead("iot", "hub", "consumer-group", "create", *words)
        selector = qpid.just_now(server)
        send(b"1")
        partition = qpid.partition_of(peer, device_id, selector)
        for group in ("$Default", "$default", device_id):
            link = peer.attached(peer.receiver(qpid.partition_address(server, partition, group), selector, credit=300))
            peer.wait_events(link, device_id)
        roadstead("iot", "hub", "consumer-group", "delete", *words)
        condition = peer.refused(peer.receiver(qpid.partition_address(server, partition, device_id)))
        assert condition.name == NOT_FOUND and f"no consumer group `{device_id}`" in condition.description

    def test_a_higher_epoch_takes_over(self, server, consumer_group, peer):
        address = qpid.partition_address(server, 1, consumer_group)

        def epoch(level: int):
            return {symbol("com.microsoft:epoch"): level}

        first = peer.attached(peer.receiver(address, properties=epoch(1)))
        second = peer.attached(peer.receiver(address, properties=epoch(2)))
        assert peer.refused(first).name == "amqp:link:stolen"
        assert peer.refused(peer.receiver(address, properties=epoch(1))).name == "amqp:link:stolen"
        assert peer.settled().connection and second.state & proton.Endpoint.REMOTE_ACTIVE
        second.close()

    def test_the_largest_in_the_smallest_frames(self, server, send, device_id):
        selector = qpid.just_now(server)
        body = bytes(range(256)) * 1020
        send(body, app_a="x" * 1000)
        for max_frame_size in (512, 1000, 1 << 20):
            with qpid.plain(server, max_frame_size=max_frame_size) as peer:
                address = qpid.partition_address(server, qpid.partition_of(peer, device_id, selector))
                first = peer.receiver(address, selector, credit=300)
                offset = peer.wait_events(first, device_id)[0].offset
                first.close()
                peer.settled()
                link = peer.attached(peer.receiver(address, qpid.since("offset", offset, ">=")))
                before = peer.transport.frames_input
                link.flow(1)
                event = peer.wait(link, 1)[0]
                frames = peer.transport.frames_input - before
                assert bytes(event.message.body) == body and event.message.properties == {"a": "x" * 1000}
                least = len(body) // min(max_frame_size, peer.transport.remote_max_frame_size)
                assert least < frames < least * 1.3 + 10, "full frames, none beyond the client's size"

    def test_many_sessions_and_links(self, server, send, peer, device_id):
        """Five sessions, each with readers of every partition: all read everything, and one that ends ends alone."""
        selector = qpid.just_now(server)
        partitions = qpid.describe(peer)["partition_ids"].elements
        sessions = [peer.session() for _ in range(5)]
        links = [
            [peer.receiver(qpid.partition_address(server, partition), selector, session, credit=1000) for partition in partitions * 3]
            for session in sessions
        ]
        for link in sum(links, []):
            peer.attached(link)
        for number in range(3):
            send(b"%d" % number)

        def bodies(of) -> list[bytes]:
            return [bytes(event.message.body) for link in of for event in peer.events(link, device_id)]

        for of in links:
            peer.until(lambda: len(bodies(of)) >= 9, "three events thrice")
        sessions[0].close()
        peer.until(lambda: sessions[0].state & proton.Endpoint.REMOTE_CLOSED, "the end of a session")
        links[1][0].close()
        send(b"3")
        for of in links[2:]:
            peer.until(lambda: len(bodies(of)) >= 12, "the fourth event")
            assert sorted(bodies(of)) == sorted([b"0", b"1", b"2", b"3"] * 3)
        assert len(bodies(links[0])) == 9, "the session that ended hears no more"

    def test_goes_on_by_offset(self, server, send, device_id):
        """Cut without a word, again and again, in the middle of what it was sent: no gap, nothing twice."""
        selector = qpid.just_now(server)
        for number in range(12):
            send(b"%d" % number)
        with qpid.plain(server) as peer:
            address = qpid.partition_address(server, qpid.partition_of(peer, device_id, selector))
        found = []
        while len(found) < 12:
            peer = qpid.by_token(server)
            link = peer.attached(peer.receiver(address, selector, credit=5))
            for event in peer.wait(link, 1)[:3]:
                selector = qpid.since("offset", event.offset)
                if event.device_id == device_id:
                    found.append(int(bytes(event.message.body)))
            peer.cut()
        assert found == list(range(12))

    def test_dispositions_take_nothing_away(self, server, send, peer, device_id):
        selector = qpid.just_now(server)
        send(b"1")
        address = qpid.partition_address(server, qpid.partition_of(peer, device_id, selector))
        for outcome in (Delivery.ACCEPTED, Delivery.RELEASED, Delivery.REJECTED, Delivery.MODIFIED):
            link = peer.attached(peer.receiver(address, selector))
            link.flow(1)
            peer.wait(link, 1)[0].settle(outcome)
            peer.settled()
            link.close()
        second = peer.first_session.receiver("settles-second")
        second.source.address, second.rcv_settle_mode = address, proton.Link.RCV_SECOND
        second.source.filter.put_object({qpid.SELECTOR: Described(qpid.SELECTOR, selector)})
        peer.received[second.name] = []
        second.open()
        second.flow(1)
        event = peer.wait(second, 1)[0]
        assert not event.delivery.settled
        event.delivery.update(Delivery.ACCEPTED)
        peer.until(lambda: event.delivery.settled, "who settles second is answered")
        assert event.delivery.remote_state == Delivery.ACCEPTED


class TestManagement:
    def test_the_hub_and_its_partitions(self, server, send, peer):
        send(b"1")
        found = qpid.describe(peer)
        ids = found["partition_ids"]
        assert ids.type == proton.Data.STRING and found["partition_count"] == int32(len(ids.elements))
        assert (found["name"], found["type"], type(found["created_at"])) == (qpid.entity(server), "com.microsoft:eventhub", timestamp)
        states = [qpid.describe(peer, type="com.microsoft:partition", partition=number) for number in ids.elements]
        assert [state["partition"] for state in states] == list(ids.elements)
        last = max(states, key=lambda state: state["last_enqueued_time_utc"])
        assert not last["is_partition_empty"]
        assert type(last["last_enqueued_offset"]) is str and int(last["last_enqueued_offset"]) == last["last_enqueued_sequence_number"]

    def test_ids_come_back_as_they_are(self, peer):
        """Of every type that AMQP has for ids, and of the lengths at which encodings change."""
        texts = ["", "a", "ü€𝄞" * 30, "x" * 255, "x" * 256]
        numbers = [ulong(number) for number in (0, 1, 255, 256, 2**64 - 1)]
        blobs = [b"", b"\0\xff", b"b" * 255, b"b" * 256]
        for given in [*texts, *numbers, *blobs, uuid.UUID(int=0), uuid.uuid4()]:
            answer = peer.ask("$management", {"operation": "none"}, message_id=given)
            found = answer.correlation_id
            # Proton gives numbers without their type, and bytes as a view.
            found = bytes(found) if isinstance(found, memoryview) else found
            assert found == given and isinstance(given, type(found))

    def test_what_is_asked_wrongly(self, server, peer):
        for words, status in [
            ({"type": "com.microsoft:eventhub", "name": "another"}, 404),
            ({"type": "com.microsoft:partition", "partition": "999"}, 404),
            ({"type": "com.microsoft:colour"}, 400),
            ({"operation": "WRITE"}, 400),
        ]:
            asked = {"operation": "READ", "name": qpid.entity(server), "type": "com.microsoft:eventhub", **words}
            answer = peer.ask("$management", asked)
            assert answer.properties["status-code"] == status and answer.properties["status-description"], words

    def test_redirect(self, server, peer):
        for path in ("$management", "ConsumerGroups/$Default/Partitions/0"):
            condition = peer.refused(peer.receiver(f"amqps://{server.hub_host}/messages/events/{path}"))
            assert condition.name == "amqp:link:redirect"
            info = condition.info
            assert all(type(name) is symbol for name in info)
            assert (info["hostname"], info["network-host"]) == (server.hub_host, server.hub_host)
            address = info["address"]
            assert address == f"amqps://{server.hub_host}:{int(info['port'])}/{qpid.entity(server)}/{path}"
            if path == "$management":
                assert peer.ask(address, {"operation": "none"}).properties["status-code"] == 400
            else:
                peer.attached(peer.receiver(address))
