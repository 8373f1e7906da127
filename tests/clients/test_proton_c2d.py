"""Messages to devices and their feedback on Qpid Proton: every type and encoding that AMQP has, and what devices get of it."""

import json
import time
import uuid

import pytest
from proton import Delivery, Message, byte, char, decimal32, float32, int32, short, symbol, timestamp, ubyte, uint, ulong, ushort

from harness import qpid

ARGUMENT, NOT_FOUND = "com.microsoft:argument-error", "amqp:not-found"


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


class TestDevicebound:
    def test_sent_and_settled(self, server, service, key, device_id, wire):
        expiry = int(time.time()) + 600
        with qpid.by_token(server, wire) as peer:
            link = peer.attached(peer.sender(qpid.DEVICEBOUND))
            message = Message(b"hello", id="m1", address=qpid.to(device_id), correlation_id="c1", expiry_time=expiry)
            message.content_type, message.content_encoding = symbol("text/plain"), symbol("utf-8")
            message.properties = {"iothub-ack": "none", "colour": "red"}
            assert peer.outcome(peer.send(link, message)) == (Delivery.ACCEPTED, None)
        (got,) = service.take_messages(device_id, key)
        assert got.content == b"hello" and got.headers["iothub-app-colour"] == "red"
        assert (got.headers["iothub-messageid"], got.headers["iothub-correlationid"]) == ("m1", "c1")
        assert got.headers["iothub-contenttype"] == "text/plain" and got.headers["iothub-contentencoding"] == "utf-8"

    def test_refusals_leave_the_link(self, server, service, key, device_id, peer):
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        for message, name, words in [
            (Message(b"x", address=qpid.to("nobody")), NOT_FOUND, "nobody"),
            (Message(b"x", address="/colour"), ARGUMENT, "is no address of a device"),
            (Message(b"x"), ARGUMENT, "is no address of a device"),
            (Message(b"x", address=qpid.to(device_id), properties={"iothub-ack": "maybe"}), ARGUMENT, "iothub-ack"),
            (Message(b"x", address=qpid.to(device_id), properties={"l": [1]}), ARGUMENT, "`l` is no string"),
            (Message([1, 2], address=qpid.to(device_id)), ARGUMENT, "neither data nor a string"),
            (Message(b"x" * 66_000, address=qpid.to(device_id)), "amqp:link:message-size-exceeded", ""),
            (Message(b"x", address=qpid.to(device_id), expiry_time=time.time() + 3 * 86400), "com.microsoft:argument-out-of-range", ""),
            (b"\x00\x53\x75\xa0\x05abc", "amqp:decode-error", ""),
            (b"\xff", "amqp:decode-error", ""),
        ]:
            state, condition = peer.outcome(peer.send(link, message))
            assert state == Delivery.REJECTED, message
            assert condition.name == name and words in condition.description, condition
        late = Message(b"late", address=qpid.to(device_id), expiry_time=1)
        assert peer.outcome(peer.send(link, late))[0] == Delivery.ACCEPTED, "taken, and dead on arrival"
        assert service.take_messages(device_id, key) == []
        for _ in range(50):
            assert peer.outcome(peer.send(link, Message(b"x", address=qpid.to(device_id))))[0] == Delivery.ACCEPTED
        state, condition = peer.outcome(peer.send(link, Message(b"x", address=qpid.to(device_id))))
        assert (state, condition.name) == (Delivery.REJECTED, "amqp:resource-limit-exceeded")
        assert len(service.take_messages(device_id, key)) == 50

    def test_too_large_for_the_link(self, device_id, peer):
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        assert link.remote_max_message_size == 256 * 1024
        peer.send(link, Message(b"x" * (300 * 1024), address=qpid.to(device_id)))
        assert peer.refused(link).name == "amqp:link:message-size-exceeded"
        again = peer.attached(peer.sender(qpid.DEVICEBOUND))
        assert peer.outcome(peer.send(again, Message(b"x", address=qpid.to(device_id))))[0] in (Delivery.REJECTED, Delivery.ACCEPTED)

    @pytest.mark.parametrize("max_frame_size", [512, 65536])
    def test_the_largest_over_many_frames(self, server, service, key, device_id, max_frame_size):
        body = bytes(range(256)) * 250
        with qpid.plain(server, max_frame_size=max_frame_size) as peer:
            link = peer.attached(peer.sender(qpid.DEVICEBOUND))
            # A client may cut a message as small as it likes, whatever the server would take.
            message = Message(body, address=qpid.to(device_id)).encode()
            peer.until(lambda: link.credit > 0, "credit")
            delivery = link.delivery("1")
            for start in range(0, len(message), max_frame_size):
                link.stream(message[start : start + max_frame_size])
                peer.turn(0)
            link.advance()
            assert peer.outcome(delivery) == (Delivery.ACCEPTED, None)
        (got,) = service.take_messages(device_id, key)
        assert got.content == body

    def test_what_was_begun_and_given_up(self, service, key, device_id, peer):
        """Messages that are aborted in the middle never were, however many, and the next one is whole."""
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        for number in range(250):
            peer.until(lambda: link.credit > 0, "credit")
            begun = link.delivery(f"begun-{number}")
            link.stream(Message(b"x" * 2000, address=qpid.to(device_id)).encode()[:1500])
            peer.turn(0)
            begun.abort()
            peer.turn(0)
        assert peer.outcome(peer.send(link, Message(b"next", address=qpid.to(device_id))))[0] == Delivery.ACCEPTED
        assert [got.content for got in service.take_messages(device_id, key)] == [b"next"]

    def test_properties_of_every_type(self, server, service, key, device_id, peer):
        """As Proton encodes them; devices get text."""
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        at = timestamp(1_795_294_800_123)
        name = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
        given = {
            "string": ("ü" * 20, "ü" * 20),
            "long-string": ("x" * 300, "x" * 300),
            "empty": ("", ""),
            "symbol": (symbol("red"), "red"),
            "true": (True, "true"),
            "false": (False, "false"),
            "ubyte": (ubyte(255), "255"),
            "ushort": (ushort(65535), "65535"),
            "uint-0": (uint(0), "0"),
            "uint-255": (uint(255), "255"),
            "uint": (uint(2**32 - 1), "4294967295"),
            "ulong-0": (ulong(0), "0"),
            "ulong": (ulong(2**64 - 1), "18446744073709551615"),
            "byte": (byte(-128), "-128"),
            "short": (short(-32768), "-32768"),
            "int-small": (int32(-1), "-1"),
            "int": (int32(-(2**31)), "-2147483648"),
            "long-small": (-128, "-128"),
            "long": (-(2**63), "-9223372036854775808"),
            "float": (float32(0.5), "0.5"),
            "double": (-1.25e300, None),
            "char": (char("x"), "x"),
            "timestamp": (at, "2026-11-21T21:00:00.1230000Z"),
            "uuid": (name, str(name)),
            "binary": (b"bytes", "bytes"),
        }
        for kind, (value, _) in given.items():
            message = Message(kind.encode(), address=qpid.to(device_id), properties={"p": value})
            assert peer.outcome(peer.send(link, message)) == (Delivery.ACCEPTED, None), kind
        got = {one.content.decode(): one.headers.get("iothub-app-p") for one in service.take_messages(device_id, key)}
        assert list(got) == list(given)
        for kind, (value, text) in given.items():
            if text is None:
                assert float(got[kind]) == value
            elif kind == "string":
                assert got[kind].encode("latin-1").decode() == text or got[kind] == text
            else:
                assert got[kind] == text, kind
        state, condition = peer.outcome(peer.send(link, Message(b"", address=qpid.to(device_id), properties={"p": decimal32(7)})))
        assert (state, condition.name) == (Delivery.REJECTED, ARGUMENT)

    def test_ids_and_bodies_of_every_type(self, server, service, key, device_id, peer):
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        name = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")
        for given, text in [("m", "m"), (ulong(0), "0"), (ulong(300), "300"), (name, str(name)), (b"raw", "raw")]:
            for body in (b"data", "text", None):
                message = Message(body, id=given, correlation_id=given, address=qpid.to(device_id), inferred=body == b"data")
                assert peer.outcome(peer.send(link, message)) == (Delivery.ACCEPTED, None)
                (got,) = service.take_messages(device_id, key)
                assert got.headers["iothub-messageid"] == got.headers["iothub-correlationid"] == text
                assert got.content == {b"data": b"data", "text": b"text", None: b""}[body]

    def test_odd_encodings(self, server, service, key, device_id, peer):
        """What the standard allows and no encoder writes, carried by Proton as it is."""
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        for what, bytes_ in odd_encodings(qpid.to(device_id).encode()).items():
            assert peer.outcome(peer.send(link, bytes_)) == (Delivery.ACCEPTED, None), what
            (got,) = service.take_messages(device_id, key)
            assert (got.content, got.headers.get("iothub-app-k")) == (b"hello", "v"), what
            # Proton is the judge of whether it was AMQP at all; it does not know sections by their names.
            if what == "descriptors as symbols":
                continue
            oracle = Message()
            oracle.decode(bytes_)
            assert oracle.address == qpid.to(device_id) and oracle.properties == {"k": "v"}, what


class TestFeedback:
    @pytest.mark.slow
    def test_accepted_released_rejected(self, server, service, key, device_id, peer):
        link = peer.attached(peer.sender(qpid.DEVICEBOUND))
        feedback = peer.attached(peer.receiver(qpid.FEEDBACK))
        message = Message(b"x", id=f"of-{device_id}", address=qpid.to(device_id), properties={"iothub-ack": "full"})
        assert peer.outcome(peer.send(link, message))[0] == Delivery.ACCEPTED
        service.take_messages(device_id, key)

        def records(batch) -> list[dict]:
            found = json.loads(bytes(batch.message.body))
            return [record for record in found if record["originalMessageId"] == f"of-{device_id}"]

        def told():
            """The batch that tells of the message; others, of other tests, are accepted."""
            while True:
                feedback.flow(1)
                batch = peer.wait(feedback, len(peer.of(feedback)) + 1)[-1]
                if records(batch):
                    return batch
                batch.settle(Delivery.ACCEPTED)

        first = told()
        assert first.message.content_type == "application/vnd.microsoft.iothub.feedback.json"
        assert type(first.message.annotations["iothub-enqueuedtime"]) is timestamp
        (record,) = records(first)
        assert (record["deviceId"], record["statusCode"], record["description"]) == (device_id, "Success", "Success")
        for outcome in (Delivery.RELEASED, Delivery.MODIFIED):
            first.settle(outcome)
            again = told()
            assert bytes(again.message.body) == bytes(first.message.body), "what is given back comes again"
            first = again
        first.settle(Delivery.REJECTED)
        count = len(peer.of(feedback))
        feedback.drain(10)
        peer.until(lambda: not feedback.draining(), "the end of the drain")
        assert not any(records(batch) for batch in peer.of(feedback)[count:]), "what is rejected is gone"


def odd_encodings(address: bytes) -> dict[str, bytes]:
    """Messages that all say `hello`, with the application property `k` of `v`."""

    def str8(text: bytes) -> bytes:
        return b"\xa1" + bytes([len(text)]) + text

    def str32(text: bytes) -> bytes:
        return b"\xb1" + len(text).to_bytes(4) + text

    def sized32(code: bytes, count: int, items: bytes) -> bytes:
        return code + (len(items) + 4).to_bytes(4) + count.to_bytes(4) + items

    def sized8(code: bytes, count: int, items: bytes) -> bytes:
        return code + bytes([len(items) + 1, count]) + items

    def section(code: int, value: bytes) -> bytes:
        return b"\x00\x53" + bytes([code]) + value

    to8 = sized8(b"\xc0", 3, b"\x40\x40" + str8(address))
    properties = section(0x73, to8)
    application = section(0x74, sized8(b"\xc1", 2, str8(b"k") + str8(b"v")))
    data = section(0x75, b"\xa0\x05hello")
    return {
        "as most write it": properties + application + data,
        "wide": section(0x73, sized32(b"\xd0", 3, b"\x40\x40" + str32(address)))
        + section(0x74, sized32(b"\xd1", 2, str32(b"k") + str32(b"v")))
        + section(0x75, b"\xb0\x00\x00\x00\x05hello"),
        "descriptors as eight bytes": b"\x00\x80"
        + (0x73).to_bytes(8)
        + to8
        + b"\x00\x80"
        + (0x74).to_bytes(8)
        + application[3:]
        + b"\x00\x80"
        + (0x75).to_bytes(8)
        + data[3:],
        "descriptors as symbols": b"\x00\xa3\x14amqp:properties:list"
        + to8
        + b"\x00\xa3\x1famqp:application-properties:map"
        + application[3:]
        + b"\x00\xb3\x00\x00\x00\x10amqp:data:binary"
        + data[3:],
        "trailing nulls": section(0x73, sized8(b"\xc0", 13, b"\x40\x40" + str8(address) + b"\x40" * 10)) + application + data,
        "data in pieces, some empty": properties
        + application
        + section(0x75, b"\xa0\x02he")
        + section(0x75, b"\xa0\x00")
        + section(0x75, b"\xb0\x00\x00\x00\x03llo"),
        "a string as the value": properties + application + section(0x77, str32(b"hello")),
        "every section": section(0x70, sized8(b"\xc0", 5, b"\x56\x01\x50\x04\x52\x09\x42\x43"))
        + section(0x71, sized8(b"\xc1", 2, b"\xa3\x01a\x45"))
        + section(0x72, sized8(b"\xc1", 4, b"\xa3\x01b\xf0\x00\x00\x00\x05\x00\x00\x00\x02\x40" + b"\xa3\x01c\xe0\x04\x02\x50\x01\x02"))
        + properties
        + application
        + data
        + section(0x78, sized8(b"\xc1", 2, b"\xa3\x01d\x00\x80\x00\x00\x00\x00\x00\x00\x00\x2a\xc0\x01\x00")),
        "an empty header and empty maps": section(0x70, b"\x45")
        + section(0x72, b"\xc1\x01\x00")
        + properties
        + application
        + data
        + section(0x78, b"\xd1\x00\x00\x00\x04\x00\x00\x00\x00"),
    }
