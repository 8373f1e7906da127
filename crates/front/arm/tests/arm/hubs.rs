use hyper::Method;
use serde_json::{Value, json};

use crate::world::{SUBSCRIPTION, World, of_group, of_subscription};

/// As `az iot hub create … --partition-count 2 --retention-day 7` sends it. Source: `reference/arm-and-az.md` 3
fn create_body() -> Value {
    json!({"location": "centralindia", "sku": {"name": "S1", "capacity": 1}, "properties": {
        "eventHubEndpoints": {"events": {"retentionTimeInDays": 7, "partitionCount": 2}},
        "storageEndpoints": {"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}},
        "messagingEndpoints": {"fileNotifications":
            {"lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10}},
        "enableFileUploadNotifications": false,
        "cloudToDevice": {"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H",
            "feedback": {"lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10}}}})
}

#[tokio::test]
async fn create_then_show() {
    let world = World::with_group().await;
    let hub = of_group("/IotHubs/textile-iothub");
    let created = world.put(&hub, create_body()).await;
    assert_eq!(created.status, 201);
    let body = &created.body;
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/iot-rg/providers/Microsoft.Devices/IotHubs/textile-iothub"
    );
    for (member, value) in [
        ("id", json!(id)),
        ("name", json!("textile-iothub")),
        ("type", json!("Microsoft.Devices/IotHubs")),
        ("location", json!("centralindia")),
        ("tags", json!({})),
        ("resourcegroup", json!("iot-rg")),
        ("subscriptionid", json!(SUBSCRIPTION)),
        ("sku", json!({"name": "S1", "tier": "Standard", "capacity": 1})),
    ] {
        assert_eq!(body[member], value, "{member}");
    }
    let events = json!({"retentionTimeInDays": 7, "partitionCount": 2, "partitionIds": ["0", "1"], "path": "textile-iothub",
        "endpoint": "sb://textile-iothub.localhost/"});
    for (member, value) in [
        ("state", json!("Active")),
        ("provisioningState", json!("Succeeded")),
        ("hostName", json!("textile-iothub.localhost")),
        ("eventHubEndpoints", json!({"events": events})),
        ("features", json!("None")),
        ("cloudToDevice", create_body()["properties"]["cloudToDevice"].clone()),
        ("locations", json!([{"location": "centralindia", "role": "primary"}])),
        ("authorizationPolicies", Value::Null),
    ] {
        assert_eq!(body["properties"][member], value, "{member}");
    }
    // `iot hub show -n H` lists the subscription, `show -n H -g RG` asks whether the name is taken.
    assert_eq!(world.get(&of_subscription("/IotHubs")).await.body, json!({"value": [body]}));
    let taken = world.post(&of_subscription("/checkNameAvailability"), json!({"name": "textile-iothub"})).await;
    assert_eq!((&taken.body["nameAvailable"], &taken.body["reason"]), (&json!(false), &json!("AlreadyExists")));
    assert_eq!(&world.get(&hub.replace("iot-rg", "IOT-RG").replace("IotHubs", "iothubs")).await.body, body);
    assert_eq!(world.get(&of_group("/IotHubs")).await.body["value"][0]["id"], id);
    for (name, reason) in [("free-one", Value::Null), ("x", json!("Invalid"))] {
        let answer = world.post(&of_subscription("/checkNameAvailability"), json!({"name": name})).await;
        assert_eq!((answer.status, &answer.body["reason"]), (200, &reason), "{name}");
    }
}

#[tokio::test]
async fn keys_for_connection_strings() {
    let world = World::with_group().await;
    world.put(&of_group("/IotHubs/plant"), create_body()).await;
    let all = world.post(&of_group("/IotHubs/plant/listkeys"), Value::Null).await;
    let rights: Vec<_> =
        all.body["value"].as_array().unwrap().iter().map(|key| (&key["keyName"], &key["rights"])).collect();
    let expected = [
        ("iothubowner", "RegistryWrite, ServiceConnect, DeviceConnect"),
        ("service", "ServiceConnect"),
        ("device", "DeviceConnect"),
        ("registryRead", "RegistryRead"),
        ("registryReadWrite", "RegistryWrite"),
    ];
    let expected = expected.map(|(name, rights)| (json!(name), json!(rights)));
    assert_eq!(rights, expected.iter().map(|(name, rights)| (name, rights)).collect::<Vec<_>>());
    let owner = world.post(&of_group("/IotHubs/plant/IotHubKeys/iothubowner/listkeys"), Value::Null).await;
    assert_eq!(owner.body, all.body["value"][0]);
    assert_eq!(owner.body["primaryKey"].as_str().map(str::len), Some(44));
    let none = world.post(&of_group("/IotHubs/plant/IotHubKeys/root/listkeys"), Value::Null).await;
    assert_eq!(none.refusal(), (404, "KeyNotFound", "shared access policy 'root' was not found in 'plant'"));
}

#[tokio::test]
async fn what_was_shown_can_be_sent_back() {
    let world = World::with_group().await;
    let path = of_group("/IotHubs/plant");
    let created = world.put(&path, create_body()).await.body;
    let key = of_group("/IotHubs/plant/IotHubKeys/iothubowner/listkeys");
    let before = world.post(&key, Value::Null).await.body;
    let etag = created["etag"].as_str().unwrap();
    let mut body = created.clone();
    body["tags"] = json!({"site": "north"});
    body["properties"]["cloudToDevice"]["maxDeliveryCount"] = json!(20);
    let updated = world.ask(Method::PUT, &path, Some(etag), body.clone()).await;
    assert_eq!(updated.status, 200);
    let mut expected = body.clone();
    expected["etag"] = updated.body["etag"].clone();
    assert_ne!(updated.body["etag"], created["etag"]);
    assert_eq!(updated.body, expected);
    assert_eq!(world.post(&key, Value::Null).await.body, before, "keys are kept");
    let stale = world.ask(Method::PUT, &path, Some(&format!("\"{etag}\"")), body.clone()).await;
    assert_eq!((stale.status, stale.refusal().1), (412, "PreconditionFailed"));
    let stale = world.put(&path, body).await;
    assert_eq!(stale.status, 412, "the etag in the body counts when there is no header");
}

#[tokio::test]
async fn what_is_not_known_is_kept() {
    let world = World::with_group().await;
    let path = of_group("/IotHubs/plant");
    let mut body = create_body();
    body["identity"] = json!({"type": "SystemAssigned"});
    body["zones"] = json!(["1"]);
    body["systemData"] = json!({"createdBy": "somebody"});
    body["properties"]["ipFilterRules"] = json!([{"filterName": "a", "action": "Accept", "ipMask": "10.0.0.0/8"}]);
    world.put(&path, body.clone()).await;
    let shown = world.get(&path).await.body;
    assert_eq!((&shown["identity"], &shown["zones"]), (&body["identity"], &json!(["1"])));
    assert_eq!((&shown["systemData"], &shown["properties"]["$beside"]), (&Value::Null, &Value::Null));
    assert_eq!(shown["properties"]["ipFilterRules"], body["properties"]["ipFilterRules"]);
    body.as_object_mut().unwrap().remove("identity");
    world.put(&path, body).await;
    assert_eq!(world.get(&path).await.body["identity"], json!({"type": "None"}), "clients read the type");
}

#[tokio::test]
async fn tags_alone() {
    let world = World::with_group().await;
    for (path, body) in [
        (of_group("/IotHubs/plant"), create_body()),
        (
            of_group("/provisioningServices/plant-dps"),
            json!({"location": "l", "properties": {"enableDataResidency": true}}),
        ),
    ] {
        let created = world.put(&path, body).await.body;
        let tagged = world.ask(Method::PATCH, &path, None, json!({"tags": {"site": "north"}})).await;
        let mut expected = created.clone();
        (expected["tags"], expected["etag"]) = (json!({"site": "north"}), tagged.body["etag"].clone());
        assert_eq!((tagged.status, &tagged.body), (200, &expected));
        assert_ne!(tagged.body["etag"], created["etag"]);
        let same = world.ask(Method::PATCH, &path, None, json!({})).await;
        assert_eq!((same.status, &same.body["tags"]), (200, &expected["tags"]), "tags that are not sent stay");
        let stale = world.ask(Method::PATCH, &path, created["etag"].as_str(), json!({"tags": {}})).await;
        assert_eq!((stale.status, stale.refusal().1), (412, "PreconditionFailed"));
        let odd = world.ask(Method::PATCH, &path, None, json!({"tags": {"a": 1}})).await;
        assert_eq!((odd.status, odd.refusal().1), (400, "InvalidParameter"));
        let absent = world.ask(Method::PATCH, &path.replace("plant", "absent"), None, json!({"tags": {}})).await;
        assert_eq!(absent.refusal().1, "ResourceNotFound");
    }
}

#[tokio::test]
async fn a_policy_is_added_by_sending_all() {
    let world = World::with_group().await;
    let path = of_group("/IotHubs/plant");
    let created = world.put(&path, create_body()).await.body;
    let mut keys = world.post(&of_group("/IotHubs/plant/listkeys"), Value::Null).await.body["value"].clone();
    keys.as_array_mut().unwrap().push(json!({"keyName": "mine", "rights": "ServiceConnect"}));
    let mut body = created.clone();
    body["properties"]["authorizationPolicies"] = keys.clone();
    assert_eq!(world.put(&path, body).await.status, 200);
    let now = world.post(&of_group("/IotHubs/plant/listkeys"), Value::Null).await.body["value"].clone();
    assert_eq!((&now[0], now.as_array().map(Vec::len)), (&keys[0], Some(6)));
    assert_eq!(now[5]["primaryKey"].as_str().map(str::len), Some(44));
}

#[tokio::test]
async fn delete() {
    let world = World::with_group().await;
    let path = of_group("/IotHubs/plant");
    world.put(&path, create_body()).await;
    assert_eq!(world.delete(&path).await.status, 200);
    let gone = world.delete(&path).await;
    assert_eq!(gone.refusal(), (404, "ResourceNotFound", "hub 'plant' was not found in 'iot-rg'"));
    assert_eq!(world.get(&of_subscription("/IotHubs")).await.body, json!({"value": []}));
}

#[tokio::test]
async fn refusals() {
    let world = World::with_group().await;
    let path = of_group("/IotHubs/plant");
    world.put(&path, create_body()).await;
    let nowhere = |path: &str| path.replace("iot-rg", "nowhere");
    let answer = world.put(&nowhere(&path), create_body()).await;
    assert_eq!(answer.refusal(), (404, "ResourceGroupNotFound", "resource group 'nowhere' could not be found"));
    assert_eq!(world.get(&nowhere(&of_group("/IotHubs"))).await.refusal().1, "ResourceGroupNotFound");
    for (path, member, value, status, code) in [
        (path.as_str(), "/properties/eventHubEndpoints/events/partitionCount", json!(3), 400, "InvalidParameter"),
        (&path, "/properties/eventHubEndpoints/events/partitionCount", json!("2"), 400, "InvalidRequestContent"),
        (&path, "/properties/eventHubEndpoints/events/retentionTimeInDays", json!(0), 400, "InvalidParameter"),
        (&path, "/properties/storageEndpoints/$default/connectionString", json!("x"), 400, "InvalidParameter"),
        (&path, "/location", json!(""), 400, "InvalidParameter"),
        (&of_group("/IotHubs/no_good"), "/location", json!("here"), 400, "InvalidResourceName"),
    ] {
        let mut body = create_body();
        *body.pointer_mut(member).unwrap() = value;
        let answer = world.put(path, body).await;
        assert_eq!((answer.status, answer.refusal().1), (status, code), "{member}");
    }
    let mut body = create_body();
    body["properties"]["authorizationPolicies"] = json!([{"keyName": "p", "rights": "Everything"}]);
    assert_eq!(world.put(&path, body).await.refusal().1, "InvalidAuthorizationPolicy");
}
