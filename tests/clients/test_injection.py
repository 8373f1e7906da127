"""Faults that a client asks for with the properties that the vendor's own end-to-end suites use."""

import time

import pytest

from harness import hub, injection
from harness.monitor import body


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


@pytest.mark.parametrize("kind", ["KillTcp", "ShutDownMqtt"])
def test_connection_ends_after_the_delay(server, monitor, key, device_id, kind):
    """The message is acknowledged at once and not kept, and the fault comes when it was asked for."""
    with hub.connected(server, device_id, key) as mqtt:
        begin = time.monotonic()
        mqtt.publish(hub.events_topic(device_id, injection.bag(injection.fault(kind, delay_s=1))), b" ")
        mqtt.wait_closed()
        assert 1 <= time.monotonic() - begin < 15
    with hub.connected(server, device_id, key) as again:
        again.publish(hub.events_topic(device_id), b'{"n": 1}')
    assert [body(event) for event in monitor.wait(device_id, 1)] == [{"n": 1}]


def test_unknown_faults_are_messages(server, monitor, key, device_id):
    asked = injection.fault("KillAmqpConnection", delay_s=0)
    with hub.connected(server, device_id, key) as mqtt:
        mqtt.publish(hub.events_topic(device_id, injection.bag(asked)), b'{"n": 1}')
        mqtt.publish(hub.events_topic(device_id), b'{"n": 2}')
        mqtt.ping()
    assert body(monitor.wait(device_id, 1)[-1])["n"] in (1, 2)
