"""`roadstead iot` for what `az`'s core has of hubs and DPS: policies, links, certificates in place of others, what is in a file."""

import json

import pytest

from harness.certs import CertificateMaker
from harness.cli import Refused

GROUP, HUB, DPS = "manage-rg", "manage-hub", "manage-dps"


@pytest.fixture(scope="module", autouse=True)
def resources(command_line):
    command_line("group", "create", "-n", GROUP, "-l", "here")
    command_line("iot", "hub", "create", "-n", HUB, "-g", GROUP)
    command_line("iot", "dps", "create", "-n", DPS, "-g", GROUP)
    yield
    command_line("group", "delete", "-n", GROUP, "--yes")


@pytest.fixture
def cli(command_line):
    return command_line


def refused(cli, *words) -> Refused:
    with pytest.raises(Refused) as caught:
        cli(*words)
    assert caught.value.stderr.startswith("error: ")
    return caught.value


def test_a_group_exists_or_not(cli):
    assert (cli("group", "exists", "-n", GROUP), cli("group", "exists", "-g", "nowhere")) == (True, False)


def test_policies_of_a_hub(cli):
    """Made, listed, renewed, swapped, deleted; what its keys open ends with them."""
    policy = ("iot", "hub", "policy")
    mine = ("--hub-name", HUB, "-n", "mine")
    hub = cli(*policy, "create", *mine, "--permissions", "RegistryRead", "serviceconnect")
    assert hub["name"] == HUB
    made = cli(*policy, "show", *mine)
    assert made["rights"] == "RegistryRead, ServiceConnect"
    assert [each["keyName"] for each in cli(*policy, "list", "--hub-name", HUB)][-1] == "mine"
    shown = cli("iot", "hub", "connection-string", "show", "-n", HUB, "--policy-name", "mine")["connectionString"]
    assert made["primaryKey"] in shown
    query = ("iot", "hub", "query", "-q", "select deviceId from devices", "--login")
    assert cli(*query, shown) == []
    swapped = cli(*policy, "renew-key", *mine, "--renew-key", "swap")
    assert (swapped["primaryKey"], swapped["secondaryKey"]) == (made["secondaryKey"], made["primaryKey"])
    renewed = cli(*policy, "renew-key", *mine, "--rk", "Secondary")
    assert renewed["primaryKey"] == swapped["primaryKey"] and renewed["secondaryKey"] != swapped["secondaryKey"]
    refused(cli, *query, shown)
    assert "exists already" in refused(cli, *policy, "create", *mine, "--permissions", "DeviceConnect").stderr
    cli(*policy, "delete", *mine)
    gone = refused(cli, *policy, "show", *mine)
    assert gone.code == 3 and "policy list --hub-name" in gone.stderr
    assert refused(cli, *policy, "delete", *mine).code == 3


def test_policies_of_a_dps(cli):
    policy = ("iot", "dps", "policy")
    mine = ("--dps-name", DPS, "--policy-name", "mine")
    key = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
    made = cli(*policy, "create", *mine, "--rights", "EnrollmentRead", "--primary-key", key)
    assert (made["rights"], made["primaryKey"]) == ("EnrollmentRead", key)
    updated = cli(*policy, "update", *mine, "--rights", "ServiceConfig", "EnrollmentWrite", "--primary-key", "")
    assert set(updated["rights"].split(", ")) >= {"ServiceConfig", "EnrollmentWrite"} and updated["primaryKey"] != key
    assert updated["secondaryKey"] == made["secondaryKey"]
    text = cli("iot", "dps", "connection-string", "show", "-n", DPS, "--pn", "mine")["connectionString"]
    assert text.endswith(f"SharedAccessKeyName=mine;SharedAccessKey={updated['primaryKey']}")
    assert cli("iot", "dps", "enrollment", "list", "--login", text) == []
    everyone = cli("iot", "dps", "connection-string", "show", "--all")
    assert DPS in [each["name"] for each in everyone]
    left = cli(*policy, "delete", *mine)
    assert [each["keyName"] for each in left] == ["provisioningserviceowner"]
    assert refused(cli, *policy, "update", *mine, "--rights", "ServiceConfig").code == 3
    assert refused(cli, *policy, "update", *mine).code == 2


def test_a_dps_is_changed(cli):
    changed = cli("iot", "dps", "update", "-n", DPS, "--tags", "site=north", "--set", "properties.allocationPolicy=GeoLatency")
    assert (changed["tags"], changed["properties"]["allocationPolicy"]) == ({"site": "north"}, "GeoLatency")
    assert cli("iot", "dps", "update", "-n", DPS, "-g", GROUP, "--remove", "tags.site")["tags"] == {}
    assert refused(cli, "iot", "dps", "update", "-n", DPS).code == 2


def test_a_linked_hub_is_changed(cli):
    link = ("iot", "dps", "linked-hub")
    cli(*link, "create", "--dps-name", DPS, "--hub-name", HUB)
    words = ("--dps-name", DPS, "--linked-hub", HUB)
    changed = cli(*link, "update", *words, "--allocation-weight", "10", "--apply-allocation-policy", "false")
    assert (changed["allocationWeight"], changed["applyAllocationPolicy"]) == (10, False)
    shown = cli(*link, "show", "--dps-name", DPS, "--linked-hub", changed["name"])
    assert shown == changed and "SharedAccessKey=****" in shown["connectionString"]
    assert refused(cli, *link, "update", *words).code == 2
    assert cli(*link, "delete", *words) == []
    assert "no hub is linked" in refused(cli, *link, "show", *words).stderr


def test_an_enrollment_group_is_shown(cli):
    group = ("iot", "dps", "enrollment-group")
    cli(*group, "create", "--dps-name", DPS, "--enrollment-id", "shown")
    shown = cli(*group, "show", "--dps-name", DPS, "--enrollment-id", "shown")
    assert shown["enrollmentGroupId"] == "shown" and "primaryKey" not in json.dumps(shown)
    assert "primaryKey" in json.dumps(cli(*group, "show", "--dps-name", DPS, "--group-id", "shown", "--show-keys"))
    cli(*group, "delete", "--dps-name", DPS, "--enrollment-id", "shown")


@pytest.mark.parametrize(("noun", "owner"), [("hub", HUB), ("dps", DPS)])
def test_a_certificate_is_replaced(cli, tmp_path, noun, owner):
    """By who read the newest version of it, or asks for none."""
    maker = CertificateMaker(tmp_path)
    first, second = (maker.root(f"{noun}-{name}") for name in ("first", "second"))
    certificate = ("iot", noun, "certificate")
    which = (f"--{noun}-name", owner, "--name", "root")
    made = cli(*certificate, "create", *which, "--path", first.path)
    updated = cli(*certificate, "update", *which, "--path", second.path, "--verified", "--etag", made["etag"])
    assert updated["properties"]["isVerified"] is True
    assert updated["properties"]["thumbprint"] != made["properties"]["thumbprint"]
    refused(cli, *certificate, "update", *which, "--path", first.path, "--etag", made["etag"])
    again = cli(*certificate, "update", *which, "--path", first.path)
    assert again["properties"]["thumbprint"] == made["properties"]["thumbprint"]


def test_state_in_a_file(cli, tmp_path, device_id):
    """What `export hub` writes, in the words of `az iot hub state`."""
    file = tmp_path / "state.json"
    cli("iot", "hub", "device-identity", "create", "-n", HUB, "-d", device_id)
    assert cli("iot", "hub", "state", "export", "-n", HUB, "-f", file)["devices"] == 1
    assert "--replace" in refused(cli, "iot", "hub", "state", "export", "-n", HUB, "-f", file).stderr
    cli("iot", "hub", "state", "export", "-n", HUB, "-f", file, "--replace", "--aspects", "devices")
    cli("iot", "hub", "device-identity", "delete", "-n", HUB, "-d", device_id)
    cli("iot", "hub", "state", "import", "-n", HUB, "--state-file", file)
    assert cli("iot", "hub", "device-identity", "show", "-n", HUB, "-d", device_id)["deviceId"] == device_id
