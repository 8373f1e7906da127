"""What lasts on the hub's MQTT face: sessions, take-over, keep-alive, wills, and how revocation ends them."""

import ssl
import time

import pytest

from harness import hub
from harness.monitor import application, body
from harness.rawmqtt import PUBACK, RawMqtt, Will, publish_packet, tls_context


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


def devicebound(device_id: str) -> str:
    return f"devices/{device_id}/messages/devicebound/#"


def connect(server, device_id, key, clean: bool):
    """A new connection, and whether the server kept the session."""
    mqtt, connack = hub.connect(server, device_id, key, clean=clean)
    assert connack.code == 0
    return mqtt, connack.session_present


@pytest.mark.parametrize("ending", ["disconnect", "drop"])
def test_survives_the_connection(server, key, device_id, ending):
    mqtt, present = connect(server, device_id, key, clean=False)
    assert not present
    assert mqtt.subscribe(devicebound(device_id), "$iothub/twin/res/#") == [1, 1]
    getattr(mqtt, ending)()
    mqtt, present = connect(server, device_id, key, clean=False)
    assert present
    mqtt.disconnect()


def test_clean_forgets(server, key, device_id):
    mqtt, _ = connect(server, device_id, key, clean=False)
    mqtt.subscribe(devicebound(device_id))
    mqtt.disconnect()
    mqtt, present = connect(server, device_id, key, clean=True)
    assert not present
    mqtt.disconnect()
    mqtt, present = connect(server, device_id, key, clean=False)
    assert not present
    mqtt.disconnect()


def test_subscriptions_as_sdks_make_them(server, key, device_id):
    with hub.connected(server, device_id, key, clean=False) as mqtt:
        filters = ["devices/+/messages/devicebound/#", "$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"]
        assert mqtt.subscribe(devicebound(device_id), *filters, "$iothub/methods/POST/#") == [1] * 5
        assert mqtt.subscribe("$iothub/methods/POST/#", qos=0) == [0]


def test_take_over(server, key, monitor, device_id):
    """The newer connection wins, and the end of the older one does it no harm."""
    older = hub.connected(server, device_id, key, clean=False)
    newer = hub.connected(server, device_id, key, clean=False)
    older.wait_closed()
    newer.ping()
    newer.publish(hub.events_topic(device_id), b'{"by": "newer"}')
    newer.disconnect()
    assert body(monitor.wait(device_id, 1)[0]) == {"by": "newer"}


def test_refused_connection_takes_nothing_over(server, roadstead, key, device_id):
    with hub.connected(server, device_id, key) as mqtt:
        other = roadstead.device_key(f"{device_id}-other")
        intruder, connack = hub.connect(server, device_id, other)
        assert connack.code == 5
        intruder.drop()
        mqtt.ping()


def test_keep_alive(server, key, device_id):
    """A silent client is dropped after one and a half times what it promised."""
    with hub.connected(server, device_id, key, keepalive_s=2) as mqtt:
        assert 2 <= mqtt.wait_closed() < 15


def test_no_keep_alive_stays(server, key, device_id):
    with hub.connected(server, device_id, key, keepalive_s=0) as mqtt:
        mqtt.ping()


class TestWill:
    @pytest.fixture
    def will(self, device_id):
        return Will(hub.events_topic(device_id, "cause=lost%20power"), b'{"will": true}')

    def assert_will(self, monitor, device_id, count=1):
        event = monitor.wait(device_id, count)[-1]
        assert body(event) == {"will": True}
        assert application(event) == {"cause": "lost power", "iothub-MessageType": "Will"}

    def test_sent_when_the_socket_ends(self, server, key, monitor, device_id, will):
        hub.connected(server, device_id, key, will=will).drop()
        self.assert_will(monitor, device_id)

    def test_sent_when_the_client_falls_silent(self, server, key, monitor, device_id, will):
        with hub.connected(server, device_id, key, will=will, keepalive_s=1) as mqtt:
            mqtt.wait_closed()
        self.assert_will(monitor, device_id)

    def test_not_sent_after_disconnect(self, server, key, monitor, device_id, will):
        mqtt = hub.connected(server, device_id, key, will=will)
        mqtt.disconnect()
        with hub.connected(server, device_id, key) as again:
            again.publish(hub.events_topic(device_id), b'{"no": "will"}')
        assert [body(event) for event in monitor.wait(device_id, 1)] == [{"no": "will"}]


def ends_at_once(mqtt, command) -> None:
    """Runs `command` while a device is connected; its connection ends with it, and not when something next looks at it."""
    mqtt.ping()
    command()
    begin = time.monotonic()
    mqtt.wait_closed()
    assert time.monotonic() - begin < 5


class TestRevocation:
    def test_disabled_device(self, server, roadstead, key, device_id):
        with hub.connected(server, device_id, key) as mqtt:
            ends_at_once(mqtt, lambda: roadstead.update_device(device_id, "--status", "disabled"))

    def test_deleted_device(self, server, roadstead, key, device_id):
        delete = ("device-identity", "delete", "--device-id", device_id)
        with hub.connected(server, device_id, key) as mqtt:
            ends_at_once(mqtt, lambda: roadstead.hub(*delete))

    def test_disabled_certificate_device(self, server, roadstead, certificates, device_id):
        device = certificates.self_signed(device_id)
        roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", "--primary-thumbprint", device.thumbprint)
        with hub.dial(server, device.pair) as mqtt:
            assert mqtt.connect(device_id, hub.username(server.hub_host, device_id)).code == 0
            ends_at_once(mqtt, lambda: roadstead.update_device(device_id, "--status", "disabled"))

    def test_deleted_ca(self, server, roadstead, certificates, device_id):
        """The hub's CA is what such a device stands on."""
        name = f"ca-{device_id}"
        ca = certificates.root(name)
        roadstead.hub("certificate", "create", "--name", name, "--path", ca.path, "--verified", "true")
        roadstead.create_device(device_id, "--auth-method", "x509_ca")
        etag = roadstead.hub("certificate", "show", "--name", name)["etag"]
        with hub.dial(server, certificates.issue(ca, device_id).pair) as mqtt:
            assert mqtt.connect(device_id, hub.username(server.hub_host, device_id)).code == 0
            ends_at_once(mqtt, lambda: roadstead.hub("certificate", "delete", "--name", name, "--etag", etag))

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls-1.2", "tls-1.3"])
    def test_resumed_tls_is_judged_again(self, server, roadstead, certificates, device_id, version):
        """A resumed handshake presents no certificate; whose it was is remembered, and what it may is asked anew."""
        device = certificates.self_signed(device_id)
        roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", "--primary-thumbprint", device.thumbprint)
        context = tls_context(server.ca_file, device.pair)
        context.minimum_version = context.maximum_version = version

        def connack(resume=None):
            with RawMqtt(server.hub_host, server.mqtt_port, context, resume=resume) as mqtt:
                code = mqtt.connect(device_id, hub.username(server.hub_host, device_id)).code
                return code, mqtt.is_resumed, mqtt.tls_session

        _, _, session = connack()
        assert connack(session)[:2] == (0, True)
        roadstead.update_device(device_id, "--status", "disabled")
        code, is_resumed, _ = connack(session)
        assert (code, is_resumed) == (3, True)

    def test_others_stay(self, server, roadstead, key, device_id):
        other = f"{device_id}-other"
        other_key = roadstead.device_key(other)
        with hub.connected(server, device_id, key) as mqtt, hub.connected(server, other, other_key) as stays:
            ends_at_once(mqtt, lambda: roadstead.update_device(device_id, "--status", "disabled"))
            stays.ping()


def test_messages_keep_their_order(server, key, monitor, device_id):
    """A hundred in one write, acknowledged in order, read in order."""
    with hub.connected(server, device_id, key) as mqtt:
        numbers = range(1, 101)
        mqtt.send(b"".join(publish_packet(hub.events_topic(device_id), b"%d" % n, packet_id=n) for n in numbers))
        assert [mqtt.expect(PUBACK).packet_id for _ in numbers] == list(numbers)
    assert [body(event) for event in monitor.wait(device_id, 100)] == list(numbers)
