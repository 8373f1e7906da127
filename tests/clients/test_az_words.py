"""The commands of the seeds, with `az` replaced by `roadstead`: same words, same JSON, `--query` and `-o` as az has them."""

import json
import re
import shlex

import pytest

from harness import hub, sas
from harness.cli import Refused
from harness.dps import key_credential, register
from harness.monitor import Monitor, body
from harness.rawmqtt import RawMqtt, tls_context


@pytest.fixture(scope="module")
def say(command_line):
    """One line as a document prints it; JSON is read, other output comes as text."""

    def run(line: str, **names):
        words = shlex.split(line.format(**names))
        printed = command_line.text(*words).strip()
        return json.loads(printed) if printed[:1] in ("{", "[") else printed

    return run


HUB = "textile-iothub"


@pytest.fixture(scope="module")
def textile(say):
    """Seed 000, steps 1, 2, 5 and 6. The seed mixes two group names and makes only one of them; here all is in that one."""
    say("group create -l centralindia -n mygroup")
    made = say(f"iot hub create --name {HUB} --resource-group mygroup --sku S1 --location centralindia --partition-count 2 --retention-day 7")
    text = say(f"iot hub show-connection-string --name {HUB} --resource-group mygroup --output tsv")
    say("iot dps create --name textile-dps --resource-group mygroup --location centralindia --sku S1")
    link = "iot dps linked-hub create --dps-name textile-dps --resource-group mygroup --connection-string '{text}' --location centralindia"
    say(link, text=text)
    return made


def test_hub_as_created(say, textile):
    events = textile["properties"]["eventHubEndpoints"]["events"]
    assert (events["partitionCount"], events["retentionTimeInDays"]) == (2, 7)
    assert (textile["name"], textile["sku"]["name"], textile["properties"]["state"]) == (HUB, "S1", "Active")
    shown = say(f"iot hub show --name {HUB}")
    assert shown["id"] == textile["id"]
    assert "." in shown["properties"]["hostName"]
    assert HUB in [each["name"] for each in say("iot hub list")]


def test_linked_hub(say, textile):
    linked = say("iot dps linked-hub list --dps-name textile-dps --resource-group mygroup")
    assert [each["name"] for each in linked] == [textile["properties"]["hostName"]]
    assert "SharedAccessKey=****" in linked[0]["connectionString"], "a linked hub's key is never shown"


def test_id_scope(say, textile):
    scope = say("iot dps show --name textile-dps --resource-group mygroup --query properties.idScope --output tsv")
    assert re.fullmatch(r"0ne[0-9A-F]{8}", scope)


def test_device_identity(say, textile):
    device = say(f"iot hub device-identity create --device-id pi-gateway --hub-name {HUB}")
    assert (device["deviceId"], device["status"], device["authentication"]["type"]) == ("pi-gateway", "enabled", "sas")
    key = device["authentication"]["symmetricKey"]["primaryKey"]
    text = say(f"iot hub device-identity connection-string show --device-id pi-gateway --hub-name {HUB} --output tsv")
    host = textile["properties"]["hostName"]
    assert sas.parse_connection_string(text) == {"HostName": host, "DeviceId": "pi-gateway", "SharedAccessKey": key}
    wrapped = say(f"iot hub device-identity connection-string show --device-id pi-gateway --hub-name {HUB}")
    assert wrapped == {"connectionString": text}
    with pytest.raises(Refused):
        say(f"iot hub device-identity create --device-id pi-gateway --hub-name {HUB}")


def test_given_keys(say, textile):
    primary, secondary = "cHJpbWFyeXByaW1hcnlwcmltYXJ5", "c2Vjb25kYXJ5c2Vjb25kYXJ5c2Vj"
    words = f"--auth-method shared_private_key --primary-key {primary} --secondary-key {secondary}"
    device = say(f"iot hub device-identity create --device-id own-keys --hub-name {HUB} {words}")
    assert device["authentication"]["symmetricKey"] == {"primaryKey": primary, "secondaryKey": secondary}


def test_enrollment_on_second_hub(say, server, roadstead, textile):
    """Seed 000, step 7, and the registration after it: each DPS knows its own hubs and its own scope."""
    made = "iot dps enrollment create --dps-name textile-dps --resource-group mygroup --enrollment-id esp32-device-001"
    enrollment = say(f"{made} --attestation-type symmetricKey --device-id esp32-device-001")
    assert enrollment["provisioningStatus"] == "enabled"
    key = enrollment["attestation"]["symmetricKey"]["primaryKey"]
    scope = say("iot dps show --name textile-dps --resource-group mygroup --query properties.idScope -o tsv")
    credential = key_credential(server, "esp32-device-001", key, id_scope=scope)
    answer = register("mqtt", server, "esp32-device-001", credential, id_scope=scope)
    host = textile["properties"]["hostName"]
    assert answer.body["registrationState"]["assignedHub"] == host

    # The second hub's name need not resolve here: its devices say it in their user name.
    watching = Monitor(roadstead, 0, HUB)
    try:
        with RawMqtt(server.hub_host, server.mqtt_port, tls_context(server.ca_file)) as mqtt:
            token = hub.device_token(server, "esp32-device-001", key, hub_host=host)
            assert mqtt.connect("esp32-device-001", hub.username(host, "esp32-device-001"), token).code == 0
            mqtt.publish(hub.events_topic("esp32-device-001"), b'{"rpm": 890}')
        assert body(watching.wait("esp32-device-001", 1)[0]) == {"rpm": 890}
    finally:
        watching.end()


def test_monitor_one_device(roadstead, server, device_id):
    """Seed 001: only that device's events, from a moment on, until there are enough."""
    other = f"{device_id}-other"
    keys = {each: roadstead.device_key(each) for each in (device_id, other)}
    for each in (device_id, other, device_id):
        with hub.connected(server, each, keys[each]) as mqtt:
            mqtt.publish(hub.events_topic(each), each.encode())
    words = ("--device-id", device_id, "--enqueued-time", "0", "--message-count", "2", "--timeout", "60")
    printed = roadstead.text("iot", "hub", "monitor-events", "--hub-name", roadstead.hub_name, *words)
    assert printed.count('"event"') == 2 and other not in printed


def test_device_update_and_delete(roadstead, device_id):
    first = roadstead.device_key(device_id)
    updated = roadstead.update_device(device_id, "--status", "disabled", "--status-reason", "stolen")
    assert (updated["status"], updated["statusReason"]) == ("disabled", "stolen")
    assert updated["authentication"]["symmetricKey"]["primaryKey"] == first
    roadstead.hub("device-identity", "delete", "--device-id", device_id)
    assert device_id not in [each["deviceId"] for each in roadstead.hub("device-identity", "list")]


def test_enrollment_update_and_delete(roadstead, device_id):
    for noun in ("enrollment", "enrollment-group"):
        name = f"{device_id}-{noun}"
        create = ("--attestation-type", "symmetricKey") if noun == "enrollment" else ()
        roadstead.dps(noun, "create", "--enrollment-id", name, *create)
        updated = roadstead.dps(noun, "update", "--enrollment-id", name, "--provisioning-status", "disabled")
        assert updated["provisioningStatus"] == "disabled"
        ids = {each.get("registrationId") or each["enrollmentGroupId"] for each in roadstead.dps(noun, "list")}
        assert name in ids
        roadstead.dps(noun, "delete", "--enrollment-id", name)
        with pytest.raises(Refused):
            roadstead.dps(noun, "show", "--enrollment-id", name)


def test_what_is_deleted_is_gone(server, roadstead, say):
    """A linked hub, a DPS, a hub, and a group with all that is in it."""
    say("group create -l local -n short-lived")
    host = say("iot hub create -n short-hub -g short-lived")["properties"]["hostName"]
    scope = say("iot dps create -n short-dps -g short-lived")["properties"]["idScope"]
    say("iot dps linked-hub create --dps-name short-dps -g short-lived --hub-name short-hub")
    say(f"iot dps linked-hub delete --dps-name short-dps -g short-lived --linked-hub {host}")
    assert say("iot dps linked-hub list --dps-name short-dps -g short-lived") == []
    say("iot dps delete -n short-dps -g short-lived")
    key = "c2hvcnRzaG9ydHNob3J0c2hvcnRzaG9y"
    assert register("https", server, "dev", key_credential(server, "dev", key, id_scope=scope), id_scope=scope).status == 401
    say("iot hub delete -n short-hub -g short-lived")
    say("iot hub create -n second-short-hub -g short-lived")
    say("group delete -n short-lived --yes")
    names = [each["name"] for each in say("iot hub list")]
    assert "short-hub" not in names and "second-short-hub" not in names
    assert "short-lived" not in [each["name"] for each in say("group list")]


def test_lists_as_tables(say, textile):
    """Seed 001's two listings."""
    say(f"iot hub device-identity create --device-id in-a-table --hub-name {HUB}")
    query = "[].{{DeviceID:deviceId, Auth:authentication.type, Status:status}}"
    table = say(f'iot hub device-identity list --hub-name {HUB} --query "{query}" -o table').splitlines()
    assert table[0].split() == ["DeviceID", "Auth", "Status"]
    assert set(table[1]) == {"-", " "}
    assert ["in-a-table", "sas", "enabled"] in [line.split() for line in table[2:]]


def test_registration_listing(server, roadstead, device_id):
    """Seed 001: which devices a group has brought in."""
    group = f"group-{device_id}"
    key = sas.device_key(roadstead.enroll_group_with_key(group), device_id)
    assert register("https", server, device_id, key_credential(server, device_id, key)).body["status"] == "assigned"
    listed = roadstead.dps("enrollment-group", "registration", "list", "--enrollment-id", group)
    assert [(each["deviceId"], each["assignedHub"], each["status"]) for each in listed] == [(device_id, server.hub_host, "assigned")]
    shown = roadstead.dps("enrollment-group", "registration", "show", "--registration-id", device_id)
    assert shown["createdDateTimeUtc"] == listed[0]["createdDateTimeUtc"]
    roadstead.dps("enrollment-group", "registration", "delete", "--registration-id", device_id)
    assert roadstead.dps("enrollment-group", "registration", "list", "--enrollment-id", group) == []


@pytest.mark.parametrize("form", ["json", "table", "tsv", "yaml"])
def test_output_forms(say, roadstead, form):
    printed = roadstead.text("iot", "hub", "list", "--query", "[].name", "-o", form)
    assert roadstead.hub_name in printed
    assert (printed.lstrip()[0] == "[") == (form == "json")


def test_keys_are_shown_only_on_demand(roadstead, device_id):
    key = roadstead.enroll_with_key(device_id)
    words = ("enrollment", "show", "--enrollment-id", device_id)
    assert key not in json.dumps(roadstead.dps(*words))
    assert roadstead.dps(*words, "--show-keys")["attestation"]["symmetricKey"]["primaryKey"] == key


def test_what_is_absent(roadstead):
    for words in (("enrollment", "show", "--enrollment-id", "absent"), ("certificate", "show", "--certificate-name", "absent")):
        with pytest.raises(Refused) as refused:
            roadstead.dps(*words)
        assert refused.value.code == 3 and "absent" in refused.value.stderr
    with pytest.raises(Refused) as refused:
        roadstead.hub("device-identity", "show", "--device-id", "absent")
    assert refused.value.code == 3 and "absent" in refused.value.stderr


def test_wrong_words_are_answered_with_advice(roadstead):
    with pytest.raises(Refused) as refused:
        roadstead.text("iot", "hub", "device-identty", "list")
    assert "device-identity" in refused.value.stderr
