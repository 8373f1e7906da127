"""The rest of the hub through the Node device SDK: twins, methods, cloud-to-device messages, modules."""

import pytest

from harness import hub, injection, wait
from harness.monitor import body, telemetry

PAYLOADS = [None, "", "foo", 0, -1.5, True, False, [], [1, [2]], {}, {"k1": "v1", "ü": {"n": None}}]


@pytest.fixture(params=["mqtt", "mqttws"])
def transport(request, server):
    if request.param != "mqtt":
        request.getfixturevalue("port_443")
    return request.param


@pytest.fixture
def key(service, client, device_id):
    return service.ok("GET", f"/devices/{device_id}")["authentication"]["symmetricKey"]["primaryKey"]


class TestTwin:
    def test_get_and_report(self, service, client, device_id):
        assert client("twin") == {"desired": {"$version": 1}, "reported": {"$version": 1}}
        client("report", {"foo": 1, "bar": {"baz": 2, "tweedle": {"dee": 3}}})
        client("report", {"bar": {"baz": 3, "tweedle": None}})
        reported = service.twin(device_id)["properties"]["reported"]
        assert (reported["foo"], reported["bar"], reported["$version"]) == (1, {"baz": 3}, 3)

    def test_refused_report(self, client):
        """Node looks at nothing but the body of an answer."""
        client("twin")
        assert client.refused("report", {"a.b": 1}) == "Error"
        client("report", {"after": 1})

    def test_desired(self, service, client, device_id):
        """Node merges what it hears: its copy is the hub's after every kind of change."""
        client("twin")
        client("watch")
        service.desire(device_id, {"foo": 1, "bar": {"baz": 2}})
        assert client.event("desired") == {"foo": 1, "bar": {"baz": 2}, "$version": 2}
        service.desire(device_id, {"foo": 1})
        assert client.event("desired")["$version"] == 3
        service.desire(device_id, {"bar": {"baz": None}})
        assert client.event("desired")["$version"] == 4
        assert client("properties")["desired"] == {"foo": 1, "bar": {}, "$version": 4}
        service.patch_twin(device_id, {"properties": {"desired": None}})
        assert client.event("desired")["$version"] == 5
        assert client("properties")["desired"] == {"$version": 5}

    def test_desired_while_offline(self, service, client, transport, roadstead, device_id):
        client("twin")
        client("close")
        service.desire(device_id, {"missed": 1})
        client("open", transport, roadstead.connection_string(device_id))
        assert client("twin")["desired"] == {"missed": 1, "$version": 2}


class TestMethods:
    def test_payloads_of_every_kind(self, service, client, device_id):
        client("answer", "echo", 200)
        for payload in PAYLOADS:
            assert service.invoked(device_id, "echo", payload, connect_s=30) == {"status": 200, "payload": payload}
            assert client.event("method") == {"name": "echo", "payload": payload}

    def test_answer_and_close(self, service, client, device_id):
        """The device is gone with its answer: the vendor's TypeScript tests do so."""
        client("answerAndLeave", "m")
        assert service.invoked(device_id, "m", {"k": 1}, connect_s=30) == {"status": 200, "payload": {"k": 1}}

    def test_unknown_method(self, service, client, device_id):
        """Node answers nothing to a name that it has no handler for."""
        client("answer", "known", 200)
        assert service.invoked(device_id, "known", 1, connect_s=30)["payload"] == 1
        assert service.invoke(device_id, "unknown", responseTimeoutInSeconds=5).status_code == 504


class TestMessages:
    def test_properties(self, service, client, device_id):
        client("receive")
        named = {"message_id": "m1", "correlation_id": "c1", "content_type": "application/json", "content_encoding": "utf-8"}
        service.sent(device_id, b'{"a": 1}', **named, ack="full", app_color="dark red")
        message = client.event("message")
        assert (message["data"], message["messageId"], message["correlationId"]) == ('{"a": 1}', "m1", "c1")
        assert message["properties"]["color"] == "dark red"
        assert client("settle", "complete", "m1") == "MessageCompleted"

    def test_queued_and_empty(self, service, client, device_id):
        for number in range(3):
            service.sent(device_id, b"", message_id=f"m{number}")
        client("receive")
        assert [client.event("message")["messageId"] for _ in range(3)] == ["m0", "m1", "m2"]


class TestEverything:
    """What a client that uses everything still hears after its connection was changed under it."""

    def use_everything(self, client) -> None:
        client("twin")
        client("watch")
        client("receive")
        client("answer", "echo", 200)

    @pytest.fixture
    def busy(self, client):
        self.use_everything(client)
        return client

    def assert_works(self, service, monitor, busy, device_id, number: int) -> None:
        assert service.invoked(device_id, "echo", number, connect_s=30)["payload"] == number
        service.desire(device_id, {"round": number})
        assert busy.event("desired")["round"] == number
        service.sent(device_id, b"x", message_id=f"m{number}")
        assert busy.event("message")["messageId"] == f"m{number}"
        busy("report", {"round": number})
        busy("send", f'{{"round": {number}}}')
        monitor.wait_for(device_id, lambda events: {"round": number} in map(telemetry, events), f"round {number}")

    def test_after_renewal(self, server, service, roadstead, monitor, actor, transport, device_id):
        """Node renews by DISCONNECT and CONNECT, twice, and subscribes to nothing again."""
        key = roadstead.device_key(device_id)
        actor("openWithToken", transport, hub.device_token(server, device_id, key))
        self.use_everything(actor)
        self.assert_works(service, monitor, actor, device_id, 1)
        actor("renew", hub.device_token(server, device_id, key, ttl_s=7200))
        self.assert_works(service, monitor, actor, device_id, 2)

    @pytest.mark.parametrize("cut", ["take-over", "KillTcp", "ShutDownMqtt"])
    def test_after_a_cut(self, server, service, monitor, busy, key, device_id, cut):
        self.assert_works(service, monitor, busy, device_id, 1)
        if cut == "take-over":
            hub.connected(server, device_id, key, clean=False).wait_closed()
        else:
            before = service.connected_since(device_id)
            busy("sendWith", " ", injection.fault(cut))
            wait.until(lambda: service.connected_since(device_id) not in (None, before), 30, "another connection")
        self.assert_works(service, monitor, busy, device_id, 2)


class TestModules:
    @pytest.fixture(params=["mqtt", "mqttws", "amqp", "amqpws"])
    def transport(self, request, server):
        if request.param != "mqtt":
            request.getfixturevalue("port_443")
        if request.param.startswith("amqp"):
            request.getfixturevalue("port_5671")
        return request.param

    @pytest.fixture
    def module(self, server, actor, service, roadstead, transport, device_id):
        roadstead.create_device(device_id)
        made = service.ok("PUT", f"/devices/{device_id}/modules/cam", {"deviceId": device_id, "moduleId": "cam"})
        key = made["authentication"]["symmetricKey"]["primaryKey"]
        actor("open", transport, f"HostName={server.hub_host};DeviceId={device_id};ModuleId=cam;SharedAccessKey={key}")
        return actor

    def test_telemetry(self, monitor, module, device_id):
        module("send", '{"from": "module"}')
        module("send", '{"to": "output"}', "out1")
        events = monitor.wait(device_id, 2)
        assert [event["annotations"]["iothub-connection-module-id"] for event in events] == ["cam", "cam"]
        assert [body(event) for event in events] == [{"from": "module"}, {"to": "output"}]

    def test_twin_and_methods(self, service, module, device_id):
        module("twin")
        module("watch")
        service.desire(device_id, {"fake_key": "value"}, "cam")
        assert module.event("desired") == {"fake_key": "value", "$version": 2}
        module("report", {"another": "value"})
        assert service.twin(device_id, "cam")["properties"]["reported"]["another"] == "value"
        module("answer", "my_method", 400)
        assert service.invoked(device_id, "my_method", {"a": 1}, "cam", connect_s=30) == {"status": 400, "payload": {"a": 1}}


class TestHttp:
    """The HTTP transport asks for messages once a second."""

    @pytest.fixture
    def polling(self, actor, port_443, roadstead, device_id):
        roadstead.create_device(device_id)
        actor("open", "http", roadstead.connection_string(device_id))
        actor("receive")
        return actor

    @pytest.mark.parametrize("how, said", [("complete", "MessageCompleted"), ("reject", "MessageRejected")])
    def test_again_until_settled(self, service, polling, device_id, how, said):
        service.sent(device_id, b"x", message_id="m1", app_color="red")
        assert polling.event("message")["properties"]["iothub-app-color"] == "red", "this transport hands headers over as they are"
        assert polling("settle", "abandon", "m1") == "MessageAbandoned"
        assert polling.event("message")["messageId"] == "m1"
        assert polling("settle", how, "m1") == said
        service.sent(device_id, b"y", message_id="m2")
        assert polling.event("message")["messageId"] == "m2"
        assert polling("settle", "complete", "m2") == "MessageCompleted"
        assert service.twin(device_id)["cloudToDeviceMessageCount"] == 0
