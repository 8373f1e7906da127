"""The management SDKs for Python, unmodified: what provisions hubs and DPS instances from code."""

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.iothub import IotHubClient
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from azure.mgmt.resource.resources import ResourceManagementClient

from harness.certs import CertificateMaker

GROUP = "mgmt-python-rg"
S1 = {"name": "S1", "capacity": 1}


EVERYTHING = {
    "disableLocalAuth": True,
    "disableDeviceSAS": False,
    "disableModuleSAS": True,
    "restrictOutboundNetworkAccess": True,
    "allowedFqdnList": ["a.example"],
    "publicNetworkAccess": "Enabled",
    "ipFilterRules": [{"filterName": "f", "action": "Accept", "ipMask": "10.0.0.0/8"}],
    "networkRuleSets": {
        "defaultAction": "Deny",
        "applyToBuiltInEventHubEndpoint": True,
        "ipRules": [{"filterName": "n", "action": "Allow", "ipMask": "10.0.0.0/8"}],
    },
    "minTlsVersion": "1.2",
    "eventHubEndpoints": {"events": {"retentionTimeInDays": 3, "partitionCount": 2}},
    "routing": {
        "endpoints": {
            "serviceBusQueues": [
                {"endpointUri": "sb://a.example", "entityPath": "q", "authenticationType": "identityBased", "name": "q"}
            ],
            "serviceBusTopics": [
                {"endpointUri": "sb://a.example", "entityPath": "t", "authenticationType": "identityBased", "name": "t"}
            ],
            "eventHubs": [
                {"endpointUri": "sb://a.example", "entityPath": "h", "authenticationType": "identityBased", "name": "h"}
            ],
            "storageContainers": [
                {
                    "endpointUri": "https://a.example",
                    "authenticationType": "identityBased",
                    "identity": {"userAssignedIdentity": "/x"},
                    "name": "s",
                    "containerName": "c",
                    "fileNameFormat": "{iothub}/{partition}/{YYYY}/{MM}/{DD}/{HH}/{mm}",
                    "batchFrequencyInSeconds": 100,
                    "maxChunkSizeInBytes": 10485760,
                    "encoding": "avro",
                }
            ],
        },
        "routes": [
            {"name": "r", "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": True}
        ],
        "fallbackRoute": {
            "name": "$fallback", "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": True
        },
        "enrichments": [{"key": "k", "value": "v", "endpointNames": ["events"]}],
    },
    "storageEndpoints": {
        "$default": {
            "sasTtlAsIso8601": "PT30M",
            "connectionString": "",
            "containerName": "c",
            "authenticationType": "identityBased",
            "identity": {"userAssignedIdentity": "/x"},
        }
    },
    "messagingEndpoints": {
        "fileNotifications": {"lockDurationAsIso8601": "PT10S", "ttlAsIso8601": "PT2H", "maxDeliveryCount": 7}
    },
    "enableFileUploadNotifications": True,
    "cloudToDevice": {
        "maxDeliveryCount": 9,
        "defaultTtlAsIso8601": "PT2H",
        "feedback": {"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT3H", "maxDeliveryCount": 8},
    },
    "comments": "all of them",
    "features": "DeviceManagement",
    "enableDataResidency": True,
}


EVERYTHING_OF_DPS = {
    "publicNetworkAccess": "Disabled",
    "ipFilterRules": [{"filterName": "f", "action": "Accept", "ipMask": "10.0.0.0/8", "target": "all"}],
    "privateEndpointConnections": [
        {
            "properties": {
                "privateEndpoint": {},
                "privateLinkServiceConnectionState": {"status": "Approved", "description": "d", "actionsRequired": "a"},
            }
        }
    ],
    "iotHubs": [
        {
            "applyAllocationPolicy": False,
            "allocationWeight": 7,
            "hostName": "far.example",
            "authenticationType": "KeyBased",
            "selectedUserAssignedIdentityResourceId": "/x",
            "connectionString": "HostName=far.example;SharedAccessKeyName=owner;SharedAccessKey=" + "a2tr" * 10 + "a2s=",
            "location": "west",
        }
    ],
    "allocationPolicy": "GeoLatency",
    "enableDataResidency": True,
    "portalOperationsHostName": "portal.example",
    "disableLocalAuth": True,
}


def lost(sent, shown, path="") -> list[str]:
    """Where something else is shown than was sent."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        return [fault for name, value in sent.items() for fault in lost(value, shown.get(name), f"{path}.{name}")]
    if isinstance(sent, list) and isinstance(shown, list) and len(sent) == len(shown):
        return [fault for index, value in enumerate(sent) for fault in lost(value, shown[index], f"{path}[{index}]")]
    return [] if sent == shown else [f"{path}: {sent} became {shown}"]


def credential(server, secret: str | None = None) -> ClientSecretCredential:
    """The tenant by its GUID, as for Entra; without the question to the public cloud whether it knows this host."""
    exports = server.exports
    given = (exports["ROADSTEAD_TENANT"], exports["ROADSTEAD_SP_ID"], secret or exports["ROADSTEAD_SP_SECRET"])
    return ClientSecretCredential(*given, authority=exports["ROADSTEAD_ARM_URL"], disable_instance_discovery=True)


class Management:
    """The clients of one subscription."""

    def __init__(self, server):
        url = server.exports["ROADSTEAD_ARM_URL"]
        scope = f"{url}/.default"
        who = credential(server)
        header = {"Authorization": f"Bearer {who.get_token(scope).token}"}
        found = requests.get(f"{url}/subscriptions", params={"api-version": "2022-12-01"}, headers=header, timeout=60).json()
        given = {"subscription_id": found["value"][0]["subscriptionId"], "base_url": url, "credential_scopes": [scope]}
        self.hub = IotHubClient(who, **given)
        self.hubs = self.hub.iot_hub_resource
        self.dps = IotDpsClient(who, **given)
        self.instances = self.dps.iot_dps_resource
        self.resource = ResourceManagementClient(who, **given)

    def make_hub(self, name: str, **more):
        return self.hubs.begin_create_or_update(GROUP, name, {"location": "local", "sku": S1, **more}).result()


@pytest.fixture(scope="module")
def management(server):
    made = Management(server)
    made.resource.resource_groups.create_or_update(GROUP, {"location": "local", "tags": {"site": "north"}})
    yield made
    made.resource.resource_groups.begin_delete(GROUP).result()


@pytest.fixture(scope="module")
def hub(management):
    return management.make_hub("mgmt-python-hub", tags={"site": "north"})


def test_wrong_secret(server):
    with pytest.raises(ClientAuthenticationError, match="wrong client secret"):
        credential(server, "wrong").get_token(server.exports["ROADSTEAD_ARM_URL"] + "/.default")


class TestHubs:
    def test_create_then_list(self, management, hub):
        assert (hub.properties.state, hub.properties.provisioning_state) == ("Active", "Succeeded")
        assert hub.name in [each.name for each in management.hubs.list_by_subscription()]
        assert hub.name in [each.name for each in management.hubs.list_by_resource_group(GROUP)]
        assert management.hubs.get(GROUP, hub.name).id == hub.id

    def test_etag(self, management):
        """What was read is changed and sent back, with all that the server does not know; who comes late is refused."""
        made = management.make_hub("mgmt-python-etag", properties={"comments": "kept", "minTlsVersion": "1.2"})
        made.properties.cloud_to_device.max_delivery_count = 7
        put = management.hubs.begin_create_or_update
        changed = put(GROUP, made.name, made, if_match=made.etag).result()
        kept = (changed.properties.comments, changed.properties.min_tls_version)
        assert (changed.properties.cloud_to_device.max_delivery_count, kept) == (7, ("kept", "1.2"))
        with pytest.raises(HttpResponseError) as stale:
            put(GROUP, made.name, made, if_match=made.etag).result()
        assert (stale.value.status_code, stale.value.error.code) == (412, "PreconditionFailed")

    def test_all_that_is_sent_is_kept(self, management):
        """Every property of the SDK's model, with other values than it has by itself; what a GET shows, sent back, changes nothing."""
        put = management.hubs.begin_create_or_update
        sent = {"location": "local", "tags": {"site": "north"}, "identity": {"type": "SystemAssigned"}, "properties": EVERYTHING}
        made = put(GROUP, "mgmt-python-full", {**sent, "sku": {"name": "S2", "capacity": 3}}).result()
        shown = management.hubs.get(GROUP, made.name)
        assert lost(sent, shown.serialize(keep_readonly=True)) == []
        assert (shown.sku.name, shown.sku.capacity, shown.etag) == ("S2", 3, made.etag)
        again = put(GROUP, made.name, shown).result()
        before, after = (dict(each.as_dict(), etag=None) for each in (shown, again))
        assert before == after

    def test_tags_alone(self, management, hub):
        tagged = management.hubs.begin_update(GROUP, hub.name, {"tags": {"site": "south"}}).result()
        assert (tagged.tags, tagged.properties.host_name) == ({"site": "south"}, hub.properties.host_name)

    def test_keys(self, management, hub):
        listed = {key.key_name: key for key in management.hubs.list_keys(GROUP, hub.name)}
        assert listed["iothubowner"].rights == "RegistryWrite, ServiceConnect, DeviceConnect"
        one = management.hubs.get_keys_for_key_name(GROUP, hub.name, "service")
        assert one.primary_key == listed["service"].primary_key

    def test_what_there_is_in_a_hub(self, management, hub):
        assert management.hubs.get_stats(GROUP, hub.name).total_device_count == 0
        quota = {metric.name: metric for metric in management.hubs.get_quota_metrics(GROUP, hub.name)}
        assert quota["TotalDeviceCount"].current_value == 0 < quota["TotalDeviceCount"].max_value
        assert "S1" in [tier.sku.name for tier in management.hubs.get_valid_skus(GROUP, hub.name)]
        assert [each.health_status for each in management.hubs.get_endpoint_health(GROUP, hub.name)] == ["healthy"]

    def test_consumer_groups(self, management, hub):
        events = (GROUP, hub.name, "events")
        management.hubs.create_event_hub_consumer_group(*events, "backend", {"properties": {"name": "backend"}})
        assert [each.name for each in management.hubs.list_event_hub_consumer_groups(*events)] == ["$Default", "backend"]
        management.hubs.delete_event_hub_consumer_group(*events, "backend")
        with pytest.raises(ResourceNotFoundError):
            management.hubs.get_event_hub_consumer_group(*events, "backend")

    def test_names(self, management, hub):
        for name, free, reason in [(hub.name, False, "AlreadyExists"), ("x", False, "Invalid"), ("mgmt-python-free", True, None)]:
            answer = management.hubs.check_name_availability({"name": name})
            assert (answer.name_available, answer.reason) == (free, reason)

    def test_delete(self, management):
        made = management.make_hub("mgmt-python-short")
        management.hubs.begin_delete(GROUP, made.name).result()
        with pytest.raises(ResourceNotFoundError) as absent:
            management.hubs.get(GROUP, made.name)
        assert absent.value.error.code == "ResourceNotFound"

    def test_malformed_body(self, management):
        with pytest.raises(HttpResponseError) as refused:
            management.make_hub("mgmt-python-odd", properties={"eventHubEndpoints": {"events": {"partitionCount": 0}}})
        assert (refused.value.status_code, refused.value.error.code) == (400, "InvalidParameter")


class TestDps:
    def test_linked_hub(self, management, hub):
        """The key of a linked hub is never shown, and sending back what is shown loses nothing."""
        owner = management.hubs.get_keys_for_key_name(GROUP, hub.name, "iothubowner")
        host = hub.properties.host_name
        text = f"HostName={host};SharedAccessKeyName=iothubowner;SharedAccessKey={owner.primary_key}"
        properties = {"iotHubs": [{"connectionString": text, "location": "local"}]}
        put = management.instances.begin_create_or_update
        made = put(GROUP, "mgmt-python-dps", {"location": "local", "sku": S1, "properties": properties}).result()
        assert made.properties.id_scope.startswith("0ne")
        again = put(GROUP, made.name, made).result()
        assert [(each.name, owner.primary_key in each.connection_string) for each in again.properties.iot_hubs] == [(host, False)]
        tagged = management.instances.begin_update(GROUP, made.name, {"tags": {"site": "north"}}).result()
        assert (tagged.tags["site"], len(tagged.properties.iot_hubs)) == ("north", 1)
        assert made.name in [each.name for each in management.instances.list_by_subscription()]
        which = {"resource_group_name": GROUP, "provisioning_service_name": made.name}
        assert [key.key_name for key in management.instances.list_keys(**which)] == ["provisioningserviceowner"]
        assert [tier.name for tier in management.instances.list_valid_skus(**which)] == ["S1"]
        taken = management.instances.check_provisioning_service_name_availability({"name": made.name})
        assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
        management.instances.begin_delete(**which).result()
        with pytest.raises(ResourceNotFoundError):
            management.instances.get(**which)

    def test_all_that_is_sent_is_kept(self, management):
        """As for a hub; of a linked hub's key only the mask is shown."""
        put = management.instances.begin_create_or_update
        identity = {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}}
        sent = {"location": "local", "tags": {"site": "north"}, "identity": identity, "properties": EVERYTHING_OF_DPS}
        made = put(GROUP, "mgmt-python-full-dps", {**sent, "sku": {"name": "S1", "capacity": 3}}).result()
        which = {"resource_group_name": GROUP, "provisioning_service_name": made.name}
        shown = management.instances.get(**which)
        [fault] = lost(sent, shown.as_dict())
        assert fault.startswith(".properties.iotHubs[0].connectionString:") and fault.endswith("SharedAccessKey=****")
        again = put(GROUP, made.name, shown).result()
        assert again.etag != shown.etag
        before, after = (dict(each.as_dict(), etag=None) for each in (shown, again))
        assert before == after

    def test_certificate(self, management, tmp_path):
        """Of a hub: both take the same. Uploaded, proven, deleted."""
        maker = CertificateMaker(tmp_path)
        root = maker.root("mgmt-root")
        made = management.make_hub("mgmt-python-ca")
        which = (GROUP, made.name, "root")
        certificates = management.hub.certificates
        pem = root.path.read_text()
        uploaded = certificates.create_or_update(*which, {"properties": {"certificate": pem}})
        code = certificates.generate_verification_code(*which, uploaded.etag)
        proof = maker.issue(root, code.properties.verification_code).path.read_text()
        with pytest.raises(HttpResponseError) as stale:
            certificates.verify(*which, uploaded.etag, {"certificate": proof})
        assert stale.value.status_code == 412
        assert certificates.verify(*which, code.etag, {"certificate": proof}).properties.is_verified
        certificates.delete(*which, certificates.get(*which).etag)
        assert certificates.list_by_iot_hub(GROUP, made.name).value == []


class TestGroups:
    def test_lists(self, management, hub):
        groups = management.resource.resource_groups
        assert GROUP in [each.name for each in groups.list(filter="tagName eq 'site' and tagValue eq 'north'")]
        assert GROUP not in [each.name for each in groups.list(filter="tagName eq 'site' and tagValue eq 'nowhere'")]
        kind = "resourceType eq 'Microsoft.Devices/IotHubs'"
        assert hub.name in [each.name for each in management.resource.resources.list_by_resource_group(GROUP, filter=kind)]

    def test_deleting_a_group(self, management):
        """With all that is in it."""
        groups = management.resource.resource_groups
        groups.create_or_update("mgmt-python-short-rg", {"location": "local"})
        management.hubs.begin_create_or_update("mgmt-python-short-rg", "mgmt-python-lost", {"location": "local", "sku": S1}).result()
        groups.begin_delete("mgmt-python-short-rg").result()
        assert groups.check_existence("mgmt-python-short-rg") is False
        assert management.hubs.check_name_availability({"name": "mgmt-python-lost"}).name_available

    def test_provider(self, management):
        assert "Microsoft.Devices/IotHubs/Write" in [each.name for each in management.hub.operations.list()]
        assert "Microsoft.Devices/IotHubs/Write" in [each.name for each in management.dps.operations.list()]
        used = management.hub.resource_provider_common.get_subscription_quota().value
        assert all(each.current_value <= each.limit for each in used) and used
        assert management.resource.providers.get("Microsoft.Devices").registration_state == "Registered"
