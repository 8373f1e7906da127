"""Clients that know MQTT and nothing of Azure: paho and mosquitto's command-line programs (seed 002)."""

import contextlib
import json
import ssl
import subprocess
import threading

import paho.mqtt.client as paho
import pytest

from harness import dps, hub, wait
from harness.cli import Refused
from harness.monitor import application, body

WITHIN_S = 30


class Paho:
    """A paho client that keeps what arrives; used as MQTT.fx is used in the article, one step after the other."""

    def __init__(self, server, client_id: str, username: str, password: str | None, certificate=None):
        self.client = paho.Client(client_id=client_id, clean_session=True, protocol=paho.MQTTv311)
        self.client.username_pw_set(username, password)
        context = ssl.create_default_context(cafile=server.ca_file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(*map(str, certificate))
        self.client.tls_set_context(context)
        self._happened = threading.Condition()
        self.connack, self.subscribed, self.messages = None, False, []
        self.client.on_connect = lambda *arguments: self._note(connack=arguments[3])
        self.client.on_subscribe = lambda *_: self._note(subscribed=True)
        self.client.on_message = lambda _client, _data, message: self._note(messages=[*self.messages, message])

    def _note(self, **changes) -> None:
        with self._happened:
            self.__dict__.update(changes)
            self._happened.notify_all()

    def wait(self, condition, what: str) -> None:
        with self._happened:
            assert self._happened.wait_for(condition, WITHIN_S), what

    def connect(self, host: str) -> "Paho":
        self.client.connect(host, 8883)
        self.client.loop_start()
        self.wait(lambda: self.connack is not None, "CONNACK")
        assert self.connack == 0
        return self

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def register_step_by_step(server, registration_id: str, password: str | None, certificate=None) -> dict:
    """Subscribe, publish `$rid=1`, publish `$rid=2` with the operation id and an empty payload."""
    username = f"{server.id_scope}/registrations/{registration_id}/api-version=2019-03-31"
    client = Paho(server, registration_id, username, password, certificate).connect(server.dps_host)
    try:
        client.client.subscribe("$dps/registrations/res/#", qos=1)
        client.wait(lambda: client.subscribed, "SUBACK")
        sent = json.dumps({"registrationId": registration_id})
        client.client.publish("$dps/registrations/PUT/iotdps-register/?$rid=1", sent, qos=1)
        client.wait(lambda: len(client.messages) == 1, "the answer to the registration")
        first = client.messages[0]
        assert first.topic.split("&")[0] in ("$dps/registrations/res/202/?$rid=1", "$dps/registrations/res/200/?$rid=1")
        operation = json.loads(first.payload)["operationId"]
        client.client.publish(f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}", qos=1)
        client.wait(lambda: len(client.messages) == 2, "the answer to the status query")
        assert client.messages[1].topic == "$dps/registrations/res/200/?$rid=2"
        return json.loads(client.messages[1].payload)
    finally:
        client.end()


def test_paho_dps_symmetric_key(server, roadstead, device_id):
    key = roadstead.enroll_with_key(device_id)
    answer = register_step_by_step(server, device_id, dps.key_credential(server, device_id, key).token)
    assert (answer["status"], answer["registrationState"]["assignedHub"]) == ("assigned", server.hub_host)


@pytest.mark.parametrize("password", [None, ""], ids=["no-password", "empty-password"])
def test_paho_dps_x509(server, roadstead, certificates, device_id, password):
    device = certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, device.path)
    answer = register_step_by_step(server, device_id, password, device.pair)
    assert (answer["status"], answer["registrationState"]["deviceId"]) == ("assigned", device_id)


def test_paho_telemetry(server, roadstead, monitor, device_id):
    key = roadstead.device_key(device_id)
    username, token = hub.username(server.hub_host, device_id), hub.device_token(server, device_id, key)
    client = Paho(server, device_id, username, token).connect(server.hub_host)
    try:
        for qos in (0, 1):
            sent = client.client.publish(hub.events_topic(device_id, "a=b%20c"), f'{{"qos": {qos}}}', qos=qos)
            sent.wait_for_publish(WITHIN_S)
            assert sent.is_published()
    finally:
        client.end()
    events = monitor.wait(device_id, 2)
    assert [(body(event), application(event)) for event in events] == [({"qos": 0}, {"a": "b c"}), ({"qos": 1}, {"a": "b c"})]


def mosquitto(program: str, server, host: str, client_id: str, username: str, password: str | None, *words) -> str:
    """One of mosquitto's programs; what it printed."""
    command = [program, "-h", host, "-p", "8883", "--cafile", server.ca_file, "-V", "mqttv311", "-i", client_id, "-u", username]
    command += ["-P", password] if password is not None else []
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{program} ended with {done.returncode}: {done.stderr}"
    return done.stdout


def on_hub(program: str, server, device_id: str, password: str | None, *words) -> str:
    return mosquitto(program, server, server.hub_host, device_id, hub.username(server.hub_host, device_id), password, *words)


def test_mosquitto_pub(server, roadstead, monitor, device_id):
    token = hub.device_token(server, device_id, roadstead.device_key(device_id))
    on_hub("mosquitto_pub", server, device_id, token, "-t", hub.events_topic(device_id), "-m", '{"t":1}', "-q", "1")
    assert body(monitor.wait(device_id, 1)[0]) == {"t": 1}


def test_mosquitto_pub_x509(server, roadstead, monitor, certificates, device_id):
    device = certificates.self_signed(device_id)
    roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", "--primary-thumbprint", device.thumbprint)
    words = ("--cert", device.path, "--key", device.key_path, "-t", hub.events_topic(device_id), "-m", '{"t":2}', "-q", "1")
    on_hub("mosquitto_pub", server, device_id, None, *words)
    assert body(monitor.wait(device_id, 1)[0]) == {"t": 2}


def test_mosquitto_sub(server, roadstead, device_id):
    """Ends by itself once its subscription is granted (`-E`)."""
    token = hub.device_token(server, device_id, roadstead.device_key(device_id))
    on_hub("mosquitto_sub", server, device_id, token, "-t", f"devices/{device_id}/messages/devicebound/#", "-q", "1", "-E")


def test_mosquitto_pub_dps(server, roadstead, device_id):
    """One PUBLISH registers. `mosquitto_rr` would show the answer too, but takes no filter that DPS grants (wildcards)."""
    key = roadstead.enroll_with_key(device_id)
    username = f"{server.id_scope}/registrations/{device_id}/api-version=2019-03-31"
    token = dps.key_credential(server, device_id, key).token
    words = ("-t", "$dps/registrations/PUT/iotdps-register/?$rid=1", "-q", "1", "-m", json.dumps({"registrationId": device_id}))
    mosquitto("mosquitto_pub", server, server.dps_host, device_id, username, token, *words)

    def registration():
        with contextlib.suppress(Refused):
            return roadstead.dps("enrollment", "registration", "show", "--enrollment-id", device_id)

    found = wait.until(registration, WITHIN_S, "the registration")
    assert (found["status"], found["deviceId"], found["assignedHub"]) == ("assigned", device_id, server.hub_host)
