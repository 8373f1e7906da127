"""`roadstead export` and `roadstead import`: a hub and a DPS from one server to another, and from files as Azure's tools write them."""

import json
from pathlib import Path

import pytest

from harness import hub, servers_apart
from harness.cli import Refused
from harness.rawmqtt import RawMqtt, tls_context


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """Two servers that know nothing of each other; `old` has devices of every kind."""
    pair = servers_apart.Pair(tmp_path_factory.mktemp("transfer"))
    yield pair
    pair.end()


@pytest.fixture
def fresh(apart):
    """A hub and a DPS on the new server that have nothing yet."""
    return apart.fresh()


def same_hub(here: dict, there: dict) -> None:
    assert here.keys() == there.keys()
    for name in here:
        assert here[name] == there[name], name


@pytest.mark.parametrize("form", ["state", "devices"])
def test_round_trip(apart, fresh, tmp_path, form):
    """Keys, thumbprints, modules, twins, parents: what is exported, imported and exported again is the same."""
    first, second = tmp_path / "first", tmp_path / "second"
    written = apart.old.say("export", "hub", first, "--hub-name", apart.old.hub_name, "--format", form)
    assert (written["devices"], written["modules"], written["notTaken"]) == (5, 4, [])
    assert first.stat().st_mode & 0o777 == 0o600, "it holds keys"
    report = fresh.say("import", "hub", first, "--hub-name", fresh.hub_name)
    assert report["devices"] == {"created": 5, "updated": 0, "same": 0, "notTaken": 0}, report
    assert report["modules"]["created"] + report["modules"]["updated"] + report["modules"]["same"] == 4, report
    assert report["notTaken"] == []
    fresh.say("export", "hub", second, "--hub-name", fresh.hub_name, "--format", form)
    same_hub(*(servers_apart.comparable(path.read_text()) for path in (first, second)))
    twin = fresh.twin("thermo")
    assert (twin["tags"], twin["properties"]["desired"]["hz"]) == ({"site": "a"}, 5)
    reported = twin["properties"]["reported"].get("firmware")
    assert reported == ("1.2" if form == "devices" else None), "the extension's form has no reported properties"


def test_devices_change_only_the_host_name(apart, fresh, tmp_path):
    """A device with the key that it had there is let in here."""
    file = tmp_path / "hub.json"
    apart.old.say("export", "hub", file, "--hub-name", apart.old.hub_name)
    fresh.say("import", "hub", file, "--hub-name", fresh.hub_name)
    key = apart.old.key_of("thermo")
    token = hub.device_token(fresh.server, "thermo", key, hub_host=fresh.host)
    context = tls_context(fresh.ca_file)
    with RawMqtt(fresh.host, fresh.mqtt_port, context, address="127.0.0.1") as mqtt:
        assert mqtt.connect("thermo", hub.username(fresh.host, "thermo"), token).code == 0


def test_dry_run_changes_nothing(apart, fresh, tmp_path):
    file = tmp_path / "hub.json"
    apart.old.say("export", "hub", file, "--hub-name", apart.old.hub_name)
    before = fresh.say("import", "hub", file, "--hub-name", fresh.hub_name, "--dry-run")
    assert before["dryRun"] and before["devices"]["created"] == 5
    assert {"what": "device `thermo`", "change": "create"} in before["changes"]
    assert fresh.devices() == set()
    fresh.say("import", "hub", file, "--hub-name", fresh.hub_name)
    fresh.hub("device-twin", "update", "--device-id", "thermo", "--tags", '{"site": "b"}')
    after = fresh.say("import", "hub", file, "--hub-name", fresh.hub_name, "--dry-run")
    assert after["changes"] == [{"what": "device `thermo`", "change": "update", "differs": ["tags"]}], after
    assert fresh.twin("thermo")["tags"] == {"site": "b"}


def test_imported_twice(apart, fresh, tmp_path):
    """An import that broke off is finished by doing it again: what is there already is not written again."""
    file = tmp_path / "hub.json"
    apart.old.say("export", "hub", file, "--hub-name", apart.old.hub_name)
    half = json.loads(file.read_text())
    half["devices"] = {name: half["devices"][name] for name in ("thermo", "gateway")}
    (tmp_path / "half.json").write_text(json.dumps(half))
    fresh.say("import", "hub", tmp_path / "half.json", "--hub-name", fresh.hub_name)
    etag = fresh.twin("thermo")["etag"]
    report = fresh.say("import", "hub", file, "--hub-name", fresh.hub_name)
    assert (report["devices"]["created"], report["devices"]["same"]) == (3, 2), report
    again = fresh.say("import", "hub", file, "--hub-name", fresh.hub_name)
    assert again["devices"] == {"created": 0, "updated": 0, "same": 5, "notTaken": 0}, again
    assert again["modules"]["same"] == 4, again
    assert fresh.twin("thermo")["etag"] == etag


def test_what_is_not_taken(fresh, tmp_path):
    """Named with its reason, and all else is taken."""
    keys = {"primaryKey": "cHJpbWFyeWtleXByaW1hcnlrZXk=", "secondaryKey": "c2Vjb25kYXJ5a2V5c2Vjb25kYXJ5"}
    identity = {"authentication": {"type": "sas", "symmetricKey": keys}, "capabilities": {"iotEdge": False}, "status": "enabled"}
    twin = {"properties": {"desired": {}}}
    keyless = {**identity, "authentication": {"type": "sas", "symmetricKey": {"primaryKey": None, "secondaryKey": None}}}
    state = {
        "arm": {"resources": [{"name": "plant", "type": "Microsoft.Devices/IotHubs"}]},
        "configurations": {"admConfigurations": {"fast": {}}, "edgeDeployments": {}},
        "devices": {
            "good": {"identity": identity, "twin": twin},
            "no name": {"identity": identity, "twin": twin},
            "keyless": {"identity": keyless, "twin": twin},
            "orphan": {"identity": identity, "twin": twin, "parent": "nobody"},
        },
    }
    file = tmp_path / "hub.json"
    file.write_text(json.dumps(state))
    report = fresh.say("import", "hub", file, "--hub-name", fresh.hub_name)
    left = {each["what"]: each["why"] for each in report["notTaken"]}
    expected = {"configuration `fast`", "resource `plant` of type Microsoft.Devices/IotHubs", "device `no name`", "device `keyless`"}
    assert left.keys() == expected | {"the parent of device `orphan`"}
    assert "keys are not in the file" in left["device `keyless`"]
    assert fresh.devices() == {"good", "orphan"}
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(Refused, match="holds no devices"):
        fresh.say("import", "hub", tmp_path / "empty.txt", "--hub-name", fresh.hub_name)


def test_what_the_extension_writes(fresh):
    """A file as `az iot hub state export` 0.25.0 writes it, taken down from its source."""
    file = Path(__file__).parent / "harness" / "state-0.25.0.json"
    report = fresh.say("import", "hub", file, "--hub-name", fresh.hub_name)
    assert (report["devices"]["created"], report["modules"]["notTaken"]) == (2, 0), report
    shown = fresh.hub("device-identity", "show", "--device-id", "leaf")
    assert shown["parentScopes"] == [fresh.hub("device-identity", "show", "--device-id", "edge1")["deviceScope"]]


def test_enrollments(apart, fresh, tmp_path):
    """Keys, TPMs, certificates, names of CAs, policies: what is exported, imported and exported again is the same."""
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    written = apart.old.say("export", "dps", first, "--dps-name", apart.old.dps_name)
    assert (written["enrollments"], written["enrollmentGroups"]) == (2, 2)
    report = fresh.say("import", "dps", first, "--dps-name", fresh.dps_name)
    assert report["notTaken"] == [] and report["enrollments"]["created"] == 2, report
    assert report["enrollmentGroups"]["created"] == 2
    fresh.say("export", "dps", second, "--dps-name", fresh.dps_name)
    once, twice = (servers_apart.comparable_enrollments(path.read_text()) for path in (first, second))
    assert once == twice
    again = fresh.say("import", "dps", first, "--dps-name", fresh.dps_name, "--dry-run")
    assert again["changes"] == [] and again["enrollments"]["same"] == 2, again


def test_certificates_from_files(apart, fresh, tmp_path):
    """Azure shows no more of a certificate than what it says: the files that devices have complete it."""
    listed = apart.old.say("iot", "dps", "enrollment", "list", "--dps-name", apart.old.dps_name)
    file = tmp_path / "listed.json"
    file.write_text(json.dumps(listed))
    without = fresh.say("import", "dps", file, "--dps-name", fresh.dps_name, "--dry-run")
    reasons = {each["what"]: each["why"] for each in without["notTaken"]}
    assert "--certificates" in reasons["enrollment `by-certificate`"] and "--show-keys" in reasons["enrollment `by-key`"]
    words = ("--certificates", apart.old.certificate_dir)
    report = fresh.say("import", "dps", file, "--dps-name", fresh.dps_name, *words)
    assert report["enrollments"]["created"] == 1, report
