use hyper::Method;
use serde_json::{Value, json};

use crate::world::{SUBSCRIPTION, World, of_group, of_subscription};

fn path(tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}{tail}")
}

async fn with_both() -> World {
    let world = World::with_group().await;
    let tags = json!({"site": "north"});
    let body =
        json!({"location": "Central India", "sku": {"name": "S1", "capacity": 1}, "properties": {}, "tags": tags});
    assert_eq!(world.put(&of_group("/IotHubs/plant"), body).await.status, 201);
    let body = json!({"location": "westus", "sku": {"name": "S1", "capacity": 1}, "properties": {}});
    assert_eq!(world.put(&of_group("/provisioningServices/plant-dps"), body).await.status, 201);
    world
}

#[tokio::test]
async fn resources_are_listed_together() {
    let world = with_both().await;
    let all = world.get(&path("/resources?api-version=2022-09-01")).await;
    let hub = world.get(&of_group("/IotHubs/plant")).await.body;
    let expected = json!({"id": hub["id"], "name": "plant", "type": "Microsoft.Devices/IotHubs", "location": "Central India",
        "tags": {"site": "north"}, "sku": hub["sku"], "identity": {"type": "None"}});
    assert_eq!((all.status, &all.body["value"][0]), (200, &expected), "without properties: they may hold secrets");
    for (query, names) in [
        ("/resources", json!(["plant", "plant-dps"])),
        ("/resources?$filter=resourceGroup%20eq%20%27iot-rg%27&%24expand=createdTime", json!(["plant", "plant-dps"])),
        ("/resources?$filter=resourceGroup+eq+'other'", json!([])),
        ("/resources?$filter=resourceType+eq+'Microsoft.Devices/ProvisioningServices'", json!(["plant-dps"])),
        ("/resources?$filter=tagName+eq+'site'+and+tagValue+eq+'north'", json!(["plant"])),
        ("/resources?$top=1", json!(["plant"])),
        ("/resourceGroups/IOT-RG/resources", json!(["plant", "plant-dps"])),
    ] {
        let list = world.get(&path(query)).await;
        let found: Value = list.body["value"].as_array().unwrap().iter().map(|each| each["name"].clone()).collect();
        assert_eq!(found, names, "{query}");
    }
    assert_eq!(world.get(&path("/resourceGroups/nowhere/resources")).await.refusal().1, "ResourceGroupNotFound");
    let odd = world.get(&path("/resources?$filter=name+like+'p'")).await;
    assert_eq!((odd.status, odd.refusal().1), (400, "InvalidFilterInQueryString"));
}

#[tokio::test]
async fn the_provider_is_registered() {
    let world = with_both().await;
    for (method, tail) in [
        (Method::GET, "/providers/Microsoft.Devices"),
        (Method::GET, "/providers/microsoft.devices"),
        (Method::POST, "/providers/Microsoft.Devices/register"),
    ] {
        let answer = world.ask(method, &path(tail), None, Value::Null).await;
        assert_eq!((answer.status, &answer.body["registrationState"]), (200, &json!("Registered")), "{tail}");
        assert_eq!(answer.body["resourceTypes"][0]["locations"], json!(["Central India", "westus"]));
    }
    assert_eq!(world.get(&path("/providers/Microsoft.Compute")).await.refusal().1, "InvalidResourceNamespace");
    assert_eq!(world.get(&path("/providers")).await.body["value"][0]["namespace"], "Microsoft.Devices");
    let operations = world.get("/providers/Microsoft.Devices/operations?api-version=2023-06-30").await;
    assert!(operations.body["value"].as_array().unwrap().len() > 20);
    let nobody =
        world.send(Method::GET, "/providers/Microsoft.Devices/operations", &[], hyper::body::Bytes::new()).await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn what_there_is_room_for() {
    let world = with_both().await;
    let locations = world.get(&path("/locations?api-version=2022-12-01")).await.body["value"].clone();
    let names: Value = locations.as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, json!(["centralindia", "westus"]));
    let usages = world.get(&of_subscription("/usages")).await.body["value"].clone();
    assert_eq!((&usages[0]["name"]["value"], &usages[0]["currentValue"]), (&json!("IotHubs"), &json!(1)));
    let disk = world.get(&path("/providers/Roadstead/disk?api-version=2022-12-01")).await.body;
    assert_eq!(disk, json!({"databaseBytes": 5, "eventBytes": 0, "fileBytes": 0, "freeBytes": 50, "totalBytes": 100}));
    let tiers = world.get(&of_group("/IotHubs/plant/skus")).await.body["value"].clone();
    assert_eq!(tiers[0]["sku"], json!({"name": "F1", "tier": "Free"}));
    let tiers = world.get(&of_group("/provisioningServices/plant-dps/skus")).await.body["value"].clone();
    assert_eq!(tiers, json!([{"name": "S1"}]));
    assert_eq!(world.get(&of_group("/IotHubs/absent/skus")).await.refusal().1, "ResourceNotFound");
    // A hub that is not open, as in this test, cannot be counted.
    for tail in ["/IotHubs/plant/IotHubStats", "/IotHubs/plant/quotaMetrics"] {
        assert_eq!(world.get(&of_group(tail)).await.refusal().1, "ServiceUnavailable", "{tail}");
    }
}
