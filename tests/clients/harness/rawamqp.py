"""Readers of events in the smallest form of AMQP: hundreds of them cost a test nothing, and they may read as badly as they like."""

import select
import socket

from . import qpid
from .server import Server

NULL, CREDIT_MAX = b"\x40", 1_000_000
SEQUENCE_NUMBER = b"x-opt-sequence-number"
OPEN, BEGIN, ATTACH, FLOW, TRANSFER = 0x10, 0x11, 0x12, 0x13, 0x14


def uint(value: int) -> bytes:
    return b"\x70" + value.to_bytes(4)


def string(text: str, code: bytes = b"\xb1") -> bytes:
    return code + len(text.encode()).to_bytes(4) + text.encode()


def symbol(text: str) -> bytes:
    return string(text, b"\xb3")


def described(descriptor: int, *fields: bytes) -> bytes:
    items = b"".join(fields)
    return b"\x00\x53" + bytes([descriptor]) + b"\xd0" + (len(items) + 4).to_bytes(4) + len(fields).to_bytes(4) + items


def frame(body: bytes, kind: int = 0) -> bytes:
    return (len(body) + 8).to_bytes(4) + bytes([2, kind, 0, 0]) + body


def source(address: str, selector: str) -> bytes:
    key = symbol("apache.org:selector-filter:string")
    items = key + b"\x00" + key + string(selector)
    chosen = b"\xd1" + (len(items) + 4).to_bytes(4) + (2).to_bytes(4) + items
    return described(0x28, string(address), *[NULL] * 6, chosen)


def first_uint(body: bytes) -> int:
    """The first field of a performative."""
    at = 6 if body[3] == 0xC0 else 12
    code = body[at]
    if code == 0x43:
        return 0
    return body[at + 1] if code == 0x52 else int.from_bytes(body[at + 1 : at + 5])


class RawReader:
    """One connection without TLS, with a link for each of `places`: an address and a selector.

    `numbers` are the sequence numbers that came on each link. Nothing is read but in `turn`.
    """

    def __init__(self, server: Server, places: list[tuple[str, str]], credit: int = CREDIT_MAX, receive_buffer: int | None = None):
        self.numbers: list[list[int]] = [[] for _ in places]
        self.attached = 0
        self._input = b""
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(30)
        self._socket.connect((server.hub_host, server.amqp_plain_port))
        self._log_in(server)
        out = frame(described(OPEN, string("raw"), string(server.hub_host), uint(65536)))
        out += frame(described(BEGIN, NULL, uint(0), uint(2**31 - 1), uint(2**31 - 1)))
        for handle, (address, selector) in enumerate(places):
            target = described(0x29, string("here"))
            out += frame(described(ATTACH, string(f"raw-{handle}"), uint(handle), b"\x41", NULL, NULL, source(address, selector), target))
        self._socket.sendall(out)
        while self.attached < len(places):
            self._socket.settimeout(30)
            self.turn()
        if credit:
            # Of what is read after attach nothing was counted yet: windows and credit last for the whole test.
            flows = [
                described(FLOW, uint(0), uint(2**31 - 1), uint(0), uint(2**31 - 1), uint(n), uint(0), uint(credit))
                for n in range(len(places))
            ]
            self._socket.sendall(b"".join(frame(flow) for flow in flows))
        self._socket.setblocking(False)

    def _log_in(self, server: Server) -> None:
        user = f"{qpid.policy(server)[0]}@sas.root.{server.hub_host.split('.')[0]}"
        proof = f"\0{user}\0{qpid.token(server)}"
        self._socket.sendall(b"AMQP\x03\x01\x00\x00" + frame(described(0x41, symbol("PLAIN"), string(proof, b"\xb0")), 1))
        answer = b""
        # The header, the mechanisms, the outcome.
        while not (len(answer) > 12 and len(answer) > 8 + (first := int.from_bytes(answer[8:12]))):
            answer += self._socket.recv(4096)
        outcome = answer[8 + first + 8 :]
        assert outcome[2] == 0x44 and outcome[6:8] == b"\x50\x00", f"not logged in: {outcome}"
        self._socket.sendall(b"AMQP\x00\x01\x00\x00")
        header = self._socket.recv(8)
        assert header == b"AMQP\x00\x01\x00\x00", header

    def fileno(self) -> int:
        return self._socket.fileno()

    def turn(self) -> None:
        """Takes what is there. Fails when the server detaches, ends or closes anything."""
        data = self._socket.recv(1 << 20)
        assert data, "the server hung up"
        self._input += data
        at, end = 0, len(self._input)
        while end - at >= 8 and end - at >= (size := int.from_bytes(self._input[at : at + 4])):
            self._take(self._input[at + 8 : at + size])
            at += size
        self._input = self._input[at:]

    def _take(self, body: bytes) -> None:
        kind = body[2] if body else None
        if kind == TRANSFER:
            found = body.index(SEQUENCE_NUMBER) + len(SEQUENCE_NUMBER)
            number = body[found + 1] if body[found] == 0x55 else int.from_bytes(body[found + 1 : found + 9])
            self.numbers[first_uint(body)].append(number)
        elif kind == ATTACH:
            self.attached += 1
        else:
            assert kind in (None, OPEN, BEGIN, FLOW), f"the server said {kind:#x}: {body}"

    def close(self) -> None:
        self._socket.close()


def turn_all(readers: list[RawReader], timeout_s: float = 0.05) -> None:
    """Reads on every connection that has something."""
    for reader in select.select(readers, [], [], timeout_s)[0]:
        reader.turn()
