"""Modules through the Python device SDK (`IoTHubModuleClient`): identities of their own beside their device."""

import pytest
from azure.iot.device import X509

from harness.monitor import body
from harness.service import refusal_b

MODULE = "cam-1"


def module_path(device_id: str, module_id: str = MODULE) -> str:
    return f"/devices/{device_id}/modules/{module_id}"


def make_module(service, device_id: str, authentication: dict | None = None) -> dict:
    body = {"deviceId": device_id, "moduleId": MODULE}
    return service.ok("PUT", module_path(device_id), {**body, "authentication": authentication} if authentication else body)


@pytest.fixture
def client(sdk, server, service, roadstead, device_id):
    roadstead.create_device(device_id)
    key = make_module(service, device_id)["authentication"]["symmetricKey"]["primaryKey"]
    text = f"HostName={server.hub_host};DeviceId={device_id};ModuleId={MODULE};SharedAccessKey={key}"
    made = sdk.module_client("connection_string", connection_string=text)
    sdk(made.connect())
    return made


def test_telemetry(sdk, monitor, client, device_id):
    sdk(client.send_message('{"from": "module"}'))
    sdk(client.send_message_to_output('{"to": "output"}', "out1"))
    first, second = monitor.wait(device_id, 2)
    assert body(first) == {"from": "module"} and body(second) == {"to": "output"}
    for event in (first, second):
        assert event["annotations"]["iothub-connection-device-id"] == device_id
        assert event["annotations"]["iothub-connection-module-id"] == MODULE


def test_twin_is_its_own(sdk, service, client, device_id):
    patches = sdk.desired(client)
    service.desire(device_id, {"for": "device"})
    service.desire(device_id, {"for": "module"}, MODULE)
    assert patches.take() == {"for": "module", "$version": 2}
    sdk(client.patch_twin_reported_properties({"by": "module"}))
    expected = {"desired": {"for": "module", "$version": 2}, "reported": {"by": "module", "$version": 2}}
    assert sdk(client.get_twin()) == expected
    assert "by" not in service.twin(device_id)["properties"]["reported"]
    twin = service.twin(device_id, MODULE)
    assert (twin["deviceId"], twin["moduleId"], twin["properties"]["reported"]["by"]) == (device_id, MODULE, "module")


def test_methods_are_its_own(sdk, service, client, device_id):
    sdk.answer_methods(client, lambda request: (200, {"module": request.payload}))
    assert service.invoked(device_id, "m", 1, MODULE) == {"status": 200, "payload": {"module": 1}}
    assert refusal_b(service.invoke(device_id, "m"))[:2] == (404, 404103), "the device itself is not there"


def test_beside_its_device(sdk, service, roadstead, client, device_id):
    """A module and its device are connected at once, and neither takes the other over."""
    device = sdk.hub_client("connection_string", connection_string=roadstead.connection_string(device_id))
    sdk(device.connect())
    sdk.answer_methods(device, lambda _: (200, "device"))
    sdk.answer_methods(client, lambda _: (200, "module"))
    assert service.invoked(device_id, "m")["payload"] == "device"
    assert service.invoked(device_id, "m", module_id=MODULE)["payload"] == "module"


def test_x509_thumbprint(sdk, server, service, roadstead, monitor, certificates, device_id):
    roadstead.create_device(device_id)
    own = certificates.self_signed("module")
    make_module(service, device_id, {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": own.thumbprint}})
    where = {"hostname": server.hub_host, "device_id": device_id, "module_id": MODULE}
    client = sdk.module_client("x509_certificate", x509=X509(*map(str, own.pair)), **where)
    sdk(client.send_message('{"x509": true}'))
    event = monitor.wait(device_id, 1)[0]
    assert (body(event), event["annotations"]["iothub-connection-module-id"]) == ({"x509": True}, MODULE)
