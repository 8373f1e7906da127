use serde_json::{Value, json};

use crate::world::{SUBSCRIPTION, World, of_group, of_subscription};

const DPS: &str = "/provisioningServices/textile-dps";

async fn created(world: &World) -> Value {
    let check = of_subscription("/checkProvisioningServiceNameAvailability");
    assert_eq!(world.post(&check, json!({"name": "textile-dps"})).await.body, json!({"nameAvailable": true}));
    let body = json!({"location": "centralindia", "properties": {}, "sku": {"name": "S1", "capacity": 1}});
    let created = world.put(&of_group(DPS), body).await;
    assert_eq!(created.status, 201);
    let taken = world.post(&check, json!({"name": "Textile-DPS"})).await.body;
    let message = "the name `Textile-DPS` is not available: a DPS instance has it already";
    assert_eq!(taken, json!({"nameAvailable": false, "reason": "AlreadyExists", "message": message}));
    created.body
}

async fn hub_connection_string(world: &World, hub: &str) -> String {
    let body = json!({"location": "centralindia", "sku": {"name": "S1"}, "properties": {}});
    assert_eq!(world.put(&of_group(&format!("/IotHubs/{hub}")), body).await.status, 201);
    let key = world.post(&of_group(&format!("/IotHubs/{hub}/IotHubKeys/iothubowner/listkeys")), Value::Null).await.body;
    let key = key["primaryKey"].as_str().unwrap();
    format!("HostName={hub}.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey={key}")
}

#[tokio::test]
async fn create_then_show() {
    let world = World::with_group().await;
    let body = created(&world).await;
    let id = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/iot-rg/providers/Microsoft.Devices{DPS}");
    for (member, value) in [
        ("id", json!(id)),
        ("type", json!("Microsoft.Devices/provisioningServices")),
        ("resourcegroup", json!("iot-rg")),
        ("subscriptionid", json!(SUBSCRIPTION)),
        ("sku", json!({"name": "S1", "tier": "Standard", "capacity": 1})),
    ] {
        assert_eq!(body[member], value, "{member}");
    }
    for (member, value) in [
        ("state", json!("Active")),
        ("provisioningState", json!("Succeeded")),
        ("iotHubs", json!([])),
        ("allocationPolicy", json!("Hashed")),
        ("serviceOperationsHostName", json!("textile-dps.localhost")),
        ("deviceProvisioningHostName", json!("textile-dps.localhost")),
        ("authorizationPolicies", Value::Null),
    ] {
        assert_eq!(body["properties"][member], value, "{member}");
    }
    assert!(body["properties"]["idScope"].as_str().unwrap().starts_with("0ne"));
    assert_eq!(world.get(&of_group(DPS)).await.body, body);
    assert_eq!(world.get(&of_subscription("/provisioningServices")).await.body, json!({"value": [body]}));
    assert_eq!(world.get(&of_group("/provisioningServices")).await.body["value"][0]["id"], id);
    let keys = world.post(&of_group(&format!("{DPS}/listkeys")), Value::Null).await.body;
    let owner = &keys["value"][0];
    assert_eq!(owner["keyName"], "provisioningserviceowner");
    let rights: Vec<&str> = owner["rights"].as_str().unwrap().split(", ").collect();
    assert!(["ServiceConfig", "DeviceConnect", "EnrollmentWrite"].iter().all(|right| rights.contains(right)));
    let one = world.post(&of_group(&format!("{DPS}/keys/provisioningserviceowner/listkeys")), Value::Null).await.body;
    assert_eq!(&one, owner);
    let elsewhere = world.get(&of_group("/provisioningServices/other")).await;
    assert_eq!(elsewhere.refusal(), (404, "ResourceNotFound", "DPS instance 'other' was not found in 'iot-rg'"));
}

#[tokio::test]
async fn linking_sends_back_masked_keys() {
    let world = World::with_group().await;
    created(&world).await;
    let first = hub_connection_string(&world, "textile-iothub").await;
    let second = hub_connection_string(&world, "second").await;
    let masked = "HostName=textile-iothub.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=****";
    // `linked-hub create`: GET, PUT with the new entry, GET.
    let mut dps = world.get(&of_group(DPS)).await.body;
    dps["properties"]["iotHubs"] = json!([{"connectionString": first, "location": "centralindia"}]);
    let put = world.put(&of_group(DPS), dps).await;
    assert_eq!(put.status, 200, "{:?}", put.body);
    let mut dps = world.get(&of_group(DPS)).await.body;
    let shown = json!([{"name": "textile-iothub.localhost", "connectionString": masked, "location": "centralindia",
        "applyAllocationPolicy": true}]);
    assert_eq!(dps["properties"]["iotHubs"], shown);
    assert!(!put.body.to_string().contains(&first[first.len() - 44..]), "no key is shown");
    // A second one: the first comes back masked and without its name.
    dps["properties"]["iotHubs"] = json!([
        {"connectionString": masked, "location": "centralindia", "applyAllocationPolicy": true, "allocationWeight": 3},
        {"connectionString": second, "location": "westus", "applyAllocationPolicy": false},
    ]);
    assert_eq!(world.put(&of_group(DPS), dps).await.status, 200);
    let stored = world.resources.directory().find_dps_by_name("textile-dps").unwrap().linked_hubs.clone();
    assert_eq!(stored.iter().map(|link| link.connection_string.expose()).collect::<Vec<_>>(), [first, second]);
    let weights: Vec<_> = stored.iter().map(|link| (link.apply_allocation_policy, link.allocation_weight)).collect();
    assert_eq!(weights, [(true, Some(3)), (false, None)]);
    let keys = of_group(&format!("{DPS}/listkeys"));
    let before = world.post(&keys, Value::Null).await.body;
    // `linked-hub delete`.
    let mut dps = world.get(&of_group(DPS)).await.body;
    dps["properties"]["iotHubs"].as_array_mut().unwrap().remove(0);
    assert_eq!(world.put(&of_group(DPS), dps).await.status, 200);
    assert_eq!(world.get(&of_group(DPS)).await.body["properties"]["iotHubs"][0]["name"], "second.localhost");
    assert_eq!(world.post(&keys, Value::Null).await.body, before, "policies that are not sent stay");
    assert_eq!(world.delete(&of_group(DPS)).await.status, 200);
}

#[tokio::test]
async fn links_and_policies_that_are_refused() {
    let world = World::with_group().await;
    created(&world).await;
    let real = hub_connection_string(&world, "plant").await;
    let (wrong, masked) =
        (real.replace("SharedAccessKey=", "SharedAccessKey=AAAA"), format!("{}****", &real[..real.len() - 44]));
    for (properties, code) in [
        (json!({"iotHubs": [{"connectionString": masked, "location": "l"}]}), "InvalidLinkedHub"),
        (json!({"iotHubs": [{"connectionString": wrong, "location": "l"}]}), "InvalidLinkedHub"),
        (json!({"iotHubs": [{"connectionString": "nonsense", "location": "l"}]}), "InvalidLinkedHub"),
        (json!({"iotHubs": [{"connectionString": real, "allocationWeight": 1001}]}), "InvalidParameter"),
        (json!({"iotHubs": [{"location": "l"}]}), "InvalidRequestContent"),
        (json!({"allocationPolicy": "Fastest"}), "InvalidParameter"),
        (json!({"allocationPolicy": "Custom"}), "InvalidParameter"),
    ] {
        let answer = world.put(&of_group(DPS), json!({ "properties": properties })).await;
        assert_eq!((answer.status, answer.refusal().1), (400, code), "{}", answer.body);
        assert!(!answer.body.to_string().contains(&real[real.len() - 44..]));
    }
    let changed = world.put(&of_group(DPS), json!({"properties": {"allocationPolicy": "geolatency"}})).await;
    assert_eq!((changed.status, &changed.body["properties"]["allocationPolicy"]), (200, &json!("GeoLatency")));
}
