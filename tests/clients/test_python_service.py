"""The Python service SDK (`azure-iot-hub`, `IoTHubRegistryManager`), unmodified, over HTTPS."""

import base64

import pytest
from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, ExportImportDevice, QuerySpecification, Twin, TwinProperties
from azure.iot.hub.protocol.models import AuthenticationMechanism, SymmetricKey
from msrest.exceptions import HttpOperationError

from harness import bare, wait

KEYS = [base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2, 3)]
EDGE_MODULES = {"$edgeAgent", "$edgeHub"}


@pytest.fixture(scope="module")
def registry(server):
    if server.https_port != 443:
        pytest.skip("this client knows no other port than 443")
    return IoTHubRegistryManager.from_connection_string(server.exports["IOTHUB_CONNECTION_STRING"])


@pytest.fixture
def device(registry, device_id):
    return registry.create_device_with_sas(device_id, None, None, "enabled")


class Refused:
    """`with Refused(404):` the SDK raises, and the status is this one."""

    def __init__(self, status: int):
        self.status = status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        assert kind is not None, f"not refused; {self.status} was expected"
        assert isinstance(error, HttpOperationError), error
        assert error.response.status_code == self.status, error.response.text
        return True


def desired(**properties) -> Twin:
    return Twin(properties=TwinProperties(desired=properties))


def keys(identity) -> tuple[str, str]:
    pair = identity.authentication.symmetric_key
    return pair.primary_key, pair.secondary_key


class TestDevices:
    def test_generated_keys(self, registry, device, device_id):
        assert (device.device_id, device.status, device.authentication.type) == (device_id, "enabled", "sas")
        assert all(len(base64.b64decode(key)) == 32 for key in keys(device)) and len(set(keys(device))) == 2
        assert device.generation_id and device.etag
        again = registry.get_device(device_id)
        assert (keys(again), again.generation_id, again.connection_state) == (keys(device), device.generation_id, "Disconnected")
        assert again.cloud_to_device_message_count == 0

    def test_given_keys(self, registry, device_id):
        made = registry.create_device_with_sas(device_id, KEYS[0], KEYS[1], "disabled", status_reason="broken")
        assert (keys(made), made.status, made.status_reason) == ((KEYS[0], KEYS[1]), "disabled", "broken")

    def test_second_creation_is_a_conflict(self, registry, device, device_id):
        with Refused(409):
            registry.create_device_with_sas(device_id, None, None, "enabled")

    def test_update_under_etag(self, registry, device, device_id):
        updated = registry.update_device_with_sas(device_id, device.etag, KEYS[2], KEYS[1], "disabled")
        assert (keys(updated), updated.status, updated.generation_id) == ((KEYS[2], KEYS[1]), "disabled", device.generation_id)
        assert updated.etag != device.etag
        with Refused(412):
            registry.update_device_with_sas(device_id, device.etag, KEYS[0], KEYS[1], "enabled")
        forced = registry.update_device_with_sas(device_id, None, KEYS[0], KEYS[1], "enabled")
        assert (keys(forced)[0], forced.status) == (KEYS[0], "enabled")

    def test_x509(self, registry, device_id):
        thumbprints = ("A" * 40, "b" * 64)
        made = registry.create_device_with_x509(device_id, *thumbprints, "enabled")
        found = made.authentication.x509_thumbprint
        assert made.authentication.type == "selfSigned"
        assert (found.primary_thumbprint.upper(), found.secondary_thumbprint.upper()) == (thumbprints[0], "B" * 64)
        by_ca = registry.update_device_with_certificate_authority(device_id, made.etag, "enabled")
        assert by_ca.authentication.type == "certificateAuthority"
        by_key = registry.update_device_with_sas(device_id, by_ca.etag, None, None, "enabled")
        assert by_key.authentication.type == "sas" and all(keys(by_key))

    def test_certificate_authority(self, registry, device_id):
        made = registry.create_device_with_certificate_authority(device_id, "enabled")
        assert made.authentication.type == "certificateAuthority"

    def test_delete(self, registry, device, device_id):
        with Refused(412):
            registry.delete_device(device_id, "b3RoZXI=")
        registry.delete_device(device_id, device.etag)
        for call in (registry.get_device, registry.get_twin, registry.delete_device):
            with Refused(404):
                call(device_id)
        again = registry.create_device_with_sas(device_id, None, None, "enabled")
        assert again.generation_id != device.generation_id

    @pytest.mark.parametrize("name", ["a b", "ä", "x" * 129])
    def test_bad_names(self, registry, name):
        with Refused(400):
            registry.create_device_with_sas(name, None, None, "enabled")

    def test_names_of_every_character(self, registry, device_id):
        """Percent-encoded in the path, raw in the record."""
        name = f"{device_id}-.%_*?!(),:=@$'"
        assert registry.create_device_with_sas(name, None, None, "enabled").device_id == name
        assert registry.get_device(name).device_id == name
        assert registry.get_twin(name).device_id == name
        registry.delete_device(name)

    def test_list_and_statistics(self, registry, device, device_id):
        before = registry.get_device_registry_statistics()
        registry.create_device_with_sas(f"{device_id}-off", None, None, "disabled")
        after = registry.get_device_registry_statistics()
        assert after.total_device_count == before.total_device_count + 1
        assert after.disabled_device_count == before.disabled_device_count + 1
        assert after.enabled_device_count == before.enabled_device_count
        assert {device_id, f"{device_id}-off"} <= {each.device_id for each in registry.get_devices()}
        assert len(registry.get_devices(2)) == 2

    def test_connected_devices_are_counted(self, server, registry, device, device_id):
        with bare.connected(server, device_id, keys(device)[0]):
            assert registry.get_device(device_id).connection_state == "Connected"
            assert registry.get_twin(device_id).connection_state == "Connected"
            assert registry.get_service_statistics().connected_device_count >= 1

    def test_edge_and_scopes(self, registry, device_id):
        edge = registry.create_device_with_sas(device_id, None, None, "enabled", iot_edge=True)
        assert edge.capabilities.iot_edge and edge.device_scope.startswith(f"ms-azure-iot-edge://{device_id}-")
        assert {module.module_id for module in registry.get_modules(device_id)} == EDGE_MODULES
        child = registry.create_device_with_sas(f"{device_id}-2", None, None, "enabled", iot_edge=True, parent_scopes=[edge.device_scope])
        assert child.parent_scopes == [edge.device_scope] and child.device_scope != edge.device_scope
        leaf = registry.create_device_with_sas(f"{device_id}-3", None, None, "enabled", device_scope=child.device_scope)
        assert (leaf.device_scope, leaf.capabilities.iot_edge) == (child.device_scope, False)
        with Refused(400):
            registry.update_device_with_sas(leaf.device_id, leaf.etag, None, None, "enabled", device_scope="of nobody")


class TestModules:
    def test_life_of_a_module(self, registry, device, device_id):
        made = registry.create_module_with_sas(device_id, "m1", "owner", None, None)
        assert (made.device_id, made.module_id, made.managed_by, made.authentication.type) == (device_id, "m1", "owner", "sas")
        with Refused(409):
            registry.create_module_with_sas(device_id, "m1", "owner", None, None)
        registry.create_module_with_x509(device_id, "m2", "owner", "c" * 40, "d" * 40)
        registry.create_module_with_certificate_authority(device_id, "m3", "owner")
        assert [module.module_id for module in registry.get_modules(device_id)] == ["m1", "m2", "m3"]
        updated = registry.update_module_with_sas(device_id, "m1", "other", made.etag, KEYS[0], KEYS[1])
        assert (keys(updated), updated.managed_by) == ((KEYS[0], KEYS[1]), "other")
        with Refused(412):
            registry.update_module_with_sas(device_id, "m1", "other", made.etag, KEYS[0], KEYS[1])
        registry.delete_module(device_id, "m1")
        with Refused(404):
            registry.get_module(device_id, "m1")

    def test_need_a_device(self, registry, device_id):
        with Refused(404):
            registry.create_module_with_sas(device_id, "m1", "owner", None, None)

    def test_go_with_their_device(self, registry, device, device_id):
        registry.create_module_with_sas(device_id, "m1", "owner", None, None)
        registry.delete_device(device_id)
        registry.create_device_with_sas(device_id, None, None, "enabled")
        assert registry.get_modules(device_id) == []

    def test_twins(self, registry, device, device_id):
        registry.create_module_with_sas(device_id, "m1", "owner", None, None)
        twin = registry.get_module_twin(device_id, "m1")
        assert (twin.device_id, twin.module_id, twin.version) == (device_id, "m1", 2)
        patched = registry.update_module_twin(device_id, "m1", Twin(tags={"a": 1}, properties=TwinProperties(desired={"b": 2})), twin.etag)
        assert (patched.tags, patched.properties.desired["b"]) == ({"a": 1}, 2)
        with Refused(412):
            registry.update_module_twin(device_id, "m1", desired(b=3), twin.etag)
        replaced = registry.replace_module_twin(device_id, "m1", Twin(tags={}, properties=TwinProperties(desired={"c": 3})), "*")
        assert (replaced.tags or {}, set(replaced.properties.desired) & {"b", "c"}) == ({}, {"c"})
        assert not registry.get_twin(device_id).tags, "the device's own twin is another"


class TestTwins:
    def test_new_twin(self, registry, device, device_id):
        twin = registry.get_twin(device_id)
        assert (twin.version, twin.status, twin.authentication_type) == (2, "enabled", "sas")
        assert (twin.properties.desired["$version"], twin.properties.reported["$version"]) == (1, 1)
        assert twin.device_etag == device.etag

    def test_patch(self, registry, device, device_id):
        first = registry.update_twin(device_id, Twin(tags={"site": "a", "row": {"n": 1, "m": 2}}, properties=TwinProperties(desired={"hz": 5})))
        second = registry.update_twin(device_id, Twin(tags={"site": None, "row": {"n": 3}}), first.etag)
        assert second.tags == {"row": {"n": 3, "m": 2}}
        assert (second.properties.desired["hz"], second.properties.desired["$version"]) == (5, 2)
        assert second.properties.desired["$metadata"]["hz"]["$lastUpdatedVersion"] == 2
        assert second.version == first.version + 1

    def test_replace(self, registry, device, device_id):
        registry.update_twin(device_id, Twin(tags={"old": 1}, properties=TwinProperties(desired={"old": 1})))
        twin = registry.replace_twin(device_id, Twin(tags={"new": 1}, properties=TwinProperties(desired={"new": 1})))
        assert twin.tags == {"new": 1}
        assert {name for name in twin.properties.desired if not name.startswith("$")} == {"new"}

    def test_etags(self, registry, device, device_id):
        """Stale, invented and `*`."""
        stale = registry.get_twin(device_id).etag
        registry.update_twin(device_id, desired(a=1), stale)
        for etag in (stale, "abc", "AAAAAAAAAP8="):
            with Refused(412):
                registry.update_twin(device_id, desired(a=2), etag)
            with Refused(412):
                registry.replace_twin(device_id, desired(a=2), etag)
        assert registry.update_twin(device_id, desired(a=3), "*").properties.desired["a"] == 3

    def test_refused_patches(self, registry, device, device_id):
        for patch in (desired(**{"a.b": 1}), Twin(tags={"a": "x" * 4097}), Twin(tags={str(n): "x" * 4000 for n in range(3)})):
            try:
                registry.update_twin(device_id, patch)
            except HttpOperationError as error:
                assert error.response.status_code in (400, 403), error.response.text
            else:
                raise AssertionError(f"{patch} was taken")
        assert registry.get_twin(device_id).version == 2


class TestMethods:
    def test_to_a_device_and_to_a_module(self, server, registry, device, device_id):
        module = registry.create_module_with_sas(device_id, "m1", "owner", None, None)
        call = CloudToDeviceMethod(method_name="m", payload={"n": 1}, response_timeout_in_seconds=30, connect_timeout_in_seconds=5)
        with Refused(404):
            registry.invoke_device_method(device_id, CloudToDeviceMethod(method_name="m"))
        with bare.answering(server, device_id, keys(device)[0]):
            answer = registry.invoke_device_method(device_id, call)
            assert (answer.status, answer.payload) == (200, {"n": 1})
        with bare.answering(server, device_id, keys(module)[0], module_id="m1"):
            answer = registry.invoke_device_module_method(device_id, "m1", call)
            assert (answer.status, answer.payload) == (200, {"n": 1})


class TestBulk:
    def device(self, device_id: str, mode: str, **more) -> ExportImportDevice:
        keys = AuthenticationMechanism(type="sas", symmetric_key=SymmetricKey(primary_key=KEYS[0], secondary_key=KEYS[1]))
        return ExportImportDevice(id=device_id, import_mode=mode, status="enabled", authentication=keys, **more)

    def test_create_update_delete(self, registry, device_id):
        names = [f"{device_id}-{n}" for n in range(5)]
        done = registry.bulk_create_or_update_devices([self.device(name, "create", tags={"bulk": True}) for name in names])
        assert (done.is_successful, done.errors) == (True, [])
        assert keys(registry.get_device(names[0])) == (KEYS[0], KEYS[1])
        assert registry.get_twin(names[0]).tags == {"bulk": True}
        again = registry.bulk_create_or_update_devices([self.device(names[0], "create"), self.device(f"{device_id}-new", "create")])
        assert not again.is_successful
        assert [(error.device_id, error.error_code) for error in again.errors] == [(names[0], "DeviceAlreadyExists")]
        done = registry.bulk_create_or_update_devices([self.device(name, "delete") for name in names])
        assert done.is_successful
        with Refused(404):
            registry.get_device(names[0])

    def test_a_device_twice(self, registry, device_id):
        done = registry.bulk_create_or_update_devices([self.device(device_id, "create")] * 2)
        assert not done.is_successful
        assert "DeviceDefinedMultipleTimes" in {error.error_code for error in done.errors}


class TestQuery:
    @pytest.fixture
    def fleet(self, registry, device_id):
        tag = device_id
        modes = [ExportImportDevice(id=f"{tag}-{n:02}", import_mode="create", tags={"fleet": tag, "n": n, "even": n % 2 == 0}) for n in range(25)]
        assert registry.bulk_create_or_update_devices(modes).is_successful
        return tag

    def all(self, registry, text: str, page: int | None = None) -> list:
        found, pages, continuation = [], 0, None
        while True:
            result = registry.query_iot_hub(QuerySpecification(query=text), continuation, page)
            found += result.items
            pages += 1
            continuation = result.continuation_token
            if not continuation:
                return [found, pages, result.type]

    def test_pages_of_twins(self, registry, fleet):
        rows, pages, kind = self.all(registry, f"SELECT * FROM devices WHERE tags.fleet = '{fleet}'", 10)
        assert sorted(row.device_id for row in rows) == [f"{fleet}-{n:02}" for n in range(25)]
        assert (pages, kind) == (3, "Twin")

    def test_conditions(self, registry, fleet):
        where = f"tags.fleet = '{fleet}' AND (tags.n >= 20 OR tags.n IN [1, 3]) AND NOT tags.even = true"
        rows, _, _ = self.all(registry, f"SELECT * FROM devices WHERE {where}")
        assert sorted(row.tags["n"] for row in rows) == [1, 3, 21, 23]

    def test_aggregates(self, registry, fleet):
        rows, _, kind = self.all(registry, f"SELECT COUNT() AS total FROM devices WHERE tags.fleet = '{fleet}'")
        assert (rows[0].additional_properties, kind) == ({"total": 25}, "Raw")
        text = f"SELECT tags.even AS even, COUNT() AS n, MAX(tags.n) AS most FROM devices WHERE tags.fleet = '{fleet}' GROUP BY tags.even"
        rows, _, _ = self.all(registry, text)
        found = {row.additional_properties["even"]: (row.additional_properties["n"], row.additional_properties["most"]) for row in rows}
        assert found == {True: (13, 24), False: (12, 23)}

    def test_errors(self, registry):
        for text in ("SELECT * FROM nowhere", "SELEKT", "SELECT * FROM devices WHERE", ""):
            with Refused(400):
                registry.query_iot_hub(QuerySpecification(query=text))


class TestPresence:
    def test_reason_of_a_disconnect(self, server, registry, device, device_id):
        """A word of ours: the SDK's identities pass over it, its twins keep it, its queries find it."""

        def rows(condition: str) -> list[Twin]:
            return registry.query_iot_hub(QuerySpecification(query=f"SELECT * FROM devices WHERE {condition}")).items

        def reasons() -> set:
            queried = [row for row in rows(f"deviceId = '{device_id}'")]
            return {twin.additional_properties["disconnectReason"] for twin in (registry.get_twin(device_id), *queried)}

        assert reasons() == {None}
        connected = bare.connected(server, device_id, keys(device)[0])
        assert reasons() == {None}
        connected.mqtt.drop()
        wait.until(lambda: reasons() == {"connectionLost"}, 30, "the kill of the socket is seen")
        twin, identity = registry.get_twin(device_id), registry.get_device(device_id)
        assert (twin.connection_state, identity.connection_state) == ("Disconnected", "Disconnected")
        with bare.connected(server, device_id, keys(device)[0]) as connected:
            assert reasons() == {None}
            connected.mqtt.disconnect()
            wait.until(lambda: reasons() == {"clientClosed"}, 30, "the goodbye is seen")
        of_device = f"deviceId = '{device_id}' AND disconnectReason"
        assert [twin.device_id for twin in rows(f"{of_device} = 'clientClosed'")] == [device_id]
        assert not rows(f"{of_device} = 'connectionLost'")
        # What was read is sent back.
        registry.update_twin(device_id, registry.get_twin(device_id))

    def test_activity_in_a_condition(self, server, registry, device, device_id):
        """The time in WHERE is the one that the twin shows."""
        with bare.connected(server, device_id, keys(device)[0], bare.TWIN_ANSWERS) as connected:
            for _ in range(3):
                assert connected.get().status == 200
                shown = registry.get_twin(device_id).last_activity_time.isoformat()[:23]
                text = f"SELECT * FROM devices WHERE deviceId = '{device_id}' AND lastActivityTime >= '{shown}'"
                assert [twin.device_id for twin in registry.query_iot_hub(QuerySpecification(query=text)).items] == [device_id]


def test_permissions(roadstead, registry, device, device_id):
    """A policy may what it may: `registryRead` reads, `service` writes no identities."""

    def manager(policy: str):
        return IoTHubRegistryManager.from_connection_string(roadstead.policy(policy))

    assert manager("registryRead").get_device(device_id).device_id == device_id
    assert manager("service").get_twin(device_id).device_id == device_id
    for policy, call in (
        ("registryRead", lambda manager: manager.delete_device(device_id)),
        ("registryRead", lambda manager: manager.update_twin(device_id, desired(a=1))),
        ("service", lambda manager: manager.create_device_with_sas(f"{device_id}-2", None, None, "enabled")),
        ("device", lambda manager: manager.get_device(device_id)),
    ):
        with Refused(401):
            call(manager(policy))
