"""`roadstead iot hub` and `roadstead iot device` for the rest of the hub: typed as a user would, against a running server.

What a device must do meanwhile, bare MQTT does.
"""

import json
import subprocess
import threading
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs

import pytest
import requests

from harness import hub as devices
from harness import injection, wait
from harness.cli import Refused
from harness.monitor import body, telemetry


@pytest.fixture
def cli(roadstead):
    return roadstead


@pytest.fixture
def key(cli, device_id):
    return cli.device_key(device_id)


def message(cli, verb: str, device_id: str, *words):
    return cli("iot", "device", "c2d-message", verb, "--hub-name", cli.hub_name, "--device-id", device_id, *words)


def refused(command, *words) -> Refused:
    with pytest.raises(Refused) as caught:
        command(*words)
    assert caught.value.stderr.startswith("error: ")
    return caught.value


def arrived(monitor, device_id: str):
    """The body of the device's first message; the hub's own events of it do not count."""
    events = monitor.wait_for(device_id, lambda events: any(telemetry(event) is not None for event in events), "telemetry")
    return next(found for found in map(telemetry, events) if found is not None)


class Online:
    """A device that answers every method with its payload, until it ends."""

    def __init__(self, server, device_id: str, key: str, module_id: str | None = None):
        self.mqtt = devices.connected(server, device_id, key, module_id=module_id)
        self.mqtt.subscribe("$iothub/methods/POST/#")
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self):
        try:
            while True:
                call = self.mqtt.message()
                rid = call.topic.split("$rid=")[1]
                self.mqtt.publish(f"$iothub/methods/res/207/?$rid={rid}", call.payload, qos=0)
        except (OSError, AssertionError):
            pass  # the test is over

    def end(self):
        self.mqtt.drop()


class TestTwins:
    def test_show_update_replace(self, cli, key, device_id):
        shown = cli.hub("device-twin", "show", "--device-id", device_id)
        assert (shown["deviceId"], shown["properties"]["desired"]["$version"]) == (device_id, 1)
        words = ("--device-id", device_id, "--tags", '{"site": "a"}', "--desired", '{"hz": 5, "old": 1}')
        patched = cli.hub("device-twin", "update", *words)
        assert patched["tags"] == {"site": "a"}
        assert {name: patched["properties"]["desired"][name] for name in ("hz", "old", "$version")} == {"hz": 5, "old": 1, "$version": 2}
        removed = cli.hub("device-twin", "update", "--device-id", device_id, "--desired", '{"old": null}')
        assert "old" not in removed["properties"]["desired"]
        generic = cli.hub("device-twin", "update", "--device-id", device_id, "--set", "tags.floor=3", "--remove", "tags.site")
        assert generic["tags"] == {"floor": 3}

    def test_from_a_file(self, cli, key, device_id, tmp_path):
        path = tmp_path / "twin.json"
        path.write_text(json.dumps({"tags": {"a": 1}, "properties": {"desired": {"b": 2}}}))
        replaced = cli.hub("device-twin", "replace", "--device-id", device_id, "--json", path)
        assert (replaced["tags"], replaced["properties"]["desired"]["b"]) == ({"a": 1}, 2)

    def test_etag(self, cli, key, device_id):
        etag = cli.hub("device-twin", "show", "--device-id", device_id)["etag"]
        update = ("device-twin", "update", "--device-id", device_id, "--etag", etag, "--tags", '{"a": 1}')
        cli.hub(*update)
        late = refused(cli.hub, *update)
        assert late.code == 1 and "hint: it was changed in the meantime" in late.stderr

    def test_list(self, cli, key, device_id):
        assert device_id in [twin["deviceId"] for twin in cli.hub("device-twin", "list", "--top", "-1")]

    def test_refusals(self, cli, device_id):
        absent = refused(cli.hub, "device-twin", "show", "--device-id", device_id)
        assert absent.code == 3 and f"device `{device_id}` not found in hub" in absent.stderr
        nothing = refused(cli.hub, "device-twin", "update", "--device-id", device_id)
        assert nothing.code == 2 and "nothing to change" in nothing.stderr


class TestIdentities:
    def test_modules(self, cli, key, device_id):
        module = ("--device-id", device_id, "--module-id", "m1")
        created = cli.hub("module-identity", "create", *module)
        assert (created["deviceId"], created["moduleId"], created["authentication"]["type"]) == (device_id, "m1", "sas")
        assert [found["moduleId"] for found in cli.hub("module-identity", "list", "--device-id", device_id)] == ["m1"]
        shown = cli.hub("module-identity", "show", *module)
        assert (shown["authentication"], shown["hub"]) == (created["authentication"], cli.server.hub_host)
        string = cli.hub("module-identity", "connection-string", "show", *module)["connectionString"]
        assert f";DeviceId={device_id};ModuleId=m1;SharedAccessKey=" in string
        again = refused(cli.hub, "module-identity", "create", *module)
        assert again.code == 1
        twin = cli.hub("module-twin", "update", *module, "--desired", '{"hz": 5}')
        assert (twin["moduleId"], twin["properties"]["desired"]["hz"]) == ("m1", 5)
        replaced = cli.hub("module-twin", "replace", *module, "--json", '{"properties": {"desired": {"a": 1}}}')
        assert "hz" not in replaced["properties"]["desired"]
        assert cli.hub("module-twin", "show", *module)["properties"]["desired"]["a"] == 1
        assert cli.hub("module-identity", "delete", *module) is None
        assert refused(cli.hub, "module-identity", "show", *module).code == 3

    def test_keys_are_renewed(self, cli, key, device_id):
        renew = ("device-identity", "renew-key", "--device-id", device_id, "--key-type")
        renewed = cli.hub(*renew, "primary")["authentication"]["symmetricKey"]
        assert renewed["primaryKey"] != key
        swapped = cli.hub(*renew, "swap")["authentication"]["symmetricKey"]
        assert swapped == {"primaryKey": renewed["secondaryKey"], "secondaryKey": renewed["primaryKey"]}
        cli.hub("module-identity", "create", "--device-id", device_id, "--module-id", "m1")
        both = cli.hub(*renew, "both", "--include-modules")
        assert [(rotated["id"], rotated["moduleId"]) for rotated in both["rotatedKeys"]] == [(device_id, None), (device_id, "m1")]
        assert both["errors"] == []

    def test_generic_update(self, cli, key, device_id):
        updated = cli.update_device(device_id, "--set", "status=disabled", "statusReason=repair")
        assert (updated["status"], updated["statusReason"]) == ("disabled", "repair")

    def test_parent_and_children(self, cli, device_id):
        gateway, leaf = f"{device_id}-gw", f"{device_id}-leaf"
        cli.create_device(gateway, "--edge-enabled")
        cli.create_device(leaf)
        assert refused(cli.hub, "device-identity", "parent", "show", "--device-id", leaf).code == 3
        parent = ("device-identity", "parent", "set", "--device-id", leaf, "--parent-device-id", gateway)
        cli.hub(*parent)
        assert cli.hub("device-identity", "parent", "show", "--device-id", leaf)["deviceId"] == gateway
        assert "hint: `--force`" in refused(cli.hub, *parent).stderr
        assert cli.hub("device-identity", "children", "list", "--device-id", gateway) == [leaf]
        cli.hub("device-identity", "children", "remove", "--device-id", gateway, "--remove-all")
        assert cli.hub("device-identity", "children", "list", "--device-id", gateway) == []
        cli.hub("device-identity", "children", "add", "--device-id", gateway, "--child-list", leaf)
        assert cli.hub("device-identity", "children", "list", "--device-id", gateway) == [leaf]

    def test_token_of_a_module(self, cli, key, device_id):
        cli.hub("module-identity", "create", "--device-id", device_id, "--module-id", "m1")
        token = cli.hub("generate-sas-token", "--device-id", device_id, "--module-id", "m1", "--duration", "60")["sas"]
        assert f"%2Fdevices%2F{device_id}%2Fmodules%2Fm1" in token.replace("/", "%2F")


class TestMethods:
    def test_answered(self, server, cli, key, device_id):
        online = Online(server, device_id, key)
        try:
            words = ("--device-id", device_id, "--method-name", "echo", "--method-payload", '{"a": [1, null]}')
            assert cli.hub("invoke-device-method", *words) == {"status": 207, "payload": {"a": [1, None]}}
        finally:
            online.end()

    def test_of_a_module(self, server, cli, key, device_id):
        module = cli.hub("module-identity", "create", "--device-id", device_id, "--module-id", "m1")
        online = Online(server, device_id, module["authentication"]["symmetricKey"]["primaryKey"], "m1")
        try:
            words = ("--device-id", device_id, "--module-id", "m1", "--method-name", "echo")
            assert cli.hub("invoke-module-method", *words) == {"status": 207, "payload": {}}
        finally:
            online.end()

    def test_nobody_there(self, cli, key, device_id):
        offline = refused(cli.hub, "invoke-device-method", "--device-id", device_id, "--method-name", "x", "--timeout", "10")
        assert offline.code == 3 and "hint: it must be connected" in offline.stderr


class TestMessages:
    def test_sent_received_settled(self, cli, key, device_id):
        assert message(cli, "receive", device_id) is None
        words = ("--data", "hello", "--message-id", "m1", "--correlation-id", "c1", "--properties", "color=red", "--content-type", "text/plain")
        message(cli, "send", device_id, *words)
        received = message(cli, "receive", device_id)
        assert (received["data"], received["properties"]["app"]) == ("hello", {"color": "red"})
        system = received["properties"]["system"]
        assert (system["iothub-messageid"], system["iothub-correlationid"], system["ContentType"]) == ("m1", "c1", "text/plain")
        message(cli, "abandon", device_id, "--etag", received["etag"])
        again = message(cli, "receive", device_id, "--complete")
        assert (again["data"], again["ack"]) == ("hello", "complete")
        lost = refused(lambda *words: message(cli, "complete", device_id, *words), "--etag", received["etag"])
        assert lost.code == 1
        message(cli, "send", device_id, "--data", "no")
        message(cli, "reject", device_id, "--etag", message(cli, "receive", device_id)["etag"])
        assert message(cli, "receive", device_id) is None

    def test_purged(self, cli, key, device_id):
        for _ in range(2):
            message(cli, "send", device_id)
        assert message(cli, "purge", device_id) == {"deviceId": device_id, "moduleId": None, "totalMessagesPurged": 2}

    def test_feedback_is_waited_for(self, cli, key, device_id):
        command = [cli.server.binary, "iot", "device", "c2d-message", "send", "-n", cli.hub_name, "-d", device_id]
        command += ["--message-id", "m-fb", "--ack", "full", "--wait"]
        with subprocess.Popen(command, env=cli.server.environment, stdout=subprocess.PIPE, text=True) as waiting:
            try:
                wait.until(lambda: message(cli, "receive", device_id, "--complete"), 30, "the message")
                printed, _ = waiting.communicate(timeout=60)
            finally:
                waiting.kill()
        assert "originalMessageId: m-fb" in printed and "statusCode: Success" in printed
        assert waiting.returncode == 0

    def test_to_nobody(self, cli, device_id):
        absent = refused(lambda *words: message(cli, "send", device_id, *words))
        assert absent.code == 3


class TestQuery:
    def test_rows(self, cli, key, device_id):
        cli.hub("device-twin", "update", "--device-id", device_id, "--tags", f'{{"only": "{device_id}"}}')
        rows = cli.hub("query", "--query-command", f"select deviceId from devices where tags.only = '{device_id}'")
        assert rows == [{"deviceId": device_id}]
        assert len(cli.hub("query", "-q", "select * from devices", "--top", "1")) == 1

    def test_what_cannot_be_read_is_refused(self, cli):
        nonsense = refused(cli.hub, "query", "-q", "select from")
        assert nonsense.code == 1


class TestAsDevice:
    def test_telemetry(self, cli, key, device_id, monitor):
        words = ("--hub-name", cli.hub_name, "--device-id", device_id)
        cli("iot", "device", "send-d2c-message", *words, "--data", '{"t": 1}', "--properties", "$.ct=application/json;alert=true")
        assert arrived(monitor, device_id) == {"t": 1}

    def test_simulation(self, cli, key, device_id, monitor):
        command = [cli.server.binary, "iot", "device", "simulate", "-n", cli.hub_name, "-d", device_id, "--msg-count", "600"]
        command += ["--msg-interval", "1", "--init-reported-properties", '{"fw": "1.2"}', "--method-response-code", "201"]
        with subprocess.Popen(command, env=cli.server.environment, stdout=subprocess.PIPE, text=True) as simulated:
            try:
                def reported():
                    return cli.hub("device-twin", "show", "--device-id", device_id)["properties"]["reported"]

                wait.until(lambda: reported().get("fw") == "1.2", 30, "the reported properties")
                called = cli.hub("invoke-device-method", "--device-id", device_id, "--method-name", "reboot", "--method-payload", "[1]")
                assert (called["status"], called["payload"]["methodName"], called["payload"]["methodRequestPayload"]) == (201, "reboot", [1])
                cli.hub("device-twin", "update", "--device-id", device_id, "--desired", '{"hz": 5}')
                wait.until(lambda: reported().get("hz") == 5, 30, "what was desired to be reported")
                message(cli, "send", device_id, "--data", "hello")
                wait.until(lambda: message(cli, "purge", device_id)["totalMessagesPurged"] == 0, 30, "the message to be taken")
            finally:
                simulated.terminate()
                printed, _ = simulated.communicate(timeout=30)
        assert '"Method Request Name": "reboot"' in printed
        assert arrived(monitor, device_id)["data"].startswith("Ping from Roadstead #")

    def test_simulation_over_http(self, cli, key, device_id, monitor):
        message(cli, "send", device_id, "--data", "hello")
        words = ("--hub-name", cli.hub_name, "--device-id", device_id, "--protocol", "http", "--msg-count", "1", "--msg-interval", "1")
        received = cli("iot", "device", "simulate", *words, "--data", "ping")
        assert received["data"] == "hello"
        assert arrived(monitor, device_id)["data"] == "ping #1"

    def test_upload(self, cli, key, device_id, tmp_path):
        path = tmp_path / "log.txt"
        path.write_text("line\n")
        words = ("--hub-name", cli.hub_name, "--device-id", device_id, "--file-path", path, "--content-type", "text/plain")
        assert cli("iot", "device", "upload-file", *words) is None


AS_DEV_MAKES_IT = (
    ("--c2d-ttl", "1", "--c2d-max-delivery-count", "10", "--feedback-ttl", "1", "--feedback-lock-duration", "60")
    + ("--feedback-max-delivery-count", "10", "--fileupload-notifications", "false", "--fileupload-notification-ttl", "1")
    + ("--fileupload-notification-max-delivery-count", "10", "--fileupload-notification-lock-duration", "5")
    + ("--fileupload-sas-ttl", "1", "--throttle", "off", "--fault-injection", "--message-queue-depth", "50")
    + ("--twin-change-events", "--device-lifecycle-events", "false", "--connection-state-events", "false", "--tags")
)


class TestHubSettings:
    """`roadstead iot hub update`, and what it makes of the hub. Every test leaves the hub as it was."""

    @pytest.fixture
    def update(self, cli):
        def run(*words):
            return cli("iot", "hub", "update", "--name", cli.hub_name, *words)["properties"]

        yield run
        run(*AS_DEV_MAKES_IT)

    @staticmethod
    def files(server, device_id: str, key: str, path: str, sent: dict):
        token = devices.device_token(server, device_id, key)
        url = server.url(server.hub_host, f"/devices/{device_id}/{path}")
        options = {"params": {"api-version": devices.API_VERSION}, "verify": server.ca_file, "timeout": 60}
        return requests.post(url, json=sent, headers={"Authorization": token}, **options)

    def test_shown_as_set(self, cli, update):
        words = ["--cdd", "3", "--ct", "2", "--fd", "4", "--ft", "5", "--fld", "6", "--fn", "--fnt", "7", "--fnd", "8", "--fnld", "9"]
        words += ["--fst", "10", "--throttle", "azure-s2", "--fault-injection", "false", "--message-queue-depth", "11"]
        words += ["--device-lifecycle-events", "--connection-state-events", "--twin-change-events", "false", "--tags", "line=north"]
        update(*words)
        hub = cli("iot", "hub", "show", "--name", cli.hub_name)
        shown = hub["properties"]
        feedback = {"lockDurationAsIso8601": "PT6S", "ttlAsIso8601": "PT5H", "maxDeliveryCount": 4}
        assert shown["cloudToDevice"] == {"maxDeliveryCount": 3, "defaultTtlAsIso8601": "PT2H", "feedback": feedback}
        told = {"lockDurationAsIso8601": "PT9S", "ttlAsIso8601": "PT7H", "maxDeliveryCount": 8}
        assert (shown["enableFileUploadNotifications"], shown["messagingEndpoints"]["fileNotifications"]) == (True, told)
        assert shown["storageEndpoints"]["$default"]["sasTtlAsIso8601"] == "PT10H"
        like = {"tier": "azure-s2", "units": 1}
        assert shown["roadstead"] == {"messageQueueDepth": 11, "throttle": like, "faultInjection": False}
        events = {route["source"] for route in shown["routing"]["routes"] if route["isEnabled"]}
        assert events == {"DeviceLifecycleEvents", "DeviceConnectionStateEvents"}
        assert hub["tags"] == {"line": "north"}
        left = update("--cdd", "20", "--set", "properties.roadstead.throttle.units=2")
        assert (left["cloudToDevice"]["maxDeliveryCount"], left["cloudToDevice"]["feedback"]) == (20, feedback)
        assert left["roadstead"]["throttle"] == {"tier": "azure-s2", "units": 2}

    def test_refusals(self, cli):
        update = ("iot", "hub", "update", "--name", cli.hub_name)
        typed = refused(cli, *update, "--c2d-ttl", "49")
        assert typed.code == 2 and "49 is not in 1..=48" in typed.stderr
        told = refused(cli, *update, "--set", "properties.cloudToDevice.maxDeliveryCount=101")
        assert told.code == 1 and "cloudToDevice.maxDeliveryCount is 101; it must be 1 to 100" in told.stderr
        nothing = refused(cli, *update)
        assert nothing.code == 2 and "nothing to change" in nothing.stderr
        assert refused(cli, "iot", "hub", "update", "--name", "nowhere", "--cdd", "1").code == 3

    @pytest.mark.slow
    @pytest.mark.timeout(180)
    def test_messages_expire(self, cli, key, device_id, update):
        """A minute is the least a hub takes, and `--c2d-ttl` counts hours, as in az."""
        update("--set", "properties.cloudToDevice.defaultTtlAsIso8601=PT1M")
        words = ["iot", "device", "c2d-message", "send", "-n", cli.hub_name, "-d", device_id, "--ack", "negative", "--wait"]
        done = subprocess.run([cli.server.binary, *words], env=cli.server.environment, capture_output=True, text=True, timeout=150)
        assert done.returncode == 0 and "statusCode: Expired" in done.stdout, done.stderr
        assert message(cli, "receive", device_id) is None

    def test_deliveries(self, cli, key, device_id, update):
        update("--c2d-max-delivery-count", "1")
        message(cli, "send", device_id)
        message(cli, "abandon", device_id, "--etag", message(cli, "receive", device_id)["etag"])
        assert message(cli, "receive", device_id) is None

    def test_queue_depth(self, cli, key, device_id, update):
        update("--message-queue-depth", "1")
        message(cli, "send", device_id)
        full = refused(lambda *words: message(cli, "send", device_id, *words))
        assert full.code == 1 and "1" in full.stderr
        update("--message-queue-depth", "2")
        message(cli, "send", device_id)

    def test_file_notifications(self, server, key, device_id, update):
        """They tell of a file, so that a success without one is refused while a hub keeps them."""

        def told(status: int):
            place = self.files(server, device_id, key, "files", {"blobName": "never.txt"}).json()
            ended = {"correlationId": place["correlationId"], "isSuccess": True, "statusCode": 200, "statusDescription": ""}
            assert self.files(server, device_id, key, "files/notifications", ended).status_code == status

        told(204)
        update("--fileupload-notifications")
        told(400)
        update("--fn", "false")
        told(204)

    def test_upload_lifetime(self, server, key, device_id, update):
        update("--fileupload-sas-ttl", "3")
        place = self.files(server, device_id, key, "files", {"blobName": "a.txt"}).json()
        (ends,) = parse_qs(place["sasToken"].lstrip("?"))["se"]
        left = datetime.fromisoformat(ends.replace("Z", "+00:00")) - datetime.now(timezone.utc)
        assert timedelta(hours=2, minutes=59) < left <= timedelta(hours=3)

    def test_throttle(self, service, update):
        def refusals() -> int:
            answers = [service.query("SELECT deviceId FROM devices WHERE deviceId = 'nobody'").status_code for _ in range(30)]
            assert set(answers) <= {200, 429}
            return answers.count(429)

        update("--throttle", "azure-s1")
        assert refusals() > 0
        update("--throttle", "off")
        assert refusals() == 0

    def test_fault_injection(self, server, monitor, key, device_id, update):
        update("--fault-injection", "false")
        asked = injection.bag(injection.fault("KillTcp", delay_s=0))
        with devices.connected(server, device_id, key) as mqtt:
            mqtt.publish(devices.events_topic(device_id, asked), b'{"n": 1}')
            mqtt.publish(devices.events_topic(device_id), b'{"n": 2}')
        numbers = [body(event)["n"] for event in monitor.wait(device_id, 2)]
        assert numbers == [1, 2], "without faults it is telemetry, and the connection stays"

    def test_events(self, cli, server, monitor, device_id, update):
        def kinds(device: str, enough) -> set[str]:
            seen = monitor.wait_for(device, lambda events: enough({source(event) for event in events}), "events of the hub")
            return {source(event) for event in seen}

        def source(event) -> str:
            return event["annotations"]["iothub-message-source"]

        update("--device-lifecycle-events", "--connection-state-events")
        loud = f"{device_id}-loud"
        devices.connected(server, loud, cli.device_key(loud)).drop()
        both = {"deviceLifecycleEvents", "deviceConnectionStateEvents"}
        kinds(loud, both.issubset)
        update("--device-lifecycle-events", "false", "--connection-state-events", "false")
        quiet = f"{device_id}-quiet"
        with devices.connected(server, quiet, cli.device_key(quiet)) as mqtt:
            mqtt.publish(devices.events_topic(quiet), b"{}")
        assert kinds(quiet, {"Telemetry"}.issubset) == {"Telemetry"}


def test_consumer_groups(cli, device_id):
    def groups(verb: str, *words):
        return cli("iot", "hub", "consumer-group", verb, "--hub-name", cli.hub_name, *words)

    made = groups("create", "--name", device_id)
    assert made["name"] == device_id and made["properties"]["created"].endswith(" GMT")
    assert {"$Default", device_id} <= {group["name"] for group in groups("list")}
    assert groups("show", "--name", device_id.upper()) == made
    groups("delete", "--name", device_id)
    assert f"consumer group `{device_id}` not found" in refused(groups, "show", "--name", device_id).stderr
    assert "every hub keeps this" in refused(groups, "delete", "--name", "$Default").stderr
