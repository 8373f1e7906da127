"""Two hubs under one DPS: where devices go, by every policy, and what becomes of their data when they move."""

import dataclasses
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from azure.iot.device import ProvisioningDeviceClient

from harness import dps, sas
from harness.node import node

GROUP = "two-hubs"


@dataclasses.dataclass
class Plant:
    """A DPS of its own with two hubs, north and south."""

    server: object
    say: object
    scope: str
    north: str
    south: str

    def enroll(self, registration_id: str, *words) -> str:
        """An individual enrollment; its key."""
        made = self.dps("enrollment", "create", "--enrollment-id", registration_id, "--attestation-type", "symmetricKey", *words)
        return made["attestation"]["symmetricKey"]["primaryKey"]

    def dps(self, *words):
        return self.say("iot", "dps", *words, "--dps-name", "plant-dps", "-g", GROUP)

    def register(self, registration_id: str, key: str, face: str = "mqtt", payload: dict | None = None) -> dict:
        """The final registration state."""
        credential = dps.key_credential(self.server, registration_id, key, id_scope=self.scope)
        sent = None if payload is None else json.dumps({"registrationId": registration_id, "payload": payload}).encode()
        answer = dps.register(face, self.server, registration_id, credential, id_scope=self.scope, payload=sent)
        return answer.body["registrationState"]

    def devices(self, host: str) -> list[str]:
        listed = self.say("iot", "hub", "device-identity", "list", "--hub-name", host.split(".")[0])
        return [each["deviceId"] for each in listed]

    def twin(self, host: str, device_id: str) -> dict:
        text = self.say("iot", "hub", "connection-string", "show", "--hub-name", host.split(".")[0])["connectionString"]
        owner = sas.parse_connection_string(text)
        token = sas.token(host, owner["SharedAccessKey"], policy=owner["SharedAccessKeyName"])
        url = self.server.url(self.server.hub_host, f"/twins/{device_id}?api-version=2021-04-12")
        headers = {"Authorization": token, "Host": host}
        return requests.get(url, headers=headers, verify=self.server.ca_file, timeout=30).json()


@pytest.fixture(scope="module")
def plant(server, command_line):
    say = command_line
    say("group", "create", "-n", GROUP, "-l", "local")
    hosts = [say("iot", "hub", "create", "-n", name, "-g", GROUP)["properties"]["hostName"] for name in ("north", "south")]
    made = say("iot", "dps", "create", "-n", "plant-dps", "-g", GROUP)
    for name in ("north", "south"):
        say("iot", "dps", "linked-hub", "create", "--dps-name", "plant-dps", "-g", GROUP, "--hub-name", name)
    return Plant(server, say, made["properties"]["idScope"], *hosts)


@pytest.mark.parametrize("side", ["north", "south"])
def test_static(plant, device_id, side):
    host = getattr(plant, side)
    key = plant.enroll(device_id, "--allocation-policy", "static", "--iot-hubs", host)
    assert plant.register(device_id, key)["assignedHub"] == host
    assert device_id in plant.devices(host)


def test_hashed_spreads_and_remembers(plant, device_id):
    """A device comes to the same hub each time; many devices come to both."""
    words = ("--enrollment-id", device_id, "--allocation-policy", "hashed")
    group_key = plant.dps("enrollment-group", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]
    names = [f"{device_id}-{number}" for number in range(20)]
    first, again = ([plant.register(name, sas.device_key(group_key, name))["assignedHub"] for name in names] for _ in range(2))
    assert first == again
    assert set(first) == {plant.north, plant.south}


def test_lowest_latency_spreads(plant, device_id):
    """No latencies are known here, so that the less loaded hub comes next."""
    words = ("--enrollment-id", device_id, "--allocation-policy", "geoLatency")
    group_key = plant.dps("enrollment-group", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]
    names = [f"{device_id}-{number}" for number in range(8)]
    hosts = [plant.register(name, sas.device_key(group_key, name))["assignedHub"] for name in names]
    assert set(hosts) == {plant.north, plant.south}


def test_initial_twin(plant, device_id):
    words = ("--initial-twin-tags", '{"line": 3}', "--initial-twin-properties", '{"interval_s": 30}')
    key = plant.enroll(device_id, *words)
    host = plant.register(device_id, key)["assignedHub"]
    twin = plant.twin(host, device_id)
    assert twin["tags"] == {"line": 3}
    assert twin["properties"]["desired"]["interval_s"] == 30


REPROVISION = [("reprovisionandmigratedata", "migrate"), ("reprovisionandresetdata", "reset"), ("never", "keep")]


@pytest.mark.parametrize("policy,what", REPROVISION, ids=[what for _, what in REPROVISION])
def test_moves_to_another_hub(plant, device_id, policy, what):
    """The enrollment names the other hub by now, and other tags: the device moves with its data, without, or stays."""
    key = plant.enroll(device_id, "--reprovision-policy", policy, "--iot-hub-host-name", plant.north, "--initial-twin-tags", '{"made": "north"}')
    assert plant.register(device_id, key)["substatus"] == "initialAssignment"
    words = ("--enrollment-id", device_id, "--iot-hub-host-name", plant.south, "--initial-twin-tags", '{"made": "south"}')
    plant.dps("enrollment", "update", *words)

    state = plant.register(device_id, key)
    stays = what == "keep"
    here, gone = (plant.north, plant.south) if stays else (plant.south, plant.north)
    assert state["assignedHub"] == here
    assert (device_id in plant.devices(here), device_id in plant.devices(gone)) == (True, False)
    assert plant.twin(here, device_id)["tags"] == {"made": "south" if what == "reset" else "north"}
    expected = {"migrate": "deviceDataMigrated", "reset": "deviceDataReset", "keep": "initialAssignment"}
    assert state["substatus"] == expected[what]


class Webhook:
    """Somebody's allocation function: keeps what it was asked, answers what it was told to."""

    def __init__(self, answer: dict, status: int = 200):
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/allocate"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.mark.parametrize("face", ["mqtt", "https"])
def test_webhook_decides(plant, device_id, face):
    """It is asked with the device's payload and the hubs to choose from; hub, twin and payload of its answer count."""
    tags = {"chosen": "by webhook"}
    answer = {"iotHubHostName": plant.south, "initialTwin": {"tags": tags, "properties": {"desired": {"a": 1}}}, "payload": {"hello": "device"}}
    with Webhook(answer) as webhook:
        words = ("--allocation-policy", "custom", "--webhook-url", webhook.url, "--api-version", "2021-10-01")
        key = plant.enroll(device_id, *words, "--iot-hubs", f"{plant.north} {plant.south}")
        state = plant.register(device_id, key, face, payload={"serial": 7})
    assert (state["status"], state["assignedHub"], state["payload"]) == ("assigned", plant.south, {"hello": "device"})
    twin = plant.twin(plant.south, device_id)
    assert (twin["tags"], twin["properties"]["desired"]["a"]) == (tags, 1)
    asked = webhook.asked[0]
    assert asked["deviceRuntimeContext"]["registrationId"] == device_id
    assert asked["deviceRuntimeContext"]["payload"] == {"serial": 7}
    assert set(asked["linkedHubs"]) == {plant.north, plant.south}
    assert asked["individualEnrollment"]["registrationId"] == device_id
    assert key not in json.dumps(asked), "a webhook is told no key"


def test_python_sdk_waits_for_the_webhook(server, roadstead, device_id):
    """It is told `assigning`, asks again, and hands over the webhook's payload."""
    with Webhook({"iotHubHostName": server.hub_host, "payload": {"hello": "device"}}) as webhook:
        words = ("--allocation-policy", "custom", "--webhook-url", webhook.url, "--api-version", "2021-10-01")
        key = roadstead.enroll_with_key(device_id, *words)
        client = ProvisioningDeviceClient.create_from_symmetric_key(server.dps_host, device_id, server.id_scope, key)
        client.provisioning_payload = {"serial": 7}
        result = client.register()
    assert (result.status, result.registration_state.assigned_hub) == ("assigned", server.hub_host)
    assert json.loads(result.registration_state.response_payload) == {"hello": "device"}
    assert webhook.asked[0]["deviceRuntimeContext"]["payload"] == {"serial": 7}


@pytest.mark.parametrize("transport", ["mqtt", "http", "amqp"])
def test_node_sdk_waits_for_the_webhook(server, port_443, port_5671, roadstead, monitor, device_id, transport):
    with Webhook({"iotHubHostName": server.hub_host}) as webhook:
        words = ("--allocation-policy", "custom", "--webhook-url", webhook.url, "--api-version", "2021-10-01")
        key = roadstead.enroll_with_key(device_id, *words)
        given = {"host": server.dps_host, "idScope": server.id_scope, "registrationId": device_id, "messages": [{"body": "{}"}]}
        assigned = node(server, "provision.js", transport=transport, hubTransport="mqtt", symmetricKey=key, **given)
    assert assigned.get("hub") == server.hub_host, assigned
    assert len(monitor.wait(device_id, 1)) == 1 and len(webhook.asked) == 1


@pytest.mark.parametrize("answer,status", [({"iotHubHostName": "stranger.example"}, 200), ({}, 200), ({}, 500)])
def test_webhook_that_fails(plant, device_id, answer, status):
    """The registration fails with a code and says what the webhook did; nothing is assigned."""
    with Webhook(answer, status) as webhook:
        words = ("--allocation-policy", "custom", "--webhook-url", webhook.url, "--api-version", "2021-10-01")
        key = plant.enroll(device_id, *words, "--iot-hubs", plant.north)
        state = plant.register(device_id, key)
    assert state["status"] == "failed"
    assert state["errorCode"] // 1000 in (400, 500) and state["errorMessage"], state
    assert device_id not in plant.devices(plant.north)
