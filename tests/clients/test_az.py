"""The Azure CLI itself, azure-cli 2.77.0: the commands of its core. Each takes seconds to start, so that few prove much."""

import json

import pytest

from harness import dps as registry
from harness import hub as hubs
from harness import wait
from harness.az import COMMAND_WITHIN_S, ForkedAz, installed
from harness.certs import CertificateMaker
from harness.cli import Refused, Roadstead

pytestmark = pytest.mark.timeout(240)

GROUP, HUB, DPS = "az-rg", "az-hub", "az-dps"


@pytest.fixture(scope="module")
def az(server, tmp_path_factory):
    if not installed().is_file():
        pytest.skip(f"there is no {installed()}: `./test clients` installs the Azure CLI")
    made = ForkedAz(server, tmp_path_factory.mktemp("az"))
    try:
        made.register()
        # Before the login that succeeds: az keeps a good token, and asks for no other while that lasts.
        with pytest.raises(Refused) as refused:
            made.log_in("wrong")
        assert "wrong client secret" in refused.value.stderr
        made.log_in()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def group(az):
    return az("group", "create", "-l", "Central India", "-n", GROUP, "--tags", "site=north")


@pytest.fixture(scope="module")
def hub(az, group):
    """Seed 000, step 2."""
    words = ("--sku", "S1", "--partition-count", "2", "--retention-day", "7")
    return az("iot", "hub", "create", "--name", HUB, "--resource-group", GROUP, *words)


@pytest.fixture(scope="module")
def dps(az, hub):
    return az("iot", "dps", "create", "--name", DPS, "--resource-group", GROUP, "--location", "centralindia", "--sku", "S1")


def refused(az, *words) -> str:
    with pytest.raises(Refused) as refusal:
        az.text(*words)
    return refusal.value.stderr


def test_login(az, server):
    account = az("account", "show")
    assert (account["tenantId"], account["user"]["type"]) == (server.exports["ROADSTEAD_TENANT"], "servicePrincipal")
    program = az.start("account", "show", "-o", "json")
    assert json.loads(program.communicate(timeout=COMMAND_WITHIN_S)[0]) == account, "forked or not"


def test_groups(az, group):
    assert (group["location"], group["tags"]) == ("Central India", {"site": "north"})
    assert az("group", "update", "-n", GROUP, "--set", "tags.floor=2")["tags"] == {"site": "north", "floor": "2"}
    assert az("group", "list", "--tag", "site=north", "--query", "[].name") == [GROUP]
    assert az("group", "exists", "-n", "nowhere") is False
    assert "(ResourceGroupNotFound)" in refused(az, "group", "show", "-n", "nowhere")


def test_hub(az, hub):
    events = hub["properties"]["eventHubEndpoints"]["events"]
    assert (events["partitionCount"], events["retentionTimeInDays"]) == (2, 7)
    changed = az("iot", "hub", "update", "-n", HUB, "--set", "tags.x=y", "--c2d-max-delivery-count", "20")
    assert (changed["tags"], changed["properties"]["cloudToDevice"]["maxDeliveryCount"]) == ({"x": "y"}, 20)
    assert az("iot", "hub", "list", "-g", GROUP, "--query", "[].name") == [HUB]
    text = az.text("iot", "hub", "show-connection-string", "--name", HUB, "--resource-group", GROUP, "--output", "tsv")
    assert text.startswith(f"HostName={hub['properties']['hostName']};SharedAccessKeyName=iothubowner;SharedAccessKey=")
    assert az("iot", "hub", "show-stats", "-n", HUB)["totalDeviceCount"] == 0
    assert az("iot", "hub", "identity", "show", "-n", HUB)["type"] == "None"


def test_keys_and_consumer_groups(az, hub):
    az("iot", "hub", "policy", "create", "--hub-name", HUB, "-n", "mine", "--permissions", "ServiceConnect")
    mine = az("iot", "hub", "policy", "show", "--hub-name", HUB, "-n", "mine")
    renewed = az("iot", "hub", "policy", "renew-key", "--hub-name", HUB, "-n", "mine", "--renew-key", "primary")
    assert mine["rights"] == "ServiceConnect" and renewed["primaryKey"] != mine["primaryKey"]
    assert renewed["secondaryKey"] == mine["secondaryKey"]
    az("iot", "hub", "consumer-group", "create", "--hub-name", HUB, "-n", "backend")
    groups = az("iot", "hub", "consumer-group", "list", "--hub-name", HUB, "--query", "[].name")
    assert groups == ["$Default", "backend"]


def test_what_is_refused(az, hub):
    """A name that is taken, one that is none, and a body that is no hub's."""
    az("group", "create", "-l", "local", "-n", "az-other-rg")
    try:
        assert "(NameNotAvailable)" in refused(az, "iot", "hub", "create", "-n", HUB, "-g", "az-other-rg")
        assert "(InvalidResourceName)" in refused(az, "iot", "hub", "create", "-n", "no_good", "-g", "az-other-rg")
        path = "/subscriptions/{subscriptionId}/resourceGroups/az-other-rg/providers/Microsoft.Devices/IotHubs/h1?api-version=2023-06-30"
        assert "InvalidRequestContent" in refused(az, "rest", "--method", "put", "--url", path, "--body", '{"location": 7}')
    finally:
        az.text("group", "delete", "-n", "az-other-rg", "--yes")


def test_certificate_of_a_hub(az, hub, tmp_path):
    """Uploaded, proven, and not changed by who read an older version of it."""
    maker = CertificateMaker(tmp_path)
    root = maker.root("plant-root")
    certificate = ("iot", "hub", "certificate")
    which = ("--hub-name", HUB, "-n", "plant-root")
    made = az(*certificate, "create", *which, "-p", root.path)
    code = az(*certificate, "generate-verification-code", *which, "--etag", made["etag"])
    proof = maker.issue(root, code["properties"]["verificationCode"])
    assert "(PreconditionFailed)" in refused(az, *certificate, "verify", *which, "-p", proof.path, "--etag", made["etag"])
    assert "(CertificateVerificationFailed)" in refused(az, *certificate, "verify", *which, "-p", root.path, "--etag", code["etag"])
    proven = az(*certificate, "verify", *which, "-p", proof.path, "--etag", code["etag"])
    assert proven["properties"]["isVerified"] is True
    az.text(*certificate, "delete", *which, "--etag", proven["etag"])


def test_dps(az, hub, dps):
    """Seed 000, step 5: a linked hub, of which the key is never shown and never lost."""
    assert dps["properties"]["idScope"].startswith("0ne")
    host = hub["properties"]["hostName"]
    link = ("iot", "dps", "linked-hub")
    linked = az(*link, "create", "--dps-name", DPS, "-g", GROUP, "--hub-name", HUB)
    assert [(each["name"], "SharedAccessKey=****" in each["connectionString"]) for each in linked] == [(host, True)]
    words = ("--linked-hub", host, "--allocation-weight", "10", "--apply-allocation-policy", "true")
    assert az(*link, "update", "--dps-name", DPS, "-g", GROUP, *words)["allocationWeight"] == 10
    policy = ("iot", "dps", "policy")
    az(*policy, "create", "--dps-name", DPS, "-g", GROUP, "--pn", "mine", "-r", "EnrollmentRead")
    names = az(*policy, "list", "--dps-name", DPS, "-g", GROUP, "--query", "[].keyName")
    assert names == ["provisioningserviceowner", "mine"]
    assert "not available" in refused(az, "iot", "dps", "create", "--name", DPS, "--resource-group", GROUP)


def test_certificate_of_a_dps(az, dps, tmp_path):
    """Seed 000, steps 2 to 7 of its X.509 part. `az` wants an ETag for `verify`, which the seed leaves out."""
    maker = CertificateMaker(tmp_path)
    root = maker.root("textile-rootCA")
    certificate = ("iot", "dps", "certificate")
    which = ("--dps-name", DPS, "--resource-group", GROUP, "--certificate-name", "textile-rootCA")
    made = az(*certificate, "create", *which, "--path", root.path)
    proof = maker.issue(root, made["properties"]["verificationCode"])
    proven = az(*certificate, "verify", *which, "--path", proof.path, "--etag", made["etag"])
    assert proven["properties"]["isVerified"] is True


def test_metrics(az, server, device_id):
    """What a device did is in the minute in which it did it."""
    roadstead = Roadstead(server)
    registry.register("https", server, device_id, registry.key_credential(server, device_id, roadstead.enroll_with_key(device_id)))
    key = roadstead.hub("device-identity", "show", "--device-id", device_id)["authentication"]["symmetricKey"]["primaryKey"]
    hub = roadstead("iot", "hub", "show", "-n", roadstead.hub_name)["id"]
    dps = roadstead("iot", "dps", "show", "-n", roadstead.dps_name, "-g", roadstead.group)["id"]

    def seen(resource: str, metric: str, aggregation: str) -> float:
        """Of this hour and the one before, as an hour may end meanwhile."""
        words = ("--metrics", metric, "--aggregation", aggregation, "--interval", "PT1H", "--offset", "2h")
        (found,) = az("monitor", "metrics", "list", "--resource", resource, *words)["value"]
        hours = [hour.get(aggregation.lower()) or 0 for hour in found["timeseries"][0]["data"]]
        return max(hours) if aggregation == "Maximum" else sum(hours)

    with hubs.connected(server, device_id, key) as mqtt:
        for number in range(20):
            mqtt.publish(hubs.events_topic(device_id), b"%d" % number)
        # Meters are read every five seconds.
        wait.until(lambda: seen(hub, "d2c.telemetry.ingress.success", "Total") >= 20, 60, "the messages are in the metrics")
        assert seen(hub, "connectedDeviceCount", "Maximum") >= 1
        assert seen(hub, "totalDeviceCount", "Maximum") >= 1
    assert seen(dps, "RegistrationAttempts", "Total") >= 1
    assert seen(dps, "DeviceAssignments", "Total") >= 1
    # The same, in our words.
    rows = roadstead("metrics", "--hub-name", roadstead.hub_name, "--metrics", "d2c.telemetry.ingress.success", "--interval", "PT1H")
    assert {row["metric"] for row in rows} == {"d2c.telemetry.ingress.success"} and sum(row.get("total", 0) for row in rows) >= 20
    assert "DeviceAssignments" in roadstead.text("metrics", "--dps-name", roadstead.dps_name, "--metrics", "DeviceAssignments", "-o", "table")
    names = az("monitor", "metrics", "list-definitions", "--resource", dps, "--query", "[].name.value")
    assert names == ["AttestationAttempts", "RegistrationAttempts", "DeviceAssignments", "roadstead.refusals"]
    assert "there is no metric `speed` here" in refused(az, "monitor", "metrics", "list", "--resource", hub, "--metrics", "speed")


def test_template(az, hub, dps, tmp_path):
    """What is exported can be deployed: here nothing changes."""
    file = tmp_path / "template.json"
    file.write_text(az.text("group", "export", "-n", GROUP, "--resource-ids", hub["id"], "--skip-all-params"))
    done = az("deployment", "group", "create", "-g", GROUP, "--template-file", file)
    assert done["properties"]["provisioningState"] == "Succeeded"
    assert az("iot", "hub", "show", "-n", HUB)["properties"]["hostName"] == hub["properties"]["hostName"]


def test_resources_and_their_end(az, hub, dps):
    """The last of this file: everything goes with the group."""
    assert az("resource", "list", "-g", GROUP, "--query", "[].name") == [HUB, DPS]
    shown = az("resource", "show", "-g", GROUP, "-n", HUB, "--resource-type", "Microsoft.Devices/IotHubs")
    assert shown["id"] == hub["id"]
    az.text("iot", "dps", "delete", "--name", DPS, "--resource-group", GROUP)
    az.text("group", "delete", "-n", GROUP, "--yes")
    assert HUB not in az("iot", "hub", "list", "--query", "[].name")
