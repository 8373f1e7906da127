"""Qpid Proton on wires of ours: its engine has the codec, SASL, TLS and all rules of AMQP; a test moves the bytes.

So a test sees every frame's effect, gives credit one by one, stops reading, and speaks in WebSockets, which Proton cannot do.
"""

import itertools
import select
import socket
import time
from dataclasses import dataclass
from functools import cached_property

import proton
import websocket
from proton import Described, Message, SSLDomain, int32, symbol

from . import sas
from .server import Server

WIRES = ["plain", "tls", "ws"]
SELECTOR = symbol("apache.org:selector-filter:string")
FEEDBACK, DEVICEBOUND = "/messages/serviceBound/feedback", "/messages/devicebound"
WAIT_S = 30


@dataclass
class Received:
    """A delivery that is whole, not yet settled."""

    delivery: proton.Delivery
    raw: bytes

    @cached_property
    def message(self) -> Message:
        """Kept, since Proton's bodies are views of it."""
        made = Message()
        made.decode(self.raw)
        return made

    def settle(self, outcome) -> None:
        self.delivery.update(outcome)
        self.delivery.settle()

    @property
    def offset(self) -> int:
        return int(self.message.annotations["x-opt-offset"])

    @property
    def device_id(self) -> str:
        return self.message.annotations["iothub-connection-device-id"]


class Socket:
    """Bytes as they are."""

    has_rest = False

    def __init__(self, server: Server, port: int):
        self._socket = socket.create_connection((server.hub_host, port), timeout=10)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def receive(self, count: int) -> bytes | None:
        """`None` when nothing is there, empty when nothing more will come."""
        try:
            return self._socket.recv(count)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""

    def close(self) -> None:
        self._socket.close()


class WebSocket:
    """Bytes in binary messages."""

    def __init__(self, server: Server):
        url = f"wss://{server.hub_host}:{server.https_port}/$servicebus/websocket"
        self._socket = websocket.create_connection(url, subprotocols=["AMQPWSB10"], sslopt={"ca_certs": server.ca_file}, timeout=10)
        assert self._socket.getsubprotocol().upper() == "AMQPWSB10"
        self._rest = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_rest(self) -> bool:
        """Something was read from the socket and not yet received."""
        return bool(self._rest) or self._socket.sock.pending() > 0

    def send(self, data: bytes) -> int:
        self._socket.send_binary(data)
        return len(data)

    def receive(self, count: int) -> bytes | None:
        if not self._rest:
            if not self._socket.sock.pending() and not select.select([self._socket], [], [], 0)[0]:
                return None
            try:
                opcode, self._rest = self._socket.recv_data()
            except (websocket.WebSocketConnectionClosedException, ConnectionError):
                return b""
            if opcode != websocket.ABNF.OPCODE_BINARY:
                self._rest = b""
                return b""
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def close(self) -> None:
        self._socket.close(timeout=1)


class Peer:
    """One connection. Nothing moves but in `turn`, which all waits call."""

    def __init__(
        self, server: Server, wire: str = "plain", *, user=None, password=None, host=None, max_frame_size=None, idle_timeout_s=None
    ):
        self.server = server
        self.received: dict[str, list[Received]] = {}
        # Names of links that the server detached.
        self.gone: set[str] = set()
        self.lost: str | None = None
        self._names = itertools.count(1)
        self._partial: dict[str, bytes] = {}
        self._wire = WebSocket(server) if wire == "ws" else Socket(server, server.amqp_plain_port if wire == "plain" else server.amqp_port)
        self.transport = proton.Transport()
        if max_frame_size is not None:
            self.transport.max_frame_size = max_frame_size
        if idle_timeout_s is not None:
            self.transport.idle_timeout = idle_timeout_s
        sasl = self.transport.sasl()
        sasl.allow_insecure_mechs = True
        sasl.allowed_mechs("ANONYMOUS" if user is None else "PLAIN")
        if wire == "tls":
            domain = SSLDomain(SSLDomain.MODE_CLIENT)
            domain.set_trusted_ca_db(server.ca_file)
            domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
            self.ssl = proton.SSL(self.transport, domain)
            self.ssl.peer_hostname = server.hub_host
        self.connection = proton.Connection()
        self.connection.hostname = host or server.hub_host
        self.connection.container = f"qpid-{id(self)}"
        if user is not None:
            self.connection.user, self.connection.password = user, password
        self._collector = proton.Collector()
        self.connection.collect(self._collector)
        self.transport.bind(self.connection)
        self.connection.open()

    # --- the pump

    def turn(self, timeout_s: float = 0.05) -> None:
        """Moves what can be moved, after a wait for something to come if there is nothing to send."""
        if self.lost is None:
            self._send()
            waits = [self._wire]
            writes = waits if self.transport.pending() > 0 else []
            select.select(waits, writes, [], 0 if self._wire.has_rest else timeout_s)
            while self._receive():
                pass
            self.transport.tick(time.monotonic())
            self._send()
        self._note_events()

    def _send(self) -> None:
        while self.lost is None and (pending := self.transport.pending()) > 0:
            try:
                sent = self._wire.send(self.transport.peek(pending))
            except (OSError, websocket.WebSocketException) as error:
                self._lose(error)
                return
            if sent == 0:
                return
            self.transport.pop(sent)

    def _receive(self) -> bool:
        capacity = self.transport.capacity()
        if self.lost is not None or capacity <= 0:
            return False
        data = self._wire.receive(capacity)
        if data is None:
            return False
        if data == b"":
            self._lose("the server hung up")
            return False
        try:
            self.transport.push(data)
        except proton.TransportException as error:
            self._lose(error)
            return False
        self._note_events()
        return True

    def _lose(self, why) -> None:
        self.lost = str(why)
        try:
            self.transport.close_tail()
        except proton.TransportException:
            pass

    def _note_events(self) -> None:
        while event := self._collector.peek():
            if event.type == proton.Event.DELIVERY and event.link.is_receiver:
                self._take(event.delivery)
            elif event.type in (proton.Event.LINK_REMOTE_DETACH, proton.Event.LINK_REMOTE_CLOSE):
                self.gone.add(event.link.name)
            self._collector.pop()

    def _take(self, delivery: proton.Delivery) -> None:
        link = delivery.link
        if not delivery.readable:
            return
        name = link.name
        if delivery.pending:
            self._partial[name] = self._partial.get(name, b"") + link.recv(delivery.pending)
        if not delivery.partial:
            self.received[name].append(Received(delivery, self._partial.pop(name, b"")))
            link.advance()

    def until(self, condition, what: str, timeout_s: float = WAIT_S):
        """Turns until `condition` gives something true, and returns that."""
        deadline = time.monotonic() + timeout_s
        while True:
            if found := condition():
                return found
            if time.monotonic() >= deadline:
                raise AssertionError(f"{what}: not within {timeout_s} s; {self.lost or 'connected'}, {self.connection.remote_condition}")
            self.turn()

    def settled(self) -> "Peer":
        """All that was said is heard: what is asked now is answered behind whatever the server had to say before."""
        self.ask("$management", {"operation": "none"})
        return self

    # --- endpoints

    def opened(self) -> "Peer":
        self.until(lambda: self.connection.state & proton.Endpoint.REMOTE_ACTIVE, "open")
        return self

    def session(self) -> proton.Session:
        made = self.connection.session()
        made.open()
        return made

    @cached_property
    def first_session(self) -> proton.Session:
        """Of all links that are given no other."""
        return self.session()

    def sender(self, address: str, session=None) -> proton.Sender:
        link = (session or self.first_session).sender(f"to-{next(self._names)}")
        link.target.address = address
        link.open()
        return link

    def receiver(self, address: str, selector=None, session=None, credit: int = 0, properties=None, described=SELECTOR) -> proton.Receiver:
        link = (session or self.first_session).receiver(f"from-{next(self._names)}")
        link.source.address = address
        link.target.address = f"reply-{link.name}"
        if selector is not None:
            link.source.filter.put_object({SELECTOR: Described(described, selector)})
        if properties:
            link.properties = properties
        self.received[link.name] = []
        link.open()
        if credit:
            link.flow(credit)
        return link

    def attached(self, link):
        """Waits for the server's answer; fails if that is a refusal."""
        self.until(lambda: not link.state & proton.Endpoint.REMOTE_UNINIT, f"attach of {link.name}")
        for _ in range(2):
            self.turn(0)
        assert link.state & proton.Endpoint.REMOTE_ACTIVE, link.remote_condition
        return link

    def refused(self, link) -> proton.Condition:
        """Waits for the server to detach, and says why it did. Detaches too."""
        self.until(lambda: link.state & proton.Endpoint.REMOTE_CLOSED, f"refusal of {link.name}")
        link.close()
        return link.remote_condition

    def closed(self) -> proton.Condition:
        """Waits for the server to close the connection, and says why it did."""
        self.until(lambda: self.connection.state & proton.Endpoint.REMOTE_CLOSED, "close")
        return self.connection.remote_condition

    def of(self, link) -> list[Received]:
        return self.received[link.name]

    def wait(self, link, count: int, timeout_s: float = WAIT_S) -> list[Received]:
        self.until(lambda: len(self.of(link)) >= count, f"{count} messages on {link.name}, not {len(self.of(link))}", timeout_s)
        return self.of(link)

    def events(self, link, device_id: str) -> list[Received]:
        """A device's events so far, in order; partitions are shared with all other devices."""
        return [event for event in self.of(link) if event.device_id == device_id]

    def wait_events(self, link, device_id: str, count: int = 1) -> list[Received]:
        """At least `count` events of a device, however many of others come before them."""
        self.until(lambda: len(self.events(link, device_id)) >= count, f"{count} events of {device_id} on {link.name}")
        return self.events(link, device_id)

    def send(self, link: proton.Sender, message: Message | bytes) -> proton.Delivery:
        """Sends when there is credit; a message, or its very bytes."""
        self.until(lambda: link.credit > 0, "credit")
        delivery = link.delivery(link.delivery_tag())
        link.stream(message if isinstance(message, bytes) else message.encode())
        link.advance()
        return delivery

    def outcome(self, delivery: proton.Delivery):
        """What the server made of a message: the state, and the condition of a refusal."""
        self.until(lambda: delivery.remote_state, "outcome")
        state, condition = delivery.remote_state, delivery.remote.condition
        delivery.settle()
        return state, condition

    # --- Azure's words

    def ask(self, node: str, application: dict, body=None, message_id="1") -> Message:
        """A question on a pair of links; the answer."""
        answers = self.receiver(node, credit=1)
        questions = self.sender(node)
        self.send(questions, Message(id=message_id, reply_to=answers.target.address, properties=application, body=body))
        answer = self.wait(answers, 1)[0].message
        questions.close()
        answers.close()
        return answer

    def put_token(self, token: str, name: str | None = None) -> Message:
        words = {"operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": name or f"sb://{self.server.hub_host}"}
        return self.ask("$cbs", words, token)

    def end(self) -> None:
        """Says goodbye, and waits for the answer."""
        self.connection.close()
        deadline = time.monotonic() + 5
        while self.lost is None and not self.connection.state & proton.Endpoint.REMOTE_CLOSED and time.monotonic() < deadline:
            self.turn()
        self._wire.close()

    def cut(self) -> None:
        """Goes without a word."""
        self._wire.close()
        self.lost = "cut"

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_) -> None:
        if self.lost is None:
            self.end()


def policy(server: Server) -> tuple[str, str]:
    given = sas.parse_connection_string(server.exports["IOTHUB_CONNECTION_STRING"])
    return given["SharedAccessKeyName"], given["SharedAccessKey"]


def token(server: Server, ttl_s: int = 3600, resource: str | None = None) -> str:
    name, key = policy(server)
    return sas.token(resource or server.hub_host, key, ttl_s, policy=name)


def plain(server: Server, wire: str = "plain", **options) -> Peer:
    """Logged in by SASL PLAIN with a token of the hub's policy."""
    user = f"{policy(server)[0]}@sas.root.{server.hub_host.split('.')[0]}"
    return Peer(server, wire, **{"user": user, "password": token(server), **options}).opened()


def by_token(server: Server, wire: str = "plain", **options) -> Peer:
    """Logged in by a token put on `$cbs`."""
    peer = Peer(server, wire, **options).opened()
    answer = peer.put_token(token(server))
    assert (answer.properties["status-code"], type(answer.properties["status-code"])) == (200, int32), answer
    return peer


def entity(server: Server) -> str:
    return sas.parse_connection_string(server.exports["EVENTHUB_CONNECTION_STRING"])["EntityPath"]


def partition_address(server: Server, partition, group: str = "$Default") -> str:
    return f"{entity(server)}/ConsumerGroups/{group}/Partitions/{partition}"


def since(name: str, value, operator: str = ">") -> str:
    return f"amqp.annotation.x-opt-{name} {operator} '{value}'"


def just_now(server: Server) -> str:
    """A selector: whatever other tests sent was before."""
    return since("enqueued-time", server.now_ms() - 200, ">=")


def describe(peer: Peer, **more) -> dict:
    words = {"operation": "READ", "name": entity(peer.server), "type": "com.microsoft:eventhub", **more}
    answer = peer.ask("$management", words)
    assert answer.properties["status-code"] == 200, answer.properties
    return answer.body


def partition_of(peer: Peer, device_id: str, selector: str) -> str:
    """Where the device's events are."""
    links = {
        peer.receiver(partition_address(peer.server, partition), selector, credit=300): partition
        for partition in describe(peer)["partition_ids"].elements
    }

    def found():
        return [partition for link, partition in links.items() if peer.events(link, device_id)]

    (partition,) = peer.until(found, f"an event of {device_id}")
    for link in links:
        link.close()
    return partition


def to(device_id: str) -> str:
    """Where a message to a device goes, as its property `to` says."""
    return f"/devices/{device_id}/messages/devicebound"
