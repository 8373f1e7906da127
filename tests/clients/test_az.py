"""The Azure CLI itself, azure-cli 2.77.0: the commands of its core. Each takes seconds to start, so that few prove much."""

import datetime
import json

import pytest

from harness import dps as registry
from harness import hub as hubs
from harness import wait
from harness.az import COMMAND_WITHIN_S, ForkedAz, installed
from harness.certs import CertificateMaker
from harness.cli import Refused
from harness.rawmqtt import RawMqtt, tls_context

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


@pytest.fixture
def counted(command_line, device_id):
    """A hub and a DPS instance, linked, where nobody but this test's device is counted."""
    group, hub, dps = (f"{device_id}-{kind}" for kind in ("rg", "hub", "dps"))
    command_line("group", "create", "-n", group, "-l", "local")
    try:
        made = command_line("iot", "hub", "create", "-n", hub, "-g", group), command_line("iot", "dps", "create", "-n", dps, "-g", group)
        command_line("iot", "dps", "linked-hub", "create", "--dps-name", dps, "-g", group, "--hub-name", hub)
        yield made
    finally:
        command_line("group", "delete", "-n", group, "--yes")


def test_metrics(az, server, command_line, counted, device_id):
    """What a device did is in the minute in which it did it."""
    hub, dps = counted
    begun = datetime.datetime.now(datetime.UTC)
    where = ("--dps-name", dps["name"], "-g", dps["resourcegroup"])
    words = ("--enrollment-id", device_id, "--attestation-type", "symmetricKey", *where)
    key = command_line("iot", "dps", "enrollment", "create", *words)["attestation"]["symmetricKey"]["primaryKey"]
    scope, host = dps["properties"]["idScope"], hub["properties"]["hostName"]
    registry.register("https", server, device_id, registry.key_credential(server, device_id, key, id_scope=scope), id_scope=scope)
    device = command_line("iot", "hub", "device-identity", "show", "--hub-name", hub["name"], "--device-id", device_id)
    token = hubs.device_token(server, device_id, device["authentication"]["symmetricKey"]["primaryKey"], hub_host=host)

    def seen(resource: dict, metric: str, aggregation: str = "Total") -> list[float]:
        """What the minutes say that say anything; they are none but those of this test."""
        words = ("--metrics", metric, "--aggregation", aggregation, "--interval", "PT1M")
        (found,) = az("monitor", "metrics", "list", "--resource", resource["id"], *words)["value"]
        minutes = {each["timeStamp"]: each.get(aggregation.lower()) for each in found["timeseries"][0]["data"]}
        told = {at: value for at, value in minutes.items() if value}
        now = datetime.datetime.now(datetime.UTC)
        assert all(f"{begun:%Y-%m-%dT%H:%M}" <= at[:16] <= f"{now:%Y-%m-%dT%H:%M}" for at in told), (begun, told)
        return list(told.values())

    with RawMqtt(host, server.mqtt_port, tls_context(server.ca_file), address=server.address) as mqtt:
        assert mqtt.connect(device_id, hubs.username(host, device_id), token).code == 0
        for number in range(20):
            mqtt.publish(hubs.events_topic(device_id), b"%d" % number)
        # Meters are read every five seconds.
        wait.until(lambda: sum(seen(hub, "d2c.telemetry.ingress.success")) == 20, 60, "the messages are in the metrics")
        assert max(seen(hub, "connectedDeviceCount", "Maximum")) == 1
        assert max(seen(hub, "totalDeviceCount", "Maximum")) == 1
    assert sum(seen(dps, "RegistrationAttempts")) == 1
    assert sum(seen(dps, "DeviceAssignments")) == 1
    # The same, in our words.
    rows = command_line("metrics", "--hub-name", hub["name"], "--metrics", "d2c.telemetry.ingress.success", "--interval", "PT1M")
    assert {row["metric"] for row in rows} == {"d2c.telemetry.ingress.success"} and sum(row.get("total", 0) for row in rows) == 20
    assert "DeviceAssignments" in command_line.text("metrics", "--dps-name", dps["name"], "--metrics", "DeviceAssignments", "-o", "table")
    names = az("monitor", "metrics", "list-definitions", "--resource", dps["id"], "--query", "[].name.value")
    assert names == ["AttestationAttempts", "RegistrationAttempts", "DeviceAssignments", "roadstead.refusals"]
    assert "there is no metric `speed` here" in refused(az, "monitor", "metrics", "list", "--resource", hub["id"], "--metrics", "speed")


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
