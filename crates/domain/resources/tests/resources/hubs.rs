use roadstead_model::Secret;
use roadstead_resources::{HostNames, HubSpec, PolicySpec, hub::require_policy};
use serde_json::json;

use crate::world::{NOW, World, refusal};

#[tokio::test]
async fn a_new_hub_has_azures_defaults() {
    let world = World::with_group().await;
    let put = world.resources.put_hub("IOT-RG", "Plant", HubSpec::default(), None).await.unwrap();
    let hub = put.record;
    assert!(put.created);
    assert_eq!((hub.name.as_str(), hub.host_name.as_str(), hub.group.as_str()), ("Plant", "plant.localhost", "iot-rg"));
    assert_eq!((hub.partition_count, hub.retention_days, hub.created), (4, 1, NOW));
    assert_eq!(hub.location, "centralindia");
    assert!(hub.policies.iter().all(|policy| policy.primary.expose().len() == 44));
    assert_eq!(require_policy(&hub.policies, "IotHubOwner", "Plant").unwrap().key_name, "iothubowner");
    let missing = require_policy(&hub.policies, "root", "Plant");
    assert_eq!(refusal(missing), "shared access policy 'root' was not found in 'Plant'");
    assert_eq!(world.ears.heard(), ["hub Plant at plant.localhost"]);
    let directory = world.resources.directory();
    assert_eq!(hub.aliases, ["plant.azure-devices.net"]);
    for host in ["plant.localhost", "PLANT.LocalHost", "Plant.azure-devices.net"] {
        assert_eq!(directory.find_hub_by_host(host).map(|hub| hub.key), Some(hub.key), "{host}");
    }
    assert!(directory.find_hub_by_host("plant").is_none());
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let world = World::with_group().await;
    let made = world.hub("plant").await;
    let spec = HubSpec {
        retention_days: Some(7),
        partition_count: Some(4),
        properties: json!({"sku": {"name": "S1"}}).as_object().cloned().unwrap(),
        ..HubSpec::default()
    };
    let put = world.resources.put_hub("iot-rg", "PLANT", spec, Some(made.etag.as_str())).await.unwrap();
    let hub = put.record;
    assert!(!put.created);
    assert_eq!((hub.key, &hub.policies, hub.created), (made.key, &made.policies, made.created));
    assert_eq!((hub.retention_days, &hub.properties["sku"]["name"]), (7, &json!("S1")));
    assert_ne!(hub.etag, made.etag);
    let stale = world.resources.put_hub("iot-rg", "plant", HubSpec::default(), Some(made.etag.as_str())).await;
    assert_eq!(
        refusal(stale),
        "hub 'plant' has changed since it was read: its etag is another one; read it again and repeat the change"
    );
    world.resources.put_hub("iot-rg", "plant", HubSpec::default(), Some("*")).await.unwrap();
}

#[tokio::test]
async fn a_policy_may_be_added_and_another_dropped() {
    let world = World::with_group().await;
    let made = world.hub("plant").await;
    let policy = |name: &str, rights: &str| PolicySpec {
        key_name: name.to_owned(),
        primary: None,
        secondary: None,
        rights: rights.to_owned(),
    };
    let owner = PolicySpec {
        primary: Some(made.policies[0].primary.clone()),
        ..policy("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect")
    };
    let policies = vec![owner, policy("mine", "ServiceConnect")];
    let spec = HubSpec { policies: Some(policies), ..HubSpec::default() };
    let hub = world.resources.put_hub("iot-rg", "plant", spec, None).await.unwrap().record;
    assert_eq!(hub.policies[0].primary, made.policies[0].primary);
    assert_ne!(hub.policies[0].secondary, made.policies[0].secondary, "one that is left out is made anew");
    assert_eq!(hub.policies.iter().map(|policy| policy.key_name.as_str()).collect::<Vec<_>>(), ["iothubowner", "mine"]);
    assert_ne!(hub.policies[1].primary, Secret::new(""));
}

#[tokio::test]
async fn refusals_name_the_cause() {
    let world = World::with_group().await;
    world.hub("plant").await;
    world.dps("gate").await;
    world
        .resources
        .put_group("other", roadstead_resources::GroupSpec { location: "x".to_owned(), tags: serde_json::Map::new() })
        .await
        .unwrap();
    let partitions = |count| HubSpec { partition_count: Some(count), ..HubSpec::default() };
    let retention = |days| HubSpec { retention_days: Some(days), ..HubSpec::default() };
    let hosts = |host: &str| HubSpec {
        host_names: Some(HostNames { host_name: host.to_owned(), aliases: vec![] }),
        ..HubSpec::default()
    };
    let upload = json!({"storageEndpoints": {"$default": {"connectionString": "AccountKey=x", "containerName": ""}}});
    let upload = HubSpec { properties: upload.as_object().cloned().unwrap(), ..HubSpec::default() };
    let big = json!({"routing": "x".repeat(70_000)}).as_object().cloned().unwrap();
    for (group, name, spec, text) in [
        ("nowhere", "hub1", HubSpec::default(), "resource group 'nowhere' could not be found"),
        ("other", "Plant", HubSpec::default(), "the name `Plant` is not available: a hub has it already"),
        ("iot-rg", "gate", HubSpec::default(), "the name `gate` is not available: a DPS instance has it already"),
        ("iot-rg", "ab", HubSpec::default(), "hub name `ab` must have 3 to 50 characters"),
        ("iot-rg", "a.b", HubSpec::default(), "hub name `a.b` may not contain '.': letters, digits and - only"),
        ("iot-rg", "hub1", partitions(0), "partitionCount is 0; it must be 1 to 128"),
        ("iot-rg", "hub1", partitions(129), "partitionCount is 129; it must be 1 to 128"),
        ("iot-rg", "hub1", retention(91), "retentionTimeInDays is 91; it must be 1 to 90"),
        (
            "iot-rg",
            "plant",
            partitions(2),
            "hub 'plant' has 4 partitions; the number is fixed when a hub is made and cannot become 2",
        ),
        (
            "iot-rg",
            "hub1",
            hosts("localhost"),
            "host name `localhost` cannot be used: it needs a dot: device SDKs split it at the first one",
        ),
        (
            "iot-rg",
            "hub1",
            upload,
            "properties.storageEndpoints.$default.connectionString cannot be set: connections to other services are not supported yet",
        ),
        (
            "iot-rg",
            "hub1",
            hosts("Plant.localhost"),
            "the name `plant.localhost` is not available: a hub has it already",
        ),
        (
            "iot-rg",
            "hub1",
            HubSpec { properties: big, ..HubSpec::default() },
            "properties is 70014 bytes; it must be at most 65536 bytes",
        ),
    ] {
        assert_eq!(refusal(world.resources.put_hub(group, name, spec, None).await), text);
    }
    for (properties, member) in [
        (
            json!({"routing": {"endpoints": {"cosmosDBSqlContainers": [{"primaryKey": "c2VjcmV0"}]}}}),
            "routing.endpoints.cosmosDBSqlContainers.primaryKey",
        ),
        (
            json!({"routing": {"endpoints": {"cosmosDBSqlContainers": [{"primaryKey": "", "SecondaryKey": "x"}]}}}),
            "routing.endpoints.cosmosDBSqlContainers.SecondaryKey",
        ),
        (
            json!({"routing": {"endpoints": {"eventHubs": [{"ConnectionString": "Endpoint=sb://x"}]}}}),
            "routing.endpoints.eventHubs.ConnectionString",
        ),
        (json!({"a": {"endpointUri": "sb://x/;SharedAccessKey=x"}}), "a.endpointUri"),
        (json!({"a": ["https://x.example/c?sv=1&SIG=x"]}), "a"),
        (json!({"storage": {"accountKeys": ["AccountKey=x"], "sasToken": "x"}}), "storage.accountKeys"),
    ] {
        let spec = HubSpec { properties: properties.as_object().cloned().unwrap(), ..HubSpec::default() };
        let text = format!("properties.{member} cannot be set: connections to other services are not supported yet");
        assert_eq!(refusal(world.resources.put_hub("iot-rg", "hub1", spec, None).await), text, "{properties}");
    }
    assert_eq!(world.resources.directory().hubs().len(), 1);
    let keyless = json!({"routing": {"enrichments": [{"key": "site", "value": "north"}], "endpoints": {"cosmosDBSqlContainers": [{"authenticationType": "identityBased",
        "primaryKey": "", "secondaryKey": null, "partitionKeyName": "site", "endpointUri": "https://x.example/?key=1"}]}},
        "encryption": {"keyVaultProperties": [{"keyIdentifier": "https://v.example/keys/k"}]}});
    let spec = HubSpec { properties: keyless.as_object().cloned().unwrap(), ..HubSpec::default() };
    world.resources.put_hub("iot-rg", "hub2", spec, None).await.unwrap();
    assert_eq!(refusal(world.resources.hub("other", "plant")), "hub 'plant' was not found in 'other'");
    assert_eq!(
        refusal(world.resources.delete_hub("iot-rg", "hub1", None).await),
        "hub 'hub1' was not found in 'iot-rg'"
    );
}

#[tokio::test]
async fn names_may_be_asked_for_beforehand() {
    let world = World::with_group().await;
    world.hub("plant").await;
    let names = HostNames { host_name: "a.b".to_owned(), aliases: vec!["taken.azure-devices.net".to_owned()] };
    let spec = HubSpec { host_names: Some(names), ..HubSpec::default() };
    world.resources.put_hub("iot-rg", "other", spec, None).await.unwrap();
    for (name, refusal) in [
        ("free", None),
        ("PLANT", Some("the name `PLANT` is not available: a hub has it already")),
        ("taken", Some("the name `taken` is not available: a hub has it already")),
        ("x", Some("hub name `x` must have 3 to 50 characters")),
    ] {
        assert_eq!(world.resources.hub_name_refusal(name).map(|refusal| refusal.to_string()).as_deref(), refusal);
    }
}

#[tokio::test]
async fn the_server_may_give_names_of_its_own() {
    let world = World::with_group().await;
    let names =
        HostNames { host_name: "127.0.0.1".to_owned(), aliases: vec!["localhost".to_owned(), "Box".to_owned()] };
    let spec = HubSpec { host_names: Some(names), ..HubSpec::default() };
    let dev = world.resources.put_hub("iot-rg", "dev", spec, None).await.unwrap().record;
    let find = |host: &str| world.resources.directory().find_hub_by_host(host).map(|hub| hub.key);
    for host in ["127.0.0.1", "localhost", "box", "BOX"] {
        assert_eq!(find(host), Some(dev.key), "{host}");
    }
    assert_eq!((find("dev.localhost"), find("dev.azure-devices.net")), (None, None), "names that were not given");
    let names = HostNames { host_name: "dev.localhost".to_owned(), aliases: vec!["localhost".to_owned()] };
    let spec = HubSpec { host_names: Some(names), ..HubSpec::default() };
    world.resources.put_hub("iot-rg", "dev", spec, None).await.unwrap();
    assert_eq!((find("127.0.0.1"), find("box")), (None, None), "names that were taken away");
    assert_eq!((find("dev.localhost"), find("localhost")), (Some(dev.key), Some(dev.key)));
    let kept = world.resources.put_hub("iot-rg", "dev", HubSpec::default(), None).await.unwrap().record;
    assert_eq!((kept.host_name.as_str(), kept.aliases.len()), ("dev.localhost", 1));
}

#[tokio::test]
async fn a_hub_made_again_is_another_one() {
    let world = World::with_group().await;
    let first = world.hub("plant").await;
    world.resources.delete_hub("iot-rg", "Plant", Some(first.etag.as_str())).await.unwrap();
    assert!(world.resources.directory().find_hub_by_name("plant").is_none());
    let second = world.hub("plant").await;
    assert_ne!((first.key, &first.policies[0].primary), (second.key, &second.policies[0].primary));
    assert_eq!(world.ears.heard(), ["hub plant at plant.localhost", "hub gone", "hub plant at plant.localhost"]);
}
