"""`monitor-events` over either path: a server's own stream, and the built-in endpoint over AMQP."""

import signal
import subprocess

import pytest

from harness import wait
from harness.cli import Refused, Roadstead
from harness.load import Sender, assert_exactly_once_in_order, numbers, read_up_to
from harness.monitor import Monitor, application, body, system
from harness.server import Server

KILLS = 4


@pytest.fixture(params=["https", "amqp"])
def transport(request):
    return ("--transport", request.param)


def printed(roadstead, device_id, count, *words) -> str:
    words = ("--device-id", device_id, "--enqueued-time", "0", "--message-count", str(count), "--timeout", "60", *words)
    return roadstead.text("iot", "hub", "monitor-events", *words)


def test_the_same_over_both(roadstead, send, device_id):
    send(b'{"t": 21.50}', messageid="m1", contenttype="application/json", contentencoding="utf-8", app_alert="true")
    send("hü".encode(), userid="u", correlationid="c")
    send(b"\x00\xff", expiry="2030-01-02T03:04:05.0000000Z")
    send(b"")
    name = ("--hub-name", roadstead.hub_name)
    for words in ((), ("--properties", "all"), ("-p", "sys", "anno"), ("--content-type", "application/json"), ("-o", "yaml")):
        https = printed(roadstead, device_id, 4, *name, "--transport", "https", *words)
        assert https == printed(roadstead, device_id, 4, *name, "--transport", "amqp", *words)
        assert device_id in https and "21.5" in https


def test_by_connection_string(server, roadstead, send, device_id):
    """With `--login`: a hub's own, which is led to the endpoint; the endpoint's, without TLS; and with it."""
    send(b"1")
    events = server.exports["EVENTHUB_CONNECTION_STRING"]
    by_tls = events.removesuffix(";UseDevelopmentEmulator=true").replace(f":{server.amqp_plain_port}/", f":{server.amqp_port}/")
    for login in (server.exports["IOTHUB_CONNECTION_STRING"], events, by_tls):
        assert device_id in printed(roadstead, device_id, 1, "--login", login)
    assert device_id in printed(roadstead, device_id, 1, "--login", server.exports["IOTHUB_CONNECTION_STRING"], "--transport", "https")


def test_refusals_say_why(server, roadstead):
    hub_string, events = server.exports["IOTHUB_CONNECTION_STRING"], server.exports["EVENTHUB_CONNECTION_STRING"]
    wrong = hub_string.rpartition("SharedAccessKey=")[0] + "SharedAccessKey=d3JvbmcgICAgICAgICAgICAgICAgICAgICAgICAgICA="
    for words, code, said in (
        (("--login", hub_string, "-c", "absent"), 3, "absent"),
        (("--login", wrong), 1, "401"),
        (("--login", events, "--transport", "https"), 2, "an Event Hub is read over AMQP alone"),
        (("--login", "Endpoint=sb://x/;EntityPath=e"), 2, "SharedAccessKey"),
    ):
        with pytest.raises(Refused) as refused:
            roadstead.text("iot", "hub", "monitor-events", "--timeout", "20", *words)
        assert refused.value.code == code, refused.value
        if said != "401":
            assert said in refused.value.stderr, refused.value


def test_all_about_an_event(roadstead, server, send, device_id):
    send(b'{"t": 1}', messageid="m1", contenttype="application/json", app_alert="true")
    watching = Monitor(roadstead, server.now_ms() - 5000, words=("--transport", "amqp"))
    try:
        event = watching.wait(device_id, 1)[0]
    finally:
        watching.end()
    assert body(event) == {"t": 1}
    assert system(event) == {"message_id": "m1", "content_type": "application/json"}
    assert application(event) == {"alert": "true"}
    assert event["annotations"]["iothub-message-source"] == "Telemetry"


def test_ends_when_told(server, roadstead, device_id, transport):
    """Ctrl-C is no failure."""
    command = [server.binary, "iot", "hub", "monitor-events", "--hub-name", roadstead.hub_name, "--device-id", device_id, *transport]
    running = subprocess.Popen(command, env=server.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "watching the events" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    out, said = running.communicate(timeout=30)
    assert (running.returncode, out, said) == (0, "", "")


@pytest.mark.timeout(180)
def test_goes_on_across_kills(own_server: Server, transport):
    """A server that is killed again and again: every message once, in order, and the person in front is told."""
    own_server.start()
    roadstead = Roadstead(own_server)
    sender = Sender(own_server, "never-twice", roadstead.device_key("never-twice"))
    watching = Monitor(roadstead, own_server.now_ms(), words=transport)
    try:
        for kill in range(KILLS):
            sender.start(100_000)
            wanted = 200 * (kill + 1)
            # The first connection of a monitor is not tried again: it has to be there before the first kill.
            wait.until(lambda: watching.seen(sender.device_id), 60, "a message on the monitor")
            wait.until(lambda: len(sender.acknowledged) > wanted, 60, "200 more messages")
            own_server.kill()
            sender.join()
            own_server.start()
        sender.send(1)
        events = read_up_to(watching, sender, sender.acknowledged[-1])
    finally:
        watching.end()
    assert_exactly_once_in_order(sender, numbers(sender, events))
    said = watching.said()
    assert "trying again" in said and "connected again" in said
