"""Devices over AMQP: the Node device SDK (`azure-iot-device-amqp`), unmodified, on TLS and in WebSockets."""

import pytest

from harness import hub, injection, wait
from harness.cli import Roadstead
from harness.monitor import application, body, system, telemetry
from harness.node import Actor, node
from harness.server import Server
from harness.service import Service

pytestmark = pytest.mark.usefixtures("port_443", "port_5671")

MESSAGES = [{"body": '{"n": 0}'}, {"body": '{"n": 1}'}]
PAYLOADS = [None, "foo", 0, True, [1, [2]], {}, {"k1": "v1", "ü": {"n": None}}]


@pytest.fixture(params=["amqp", "amqpws"])
def transport(request):
    return request.param


class TestTelemetry:
    def test_connection_string(self, server, roadstead, monitor, transport, device_id):
        roadstead.create_device(device_id)
        text = roadstead.connection_string(device_id)
        assert node(server, "hub.js", transport=transport, connectionString=text, messages=MESSAGES) == {"sent": 2}
        events = monitor.wait(device_id, 2)
        assert [body(event) for event in events] == [{"n": 0}, {"n": 1}]

    def test_properties(self, server, roadstead, monitor, transport, device_id):
        roadstead.create_device(device_id)
        uuid = "0a1b2c3d-0a1b-4c3d-8a1b-0a1b2c3d4e5f"
        names = {"messageId": uuid, "correlationId": "c1", "contentType": "application/json", "contentEncoding": "utf-8"}
        message = {"body": '{"t": 1}', "system": names, "application": {"k1": "v 1", "k2": "2"}}
        text = roadstead.connection_string(device_id)
        assert node(server, "hub.js", transport=transport, connectionString=text, messages=[message]) == {"sent": 1}
        event = monitor.wait(device_id, 1)[0]
        expected = {"message_id": uuid, "correlation_id": "c1", "content_type": "application/json", "content_encoding": "utf-8"}
        assert {name: system(event)[name] for name in expected} == expected, "the SDK sends the first as a uuid"
        assert application(event) == {"k1": "v 1", "k2": "2"}

    def test_thumbprint(self, server, roadstead, monitor, transport, certificates, device_id):
        device = certificates.self_signed(device_id)
        words = ("--auth-method", "x509_thumbprint", "--primary-thumbprint", device.thumbprint, "--secondary-thumbprint", device.thumbprint)
        roadstead.create_device(device_id, *words)
        pem = {"cert": device.path.read_text(), "key": device.key_path.read_text()}
        given = {"transport": transport, "hub": server.hub_host, "deviceId": device_id, "messages": MESSAGES}
        assert node(server, "hub.js", **given, **pem) == {"sent": 2}
        assert "x509Certificate" in monitor.wait(device_id, 2)[0]["annotations"]["iothub-connection-auth-method"]
        other = certificates.self_signed(device_id)
        pem = {"cert": other.path.read_text(), "key": other.key_path.read_text()}
        assert node(server, "hub.js", **given, **pem).get("error") == "UnauthorizedError"

    def test_certificate_of_a_ca(self, server, roadstead, monitor, transport, certificates, device_id):
        """With the intermediate that signed it; the SDK knows of neither, it hands on what it is given."""
        root = certificates.root(f"ca-{device_id}")
        intermediate = certificates.issue(root, f"intermediate-{device_id}", ca=True)
        roadstead.hub("certificate", "create", "--name", f"ca-{device_id}", "--path", root.path, "--verified", "true")
        roadstead.create_device(device_id, "--auth-method", "x509_ca")
        cert, key = (path.read_text() for path in certificates.issue(intermediate, device_id).chained(intermediate))
        given = {"transport": transport, "hub": server.hub_host, "messages": MESSAGES, "cert": cert, "key": key}
        assert node(server, "hub.js", **given, deviceId=device_id) == {"sent": 2}
        assert len(monitor.wait(device_id, 2)) == 2
        other = f"{device_id}-other"
        roadstead.create_device(other, "--auth-method", "x509_ca")
        assert node(server, "hub.js", **given, deviceId=other).get("error") == "UnauthorizedError", "it names another"

    def test_wrong_key(self, server, roadstead, transport, device_id):
        roadstead.create_device(device_id)
        other = roadstead.device_key(f"{device_id}-other")
        text = ";".join([*roadstead.connection_string(device_id).split(";")[:2], f"SharedAccessKey={other}"])
        refused = node(server, "hub.js", transport=transport, connectionString=text, messages=MESSAGES)
        assert refused.get("error") == "UnauthorizedError", refused


class TestTwin:
    def test_get_and_report(self, service, client, device_id):
        assert client("twin") == {"desired": {"$version": 1}, "reported": {"$version": 1}}
        client("report", {"foo": 1, "bar": {"baz": 2}})
        client("report", {"bar": {"baz": 3}})
        reported = service.twin(device_id)["properties"]["reported"]
        assert (reported["foo"], reported["bar"], reported["$version"]) == (1, {"baz": 3}, 3)

    def test_refused_report(self, client):
        client("twin")
        assert client.refused("report", {"a.b": 1}) == "Error"
        client("report", {"after": 1})

    def test_desired(self, service, client, device_id):
        client("twin")
        client("watch")
        service.desire(device_id, {"foo": 1, "bar": {"baz": 2}})
        assert client.event("desired") == {"foo": 1, "bar": {"baz": 2}, "$version": 2}
        service.desire(device_id, {"bar": {"baz": None}})
        assert client.event("desired")["$version"] == 3
        assert client("properties")["desired"] == {"foo": 1, "bar": {}, "$version": 3}


class TestMethods:
    def test_payloads_of_every_kind(self, service, client, device_id):
        client("answer", "echo", 201)
        for payload in PAYLOADS:
            assert service.invoked(device_id, "echo", payload, connect_s=30) == {"status": 201, "payload": payload}
            assert client.event("method") == {"name": "echo", "payload": payload}

    def test_offline(self, service, roadstead, client, device_id):
        """A connection alone is nobody who listens."""
        assert service.invoke(device_id, "echo").status_code == 404


class TestMessages:
    def test_properties(self, service, client, device_id):
        client("receive")
        named = {"message_id": "m1", "correlation_id": "c1", "content_type": "application/json", "content_encoding": "utf-8"}
        service.sent(device_id, b'{"a": 1}', **named, ack="full", app_color="dark red")
        message = client.event("message")
        assert (message["data"], message["messageId"], message["correlationId"]) == ('{"a": 1}', "m1", "c1")
        assert (message["contentType"], message["contentEncoding"], message["ack"]) == ("application/json", "utf-8", "full")
        assert message["properties"]["color"] == "dark red"
        assert client("settle", "complete", "m1") == "MessageCompleted"

    def test_abandon_and_reject(self, service, client, device_id):
        client("receive")
        service.sent(device_id, b"x", message_id="m1")
        client.event("message")
        assert client("settle", "abandon", "m1") == "MessageAbandoned"
        assert client.event("message")["messageId"] == "m1", "it comes again"
        assert client("settle", "reject", "m1") == "MessageRejected"
        service.sent(device_id, b"x", message_id="m2")
        assert client.event("message")["messageId"] == "m2"

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

    def assert_works(self, service, monitor, busy, device_id, number: int) -> None:
        assert service.invoked(device_id, "echo", number, connect_s=30)["payload"] == number
        service.desire(device_id, {"round": number})
        assert busy.event("desired")["round"] == number
        service.sent(device_id, b"x", message_id=f"m{number}")
        assert busy.event("message")["messageId"] == f"m{number}"
        busy("settle", "complete", f"m{number}")
        busy("report", {"round": number})
        busy("send", f'{{"round": {number}}}')
        monitor.wait_for(device_id, lambda events: {"round": number} in map(telemetry, events), f"round {number}")

    def test_after_renewal(self, server, service, roadstead, monitor, actor, transport, device_id):
        """Node puts the new token on the connection that it has."""
        key = roadstead.device_key(device_id)
        actor("openWithToken", transport, hub.device_token(server, device_id, key))
        self.use_everything(actor)
        self.assert_works(service, monitor, actor, device_id, 1)
        before = service.connected_since(device_id)
        actor("renew", hub.device_token(server, device_id, key, ttl_s=7200))
        self.assert_works(service, monitor, actor, device_id, 2)
        assert service.connected_since(device_id) == before

    def test_after_a_take_over(self, server, service, roadstead, monitor, client, transport, device_id):
        """Another connection of the device ends this one's links. The SDK takes that for good; the program opens it anew."""
        self.use_everything(client)
        self.assert_works(service, monitor, client, device_id, 1)
        text = roadstead.connection_string(device_id)
        hub.connected(server, device_id, text.rpartition("SharedAccessKey=")[2], clean=False).drop()
        client.event("disconnect")
        client("open", transport, text)
        self.use_everything(client)
        self.assert_works(service, monitor, client, device_id, 2)

    @pytest.mark.parametrize("kind", ["KillTcp", "KillAmqpConnection", "ShutDownAmqp", "KillAmqpSession", "KillAmqpMethodReqLink"])
    def test_after_a_fault(self, service, monitor, client, device_id, kind):
        """The SDK is back by itself, with methods and desired properties; that it is with messages, it does not say."""
        self.use_everything(client)
        self.assert_works(service, monitor, client, device_id, 1)
        before = service.connected_since(device_id)
        client("sendWith", " ", injection.fault(kind))
        wait.until(lambda: service.connected_since(device_id) not in (None, before), 30, "another connection")
        assert service.invoked(device_id, "echo", 2, connect_s=30)["payload"] == 2
        client("send", '{"round": 2}')
        monitor.wait_for(device_id, lambda events: {"round": 2} in map(telemetry, events), "telemetry")


class TestRestart:
    @pytest.mark.parametrize("end", [Server.kill, Server.terminate])
    def test_is_back_by_itself(self, own_server, device_id, end):
        """The SDK says nothing of it. It can be told another port than 5671 by the name of a gateway alone."""
        roadstead, service = Roadstead(own_server.start()), Service(own_server)
        roadstead.create_device(device_id)
        client = Actor(own_server, "device.js")
        try:
            client("open", "amqp", f"{roadstead.connection_string(device_id)};GatewayHostName=127.0.0.1:{own_server.amqp_port}")
            client("twin")
            client("watch")
            client("answer", "echo", 200)
            assert service.invoked(device_id, "echo", 1, connect_s=30)["payload"] == 1
            end(own_server)
            own_server.start()
            assert service.invoked(device_id, "echo", 2, connect_s=30)["payload"] == 2
            client("report", {"round": 2})
            wait.until(lambda: service.twin(device_id)["properties"]["reported"].get("round") == 2, 30, "the report")
            service.desire(device_id, {"round": 2})
            assert client.event("desired")["round"] == 2
        finally:
            client.end()
