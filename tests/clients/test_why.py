"""`roadstead why`: the cause of a refusal and what mends it, told of devices that unmodified clients play."""

import json
import ssl
import subprocess

import paho.mqtt.client as mqtt
import pytest
from azure.eventhub.exceptions import EventHubError
from azure.iot.device import IoTHubDeviceClient, ProvisioningDeviceClient
from azure.iot.device import exceptions as sdk_exceptions
from azure.iot.hub import IoTHubRegistryManager
from msrest.exceptions import HttpOperationError

from harness import eventhub, hub, sas
from harness.cli import Refused


@pytest.fixture
def key(roadstead, device_id):
    return roadstead.device_key(device_id)


def why(roadstead, device_id: str) -> dict:
    return roadstead("why", device_id)


def at_hub(answer: dict) -> dict:
    """The only hub that knows it."""
    [found] = answer["hubs"]
    return found


def last(timeline: list[dict], event: str = "refused") -> dict:
    return next(entry for entry in timeline if entry["event"] == event)


def paho(server, device_id: str, password: str | None, host: str | None = None, context=None) -> int:
    """Connects as paho does; the CONNACK code."""
    answered = []
    client = mqtt.Client(client_id=device_id, protocol=mqtt.MQTTv311)
    client.username_pw_set(hub.username(host or server.hub_host, device_id), password)
    client.tls_set_context(context or ssl.create_default_context(cafile=server.ca_file))
    client.on_connect = lambda *words: answered.append(words[3])
    client.connect(server.hub_host, server.mqtt_port)
    while not answered:
        if client.loop(timeout=1) != mqtt.MQTT_ERR_SUCCESS:
            break
    client.disconnect()
    return answered[0]


def sdk_refusal(server, device_id: str, key: str) -> Exception:
    text = f"HostName={server.hub_host};DeviceId={device_id};SharedAccessKey={key}"
    client = IoTHubDeviceClient.create_from_connection_string(text, connection_retry=False)
    try:
        with pytest.raises(Exception) as refused:
            client.connect()
        return refused.value
    finally:
        client.shutdown()


def test_wrong_key(server, roadstead, key, device_id):
    """The Python SDK with another device's key."""
    other = roadstead.device_key(f"{device_id}-other")
    assert isinstance(sdk_refusal(server, device_id, other), (sdk_exceptions.CredentialError, sdk_exceptions.ConnectionFailedError))
    found = at_hub(why(roadstead, device_id))
    refused = last(found["timeline"])
    assert (refused["cause"], refused["code"], refused["protocol"]) == ("wrongKey", "CONNACK 5", "mqtt")
    assert "not signed with a key of" in refused["message"]
    assert found["device"]["connectionState"] == "Disconnected"
    # What it says to do does it: the command prints the string with which the device connects.
    command = refused["mend"]["command"].split()
    assert command[0] == "roadstead"
    printed = subprocess.run([server.binary, *command[1:]], env=server.environment, capture_output=True, text=True, check=True)
    client = IoTHubDeviceClient.create_from_connection_string(json.loads(printed.stdout)["connectionString"])
    client.connect()
    client.shutdown()
    events = [entry["event"] for entry in at_hub(why(roadstead, device_id))["timeline"]]
    assert events == ["disconnected", "connected", "refused", "created"]
    # Nothing secret is in it.
    text = json.dumps(why(roadstead, device_id))
    assert key not in text and other not in text and "sig=" not in text


def test_in_words(server, roadstead, key, device_id):
    assert paho(server, device_id, hub.device_token(server, device_id, key, ttl_s=-3600)) == 5
    told = roadstead.text("why", device_id)
    assert told.startswith(f"{device_id} is registered in hub {roadstead.hub_name} ({server.hub_host}): enabled, never connected.")
    assert "refused over MQTT from 127.0.0.1" in told and "[tokenExpired, CONNACK 5]" in told
    assert "Let the device sign a new token, and set its clock" in told


def test_disabled_device(server, roadstead, key, device_id):
    """paho; the second time is counted, not told again."""
    roadstead.update_device(device_id, "--status", "disabled")
    token = hub.device_token(server, device_id, key)
    for _ in range(2):
        assert paho(server, device_id, token) == 3
    found = at_hub(why(roadstead, device_id))
    refused = last(found["timeline"])
    assert (refused["cause"], refused["code"], refused["count"]) == ("deviceDisabled", "CONNACK 3", 2)
    assert found["device"]["status"] == "disabled"
    roadstead(*refused["mend"]["command"].split()[1:])
    assert paho(server, device_id, token) == 0


def test_wrong_id_scope(server, roadstead, device_id):
    """The Python SDK, registering under an ID scope that nobody here has."""
    key = roadstead.enroll_with_key(device_id)
    client = ProvisioningDeviceClient.create_from_symmetric_key(
        provisioning_host=server.dps_host, registration_id=device_id, id_scope="0ne00FFFFFF", symmetric_key=key
    )
    with pytest.raises(Exception):
        client.register()
    answer = why(roadstead, device_id)
    refused = last(answer["elsewhere"])
    assert (refused["cause"], refused["code"], refused["target"]) == ("unknownIdScope", "401002", "0ne00FFFFFF")
    assert "roadstead iot dps list" in refused["mend"]["command"]
    assert [dps["enrolled"] for dps in answer["dps"]] == [True]


def test_unknown_certificate(server, roadstead, certificates, device_id):
    """The Python SDK, with a certificate that nobody here knows, at DPS."""
    from azure.iot.device import X509

    made = certificates.self_signed(device_id)
    certificate, key = made.pair
    client = ProvisioningDeviceClient.create_from_x509_certificate(
        provisioning_host=server.dps_host,
        registration_id=device_id,
        id_scope=server.id_scope,
        x509=X509(cert_file=str(certificate), key_file=str(key)),
    )
    with pytest.raises(Exception):
        client.register()
    [dps] = why(roadstead, device_id)["dps"]
    refused = last(dps["timeline"])
    assert (refused["cause"], refused["protocol"]) == ("unknownIssuer", "mqtt")
    assert "certificate list --dps-name" in refused["mend"]["command"]


def test_from_dps_to_its_hub(server, roadstead, device_id):
    """One that provisions itself: the DPS and the hub each tell their part."""
    key = roadstead.enroll_with_key(device_id)
    client = ProvisioningDeviceClient.create_from_symmetric_key(
        provisioning_host=server.dps_host, registration_id=device_id, id_scope=server.id_scope, symmetric_key=key
    )
    registered = client.register().registration_state
    device = IoTHubDeviceClient.create_from_symmetric_key(key, registered.assigned_hub, registered.device_id)
    device.connect()
    answer = why(roadstead, device_id)
    [dps] = answer["dps"]
    assert [entry["event"] for entry in dps["timeline"]] == ["registered"]
    assert (dps["assignedHub"], dps["timeline"][0]["enrollment"]) == (server.hub_host, device_id)
    found = at_hub(answer)
    assert found["device"]["connectionState"] == "Connected"
    assert [entry["event"] for entry in found["timeline"]] == ["connected", "created"]
    device.shutdown()


def test_distrust_of_the_server(server, roadstead, key, device_id):
    """A client without our CA never says who it is: whoever looks for a device that nobody saw is told of it."""
    with pytest.raises(ssl.SSLError):
        paho(server, device_id, hub.device_token(server, device_id, key), context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    with pytest.raises(Refused) as unseen:
        roadstead.text("why", f"{device_id}-unseen")
    assert unseen.value.code == 3
    assert "was never seen here" in unseen.value.stderr
    refusals = subprocess.run(
        [server.binary, "why", f"{device_id}-unseen", "-o", "json"], env=server.environment, capture_output=True, text=True
    )
    answer = json.loads(refusals.stdout)
    assert not answer["found"]
    assert any(other["cause"] == "serverNotTrusted" for other in answer["others"]), answer["others"]


def test_after_a_restart(own_server):
    """What was told before is told again."""
    from harness.cli import Roadstead

    own_server.start()
    roadstead = Roadstead(own_server)
    key = roadstead.device_key("dev-1")
    token = sas.token(f"{own_server.hub_host}/devices/dev-1", key, ttl_s=-3600)
    with hub.dial(own_server) as bare:
        assert bare.connect("dev-1", hub.username(own_server.hub_host, "dev-1"), token).code == 5
    before = why(roadstead, "dev-1")
    own_server.terminate()
    own_server.start()
    assert why(roadstead, "dev-1")["hubs"][0]["timeline"] == before["hubs"][0]["timeline"]


def test_a_back_end(server, port_443, roadstead, policy):
    """The registry of the Python service SDK and the client of Event Hubs, with a key that was made anew since."""
    old = roadstead.policy(policy)
    roadstead.hub("policy", "renew-key", "--name", policy, "--renew-key", "primary")
    with pytest.raises(HttpOperationError):
        IoTHubRegistryManager.from_connection_string(old).get_devices()
    with eventhub.client(server, string=eventhub.connection_string(server, old)) as client, pytest.raises(EventHubError):
        client.get_partition_ids()
    answer = why(roadstead, f"policy/{policy}")
    [found] = answer["services"]
    assert (found["at"], answer["hubs"], answer["others"]) == (roadstead.hub_name, [], [])
    assert {(entry["protocol"], entry["cause"]) for entry in found["timeline"]} == {("https", "wrongKey"), ("amqp", "wrongKey")}
    assert f"policy/{policy} is a back end that {roadstead.hub_name} did not let in." in roadstead.text("why", f"policy/{policy}")
    # The command prints the string with which it is let in.
    printed = roadstead(*last(found["timeline"])["mend"]["command"].split()[1:])
    assert IoTHubRegistryManager.from_connection_string(printed["connectionString"]).get_devices() is not None
    # Nothing secret is in it.
    assert "sig=" not in json.dumps(answer) and old.rsplit("SharedAccessKey=")[1] not in json.dumps(answer)
