"""The Node service SDKs (`azure-iothub`, `azure-iot-provisioning-service`), unmodified, over HTTPS."""

import base64

import pytest

from harness import bare, dps, sas, tpm
from harness.node import Actor

KEYS = {"primaryKey": base64.b64encode(b"1234567890qwerty").decode(), "secondaryKey": base64.b64encode(b"qwertyuiopasdfghjkl").decode()}


@pytest.fixture(scope="module")
def back_end(server):
    if server.https_port != 443:
        pytest.skip("this client knows no other port than 443")
    made = Actor(server, "service.js")
    made("open", server.exports["IOTHUB_CONNECTION_STRING"], server.exports["DPS_CONNECTION_STRING"])
    yield made
    made.end()


@pytest.fixture
def registry(back_end):
    return Client(back_end, "registry")


class Client:
    """One of the SDK's clients; its methods are called by their own names."""

    def __init__(self, actor: Actor, name: str):
        self._actor, self._name = actor, name

    def __call__(self, method: str, *given):
        return self._actor("call", self._name, method, *given)

    def refused(self, method: str, *given) -> str:
        return self._actor.refused("call", self._name, method, *given)


class TestRegistry:
    def test_device_id_alone(self, registry, device_id):
        made = registry("create", {"deviceId": device_id})
        assert made["deviceId"] == device_id and all(made["authentication"]["symmetricKey"].values())
        assert registry("get", device_id)["generationId"] == made["generationId"]

    def test_given_keys(self, registry, device_id):
        registry("create", {"deviceId": device_id, "status": "disabled", "authentication": {"symmetricKey": KEYS}})
        found = registry("get", device_id)
        assert (found["status"], found["authentication"]["symmetricKey"]) == ("disabled", KEYS)

    def test_thumbprints(self, registry, device_id):
        thumbprints = {"primaryThumbprint": "0" * 40, "secondaryThumbprint": "1" * 40}
        registry("create", {"deviceId": device_id, "authentication": {"x509Thumbprint": thumbprints}})
        found = registry("get", device_id)["authentication"]
        assert (found["type"], found["x509Thumbprint"]) == ("selfSigned", thumbprints)

    def test_errors(self, registry, device_id):
        assert registry.refused("get", device_id) == "DeviceNotFoundError"
        assert registry.refused("delete", device_id) == "DeviceNotFoundError"
        assert registry.refused("create", {"deviceId": "invalid/name"}) == "ArgumentError"
        registry("create", {"deviceId": device_id})
        assert registry.refused("create", {"deviceId": device_id}) == "DeviceAlreadyExistsError"

    def test_update_and_delete(self, registry, device_id):
        registry("create", {"deviceId": device_id, "authentication": {"symmetricKey": KEYS}})
        updated = registry("update", {"deviceId": device_id, "status": "disabled"})
        assert (updated["deviceId"], updated["status"]) == (device_id, "disabled")
        swapped = {"primaryKey": KEYS["secondaryKey"], "secondaryKey": KEYS["primaryKey"]}
        updated = registry("update", {"deviceId": device_id, "authentication": {"symmetricKey": swapped}})
        assert updated["authentication"]["symmetricKey"] == swapped
        registry("delete", device_id)
        assert registry.refused("get", device_id) == "DeviceNotFoundError"

    def test_list(self, registry, device_id):
        registry("create", {"deviceId": device_id})
        assert device_id in {each["deviceId"] for each in registry("list")}

    def test_statistics(self, registry, device_id):
        before = registry("getRegistryStatistics")["totalDeviceCount"]
        registry("create", {"deviceId": device_id})
        assert registry("getRegistryStatistics")["totalDeviceCount"] == before + 1

    def test_bulk(self, registry, device_id):
        names = [f"{device_id}-{n}" for n in range(3)]
        done = registry("addDevices", [{"deviceId": name, "status": "disabled", "authentication": {"symmetricKey": KEYS}} for name in names])
        assert (done["isSuccessful"], done["errors"]) == (True, [])
        assert [registry("get", name)["status"] for name in names] == ["disabled"] * 3
        done = registry("updateDevices", [{"deviceId": name, "status": "enabled"} for name in names], True)
        assert (done["isSuccessful"], done["errors"]) == (True, [])
        assert [registry("get", name)["status"] for name in names] == ["enabled"] * 3
        done = registry("removeDevices", [{"deviceId": name} for name in names], True)
        assert (done["isSuccessful"], done["errors"]) == (True, [])
        assert [registry.refused("get", name) for name in names] == ["DeviceNotFoundError"] * 3

    def test_nested_edge_devices(self, registry, device_id):
        edge = registry("create", {"deviceId": device_id, "capabilities": {"iotEdge": True}})
        assert edge["capabilities"]["iotEdge"] and edge["deviceScope"]
        child = registry("create", {"deviceId": f"{device_id}-2", "capabilities": {"iotEdge": True}, "parentScopes": [edge["deviceScope"]]})
        assert child["deviceScope"] and child["parentScopes"] == [edge["deviceScope"]]
        scope = child["deviceScope"]
        leaf = registry("create", {"deviceId": f"{device_id}-3", "deviceScope": scope, "parentScopes": [scope]})
        assert (leaf["deviceScope"], leaf["parentScopes"]) == (scope, [scope])
        assert registry.refused("update", {**leaf, "deviceScope": "of nobody"})


class TestModules:
    @pytest.mark.parametrize("force", [False, True], ids=["etag", "force"])
    def test_life_of_a_module(self, registry, device_id, force):
        registry("create", {"deviceId": device_id})
        registry("addModule", {"deviceId": device_id, "moduleId": "m1"})
        found = registry("getModule", device_id, "m1")
        assert (found["deviceId"], found["moduleId"]) == (device_id, "m1")
        keys = found["authentication"]["symmetricKey"]
        swapped = {"primaryKey": keys["secondaryKey"], "secondaryKey": keys["primaryKey"]}
        changed = {**found, "authentication": {**found["authentication"], "symmetricKey": swapped}}
        if force:
            del changed["etag"]
        registry("updateModule", changed, force)
        assert registry("getModule", device_id, "m1")["authentication"]["symmetricKey"] == swapped
        if not force:
            assert registry.refused("updateModule", changed) == "InvalidEtagError"
        assert [each["moduleId"] for each in registry("getModulesOnDevice", device_id)] == ["m1"]
        registry("removeModule", *([device_id, "m1"] if force else [registry("getModule", device_id, "m1")]))
        assert registry.refused("getModule", device_id, "m1")


class TestTwins:
    def test_read_and_change(self, back_end, registry, device_id):
        registry("create", {"deviceId": device_id})
        twin = back_end("updateTwin", device_id, {"tags": {"a": 1}}, {"properties": {"desired": {"b": 2}}}, {"tags": {"a": None}})
        assert twin["properties"]["desired"]["b"] == 2 and "a" not in (twin.get("tags") or {})
        etag = registry("getTwin", device_id)["etag"]
        updated = registry("updateTwin", device_id, {"properties": {"desired": {"telemetryInterval": 100}}}, etag)
        assert updated["properties"]["desired"]["telemetryInterval"] == 100
        assert registry.refused("updateTwin", device_id, {"tags": {}}, "abc") == "InvalidEtagError"
        assert registry.refused("updateTwin", device_id, {"tags": {}}, etag) == "InvalidEtagError"

    def test_of_a_module(self, registry, device_id):
        registry("create", {"deviceId": device_id})
        registry("addModule", {"deviceId": device_id, "moduleId": "m1"})
        updated = registry("updateModuleTwin", device_id, "m1", {"properties": {"desired": {"a": 1}}}, "*")
        assert updated["properties"]["desired"]["a"] == 1
        assert registry("getModuleTwin", device_id, "m1")["moduleId"] == "m1"

    def test_query(self, back_end, registry, device_id):
        """The SDK goes on while there is a continuation, even an empty one."""
        registry("addDevices", [{"deviceId": f"{device_id}-{n}"} for n in range(7)])
        for n in range(7):
            registry("updateTwin", f"{device_id}-{n}", {"tags": {"fleet": device_id}}, "*")
        pages = back_end("query", f"SELECT * FROM devices WHERE tags.fleet = '{device_id}'", 3)
        assert [len(page) for page in pages] == [3, 3, 1]
        assert sorted(row["deviceId"] for page in pages for row in page) == [f"{device_id}-{n}" for n in range(7)]
        assert back_end("query", f"SELECT COUNT() AS n FROM devices WHERE tags.fleet = '{device_id}'", 100) == [[{"n": 7}]]
        assert back_end.refused("query", "SELECT FROM WHERE", 10) == "ArgumentError"


class TestMethods:
    def test_device_and_module(self, server, back_end, registry, device_id):
        client = Client(back_end, "client")
        key = registry("create", {"deviceId": device_id})["authentication"]["symmetricKey"]["primaryKey"]
        module_key = registry("addModule", {"deviceId": device_id, "moduleId": "m1"})["authentication"]["symmetricKey"]["primaryKey"]
        call = {"methodName": "m", "payload": {"k1": "v1"}, "connectTimeoutInSeconds": 30, "responseTimeoutInSeconds": 45}
        assert client.refused("invokeDeviceMethod", device_id, {**call, "connectTimeoutInSeconds": 0})
        with bare.answering(server, device_id, key), bare.answering(server, device_id, module_key, module_id="m1"):
            for who in ([device_id], [device_id, "m1"]):
                answer = client("invokeDeviceMethod", *who, call)
                assert answer == {"status": 200, "payload": {"k1": "v1"}}


class TestProvisioning:
    """`azure-iot-provisioning-service`, whole."""

    @pytest.fixture
    def provisioning(self, back_end):
        return Client(back_end, "provisioning")

    def attestation(self, kind: str, certificates, name: str) -> dict:
        if kind == "tpm":
            return {"type": kind, "tpm": {"endorsementKey": tpm.SOME_ENDORSEMENT_KEY}}
        if kind == "symmetricKey":
            return {"type": kind, "symmetricKey": KEYS}
        if kind == "client":
            return {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": certificates.self_signed(name).path.read_text()}}}}
        pem = certificates.root(name).path.read_bytes()
        text = base64.b64encode(pem).decode() if kind == "signing-base64" else pem.decode()
        return {"type": "x509", "x509": {"signingCertificates": {"primary": {"certificate": text}}}}

    @pytest.mark.parametrize("kind", ["symmetricKey", "client", "tpm"])
    def test_life_of_an_enrollment(self, provisioning, certificates, device_id, kind):
        custom = {"allocationPolicy": "custom", "customAllocationDefinition": {"webhookUrl": "https://web.hook", "apiVersion": "2019-03-31"}}
        more = custom if kind == "client" else {"allocationPolicy": "hashed"}
        attestation = self.attestation(kind, certificates, device_id)
        twin = {"tags": {"a": 1}, "properties": {"desired": {"b": 2}}}
        sent = {"registrationId": device_id, "attestation": attestation, "provisioningStatus": "enabled", "initialTwin": twin, **more}
        sent |= {"capabilities": {"iotEdge": True}, "reprovisionPolicy": {"updateHubAssignment": True, "migrateDeviceData": False}}
        made = provisioning("createOrUpdateIndividualEnrollment", sent)
        assert made["capabilities"] == {"iotEdge": True} and made["etag"]
        assert provisioning.refused("createOrUpdateIndividualEnrollment", sent), "without an ETag it is a second creation"
        found = provisioning("getIndividualEnrollment", device_id)
        assert found["initialTwin"]["properties"]["desired"] == {"b": 2} and found["initialTwin"]["tags"] == {"a": 1}
        mechanism = provisioning("getIndividualEnrollmentAttestationMechanism", device_id)
        assert mechanism["type"] == attestation["type"]
        if kind == "symmetricKey":
            assert mechanism["symmetricKey"] == KEYS
        if kind == "tpm":
            assert mechanism == found["attestation"] == made["attestation"] == attestation
        changed = provisioning("createOrUpdateIndividualEnrollment", {**made, "provisioningStatus": "disabled"})
        assert changed["provisioningStatus"] == "disabled"
        assert provisioning.refused("createOrUpdateIndividualEnrollment", made), "a stale ETag"
        assert provisioning.refused("deleteIndividualEnrollment", device_id, made["etag"])
        provisioning("deleteIndividualEnrollment", changed)
        assert provisioning.refused("getIndividualEnrollment", device_id)

    def test_endorsement_key_that_is_none(self, provisioning, device_id):
        attestation = {"type": "tpm", "tpm": {"endorsementKey": base64.b64encode(b"k" * 300).decode()}}
        sent = {"registrationId": device_id, "attestation": attestation}
        assert provisioning.refused("createOrUpdateIndividualEnrollment", sent) == "ArgumentError"
        assert provisioning.refused("getIndividualEnrollment", device_id)

    @pytest.mark.parametrize("kind", ["symmetricKey", "signing", "signing-base64"])
    def test_life_of_a_group(self, roadstead, provisioning, certificates, device_id, kind):
        attestation = self.attestation(kind, certificates, device_id)
        sent = {"enrollmentGroupId": device_id, "attestation": attestation, "allocationPolicy": "static", "capabilities": {"iotEdge": True}}
        made = provisioning("createOrUpdateEnrollmentGroup", {**sent, "provisioningStatus": "enabled"})
        assert made["capabilities"] == {"iotEdge": True} and made["attestation"]["type"] == attestation["type"]
        found = provisioning("getEnrollmentGroup", device_id)
        if kind != "symmetricKey":
            assert found["attestation"]["x509"]["signingCertificates"]["primary"]["info"]["subjectName"].endswith(device_id)
        assert provisioning("getEnrollmentGroupAttestationMechanism", device_id)["type"] == attestation["type"]
        changed = provisioning("createOrUpdateEnrollmentGroup", {**made, "provisioningStatus": "disabled"})
        assert changed["provisioningStatus"] == "disabled"
        provisioning("deleteEnrollmentGroup", device_id, changed["etag"])
        assert provisioning.refused("getEnrollmentGroup", device_id)

    def test_bulk(self, provisioning, certificates, device_id):
        names = [f"{device_id}-{n}" for n in range(3)]
        enrollments = [{"registrationId": name, "attestation": {"type": "symmetricKey", "symmetricKey": KEYS}} for name in names]
        done = provisioning("runBulkEnrollmentOperation", {"mode": "create", "enrollments": enrollments})
        assert done["isSuccessful"] is True
        done = provisioning("runBulkEnrollmentOperation", {"mode": "create", "enrollments": enrollments[:1]})
        assert done["isSuccessful"] is False
        assert [error["registrationId"] for error in done["errors"]] == names[:1]
        found = [provisioning("getIndividualEnrollment", name) for name in names]
        assert provisioning("runBulkEnrollmentOperation", {"mode": "delete", "enrollments": found})["isSuccessful"] is True
        assert all(provisioning.refused("getIndividualEnrollment", name) for name in names)

    def test_queries(self, back_end, provisioning, device_id):
        for n in range(3):
            attestation = {"type": "symmetricKey", "symmetricKey": KEYS}
            provisioning("createOrUpdateIndividualEnrollment", {"registrationId": f"{device_id}-{n}", "attestation": attestation})
            provisioning("createOrUpdateEnrollmentGroup", {"enrollmentGroupId": f"{device_id}-{n}", "attestation": attestation})
        for method, member in (("createIndividualEnrollmentQuery", "registrationId"), ("createEnrollmentGroupQuery", "enrollmentGroupId")):
            pages = back_end("provisioningQuery", method, 2)
            assert len(pages) >= 2 and all(len(page) <= 2 for page in pages)
            assert {f"{device_id}-{n}" for n in range(3)} <= {row[member] for page in pages for row in page}

    def test_registrations(self, server, back_end, provisioning, device_id):
        # A key that no other group has, since the key is what leads a device to its group.
        group_key = sas.sign(device_id, KEYS["primaryKey"])
        attestation = {"type": "symmetricKey", "symmetricKey": {"primaryKey": group_key, "secondaryKey": sas.sign("second", group_key)}}
        provisioning("createOrUpdateEnrollmentGroup", {"enrollmentGroupId": device_id, "attestation": attestation})
        name = f"{device_id}-a"
        answer = dps.register("mqtt", server, name, dps.key_credential(server, name, sas.device_key(group_key, name)))
        assert answer.body["status"] == "assigned"
        state = provisioning("getDeviceRegistrationState", name)
        assert (state["registrationId"], state["status"], state["deviceId"]) == (name, "assigned", name)
        pages = back_end("provisioningQuery", "createEnrollmentGroupDeviceRegistrationStateQuery", 10, device_id)
        assert [row["registrationId"] for page in pages for row in page] == [name]
        provisioning("deleteDeviceRegistrationState", name)
        assert provisioning.refused("getDeviceRegistrationState", name)
