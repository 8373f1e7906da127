"""The management SDKs for Node (`@azure/arm-iothub`, `@azure/arm-deviceprovisioningservices`), unmodified."""

import uuid

import pytest
import requests

from harness.node import Actor

GROUP, HUB, DPS = "mgmt-node-rg", "mgmt-node-hub", "mgmt-node-dps"
S1 = {"name": "S1", "capacity": 1}


@pytest.fixture(scope="module")
def management(server, command_line):
    exports = server.exports
    given = [exports[f"ROADSTEAD_{name}"] for name in ("ARM_URL", "TENANT", "SP_ID", "SP_SECRET")]
    actor = Actor(server, "management.js")
    header = {"Authorization": f"Bearer {actor('token', *given)}"}
    found = requests.get(f"{given[0]}/subscriptions", headers=header, timeout=60).json()
    actor("open", *given, found["value"][0]["subscriptionId"])
    command_line("group", "create", "-n", GROUP, "-l", "local")
    yield actor
    actor.end()
    command_line("group", "delete", "-n", GROUP, "--yes")


@pytest.fixture(scope="module")
def hub(management):
    body = {"location": "local", "sku": S1, "tags": {"site": "north"}, "properties": {"comments": "kept"}}
    return management("call", "hubs", "beginCreateOrUpdateAndWait", GROUP, HUB, body)


def test_wrong_secret(management, server):
    given = [server.exports[f"ROADSTEAD_{name}"] for name in ("ARM_URL", "TENANT", "SP_ID")]
    assert management.refused("token", *given, "wrong") == "AuthenticationRequiredError"


def test_a_person_logs_in_with_a_code(management, server, command_line):
    """The message names the page and the code; the page is filled in as a person would."""
    name = f"node-{uuid.uuid4().hex[:8]}"
    user = command_line("user", "create", "-n", name)
    try:
        url, tenant = server.exports["ROADSTEAD_ARM_URL"], server.exports["ROADSTEAD_TENANT"]
        flow = management("device", url, tenant)
        form = {"user_code": flow["userCode"], "username": name, "password": user["password"]}
        assert "Logged in" in requests.post(flow["verificationUri"], data=form, timeout=20).text
        token = management("device_token")
        me = requests.get(f"{url}/v1.0/me", headers={"Authorization": f"Bearer {token}"}, timeout=20)
        assert me.json()["userPrincipalName"] == name
    finally:
        command_line("user", "delete", "-n", name)


def test_hub(management, hub):
    """Made, found, changed by its ETag and not by an old one."""
    assert (hub["properties"]["state"], hub["tags"]) == ("Active", {"site": "north"})
    assert HUB in [each["name"] for each in management("pages", "hubs", "listBySubscription")]
    changed = management("call", "hubs", "beginCreateOrUpdateAndWait", GROUP, HUB, hub, {"ifMatch": hub["etag"]})
    assert (changed["properties"]["comments"], changed["etag"] != hub["etag"]) == ("kept", True)
    stale = management.attempt("call", "hubs", "beginCreateOrUpdateAndWait", GROUP, HUB, hub, {"ifMatch": hub["etag"]})
    assert stale["error"] == "RestError" and "etag" in stale["message"]
    assert management("call", "hubs", "beginUpdateAndWait", GROUP, HUB, {"tags": {"a": "b"}})["tags"] == {"a": "b"}
    rights = {key["keyName"]: key["rights"] for key in management("pages", "hubs", "listKeys", GROUP, HUB)}
    assert rights["iothubowner"] == "RegistryWrite, ServiceConnect, DeviceConnect"
    assert management("call", "hubs", "getStats", GROUP, HUB)["totalDeviceCount"] == 0
    assert management("call", "hubs", "checkNameAvailability", {"name": HUB})["nameAvailable"] is False
    assert len(management("pages", "hubOperations", "list")) > 20


def test_dps(management, hub):
    """A linked hub's key is never shown, and sending back what is shown loses nothing."""
    owner = management("call", "hubs", "getKeysForKeyName", GROUP, HUB, "iothubowner")["primaryKey"]
    host = hub["properties"]["hostName"]
    text = f"HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey={owner}"
    body = {"location": "local", "sku": S1, "properties": {"iotHubs": [{"connectionString": text, "location": "local"}]}}
    made = management("call", "instances", "createOrUpdate", GROUP, DPS, body)
    again = management("call", "instances", "createOrUpdate", GROUP, DPS, made)
    links = [(each["name"], owner in each["connectionString"]) for each in again["properties"]["iotHubs"]]
    assert links == [(host, False)]
    assert DPS in [each["name"] for each in management("pages", "instances", "listBySubscription")]
    management("call", "instances", "delete", GROUP, DPS)
    assert management.refused("call", "instances", "get", GROUP, DPS) == "RestError"


def test_deleted(management, hub):
    """The last of this file."""
    management("call", "hubs", "beginDeleteAndWait", GROUP, HUB)
    gone = management.attempt("call", "hubs", "get", GROUP, HUB)
    assert gone["error"] == "RestError" and "not found" in gone["message"]
