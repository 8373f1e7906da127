"""Peers that mean ill or talk nonsense, in numbers: bounded, and a good client hardly notices."""

import contextlib
import random
import resource
import socket
import ssl
import threading
import time

import pytest

from harness import hub
from harness.rawmqtt import Closed, tls_context

JUNK_CONNECTIONS = 10_000
JUNK_AT_ONCE = 500
LORISES_OF_A_KIND = 50
GIVEN_UP_WITHIN_S = 75
GROWTH_KIB_MAX = 64 * 1024
# Less than any time after which a server gives a junk connection up: a good client waits for none of them.
PATIENCE_S = 8


@pytest.fixture(autouse=True)
def many_files():
    """A flood needs more open files than a shell allows at first."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def good_client(server, roadstead, device_id):
    """Connects, sends, leaves; the seconds that took."""
    key = roadstead.device_key(device_id)

    def visit() -> float:
        begin = time.monotonic()
        with hub.connected(server, device_id, key) as mqtt:
            mqtt.publish(hub.events_topic(device_id), b"{}")
        return time.monotonic() - begin

    visit()
    return visit


def plain(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def client_hello() -> bytes:
    """The first flight of a good TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.timeout(180)
def test_ten_thousand_junk_connections(server, good_client):
    """Silent ones, noise, HTTP in clear, half a ClientHello: on both ports, five hundred at a time."""
    chance = random.Random(10_000)
    hello = client_hello()
    kinds = [
        lambda: b"",
        lambda: chance.randbytes(chance.randrange(1, 400)),
        lambda: b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        lambda: hello[: chance.randrange(1, len(hello))],
        lambda: b"\x16\x03\x01\xff\xff" + chance.randbytes(1000),
    ]
    before_kib = server.resident_kib()
    slowest = 0.0
    for _ in range(JUNK_CONNECTIONS // JUNK_AT_ONCE):
        with contextlib.ExitStack() as open_ones:
            for number in range(JUNK_AT_ONCE):
                port = server.mqtt_port if number % 2 else server.https_port
                connection = open_ones.enter_context(plain(port))
                with contextlib.suppress(ConnectionError):
                    connection.sendall(chance.choice(kinds)())
            slowest = max(slowest, good_client())
    assert slowest < PATIENCE_S, f"a good client had to wait {slowest:.1f} s"
    assert server.resident_kib() - before_kib < GROWTH_KIB_MAX
    assert server.process.poll() is None


def drip(connections, stop: threading.Event) -> None:
    """One more byte on each, every half second, until the peer has had enough of all of them."""
    position = 0
    while connections and not stop.wait(0.5):
        for entry in list(connections):
            connection, text = entry
            try:
                connection.sendall(text[position % len(text) : position % len(text) + 1])
            except (OSError, ssl.SSLError):
                connections.remove(entry)
        position += 1


@pytest.mark.slow
@pytest.mark.timeout(GIVEN_UP_WITHIN_S + 60)
def test_slow_lorises_are_given_up(server, good_client):
    """Handshakes, CONNECTs and HTTP headers that never end: the server ends them, and serves others meanwhile."""
    hello = client_hello()
    context = tls_context(server.ca_file)
    host = server.hub_host
    header = b"X-Slow: " + b"a" * 1000
    with contextlib.ExitStack() as open_ones:

        def tls(port: int) -> ssl.SSLSocket:
            return open_ones.enter_context(context.wrap_socket(plain(port), server_hostname=host))

        silent, dripping = [], []
        for port in (server.mqtt_port, server.https_port):
            for _ in range(LORISES_OF_A_KIND):
                silent.append(open_ones.enter_context(plain(port)))
                dripping.append((open_ones.enter_context(plain(port)), hello))
                silent.append(tls(port))
        for _ in range(LORISES_OF_A_KIND):
            half_connect = tls(server.mqtt_port)
            half_connect.sendall(b"\x10\xff\x7f\x00\x04MQTT")
            dripping.append((half_connect, b"\x04\xc2\x00\x3c"))
            half_request = tls(server.https_port)
            half_request.sendall(b"GET /readyz HTTP/1.1\r\n")
            dripping.append((half_request, header))

        everyone = [*silent, *(connection for connection, _ in dripping)]
        stop = threading.Event()
        dripper = threading.Thread(target=drip, args=(dripping, stop))
        dripper.start()
        try:
            deadline = time.monotonic() + GIVEN_UP_WITHIN_S
            assert good_client() < PATIENCE_S
            kept = [connection for connection in everyone if not ended(connection, deadline)]
            assert kept == [], f"{len(kept)} of {len(everyone)} were still open after {GIVEN_UP_WITHIN_S} s"
            assert good_client() < PATIENCE_S
        finally:
            stop.set()
            dripper.join()


def ended(connection: socket.socket, deadline: float) -> bool:
    """Whether the peer closed by the deadline; what it says before (an alert, a 408) is read over."""
    while True:
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            if not connection.recv(4096):
                return True
        except TimeoutError:
            return False
        except OSError:
            return True


def test_connects_and_leaves(server, roadstead, good_client, device_id):
    """Honest TLS, then gone at every point: nothing piles up."""
    context = tls_context(server.ca_file)
    before_kib = server.resident_kib()
    for number in range(200):
        with hub.dial(server) as mqtt:
            with contextlib.suppress(Closed):
                mqtt.send(b"\x10\x40\x00\x04MQTT"[: number % 9])
        with context.wrap_socket(plain(server.https_port), server_hostname=server.hub_host) as https:
            https.sendall(b"POST /devices/a/messages/events HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"[: number % 80])
    assert good_client() < PATIENCE_S
    assert server.resident_kib() - before_kib < GROWTH_KIB_MAX
