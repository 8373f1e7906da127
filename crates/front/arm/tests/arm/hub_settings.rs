use serde_json::{Value, json};

use crate::world::{World, of_group};

async fn put(world: &World, properties: Value) -> Value {
    let answer = world.put(&of_group("/IotHubs/plant"), json!({"location": "here", "properties": properties})).await;
    assert!(answer.status < 300, "{:?}", answer.body);
    assert_eq!(world.get(&of_group("/IotHubs/plant")).await.body, answer.body, "what is answered is what is shown");
    answer.body["properties"].clone()
}

fn route(name: &str, source: &str, is_enabled: bool) -> Value {
    json!({"name": name, "source": source, "condition": "true", "endpointNames": ["events"], "isEnabled": is_enabled})
}

#[tokio::test]
async fn a_new_hub_shows_azures_defaults() {
    let world = World::with_group().await;
    let shown = put(&world, json!({})).await;
    let feedback = json!({"lockDurationAsIso8601": "PT1M", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10});
    let notifications = json!({"lockDurationAsIso8601": "PT5S", "ttlAsIso8601": "PT1H", "maxDeliveryCount": 10});
    let endpoints = json!({"serviceBusQueues": [], "serviceBusTopics": [], "eventHubs": [], "storageContainers": [],
        "cosmosDBSqlContainers": []});
    for (member, value) in [
        ("cloudToDevice", json!({"maxDeliveryCount": 10, "defaultTtlAsIso8601": "PT1H", "feedback": feedback})),
        ("enableFileUploadNotifications", json!(false)),
        ("messagingEndpoints", json!({"fileNotifications": notifications})),
        (
            "storageEndpoints",
            json!({"$default": {"sasTtlAsIso8601": "PT1H", "connectionString": "", "containerName": ""}}),
        ),
        ("roadstead", json!({"messageQueueDepth": 50, "throttle": null, "faultInjection": false})),
        (
            "routing",
            json!({"routes": [], "fallbackRoute": route("$fallback", "DeviceMessages", true), "endpoints": endpoints,
                "enrichments": []}),
        ),
    ] {
        assert_eq!(shown[member], value, "{member}");
    }
}

#[tokio::test]
async fn what_a_put_leaves_out_stays() {
    let world = World::with_group().await;
    let ours = json!({"messageQueueDepth": 7, "throttle": {"tier": "azure-s2", "units": 2}, "faultInjection": true});
    let feedback = json!({"lockDurationAsIso8601": "PT30S", "ttlAsIso8601": "P1D", "maxDeliveryCount": 3});
    let messages = json!({"maxDeliveryCount": 20, "defaultTtlAsIso8601": "PT120M", "feedback": feedback});
    let routes = json!([route("mine", "TwinChangeEvents", true), route("off", "DeviceLifecycleEvents", false)]);
    let told = json!({"lockDurationAsIso8601": "PT30S", "ttlAsIso8601": "P2D", "maxDeliveryCount": 3});
    let storage = json!({"sasTtlAsIso8601": "PT2H", "connectionString": "", "containerName": "mine"});
    let all = json!({"cloudToDevice": messages, "enableFileUploadNotifications": true, "roadstead": ours,
        "storageEndpoints": {"$default": storage}, "messagingEndpoints": {"fileNotifications": told},
        "routing": {"routes": routes}});
    let first = put(&world, all).await;
    assert_eq!(first["cloudToDevice"]["defaultTtlAsIso8601"], "PT2H");
    assert_eq!((&first["cloudToDevice"]["feedback"], &first["roadstead"]), (&feedback, &ours));
    assert_eq!(first["routing"]["routes"], routes);
    assert_eq!(
        (&first["storageEndpoints"]["$default"], &first["messagingEndpoints"]["fileNotifications"]),
        (&storage, &told)
    );
    assert_eq!(put(&world, first.clone()).await, first, "what was shown can be sent back");
    let second =
        put(&world, json!({"cloudToDevice": {"feedback": {"maxDeliveryCount": 4}}, "roadstead": {"throttle": null}}))
            .await;
    assert_eq!(second["cloudToDevice"]["maxDeliveryCount"], 20);
    let left = json!({"lockDurationAsIso8601": "PT30S", "ttlAsIso8601": "P1D", "maxDeliveryCount": 4});
    assert_eq!(second["cloudToDevice"]["feedback"], left);
    assert_eq!(second["roadstead"], json!({"messageQueueDepth": 7, "throttle": null, "faultInjection": true}));
    assert_eq!(second["enableFileUploadNotifications"], true);
    assert_eq!(second["messagingEndpoints"]["fileNotifications"], told);
    assert_eq!(second["storageEndpoints"]["$default"]["sasTtlAsIso8601"], "PT2H");
    assert_eq!(second["routing"]["routes"], json!([route("TwinChangeEvents", "TwinChangeEvents", true)]));
    let third = put(&world, json!({"routing": {"routes": []}})).await;
    assert_eq!(third["routing"]["routes"], json!([]));
}

#[tokio::test]
async fn settings_reach_the_hub() {
    let world = World::with_group().await;
    let routes: Vec<Value> =
        ["TwinChangeEvents", "DeviceLifecycleEvents", "deviceconnectionstateevents", "DeviceMessages"]
            .iter()
            .map(|source| json!({"name": source, "source": source, "endpointNames": ["events"]}))
            .collect();
    put(&world, json!({"routing": {"routes": routes}})).await;
    let hub = world.resources.hub("iot-rg", "plant").unwrap();
    let events = hub.settings.events;
    assert_eq!((events.twin_changes, events.device_lifecycle, events.connection_state), (true, true, true));
}

#[tokio::test]
async fn routes_are_tried() {
    let world = World::with_group().await;
    let twins = route("twins", "TwinChangeEvents", true);
    let off = route("off", "DeviceLifecycleEvents", false);
    put(&world, json!({"routing": {"routes": [twins, off]}})).await;
    let tried = of_group("/IotHubs/plant/routing/routes/$testall");
    for (source, names) in [
        (json!("TwinChangeEvents"), json!(["twins"])),
        (json!("twinchangeevents"), json!(["twins"])),
        (json!("DeviceLifecycleEvents"), json!([])),
        (json!("DeviceMessages"), json!(["$fallback"])),
        (json!(null), json!(["twins"])),
    ] {
        let answer =
            world.post(&tried, json!({"routingSource": source, "message": {"body": "{}"}, "twin": null})).await;
        let routes = answer.body["routes"].as_array().unwrap();
        let found: Value = routes.iter().map(|route| route["properties"]["name"].clone()).collect();
        assert_eq!((answer.status, found), (200, names), "{source}");
    }
    let tried = of_group("/IotHubs/plant/routing/routes/$testnew");
    for (is_enabled, result) in [(true, "true"), (false, "false")] {
        let body = json!({"route": route("new", "DeviceMessages", is_enabled), "message": {"body": "{}"}});
        assert_eq!(world.post(&tried, body).await.body["result"], result);
    }
    let mut conditional = route("new", "DeviceMessages", true);
    conditional["condition"] = json!("$body.rpm > 900");
    assert_eq!(world.post(&tried, json!({ "route": conditional })).await.refusal().1, "InvalidParameter");
    assert_eq!(world.post(&tried, json!({})).await.refusal().1, "InvalidRequestContent");
    let health = world.get(&of_group("/IotHubs/plant/routingEndpointsHealth")).await;
    assert_eq!(health.body["value"][0]["healthStatus"], "healthy");
}

#[tokio::test]
async fn refusals() {
    let world = World::with_group().await;
    put(&world, json!({})).await;
    let routing = |route: Value| json!({"routing": {"routes": [route]}});
    for (properties, code, why) in [
        (
            json!({"cloudToDevice": {"maxDeliveryCount": 101}}),
            "InvalidParameter",
            "cloudToDevice.maxDeliveryCount is 101; it must be 1 to 100",
        ),
        (
            json!({"cloudToDevice": {"defaultTtlAsIso8601": "one hour"}}),
            "InvalidParameter",
            "cloudToDevice.defaultTtlAsIso8601 is `one hour`; it must be an ISO 8601 duration such as PT1H or P1D",
        ),
        (
            json!({"cloudToDevice": {"feedback": {"ttlAsIso8601": "P3D"}}}),
            "InvalidParameter",
            "cloudToDevice.feedback.ttlAsIso8601 is 259200 seconds; it must be 60 to 172800 seconds",
        ),
        (
            json!({"storageEndpoints": {"$default": {"sasTtlAsIso8601": "P2D"}}}),
            "InvalidParameter",
            "storageEndpoints.$default.sasTtlAsIso8601 is 172800 seconds; it must be 60 to 86400 seconds",
        ),
        (
            json!({"messagingEndpoints": {"fileNotifications": {"lockDurationAsIso8601": "soon"}}}),
            "InvalidParameter",
            "messagingEndpoints.fileNotifications.lockDurationAsIso8601 is `soon`; it must be an ISO 8601 duration",
        ),
        (json!({"cloudToDevice": {"maxDeliveryCount": -1}}), "InvalidRequestContent", "invalid value"),
        (json!({"roadstead": {"faults": true}}), "InvalidRequestContent", "unknown field `faults`"),
        (
            routing(
                json!({"name": "r", "source": "DeviceMessages", "condition": "$body.t > 1", "endpointNames": ["events"]}),
            ),
            "InvalidParameter",
            "route 'r' cannot be had: conditions are not supported yet",
        ),
        (
            routing(json!({"name": "r", "source": "DeviceMessages", "endpointNames": ["store"]})),
            "InvalidParameter",
            "route 'r' cannot be had: endpoints beside the built-in one are not supported yet",
        ),
        (
            routing(json!({"name": "r", "source": "DeviceJobLifecycleEvents", "endpointNames": ["events"]})),
            "InvalidParameter",
            "route 'r' cannot be had: events of the source `DeviceJobLifecycleEvents` are not supported yet",
        ),
        (
            json!({"routing": {"fallbackRoute": {"isEnabled": false}}}),
            "InvalidParameter",
            "route '$fallback' cannot be had: it cannot be disabled",
        ),
    ] {
        let answer = world.put(&of_group("/IotHubs/plant"), json!({ "properties": properties })).await;
        let (status, got, message) = answer.refusal();
        assert_eq!((status, got), (400, code), "{message}");
        assert!(message.contains(why), "{message}");
    }
}
