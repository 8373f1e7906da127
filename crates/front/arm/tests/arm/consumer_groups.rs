use serde_json::json;

use crate::world::{World, of_group};

/// As `az iot hub consumer-group` asks. Source: REST reference, `EventHubConsumerGroupInfo`
#[tokio::test]
async fn consumer_groups_are_made_shown_and_deleted() {
    let world = World::with_group().await;
    world.put(&of_group("/IotHubs/plant"), json!({"location": "centralindia", "properties": {}})).await;
    let groups = of_group("/IotHubs/plant/eventHubEndpoints/events/ConsumerGroups");
    let one = of_group("/IotHubs/plant/eventHubEndpoints/events/ConsumerGroups/dashboards");
    let made = world.put(&one, json!({"properties": {"name": "dashboards"}})).await;
    assert_eq!(made.status, 200, "az takes nothing else: {:?}", made.body);
    assert_eq!(made.body["name"], "dashboards");
    assert_eq!(made.body["type"], "Microsoft.Devices/IotHubs/EventHubEndpoints/ConsumerGroups");
    assert_eq!(made.body["properties"], json!({"created": "Fri, 15 Jan 2027 08:00:00 GMT"}));
    let id = made.body["id"].as_str().unwrap();
    assert!(id.ends_with("/IotHubs/plant/eventHubEndpoints/events/ConsumerGroups/dashboards"), "{id}");

    let listed = world.get(&groups).await.body;
    let names: Vec<_> = listed["value"].as_array().unwrap().iter().map(|group| group["name"].clone()).collect();
    assert_eq!(names, ["$Default", "dashboards"]);
    assert_eq!(world.get(&one).await.body, made.body);
    assert_eq!(world.delete(&one).await.status, 200);
    let gone = world.get(&one).await;
    let text = "consumer group 'dashboards' was not found in 'plant'";
    assert_eq!(gone.refusal(), (404, "ResourceNotFound", text));
}
