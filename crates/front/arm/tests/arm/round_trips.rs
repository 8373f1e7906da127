//! What a PUT sent is shown, at every depth, and what was shown can be sent back.

use hyper::Method;
use roadstead_pki::{Authority, KeyKind, Validity};
use roadstead_wire::certificate_text::to_base64_pem;
use serde_json::{Map, Value, json};

use crate::world::{NOW, World, of_group};

const HUB: &str = "/IotHubs/plant";
const DPS: &str = "/provisioningServices/gate";
const FAR: &str =
    "HostName=far.example;SharedAccessKeyName=owner;SharedAccessKey=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

/// Where something else is shown than was sent.
fn lost(sent: &Value, shown: &Value, path: &str, found: &mut Vec<String>) {
    match (sent, shown) {
        (Value::Object(sent), Value::Object(shown)) => {
            for (name, value) in sent {
                lost(value, shown.get(name).unwrap_or(&Value::Null), &format!("{path}/{name}"), found);
            }
        }
        (Value::Array(sent), Value::Array(shown)) if sent.len() == shown.len() => {
            for (index, (sent, shown)) in sent.iter().zip(shown).enumerate() {
                lost(sent, shown, &format!("{path}/{index}"), found);
            }
        }
        _ if sent == shown => {}
        _ => found.push(format!("{path}: {sent} became {shown}")),
    }
}

/// Puts it, compares what is shown, and sends that back, which must change nothing.
async fn round_trip(world: &World, path: &str, sent: &Value) -> Value {
    let put = world.put(path, sent.clone()).await;
    assert!(put.status < 300, "{}", put.body);
    let shown = world.get(path).await.body;
    assert_eq!(put.body, shown, "what is answered is what is shown");
    let mut found = Vec::new();
    lost(sent, &shown, "", &mut found);
    assert_eq!(found, Vec::<String>::new());
    let mut again = world.put(path, shown.clone()).await.body;
    assert_ne!(again["etag"], shown["etag"]);
    again["etag"] = shown["etag"].clone();
    assert_eq!(again, shown, "what was shown is sent back");
    shown
}

/// A member that no model has, of every kind, in every object but those at these paths, and how many objects there are.
fn with_strangers(value: &mut Value, path: &str, but: &[&str]) -> usize {
    match value {
        Value::Object(members) => {
            let inner: usize =
                members.iter_mut().map(|(name, value)| with_strangers(value, &format!("{path}/{name}"), but)).sum();
            if but.contains(&path) {
                return inner;
            }
            members.insert("strangeText".to_owned(), json!("text"));
            members.insert("strangeList".to_owned(), json!([1.5, true, {"deep": [{"deeper": -1}]}]));
            members.insert("strangeObject".to_owned(), json!({"a": {"b": {"c": "d"}}, "empty": {}}));
            inner + 1
        }
        Value::Array(items) => items.iter_mut().map(|item| with_strangers(item, &format!("{path}/"), but)).sum(),
        _ => 0,
    }
}

fn endpoint(name: &str, more: Value) -> Value {
    let mut endpoint = json!({"id": "6a0e2b1c-0000-4000-8000-000000000004", "endpointUri": "sb://a.example",
        "authenticationType": "identityBased", "identity": {"userAssignedIdentity": "/identities/x"}, "name": name,
        "subscriptionId": "5b0e2b1c-0000-4000-8000-000000000002", "resourceGroup": "other-rg"});
    let Value::Object(more) = more else { panic!("members") };
    endpoint.as_object_mut().unwrap().extend(more);
    endpoint
}

/// All that can be written of a hub, with other values than it has by itself.
/// Source: azure-mgmt-iothub 4.0.0, `v2023_06_30_preview.models.IotHubDescription`
fn whole_hub() -> Value {
    let rule = |action: &str| json!({"filterName": "f", "action": action, "ipMask": "10.0.0.0/8"});
    let identity = json!({"userAssignedIdentity": "/identities/x"});
    let routing = json!({
        "endpoints": {
            "serviceBusQueues": [endpoint("q", json!({"entityPath": "e"})), endpoint("q2", json!({"entityPath": "e"}))],
            "serviceBusTopics": [endpoint("t", json!({"entityPath": "e"}))],
            "eventHubs": [endpoint("h", json!({"entityPath": "e"}))],
            "storageContainers": [endpoint("s", json!({"containerName": "c", "fileNameFormat": "{iothub}/{partition}",
                "batchFrequencyInSeconds": 100, "maxChunkSizeInBytes": 10_485_760, "encoding": "avro"}))],
            "cosmosDBSqlContainers": [endpoint("d", json!({"databaseName": "b", "containerName": "c",
                "partitionKeyName": "p", "partitionKeyTemplate": "{deviceid}"}))],
        },
        "routes": [
            {"name": "twins", "source": "TwinChangeEvents", "condition": "true", "endpointNames": ["events"], "isEnabled": true},
            {"name": "life", "source": "DeviceLifecycleEvents", "condition": "true", "endpointNames": ["events"], "isEnabled": false},
        ],
        "fallbackRoute": {"name": "mine", "source": "DeviceMessages", "condition": "true", "endpointNames": ["events"], "isEnabled": true},
        "enrichments": [{"key": "k", "value": "v", "endpointNames": ["events"]}],
    });
    json!({
        "location": "north", "tags": {"site": "north"}, "sku": {"name": "B2", "capacity": 3},
        "identity": {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {"/identities/x": {}}},
        "properties": {
            "disableLocalAuth": true, "disableDeviceSAS": true, "disableModuleSAS": true,
            "restrictOutboundNetworkAccess": true, "allowedFqdnList": ["a.example"], "publicNetworkAccess": "Disabled",
            "ipFilterRules": [rule("Accept"), rule("Reject")],
            "networkRuleSets": {"defaultAction": "Deny", "applyToBuiltInEventHubEndpoint": true, "ipRules": [rule("Allow")]},
            "minTlsVersion": "1.2",
            "privateEndpointConnections": [{"properties": {"privateEndpoint": {},
                "privateLinkServiceConnectionState": {"status": "Approved", "description": "d", "actionsRequired": "a"}}}],
            "eventHubEndpoints": {"events": {"retentionTimeInDays": 3, "partitionCount": 2},
                "operationsMonitoringEvents": {"retentionTimeInDays": 1, "partitionCount": 8}},
            "routing": routing,
            "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT30M", "connectionString": "", "containerName": "c",
                "authenticationType": "identityBased", "identity": identity}},
            "messagingEndpoints": {"fileNotifications":
                {"lockDurationAsIso8601": "PT10S", "ttlAsIso8601": "PT2H", "maxDeliveryCount": 7}},
            "enableFileUploadNotifications": true,
            "cloudToDevice": {"maxDeliveryCount": 9, "defaultTtlAsIso8601": "PT2H", "feedback":
                {"lockDurationAsIso8601": "PT30S", "ttlAsIso8601": "PT3H", "maxDeliveryCount": 8}},
            "comments": "all of them", "deviceStreams": {"streamingEndpoints": ["a.example"]},
            "features": "DeviceManagement",
            "encryption": {"keySource": "Microsoft.KeyVault", "keyVaultProperties": [{"keyIdentifier": "k", "identity": identity}]},
            "enableDataResidency": true, "rootCertificate": {"enableRootCertificateV2": true}, "ipVersion": "ipv4",
            "roadstead": {"messageQueueDepth": 7, "throttle": {"tier": "azure-s2", "units": 2}, "faultInjection": true},
        },
    })
}

/// The same of a DPS instance, with two links.
/// Source: azure-mgmt-iothubprovisioningservices 2.1.0, `ProvisioningServiceDescription`
fn whole_dps() -> Value {
    json!({
        "location": "north", "tags": {"site": "north"}, "sku": {"name": "S1", "capacity": 3},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {"/identities/x": {}}},
        "properties": {
            "publicNetworkAccess": "Disabled",
            "ipFilterRules": [{"filterName": "f", "action": "Accept", "ipMask": "10.0.0.0/8", "target": "all"}],
            "privateEndpointConnections": [{"properties": {"privateEndpoint": {},
                "privateLinkServiceConnectionState": {"status": "Approved", "description": "d", "actionsRequired": "a"}}}],
            "iotHubs": [
                {"applyAllocationPolicy": false, "allocationWeight": 7, "hostName": "far.example",
                    "authenticationType": "KeyBased", "selectedUserAssignedIdentityResourceId": "/identities/x",
                    "connectionString": FAR, "location": "west"},
                {"connectionString": FAR.replace("far", "near"), "location": "east"},
            ],
            "allocationPolicy": "GeoLatency", "enableDataResidency": true, "portalOperationsHostName": "portal.example",
            "disableLocalAuth": true,
        },
    })
}

/// Keys that are sent are not shown.
fn masked(mut dps: Value) -> Value {
    for link in dps["properties"]["iotHubs"].as_array_mut().unwrap() {
        let text = link["connectionString"].as_str().unwrap().split_once("SharedAccessKey=").unwrap().0.to_owned();
        link["connectionString"] = (text + "SharedAccessKey=****").into();
    }
    dps
}

fn stored_links(world: &World) -> Vec<(String, String)> {
    let dps = world.resources.directory().find_dps_by_name("gate").unwrap().clone();
    let pair = |link: &roadstead_model::LinkedHub| (link.host_name.clone(), link.connection_string.expose().to_owned());
    dps.linked_hubs.iter().map(pair).collect()
}

#[tokio::test]
async fn a_whole_hub() {
    let world = World::with_group().await;
    round_trip(&world, &of_group(HUB), &whole_hub()).await;
}

/// Not in `roadstead`, where we know all there is; tags are texts; storage accounts are one.
#[tokio::test]
async fn strangers_in_a_hub() {
    let world = World::with_group().await;
    let mut hub = whole_hub();
    let but = ["/tags", "/properties/roadstead", "/properties/roadstead/throttle", "/properties/storageEndpoints"];
    assert!(with_strangers(&mut hub, "", &but) > 40);
    let shown = round_trip(&world, &of_group(HUB), &hub).await;
    assert_eq!(shown["properties"]["routing"]["routes"][1]["strangeObject"]["a"]["b"]["c"], "d");
    let taken = of_group(&format!("{HUB}/routing/routes/$testall"));
    let taken = world.post(&taken, json!({"routingSource": "TwinChangeEvents"})).await.body;
    assert_eq!(taken["routes"][0]["properties"]["strangeText"], "text");
    let tagged = world.ask(Method::PATCH, &of_group(HUB), None, json!({"tags": {}})).await.body;
    let mut expected = shown;
    (expected["tags"], expected["etag"]) = (json!({}), tagged["etag"].clone());
    assert_eq!(tagged, expected, "tags alone are changed");
}

#[tokio::test]
async fn a_whole_dps() {
    let world = World::with_group().await;
    let mut dps = whole_dps();
    assert_eq!(world.put(&of_group(DPS), dps.clone()).await.status, 201);
    dps = masked(dps);
    round_trip(&world, &of_group(DPS), &dps).await;
    let hosts = stored_links(&world);
    let real = |host: &str| (host.to_owned(), FAR.replace("far.example", host));
    assert_eq!(hosts, [real("far.example"), real("near.example")]);
}

#[tokio::test]
async fn strangers_in_a_dps() {
    let world = World::with_group().await;
    let mut dps = whole_dps();
    assert!(with_strangers(&mut dps, "", &["/tags"]) > 12);
    assert_eq!(world.put(&of_group(DPS), dps.clone()).await.status, 201);
    let shown = round_trip(&world, &of_group(DPS), &masked(dps)).await;
    assert_eq!(shown["properties"]["iotHubs"][1]["strangeObject"]["a"]["b"]["c"], "d");
    let links = shown["properties"]["iotHubs"].clone();
    let without = world.put(&of_group(DPS), json!({"properties": {"disableLocalAuth": true}})).await.body;
    assert_eq!(without["properties"]["iotHubs"], links, "links that are not sent stay as they are");
}

#[tokio::test]
async fn certificates_of_both() {
    let world = World::with_group().await;
    world.put(&of_group(HUB), json!({"properties": {}})).await;
    world.put(&of_group(DPS), json!({"properties": {}})).await;
    let validity = Validity { now_s: NOW.seconds().0, lifetime_s: 86_400 };
    let root = Authority::root("root", KeyKind::P256, validity).unwrap();
    let pem = to_base64_pem(root.certificate().der());
    let mut sent = json!({"certificate": pem, "isVerified": false, "policyResourceId": "/policies/p", "subject": "other",
        "thumbprint": "00", "verificationCode": "mine", "warning": "mine"});
    with_strangers(&mut sent, "", &[]);
    let mut expected = sent.clone();
    for member in ["subject", "thumbprint", "verificationCode", "warning"] {
        expected.as_object_mut().unwrap().remove(member);
    }
    for (owner, body) in [(HUB, json!({"properties": sent})), (DPS, json!({"properties": sent})), (DPS, sent.clone())] {
        let path = of_group(&format!("{owner}/certificates/root"));
        let put = world.put(&path, body).await;
        assert!(put.status < 300, "{}", put.body);
        let shown = world.get(&path).await.body;
        assert_eq!(put.body, shown);
        let mut found = Vec::new();
        lost(&expected, &shown["properties"], "", &mut found);
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(shown["properties"]["subject"], "root");
        assert_eq!((shown["properties"]["warning"].clone(), shown["id"].is_string()), (Value::Null, true));
        let etag = shown["etag"].as_str();
        let mut again = world.ask(Method::PUT, &path, etag, shown.clone()).await.body;
        assert_ne!(again["properties"]["verificationCode"], "mine");
        (again["etag"], again["properties"]["verificationCode"]) =
            (shown["etag"].clone(), shown["properties"]["verificationCode"].clone());
        assert_eq!(again, shown, "what was shown is sent back");
        let code = of_group(&format!("{owner}/certificates/root/generateVerificationCode"));
        let coded = world.post(&code, Value::Null).await;
        assert_eq!(coded.body["properties"]["policyResourceId"], "/policies/p");
        assert_eq!(world.delete(&path).await.status, 200);
    }
    let secret = json!({"certificate": pem, "other": {"password": "p"}});
    let refused = world.put(&of_group(&format!("{DPS}/certificates/root")), secret).await;
    assert_eq!((refused.status, refused.refusal().1), (400, "InvalidParameter"));
}

/// What only the server says is not taken from a client.
#[tokio::test]
async fn read_only() {
    let world = World::with_group().await;
    let identity = json!({"type": "SystemAssigned", "principalId": "p", "tenantId": "t",
        "userAssignedIdentities": {"/identities/x": {"principalId": "p", "clientId": "c", "mine": 1}}});
    let common = json!({"id": "x", "name": "x", "type": "x", "etag": "*", "resourcegroup": "x", "subscriptionid": "x",
        "systemData": {"createdBy": "x"}, "identity": identity, "sku": {"name": "S1", "tier": "x"}});
    let with = |properties: Value| {
        let mut body = common.clone();
        body["properties"] = properties;
        body
    };
    let shared = [
        "/id",
        "/name",
        "/type",
        "/resourcegroup",
        "/subscriptionid",
        "/systemData",
        "/identity/principalId",
        "/identity/tenantId",
        "/identity/userAssignedIdentities/~1identities~1x/principalId",
        "/identity/userAssignedIdentities/~1identities~1x/clientId",
        "/sku/tier",
        "/properties/state",
        "/properties/provisioningState",
    ];
    let hub = with(json!({"state": "x", "provisioningState": "x", "hostName": "x", "locations": [],
        "eventHubEndpoints": {"events": {"partitionIds": [], "path": "x", "endpoint": "x"}},
        "rootCertificate": {"enableRootCertificateV2": true, "lastUpdatedTimeUtc": "x"}, "sku": {"name": "x"},
        "$beside": {"id": "x"}}));
    let of_hub = [
        "/properties/hostName",
        "/properties/locations",
        "/properties/eventHubEndpoints/events/partitionIds",
        "/properties/eventHubEndpoints/events/path",
        "/properties/eventHubEndpoints/events/endpoint",
        "/properties/rootCertificate/lastUpdatedTimeUtc",
        "/properties/sku",
        "/properties/$beside",
    ];
    let dps = with(json!({"state": "x", "provisioningState": "x", "serviceOperationsHostName": "x",
        "deviceProvisioningHostName": "x", "idScope": "x", "deviceRegistryNamespaces": [{"resourceId": "x"}],
        "iotHubs": [{"name": "x", "connectionString": FAR}]}));
    let of_dps = [
        "/properties/serviceOperationsHostName",
        "/properties/deviceProvisioningHostName",
        "/properties/idScope",
        "/properties/deviceRegistryNamespaces",
        "/properties/iotHubs/0/name",
    ];
    for (path, body, own) in [(HUB, hub, &of_hub[..]), (DPS, dps, &of_dps[..])] {
        assert_eq!(world.put(&of_group(path), body.clone()).await.status, 201);
        let shown = world.get(&of_group(path)).await.body;
        for member in shared.iter().chain(own) {
            let sent = body.pointer(member).unwrap_or_else(|| panic!("{member} is sent"));
            assert_ne!(shown.pointer(member), Some(sent), "{member}");
        }
        assert_eq!(shown["identity"]["userAssignedIdentities"]["/identities/x"], json!({"mine": 1}));
    }
    let second = json!({"properties": {"storageEndpoints": {"$default": {}, "second": {}}}});
    let refused = world.put(&of_group(HUB), second).await;
    let text = "storageEndpoints is named `second`; it must be the only one, named `$default`";
    assert_eq!(refused.refusal(), (400, "InvalidParameter", text));
}

async fn keys(world: &World) -> (Value, Value, Vec<(String, String)>) {
    let of = |path: &str| of_group(&format!("{path}/listkeys"));
    (world.post(&of(HUB), Value::Null).await.body, world.post(&of(DPS), Value::Null).await.body, stored_links(world))
}

/// A hub, and a DPS instance with links to it and to two others.
async fn linked() -> World {
    let world = World::with_group().await;
    world.put(&of_group(HUB), whole_hub()).await;
    let key = world.post(&of_group(&format!("{HUB}/IotHubKeys/iothubowner/listkeys")), Value::Null).await.body;
    let key = key["primaryKey"].as_str().unwrap();
    let own = format!("HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey={key}");
    let mut dps = whole_dps();
    dps["properties"]["iotHubs"].as_array_mut().unwrap().push(json!({"connectionString": own}));
    assert_eq!(world.put(&of_group(DPS), dps).await.status, 201);
    world
}

#[tokio::test]
async fn masked_keys_of_links_sent_back_in_any_order() {
    let world = linked().await;
    let (hub, dps, links) = keys(&world).await;
    let shown = world.get(&of_group(DPS)).await.body;
    assert!(links.iter().all(|(_, text)| !text.contains("****")));
    for order in [&[0, 1, 2][..], &[2, 1, 0], &[1, 2, 0], &[2, 0], &[0]] {
        let mut body = shown.clone();
        let pick = |index: &usize| shown["properties"]["iotHubs"][*index].clone();
        body["properties"]["iotHubs"] = order.iter().map(pick).collect();
        body["etag"] = Value::Null;
        let put = world.put(&of_group(DPS), body.clone()).await;
        assert_eq!((put.status, &put.body["properties"]["iotHubs"]), (200, &body["properties"]["iotHubs"]));
        let expected: Vec<_> = order.iter().map(|index| links[*index].clone()).collect();
        assert_eq!(keys(&world).await, (hub.clone(), dps.clone(), expected));
    }
    let before = keys(&world).await;
    let shown = world.get(&of_group(HUB)).await.body;
    assert_eq!(shown["properties"]["authorizationPolicies"], Value::Null, "keys are absent, and stay");
    assert_eq!(world.put(&of_group(HUB), shown).await.status, 200);
    assert_eq!(keys(&world).await, before);
}

/// No other place keeps a key, nor takes the mask of one: whatever is sent there, nothing changes.
#[tokio::test]
async fn other_masked_keys_are_refused() {
    let world = linked().await;
    let before = keys(&world).await;
    let shown = [world.get(&of_group(HUB)).await.body, world.get(&of_group(DPS)).await.body];
    let storage = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=****";
    let bus = "Endpoint=sb://a.example/;SharedAccessKeyName=p;SharedAccessKey=****;EntityPath=e";
    let policy = |key: &str| json!([{"keyName": "iothubowner", "rights": "ServiceConnect", "primaryKey": key}]);
    let of_dps = json!([{"keyName": "provisioningserviceowner", "rights": "ServiceConfig", "secondaryKey": "****"}]);
    let link = json!({"connectionString": "HostName=new.example;SharedAccessKeyName=p;SharedAccessKey=****"});
    for (at, parent, member, value) in [
        (0, "/properties/storageEndpoints/$default", "connectionString", json!(storage)),
        (0, "/properties/storageEndpoints/$default", "connectionString", json!("****")),
        (0, "/properties/routing/endpoints/serviceBusQueues/1", "connectionString", json!(bus)),
        (0, "/properties/routing/endpoints/serviceBusTopics/0", "connectionString", json!(bus)),
        (0, "/properties/routing/endpoints/eventHubs/0", "connectionString", json!(bus)),
        (0, "/properties/routing/endpoints/storageContainers/0", "connectionString", json!(storage)),
        (0, "/properties/routing/endpoints/cosmosDBSqlContainers/0", "primaryKey", json!("****")),
        (0, "/properties/routing/endpoints/cosmosDBSqlContainers/0", "secondaryKey", json!("****")),
        (0, "/properties", "authorizationPolicies", policy("****")),
        (1, "/properties", "authorizationPolicies", of_dps),
        (1, "/properties/iotHubs/0", "primaryKey", json!("****")),
        (1, "/properties", "iotHubs", json!([link])),
    ] {
        let path = of_group([HUB, DPS][at]);
        let mut body = shown[at].clone();
        body.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().insert(member.to_owned(), value);
        let refused = world.put(&path, body).await;
        assert_eq!(refused.status, 400, "{parent}/{member}: {}", refused.body);
        assert_eq!(world.get(&path).await.body, shown[at], "{parent}/{member}");
        assert_eq!(keys(&world).await, before, "{parent}/{member}");
    }
}

#[tokio::test]
async fn too_much_in_a_link_or_a_certificate() {
    let world = World::with_group().await;
    let much = "x".repeat(4096);
    let dps = json!({"properties": {"iotHubs": [{"connectionString": FAR, "more": much}]}});
    let refused = world.put(&of_group(DPS), dps).await;
    assert_eq!(refused.refusal(), (400, "InvalidParameter", "iotHubs is 4107 bytes; it must be at most 4096 bytes"));
    world.put(&of_group(DPS), json!({"properties": Map::new()})).await;
    let validity = Validity { now_s: NOW.seconds().0, lifetime_s: 86_400 };
    let root = Authority::root("root", KeyKind::P256, validity).unwrap();
    let body = json!({"certificate": to_base64_pem(root.certificate().der()), "more": much});
    let refused = world.put(&of_group(&format!("{DPS}/certificates/root")), body).await;
    assert_eq!(refused.refusal(), (400, "InvalidParameter", "properties is 4107 bytes; it must be at most 4096 bytes"));
}
