use hyper::Method;
use roadstead_model::Role;
use roadstead_resources::Place;
use serde_json::{Value, json};

use crate::world::{ADDRESS, CLIENT_ID, NOW, SUBSCRIPTION, World, of_group};

fn path(query: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01{query}"
    )
}

fn lines(list: &Value) -> Vec<(String, String)> {
    let text = |line: &Value, member: &str| line[member]["value"].as_str().unwrap().to_owned();
    let all = list["value"].as_array().unwrap().iter();
    all.map(|line| (text(line, "operationName"), text(line, "status"))).collect()
}

#[tokio::test]
async fn every_change_leaves_who_what_when_and_from_where() {
    let world = World::with_group().await;
    let hub = of_group("/IotHubs/plant");
    world.put(&hub, json!({})).await;
    world.get(&hub).await;
    world.put(&hub, json!({"properties": {"eventHubEndpoints": {"events": {"partitionCount": 7}}}})).await;
    world.post(&of_group("/IotHubs/plant/listkeys"), Value::Null).await;
    let listed = world.get(&path("")).await;
    let line = |action: &str, status: &str| (action.to_owned(), status.to_owned());
    let write = "Microsoft.Devices/IotHubs/write";
    let keys = "Microsoft.Devices/IotHubs/listkeys/action";
    let group = "Microsoft.Resources/subscriptions/resourceGroups/write";
    let expected = [
        line(keys, "Succeeded"),
        line(keys, "Started"),
        line(write, "Failed"),
        line(write, "Started"),
        line(write, "Succeeded"),
        line(write, "Started"),
        line(group, "Succeeded"),
        line(group, "Started"),
    ];
    assert_eq!(lines(&listed.body), expected);
    let (end, begin) = (&listed.body["value"][2], &listed.body["value"][3]);
    assert_eq!(end["correlationId"], begin["correlationId"]);
    assert_eq!((&end["caller"], &end["subStatus"]["value"]), (&json!(CLIENT_ID), &json!("400 InvalidParameter")));
    assert_eq!(end["httpRequest"]["clientIpAddress"], ADDRESS.to_string());
    assert_eq!((&end["eventTimestamp"], &end["resourceGroupName"]), (&json!(NOW.iso()), &json!("iot-rg")));
}

#[tokio::test]
async fn pages_and_filters() {
    let world = World::with_group().await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups");
    for _ in 0..150 {
        world.put(&format!("{group}/other"), json!({"location": "centralindia"})).await;
    }
    let first = world.get(&path("")).await;
    assert_eq!(lines(&first.body).len(), 200);
    let next = first.body["nextLink"].as_str().unwrap().strip_prefix(crate::world::BASE).unwrap();
    let second = world.get(next).await;
    assert_eq!((lines(&second.body).len(), &second.body["nextLink"]), (102, &Value::Null));
    let of_group =
        world.get(&format!("{next}&x=1").replace("$filter=", "$filter=resourceGroupName%20eq%20%27IOT-rg%27")).await;
    assert_eq!(lines(&of_group.body).len(), 2);
    let later = world.get(&path("&$filter=eventTimestamp%20ge%20%272027-01-15T09:00:00Z%27")).await;
    assert_eq!((lines(&later.body).len(), &later.body["nextLink"]), (0, &Value::Null));
}

/// What somebody may not do is refused without a line: else whoever may do nothing could push out the lines of the others.
#[tokio::test]
async fn who_may_do_nothing_writes_nothing() {
    let world = World::with_group().await;
    let before = lines(&world.get(&path("")).await.body).len();
    let (_, reader) = world.service(&[(Role::Reader, Place::Subscription)]).await;
    let refused = world.ask_as(&reader, Method::PUT, &of_group("/IotHubs/plant"), None, json!({})).await;
    assert_eq!(refused.status, 403);
    let seen = world.ask_as(&reader, Method::GET, &path(""), None, Value::Null).await;
    assert_eq!(lines(&seen.body).len(), before);
}
