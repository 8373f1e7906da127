"""The Node device SDK (`azure-iot-device`, `azure-iot-provisioning-device`), unmodified: MQTT, MQTT on WebSocket, HTTP; DPS
also over AMQP and AMQP on WebSocket."""

import json

import pytest

from harness import sas
from harness.monitor import application, body, system
from harness.node import node

MESSAGES = [{"body": '{"n": 0}'}, {"body": '{"n": 1}'}]


@pytest.fixture(params=["mqtt", "mqttws", "http"])
def transport(request, server):
    if request.param != "mqtt":
        request.getfixturevalue("port_443")
    return request.param


@pytest.fixture(params=["mqtt", "mqttws", "http", "amqp", "amqpws"])
def transports(request, server) -> dict[str, str]:
    """How a device speaks to DPS, and how to its hub."""
    name = request.param
    if name != "mqtt":
        request.getfixturevalue("port_5671" if name == "amqp" else "port_443")
    return {"transport": name, "hubTransport": name.replace("amqp", "mqtt")}


def where(server, registration_id: str) -> dict:
    return {"host": server.dps_host, "idScope": server.id_scope, "registrationId": registration_id, "messages": MESSAGES}


def pem(pair) -> dict:
    certificate, key = pair
    return {"cert": certificate.read_text(), "key": key.read_text()}


def test_connection_string(server, roadstead, monitor, transport, device_id):
    roadstead.create_device(device_id)
    text = roadstead.connection_string(device_id)
    assert node(server, "hub.js", transport=transport, connectionString=text, messages=MESSAGES) == {"sent": 2}
    assert [body(event) for event in monitor.wait(device_id, 2)] == [{"n": 0}, {"n": 1}]


def test_message_properties(server, roadstead, monitor, transport, device_id):
    roadstead.create_device(device_id)
    names = {"messageId": "id/1", "correlationId": "c1", "contentType": "application/json", "contentEncoding": "utf-8"}
    message = {"body": '{"t": 1}', "system": names, "application": {"k1": "v 1", "k2": "2"}}
    text = roadstead.connection_string(device_id)
    assert node(server, "hub.js", transport=transport, connectionString=text, messages=[message]) == {"sent": 1}
    event = monitor.wait(device_id, 1)[0]
    assert event["payload"] == {"t": 1}
    expected = {"message_id": "id/1", "correlation_id": "c1", "content_type": "application/json", "content_encoding": "utf-8"}
    assert {name: system(event)[name] for name in expected} == expected
    assert application(event) == {"k1": "v 1", "k2": "2"}


def test_batch_over_http(server, port_443, roadstead, monitor, device_id):
    """Several messages in one request, each with properties of its own."""
    roadstead.create_device(device_id)
    messages = [{"body": '{"n": 0}', "application": {"k": "0"}}, {"body": '{"n": 1}'}]
    given = {"transport": "http", "connectionString": roadstead.connection_string(device_id), "messages": messages, "batch": True}
    assert node(server, "hub.js", **given) == {"sent": 2}
    events = monitor.wait(device_id, 2)
    assert [(body(event), application(event)) for event in events] == [({"n": 0}, {"k": "0"}), ({"n": 1}, {})]


def test_dps_symmetric_key(server, roadstead, monitor, transports, device_id):
    key = roadstead.enroll_with_key(device_id)
    assigned = node(server, "provision.js", **transports, symmetricKey=key, **where(server, device_id))
    expected = {"hub": server.hub_host, "deviceId": device_id, "status": "assigned", "substatus": "initialAssignment"}
    assert assigned == expected
    assert len(monitor.wait(device_id, 2)) == 2


def test_dps_group_symmetric_key(server, roadstead, monitor, transports, device_id):
    key = sas.device_key(roadstead.enroll_group_with_key(f"group-{device_id}"), device_id)
    assigned = node(server, "provision.js", **transports, symmetricKey=key, **where(server, device_id))
    assert assigned.get("deviceId") == device_id, assigned
    assert len(monitor.wait(device_id, 2)) == 2


def test_dps_x509_individual(server, roadstead, monitor, transports, certificates, device_id):
    device = certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, device.path)
    assigned = node(server, "provision.js", **transports, **pem(device.pair), **where(server, device_id))
    assert assigned.get("deviceId") == device_id, assigned
    assert len(monitor.wait(device_id, 2)) == 2


def test_dps_x509_group(server, roadstead, monitor, transports, certificates, device_id):
    root = certificates.root(f"root-{device_id}")
    intermediate = certificates.issue(root, f"intermediate-{device_id}", ca=True)
    device = certificates.issue(intermediate, device_id)
    roadstead.upload_ca(f"root-{device_id}", root.path)
    roadstead.dps("enrollment-group", "create", "--enrollment-id", f"group-{device_id}", "--ca-name", f"root-{device_id}")
    chain = pem(device.chained(intermediate))
    assigned = node(server, "provision.js", **transports, **chain, **where(server, device_id))
    assert assigned.get("deviceId") == device_id, assigned
    assert len(monitor.wait(device_id, 2)) == 2


def test_wrong_key_is_unauthorized(server, roadstead, transport, device_id):
    roadstead.create_device(device_id)
    other = roadstead.device_key(f"{device_id}-other")
    text = ";".join([*roadstead.connection_string(device_id).split(";")[:2], f"SharedAccessKey={other}"])
    refused = node(server, "hub.js", transport=transport, connectionString=text, messages=MESSAGES)
    assert refused.get("error") == "UnauthorizedError", refused


def test_dps_refusal_is_unauthorized(server, roadstead, transports, device_id):
    roadstead.enroll_with_key(device_id)
    other = roadstead.enroll_with_key(f"{device_id}-other")
    refused = node(server, "provision.js", **transports, symmetricKey=other, **where(server, device_id))
    if "amqp" in transports["transport"]:
        assert refused.get("error") == "amqp:unauthorized-access", refused
        assert json.loads(refused["message"])["errorCode"] == 401002
    else:
        assert refused.get("error") == "UnauthorizedError", refused


def test_dps_certificate_that_does_not_fit(server, roadstead, port_5671, certificates, device_id):
    """Over AMQP it is the request that is refused: nothing before it is answered as the SDK understands it."""
    roadstead.enroll_certificate(device_id, certificates.self_signed(device_id).path)
    other = pem(certificates.self_signed(device_id).pair)
    refused = node(server, "provision.js", transport="amqp", hubTransport="mqtt", **other, **where(server, device_id))
    assert refused.get("error") == "amqp:unauthorized-access", refused
    assert json.loads(refused["message"])["errorCode"] == 401002
