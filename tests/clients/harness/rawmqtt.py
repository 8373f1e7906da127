"""MQTT 3.1.1 in the smallest form that lets a test say anything, right or wrong, and see every answer."""

import socket
import ssl
import struct
import time
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 10, 11, 12, 13, 14


class Closed(Exception):
    """The server ended the connection."""


@dataclass
class Packet:
    kind: int
    flags: int
    rest: bytes

    @property
    def packet_id(self) -> int:
        return struct.unpack("!H", self.rest[:2])[0]


@dataclass
class Connack:
    session_present: bool
    code: int


@dataclass
class Message:
    topic: str
    qos: int
    packet_id: int | None
    payload: bytes
    is_dup: bool = False


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(raw)) + raw


def packet(kind: int, flags: int, rest: bytes) -> bytes:
    length, size = b"", len(rest)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return bytes([kind << 4 | flags]) + length + rest


@dataclass
class Will:
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


def connect_packet(client_id, username=None, password=None, clean=True, keepalive_s=60, will=None, name="MQTT", level=4) -> bytes:
    flags, tail = (0x02 if clean else 0), text(client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        tail += text(will.topic) + text(will.payload)
    if username is not None:
        flags |= 0x80
        tail += text(username)
    if password is not None:
        flags |= 0x40
        tail += text(password)
    properties = b"\0" if level == 5 else b""
    return packet(CONNECT, 0, text(name) + bytes([level, flags]) + struct.pack("!H", keepalive_s) + properties + tail)


def publish_packet(topic, payload: bytes, qos=1, packet_id=1, retain=False, dup=False) -> bytes:
    flags = (8 if dup else 0) | qos << 1 | (1 if retain else 0)
    return packet(PUBLISH, flags, text(topic) + (struct.pack("!H", packet_id) if qos else b"") + payload)


def subscribe_packet(*filters, qos=1, packet_id=1) -> bytes:
    return packet(SUBSCRIBE, 2, struct.pack("!H", packet_id) + b"".join(text(each) + bytes([qos]) for each in filters))


def tls_context(ca_file: str, certificate=None) -> ssl.SSLContext:
    """`certificate` is `(chain file, key file)`."""
    context = ssl.create_default_context(cafile=ca_file)
    if certificate is not None:
        context.load_cert_chain(*map(str, certificate))
    return context


class RawMqtt:
    """One connection. Every wait ends after `timeout_s` with `TimeoutError`, every close with `Closed`."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext, timeout_s: float = 30, resume: ssl.SSLSession | None = None, address=None
    ):
        """`address` is where a `host` that does not resolve here is listening."""
        plain = socket.create_connection((address or host, port), timeout=timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname=host, session=resume)
        self._buffer = b""
        self._next_id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def drop(self) -> None:
        """Closes the socket without a DISCONNECT."""
        self._socket.close()

    def shut(self) -> None:
        """Ends the connection under a thread that reads it."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    @property
    def tls_session(self) -> ssl.SSLSession:
        """What another connection with the same context may resume; with TLS 1.3, once something was read."""
        return self._socket.session

    @property
    def is_resumed(self) -> bool:
        return self._socket.session_reused

    def send(self, raw: bytes) -> None:
        try:
            self._socket.sendall(raw)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed from error

    def _receive(self) -> None:
        try:
            more = self._socket.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed from error
        if not more:
            raise Closed
        self._buffer += more

    def read(self) -> Packet:
        while (found := self._take()) is None:
            self._receive()
        return found

    def read_or_closed(self) -> Packet | None:
        """The next packet; `None` when the server closes instead."""
        try:
            return self.read()
        except Closed:
            return None

    def _take(self) -> Packet | None:
        length, shift, at = 0, 0, 1
        while True:
            if len(self._buffer) <= at:
                return None
            byte = self._buffer[at]
            length |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if byte < 0x80:
                break
        if len(self._buffer) < at + length:
            return None
        first, rest = self._buffer[0], self._buffer[at : at + length]
        self._buffer = self._buffer[at + length :]
        return Packet(first >> 4, first & 15, rest)

    def expect(self, kind: int) -> Packet:
        found = self.read()
        assert found.kind == kind, f"expected packet type {kind}, got {found}"
        return found

    def next_id(self) -> int:
        self._next_id = self._next_id % 65535 + 1
        return self._next_id

    def connect(self, client_id, username=None, password=None, **options) -> Connack:
        self.send(connect_packet(client_id, username, password, **options))
        rest = self.expect(CONNACK).rest
        return Connack(bool(rest[0] & 1), rest[1])

    def publish(self, topic, payload: bytes, qos=1, **options) -> None:
        """Returns when the message is acknowledged (QoS 1) or written (QoS 0)."""
        packet_id = self.next_id()
        self.send(publish_packet(topic, payload, qos, packet_id, **options))
        if qos == 1:
            assert self.expect(PUBACK).packet_id == packet_id

    def subscribe(self, *filters, qos=1) -> list[int]:
        """Granted QoS of each filter."""
        packet_id = self.next_id()
        self.send(subscribe_packet(*filters, qos=qos, packet_id=packet_id))
        answer = self.expect(SUBACK)
        assert answer.packet_id == packet_id
        return list(answer.rest[2:])

    def unsubscribe(self, *filters) -> None:
        packet_id = self.next_id()
        self.send(packet(UNSUBSCRIBE, 2, struct.pack("!H", packet_id) + b"".join(map(text, filters))))
        assert self.expect(UNSUBACK).packet_id == packet_id

    def message(self, acknowledge: bool = True) -> Message:
        """The next packet, which must be a PUBLISH, acknowledged unless told otherwise."""
        return self.as_message(self.expect(PUBLISH), acknowledge)

    def as_message(self, found: Packet, acknowledge: bool = True) -> Message:
        qos = found.flags >> 1 & 3
        size = struct.unpack("!H", found.rest[:2])[0]
        topic, rest = found.rest[2 : 2 + size].decode(), found.rest[2 + size :]
        if qos == 0:
            return Message(topic, qos, None, rest)
        packet_id = struct.unpack("!H", rest[:2])[0]
        if acknowledge:
            self.acknowledge(packet_id)
        return Message(topic, qos, packet_id, rest[2:], bool(found.flags & 8))

    def acknowledge(self, packet_id: int) -> None:
        self.send(packet(PUBACK, 0, struct.pack("!H", packet_id)))

    def ping(self) -> None:
        self.send(packet(PINGREQ, 0, b""))
        self.expect(PINGRESP)

    def disconnect(self) -> None:
        self.send(packet(DISCONNECT, 0, b""))
        self.drop()

    def wait_closed(self, timeout_s: float = 30) -> float:
        """Seconds until the server closed; fails when it sends a packet or stays."""
        begin = time.monotonic()
        self._socket.settimeout(timeout_s)
        try:
            unexpected = self.read()
        except Closed:
            return time.monotonic() - begin
        except TimeoutError:
            raise AssertionError(f"the server kept the connection for {timeout_s} s") from None
        raise AssertionError(f"the server sent {unexpected} instead of closing")
