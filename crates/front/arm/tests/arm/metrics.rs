//! `az monitor metrics list`, `az monitor metrics list-definitions`.

use roadstead_meter::{Metric, Source};
use roadstead_resources::Place;
use serde_json::{Value, json};

use crate::world::{NOW, SUBSCRIPTION, World};

fn path(kind: &str, name: &str, tail: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/iot-rg/providers/Microsoft.Devices/{kind}/{name}{tail}")
}

async fn with_hub_and_dps() -> World {
    let world = World::with_group().await;
    let hub = json!({"location": "centralindia", "sku": {"name": "S1", "capacity": 1}});
    assert_eq!(world.put(&path("IotHubs", "plant", ""), hub.clone()).await.status, 201);
    assert_eq!(world.put(&path("provisioningServices", "plant-dps", ""), hub).await.status, 201);
    world
}

#[tokio::test]
async fn what_happened_in_a_hub() {
    let world = with_hub_and_dps().await;
    let source = Source::Hub(world.resources.hub("iot-rg", "plant").unwrap().key);
    for (minutes, connected, sent) in [(0, 2, 3), (0, 4, 5), (1, 4, 20)] {
        let now = NOW.plus_ms(minutes * 60_000);
        world.meters.note(&source, [(Metric::ConnectedDevices, connected), (Metric::Telemetry, sent)], now);
    }
    // As `az` has it: encoded twice, times without a zone, a doubled slash before the resource.
    let query = "?timespan=2027-01-15T08%253A00%253A00.5%252F2027-01-15T08%253A03%253A00&interval=PT1M\
                 &metricnames=connectedDeviceCount,d2c.telemetry.ingress.success&top=10&api-version=2018-01-01";
    let id = path("IotHubs", "plant", "");
    let found = world.get(&format!("/{id}/providers/Microsoft.Insights/metrics{query}")).await;
    assert_eq!(found.status, 200, "{}", found.body);
    let body = &found.body;
    assert_eq!(
        (&body["interval"], &body["timespan"]),
        (&json!("PT1M"), &json!("2027-01-15T08:00:00Z/2027-01-15T08:03:00Z"))
    );
    assert_eq!(
        (&body["namespace"], &body["resourceregion"]),
        (&json!("Microsoft.Devices/IotHubs"), &json!("centralindia"))
    );
    let [connected, sent] = [&body["value"][0], &body["value"][1]];
    assert_eq!(connected["name"], json!({"value": "connectedDeviceCount", "localizedValue": "Connected devices"}));
    assert_eq!(connected["id"], json!(format!("{id}/providers/Microsoft.Insights/metrics/connectedDeviceCount")));
    assert_eq!(
        connected["timeseries"],
        json!([{"metadatavalues": [], "data": [
            {"timeStamp": "2027-01-15T08:00:00Z", "average": 3.0},
            {"timeStamp": "2027-01-15T08:01:00Z", "average": 4.0},
            {"timeStamp": "2027-01-15T08:02:00Z"},
        ]}])
    );
    let data = &sent["timeseries"][0]["data"];
    assert_eq!((&data[0]["total"], &data[1]["total"], &data[2]["total"]), (&json!(5.0), &json!(15.0), &Value::Null));
}

#[tokio::test]
async fn what_happened_in_a_dps() {
    let world = with_hub_and_dps().await;
    let source = Source::Dps(world.resources.dps("iot-rg", "plant-dps").unwrap().id_scope.clone());
    for registrations in [1, 2] {
        world.meters.note(&source, [(Metric::Registrations, registrations)], NOW);
    }
    world.clock.advance_ms(1);
    let tail =
        "/providers/microsoft.insights/metrics?metricnames=RegistrationAttempts&interval=PT1H&aggregation=total,count";
    let found = world.get(&path("provisioningServices", "plant-dps", tail)).await;
    let data = found.body["value"][0]["timeseries"][0]["data"].as_array().unwrap();
    assert_eq!(*data.last().unwrap(), json!({"timeStamp": "2027-01-15T08:00:00Z", "total": 2.0, "count": 2.0}));
}

#[tokio::test]
async fn definitions_name_what_may_be_asked_for() {
    let world = with_hub_and_dps().await;
    for (kind, name, metrics) in [("IotHubs", "plant", 5), ("provisioningServices", "plant-dps", 4)] {
        let found = world.get(&path(kind, name, "/providers/microsoft.insights/metricdefinitions")).await;
        let definitions = found.body["value"].as_array().unwrap().clone();
        assert_eq!(definitions.len(), metrics, "{}", found.body);
        for definition in definitions {
            let (metric, aggregation) =
                (definition["name"]["value"].as_str().unwrap(), definition["primaryAggregationType"].as_str().unwrap());
            let tail = format!("/providers/microsoft.insights/metrics?metricnames={metric}&aggregation={aggregation}");
            let found = world.get(&path(kind, name, &tail)).await;
            assert_eq!(found.body["value"][0]["name"]["value"], metric, "{}", found.body);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_told_is_refused_with_what_can() {
    let world = with_hub_and_dps().await;
    for (query, says) in [
        ("metricnames=speed", "there is no metric `speed` here: there are connectedDeviceCount, "),
        ("interval=PT2M", "`PT2M` and must be one of PT1M"),
        ("timespan=PT1H", "must be two times"),
        ("$filter=Status%20eq%20'*'", "no metric here has any"),
    ] {
        let found =
            world.get(&path("IotHubs", "plant", &format!("/providers/microsoft.insights/metrics?{query}"))).await;
        let (status, code, message) = found.refusal();
        assert_eq!((status, code), (400, "BadRequest"), "{query}");
        assert!(message.contains(says), "{message}");
    }
    let stranger = world.service(&[(roadstead_model::Role::Reader, Place::Dps("iot-rg", "plant-dps"))]).await.1;
    let tail = "/providers/microsoft.insights/metrics";
    let found = world.ask_as(&stranger, hyper::Method::GET, &path("IotHubs", "plant", tail), None, Value::Null).await;
    assert_eq!(found.refusal().1, "AuthorizationFailed");
}
