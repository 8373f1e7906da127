"""The Python device SDK (`azure-iot-device`), unmodified: blocking and asyncio, over MQTT and MQTT on WebSocket."""

import json

import pytest
from azure.iot.device import X509, Message
from azure.iot.device.exceptions import ClientError, CredentialError

from harness import hub, sas
from harness.monitor import application, body, system
from harness.python_sdk import renew_token


def test_connection_string(sdk, server, roadstead, monitor, device_id):
    roadstead.create_device(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(client.connect())
    for number in range(3):
        sdk(client.send_message(json.dumps({"n": number})))
    sdk(client.disconnect())

    events = monitor.wait(device_id, 3)
    assert [body(event) for event in events] == [{"n": 0}, {"n": 1}, {"n": 2}]
    annotations = events[0]["annotations"]
    assert annotations["iothub-connection-device-id"] == device_id
    assert annotations["iothub-message-source"] == "Telemetry"
    method = json.loads(annotations["iothub-connection-auth-method"])
    assert method == {"scope": "device", "type": "sas", "issuer": "iothub", "acceptingIpFilterRule": None}


def test_message_properties(sdk, roadstead, monitor, device_id):
    roadstead.create_device(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sent = Message('{"t": 1}', message_id="id/1", content_encoding="utf-8", content_type="application/json")
    sent.correlation_id, sent.user_id = "c&1", "me"
    sent.custom_properties = {"k 1": "v=1&2+3", "ünï": "çödé", "empty": ""}
    sdk(client.send_message(sent))

    event = monitor.wait(device_id, 1)[0]
    assert event["payload"] == {"t": 1}, "content type JSON in UTF-8 is shown parsed"
    shown = {name: system(event)[name] for name in ("message_id", "correlation_id", "user_id", "content_type", "content_encoding")}
    expected = {"message_id": "id/1", "correlation_id": "c&1", "user_id": "me"}
    assert shown == expected | {"content_type": "application/json", "content_encoding": "utf-8"}
    assert application(event) == {"k 1": "v=1&2+3", "ünï": "çödé", "empty": ""}


def test_dps_symmetric_key(sdk, server, roadstead, monitor, device_id):
    key = roadstead.enroll_with_key(device_id, "--device-id", f"{device_id}-on-hub")
    assigned = sdk.provision_and_send(server, "symmetric_key", device_id, symmetric_key=key)
    assert (assigned.assigned_hub, assigned.device_id) == (server.hub_host, f"{device_id}-on-hub")
    assert assigned.sub_status == "initialAssignment"
    assert body(monitor.wait(assigned.device_id, 1)[0]) == {"from": "dps"}


def test_dps_group_symmetric_key(sdk, server, roadstead, monitor, device_id):
    group_key = roadstead.enroll_group_with_key(f"group-{device_id}")
    words = ("enrollment-group", "compute-device-key", "--key", group_key, "--registration-id", device_id)
    key = roadstead.text("iot", "dps", *words, "-o", "tsv").strip()
    assert key == sas.device_key(group_key, device_id)
    assigned = sdk.provision_and_send(server, "symmetric_key", device_id, symmetric_key=key)
    assert assigned.device_id == device_id
    assert body(monitor.wait(device_id, 1)[0]) == {"from": "dps"}


def test_dps_x509_individual(sdk, server, roadstead, monitor, certificates, device_id):
    device = certificates.self_signed(device_id)
    roadstead.enroll_certificate(device_id, device.path)
    assigned = sdk.provision_and_send(server, "x509_certificate", device_id, x509=X509(*map(str, device.pair)))
    assert assigned.device_id == device_id
    event = monitor.wait(device_id, 1)[0]
    assert json.loads(event["annotations"]["iothub-connection-auth-method"])["type"] == "x509Certificate"


@pytest.mark.parametrize("sent", ["chain", "leaf"])
@pytest.mark.parametrize("named", ["intermediate", "root"])
def test_dps_x509_group(sdk, server, roadstead, monitor, certificates, device_id, named, sent):
    """A group names its intermediate certificate, or a verified root; the device sends its chain, or its leaf alone."""
    root = certificates.root(f"root-{device_id}")
    intermediate = certificates.issue(root, f"intermediate-{device_id}", ca=True)
    device = certificates.issue(intermediate, device_id)
    roadstead.upload_ca(f"root-{device_id}", root.path)
    by = {"intermediate": ("--certificate-path", intermediate.path), "root": ("--ca-name", f"root-{device_id}")}[named]
    roadstead.dps("enrollment-group", "create", "--enrollment-id", f"group-{device_id}", *by)
    if (named, sent) == ("root", "leaf"):
        roadstead.upload_ca(f"intermediate-{device_id}", intermediate.path)

    pair = device.chained(intermediate) if sent == "chain" else device.pair
    assigned = sdk.provision_and_send(server, "x509_certificate", device_id, x509=X509(*map(str, pair)))
    assert (assigned.assigned_hub, assigned.device_id) == (server.hub_host, device_id)
    assert body(monitor.wait(device_id, 1)[0]) == {"from": "dps"}


def test_x509_thumbprint(sdk, server, roadstead, monitor, certificates, device_id):
    first, second = certificates.self_signed(device_id), certificates.self_signed(device_id)
    words = ("--primary-thumbprint", first.thumbprint, "--secondary-thumbprint", second.thumbprint)
    roadstead.create_device(device_id, "--auth-method", "x509_thumbprint", *words)
    for device in (first, second):
        x509 = X509(*map(str, device.pair))
        client = sdk.hub_client("x509_certificate", x509=x509, hostname=server.hub_host, device_id=device_id)
        sdk(client.send_message("{}"))
        sdk(client.disconnect())
    assert len(monitor.wait(device_id, 2)) == 2


@pytest.mark.parametrize("sent", ["chain", "leaf"])
def test_x509_ca(sdk, server, roadstead, monitor, certificates, device_id, sent):
    """A device of the hub that any certificate of its name under the hub's CA speaks for; the first thing sent connects."""
    name = f"ca-{device_id}"
    root = certificates.root(name)
    intermediate = certificates.issue(root, f"intermediate-{device_id}", ca=True)
    uploaded = [(name, root)] if sent == "chain" else [(name, root), (f"{name}-2", intermediate)]
    for each, certificate in uploaded:
        roadstead.hub("certificate", "create", "--name", each, "--path", certificate.path, "--verified", "true")
    roadstead.create_device(device_id, "--auth-method", "x509_ca")
    device = certificates.issue(intermediate, device_id)
    pair = device.chained(intermediate) if sent == "chain" else device.pair
    client = sdk.hub_client("x509_certificate", x509=X509(*map(str, pair)), hostname=server.hub_host, device_id=device_id)
    sdk(client.send_message("{}"))
    method = json.loads(monitor.wait(device_id, 1)[0]["annotations"]["iothub-connection-auth-method"])
    assert method["type"] == "x509Certificate"
    sdk(client.disconnect())
    for each, _ in uploaded:
        etag = roadstead.hub("certificate", "show", "--name", each)["etag"]
        roadstead.hub("certificate", "delete", "--name", each, "--etag", etag)


def test_reconnects_after_take_over(sdk, server, roadstead, monitor, device_id):
    """A second connection of the same device ends the first; the SDK comes back by itself and ends the second."""
    key = roadstead.device_key(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(client.connect())
    intruder = hub.connected(server, device_id, key, clean=False)
    intruder.wait_closed()
    sdk(client.send_message('{"after": "reconnect"}'))
    assert body(monitor.wait(device_id, 1)[0]) == {"after": "reconnect"}


def test_renews_its_token(sdk, roadstead, monitor, device_id):
    """The SDK renews 120 s before a token ends: DISCONNECT, then CONNECT without subscribing again."""
    roadstead.create_device(device_id)
    client = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(client.connect())
    renew_token(client)
    sdk(client.send_message('{"token": "new"}'))
    assert body(monitor.wait(device_id, 1)[0]) == {"token": "new"}


def test_wrong_key_is_a_credential_error(sdk, roadstead, device_id):
    roadstead.create_device(device_id)
    other = roadstead.device_key(f"{device_id}-other")
    text = ";".join([*roadstead.connection_string(device_id).split(";")[:2], f"SharedAccessKey={other}"])
    client = sdk.hub_client("connection_string", connection_string=text)
    with pytest.raises(CredentialError):
        sdk(client.connect())


def test_dps_refusal_is_a_client_error(sdk, server, roadstead, device_id):
    roadstead.enroll_with_key(device_id)
    other = roadstead.enroll_with_key(f"{device_id}-other")
    with pytest.raises(ClientError) as refused:
        sdk.register(server, "symmetric_key", device_id, symmetric_key=other)
    # All that the SDK tells of the reply; `refusal-dps/wrong-key` reads the code and the message.
    assert "service error status code 401" in repr(refused.value.__cause__)
