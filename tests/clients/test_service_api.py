"""The service API by plain HTTPS: statuses, error shapes, ETags and conditions as SDKs read them."""

import base64

import pytest
import requests

from harness import bare, sas, wait
from harness.service import Service, refusal_a

KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def device(service, device_id):
    return service.ok("PUT", f"/devices/{device_id}", {"deviceId": device_id})


def refused(response) -> tuple[int, str]:
    return refusal_a(response)[:2]


class TestRefusals:
    """Shape A: the name in the header and in the body, and a sentence."""

    def test_no_token(self, service, device_id):
        response = service.call("GET", f"/devices/{device_id}", token="Bearer nothing")
        assert response.status_code == 401 and refusal_a(response)[1].startswith("IotHubUnauthorized")

    @pytest.mark.parametrize("damage", ["expired", "other-key", "unknown-policy", "tampered"])
    def test_bad_tokens(self, server, service, device, device_id, damage):
        tokens = {
            "expired": service.token(ttl_s=-86_400),
            "other-key": sas.token(server.hub_host, KEY, policy="iothubowner"),
            "unknown-policy": sas.token(server.hub_host, KEY, policy="nobody"),
            "tampered": sas.tampered(service.token()),
        }
        response = service.call("GET", f"/devices/{device_id}", token=tokens[damage])
        assert response.status_code == 401 and refusal_a(response)[1].startswith("IotHubUnauthorized")

    def test_policy_without_the_right(self, server, roadstead, device_id):
        reader = Service(server, roadstead.policy("registryRead"))
        assert refused(reader.call("PUT", f"/devices/{device_id}", {"deviceId": device_id})) == (401, "IotHubUnauthorizedAccess")

    def test_not_found(self, service, device_id):
        for method, path in (("GET", "devices"), ("DELETE", "devices"), ("GET", "twins")):
            assert refused(service.call(method, f"/{path}/{device_id}")) == (404, "DeviceNotFound")
        assert refused(service.call("PATCH", f"/twins/{device_id}", {"tags": {}})) == (404, "DeviceNotFound")

    def test_module_not_found(self, service, device, device_id):
        for path in (f"/devices/{device_id}/modules/m", f"/twins/{device_id}/modules/m"):
            assert refused(service.call("GET", path)) == (404, "ModuleNotFound")

    def test_conflict(self, service, device, device_id):
        assert refused(service.call("PUT", f"/devices/{device_id}", {"deviceId": device_id})) == (409, "DeviceAlreadyExists")

    def test_stale_etag(self, service, device, device_id):
        headers = {"If-Match": '"b3RoZXI="'}
        for method in ("PUT", "DELETE"):
            assert refused(service.call(method, f"/devices/{device_id}", {"deviceId": device_id}, headers=headers)) == (412, "PreconditionFailed")

    def test_update_of_nothing(self, service, device_id):
        response = service.call("PUT", f"/devices/{device_id}", {"deviceId": device_id}, headers={"If-Match": '"*"'})
        assert refused(response) == (404, "DeviceNotFound")

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b'{"deviceId": "another"}',
            b'{"deviceId": "ID", "status": "maybe"}',
            b'{"deviceId": "ID", "authentication": {"type": "magic"}}',
            b'{"deviceId": "ID", "authentication": {"type": "sas", "symmetricKey": {"primaryKey": "not base64!", "secondaryKey": "not base64!"}}}',
            b'{"deviceId": "ID", "authentication": {"type": "selfSigned", "x509Thumbprint": {"primaryThumbprint": "short"}}}',
            b'{"deviceId": "ID", "deviceScope": "of nobody"}',
        ],
        ids=["json", "array", "other-id", "status", "type", "key", "thumbprint", "scope"],
    )
    def test_bad_bodies(self, service, device_id, body):
        response = service.call("PUT", f"/devices/{device_id}", raw=body.replace(b"ID", device_id.encode()))
        assert response.status_code == 400 and refusal_a(response)
        assert service.call("GET", f"/devices/{device_id}").status_code == 404

    def test_big_body(self, service, device_id):
        """Refused whole, and nothing is left of it. Who still sends when the answer is out may find the connection gone."""
        body = {"deviceId": device_id, "statusReason": "x" * 2_000_000}
        try:
            assert service.call("PUT", f"/devices/{device_id}", body).status_code in (400, 413)
        except requests.ConnectionError:
            pass
        assert service.call("GET", f"/devices/{device_id}").status_code == 404

    @pytest.mark.parametrize("method, path", [("GET", "/nothing/here"), ("PATCH", "/devices/a"), ("POST", "/twins/a"), ("GET", "/")])
    def test_foreign_paths(self, service, method, path):
        assert service.call(method, path, {}).status_code in (400, 404, 405)


class TestConditions:
    """`"*"`, `*`, `"etag"` and `etag` are all seen."""

    @pytest.mark.parametrize("form", ['"*"', "*", '"{}"', "{}"])
    def test_forms_of_if_match(self, service, device, device_id, form):
        headers = {"If-Match": form.format(device["etag"])}
        updated = service.ok("PUT", f"/devices/{device_id}", {"deviceId": device_id, "status": "disabled"}, headers=headers)
        assert updated["status"] == "disabled" and updated["etag"] != device["etag"]

    @pytest.mark.parametrize("form", ['"*"', "*", '"{}"', "{}"])
    def test_forms_of_if_match_on_twins(self, service, device, device_id, form):
        etag = form.format(service.twin(device_id)["etag"])
        assert service.patch_twin(device_id, {"tags": {"a": 1}}, etag=etag)["tags"] == {"a": 1}

    def test_etag_header(self, service, device, device_id):
        response = service.call("GET", f"/devices/{device_id}")
        assert response.headers["ETag"].strip('"') == response.json()["etag"]
        response = service.call("GET", f"/twins/{device_id}")
        assert response.headers["ETag"].strip('"') == response.json()["etag"]

    def test_update_keeps_what_it_does_not_name(self, service, device, device_id):
        """Node updates `{deviceId, status}` with keys of no length."""
        empty = {"type": "sas", "symmetricKey": {"primaryKey": "", "secondaryKey": ""}}
        body = {"deviceId": device_id, "status": "disabled", "authentication": empty}
        updated = service.ok("PUT", f"/devices/{device_id}", body, headers={"If-Match": "*"})
        assert updated["status"] == "disabled"
        assert all(updated["authentication"]["symmetricKey"].values())

    def test_read_only_members_are_ignored(self, service, device, device_id):
        body = {**device, "connectionState": "Connected", "generationId": "1", "cloudToDeviceMessageCount": 7}
        updated = service.ok("PUT", f"/devices/{device_id}", body, headers={"If-Match": "*"})
        assert (updated["connectionState"], updated["generationId"]) == ("Disconnected", device["generationId"])
        assert updated["cloudToDeviceMessageCount"] == 0


class TestPaths:
    def test_trailing_slash(self, service, device, device_id):
        """Node lists so. A listing ends at a thousand, and the other tests' devices may be as many."""
        listed = [[each["deviceId"] for each in service.ok("GET", path)] for path in ("/devices/", "/devices")]
        assert listed[0] == listed[1] != []

    def test_encoded_whole(self, service, device, device_id):
        """IoT Explorer encodes the slash too."""
        assert service.ok("GET", f"/devices%2F{device_id}")["deviceId"] == device_id

    def test_top(self, service, device, device_id):
        service.ok("PUT", f"/devices/{device_id}-2", {"deviceId": f"{device_id}-2"})
        assert len(service.ok("GET", "/devices", top=2)) == 2


class TestTwins:
    def test_whole_twin(self, service, device, device_id):
        twin = service.twin(device_id)
        expected = {"deviceId": device_id, "status": "enabled", "connectionState": "Disconnected", "authenticationType": "sas"}
        assert {name: twin[name] for name in expected} == expected
        assert (twin["version"], twin["etag"], twin["deviceEtag"]) == (2, "AAAAAAAAAAE=", device["etag"])
        assert twin["cloudToDeviceMessageCount"] == 0 and twin["capabilities"] == {"iotEdge": False}
        assert twin["properties"]["desired"]["$version"] == twin["properties"]["reported"]["$version"] == 1

    def test_metadata(self, service, device, device_id):
        """Each key that a patch names, and what it stands in, gets the time and the version; the rest keeps its own."""
        service.desire(device_id, {"a": {"x": 1, "y": 2}, "b": 1})
        metadata = service.desire(device_id, {"a": {"x": 3}})["properties"]["desired"]["$metadata"]
        assert metadata["a"]["x"]["$lastUpdatedVersion"] == metadata["a"]["$lastUpdatedVersion"] == metadata["$lastUpdatedVersion"] == 3
        assert metadata["a"]["y"]["$lastUpdatedVersion"] == metadata["b"]["$lastUpdatedVersion"] == 2

    @pytest.mark.parametrize("member", ["$version", "$metadata"])
    def test_what_was_read_may_be_sent_back(self, service, device, device_id, member):
        service.desire(device_id, {"a": 1})
        desired = service.twin(device_id)["properties"]["desired"]
        assert service.desire(device_id, {"b": 2, member: desired[member]})["properties"]["desired"]["b"] == 2

    @pytest.mark.parametrize(
        "patch",
        [
            {"tags": {"a.b": 1}},
            {"tags": {"a b": 1}},
            {"tags": {"$a": 1}},
            {"tags": {"a\u0001": 1}},
            {"tags": {"a": "x" * 4097}},
            {"tags": {"a": 4503599627370496}},
            {"tags": {"a": -4503599627370497}},
            {"tags": 1},
            {"properties": {"desired": []}},
            {"tags": {str(n): "x" * 2000 for n in range(5)}},
            {"properties": {"desired": {str(n): "x" * 4000 for n in range(9)}}},
        ],
        ids=["dot", "space", "dollar", "control", "long", "big", "small", "no-object", "array", "tags-8k", "desired-32k"],
    )
    def test_limits(self, service, device, device_id, patch):
        response = service.call("PATCH", f"/twins/{device_id}", patch)
        too_big = response.headers["iothub-errorcode"] == "TwinSizeExceeded"
        assert response.status_code == (403 if too_big else 400), response.text
        assert refusal_a(response)
        assert service.twin(device_id)["version"] == 2, "refused whole"

    def test_depth(self, service, device, device_id):
        """Ten objects may stand below a section, in either of those that a back end writes."""
        deepest: object = {"leaf": 1}
        for _ in range(10):
            deepest = {"d": deepest}
        for section in ({"tags": deepest}, {"properties": {"desired": deepest}}):
            service.patch_twin(device_id, section)
        for section in ({"tags": {"d": deepest}}, {"properties": {"desired": {"d": deepest}}}):
            assert service.call("PATCH", f"/twins/{device_id}", section).status_code == 400

    def test_numbers_at_the_edge(self, service, device, device_id):
        tags = {"most": 4503599627370495, "least": -4503599627370496, "half": 0.5, "long": "x" * 4096}
        assert service.patch_twin(device_id, {"tags": tags})["tags"] == tags

    def test_jobs_send_more(self, service, device, device_id):
        """Members that are nobody's business here are passed over."""
        patch = {"etag": "*", "deviceId": device_id, "tags": {"a": 1}, "properties": {"desired": {}, "reported": {}}}
        assert service.patch_twin(device_id, patch)["tags"] == {"a": 1}

    def test_nulls(self, service, device, device_id):
        service.patch_twin(device_id, {"tags": {"a": {"b": 1}, "c": 1}})
        assert service.patch_twin(device_id, {"tags": {"a": {"b": None}, "none": None}})["tags"] == {"a": {}, "c": 1}
        assert service.patch_twin(device_id, {"tags": None}).get("tags", {}) == {}

    def test_purge_of_nothing(self, service, device, device_id):
        assert service.ok("DELETE", f"/devices/{device_id}/commands") == {"totalMessagesPurged": 0, "deviceId": device_id, "moduleId": None}


class TestPresence:
    def test_state_and_activity(self, server, service, device, device_id):
        key = device["authentication"]["symmetricKey"]["primaryKey"]
        assert device["lastActivityTime"].startswith("0001")
        with bare.connected(server, device_id, key):
            twin, identity = service.twin(device_id), service.ok("GET", f"/devices/{device_id}")
            assert (twin["connectionState"], identity["connectionState"]) == ("Connected", "Connected")
            assert not twin["lastActivityTime"].startswith("0001")
            rows = service.rows(f"SELECT deviceId FROM devices WHERE deviceId = '{device_id}' AND connectionState = 'Connected'")
            assert rows == [{"deviceId": device_id}]
        wait.until(lambda: service.twin(device_id)["connectionState"] == "Disconnected", 30, "the device is seen to be gone")
        assert not service.ok("GET", f"/devices/{device_id}")["connectionStateUpdatedTime"].startswith("0001")


class TestRenewedKeys:
    """`POST /devices/keys/regenerate`, which `az iot hub device-identity renew-key` asks."""

    PATH = "/devices/keys/regenerate"

    def test_one_key_of_each(self, service, device, device_id):
        service.ok("PUT", f"/devices/{device_id}/modules/m1", {"deviceId": device_id, "moduleId": "m1"})
        service.ok("PUT", f"/devices/{device_id}-ca", {"deviceId": f"{device_id}-ca", "authentication": {"type": "certificateAuthority"}})
        named = [{"id": device_id}, {"id": device_id, "moduleId": "m1"}, {"id": f"{device_id}-no"}, {"id": f"{device_id}-ca"}]
        before = [service.ok("GET", path) for path in (f"/devices/{device_id}", f"/devices/{device_id}/modules/m1")]
        done = service.ok("POST", self.PATH, {"policyKey": "secondaryKey", "devices": named})
        after = [service.ok("GET", path) for path in (f"/devices/{device_id}", f"/devices/{device_id}/modules/m1")]
        for old, new in zip(before, after):
            old, new = (each["authentication"]["symmetricKey"] for each in (old, new))
            assert new["primaryKey"] == old["primaryKey"] and new["secondaryKey"] != old["secondaryKey"]
        assert [(each["id"], each["moduleId"]) for each in done["rotatedKeys"]] == [(device_id, None), (device_id, "m1")]
        assert [(each["id"], each["errorCode"]) for each in done["errors"]] == [(f"{device_id}-no", 404001), (f"{device_id}-ca", 400004)]

    def test_disabled_stays_disabled(self, service, device, device_id):
        disabled = {"deviceId": device_id, "status": "disabled", "statusReason": "stolen"}
        service.ok("PUT", f"/devices/{device_id}", disabled, headers={"If-Match": "*"})
        service.ok("POST", self.PATH, {"policyKey": "primaryKey", "devices": [{"id": device_id}]})
        found = service.ok("GET", f"/devices/{device_id}")
        assert (found["status"], found["statusReason"]) == ("disabled", "stolen")

    @pytest.mark.parametrize("body", [{}, {"policyKey": "bothKeys", "devices": []}, {"policyKey": "primaryKey", "devices": [{"id": "d"}] * 101}])
    def test_bad_bodies(self, service, body):
        assert service.call("POST", self.PATH, body).status_code == 400


class TestDeviceScope:
    """A device's own token may manage its own modules, and nothing else: Edge does so."""

    @pytest.fixture
    def own_token(self, server, device, device_id):
        key = device["authentication"]["symmetricKey"]["primaryKey"]
        return sas.token(f"{server.hub_host}/devices/{device_id}", key)

    def test_own_modules(self, service, device_id, own_token):
        path = f"/devices/{device_id}/modules/m1"
        assert service.call("PUT", path, {"deviceId": device_id, "moduleId": "m1"}, token=own_token).ok
        assert service.call("GET", path, token=own_token).json()["moduleId"] == "m1"
        assert [each["moduleId"] for each in service.call("GET", f"/devices/{device_id}/modules", token=own_token).json()] == ["m1"]
        assert service.call("DELETE", path, token=own_token, headers={"If-Match": "*"}).status_code == 204

    def test_nothing_else(self, service, device_id, own_token):
        service.ok("PUT", f"/devices/{device_id}-2", {"deviceId": f"{device_id}-2"})
        for path in (f"/devices/{device_id}-2/modules", f"/devices/{device_id}-2", f"/twins/{device_id}"):
            assert service.call("GET", path, token=own_token).status_code == 401
