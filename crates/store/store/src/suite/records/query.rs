//! Queries over devices and modules.

use roadstead_model::{DeviceAuth, DisconnectReason, InitialTwin, Presence, Twin, UnixMillis};
use roadstead_query::{Query, parse};
use serde_json::{Value, json};

use super::{OTHER_HUB, Place, put};
use crate::{
    query::{QueryRow, document},
    records::{Expect, Records, Write},
    suite::samples::{self, HUB, device_id, identity, module_id},
};

fn twin(tags: Value, desired: Value) -> Twin {
    let initial: InitialTwin = serde_json::from_value(json!({"tags": tags, "desired": desired})).unwrap();
    Twin::new(&initial, UnixMillis(1_795_291_370_516))
}

async fn fleet(store: &dyn Records) {
    let devices = [
        ("a", json!({"site": "north", "floor": 2, "on": true}), json!({"rate": 5})),
        ("b", json!({"site": "south", "floor": 2.0, "note": null}), json!({"rate": 7.5, "list": [1]})),
        ("c", json!({"site": "north", "building": {"wing": "w"}}), json!({})),
        ("d", json!({"site": 7}), json!({"rate": "fast"})),
    ];
    for (id, tags, desired) in devices {
        let device = roadstead_model::Device { auth: DeviceAuth::None, iot_edge: false, ..samples::device(id) };
        put(store, [Write::PutDevice(HUB, device, Expect::Absent)]).await;
        put(store, [Write::PutTwin(HUB, identity(id), twin(tags.clone(), desired.clone()), Expect::Absent)]).await;
        put(store, [Write::PutDevice(OTHER_HUB, samples::device(id), Expect::Absent)]).await;
        put(store, [Write::PutTwin(OTHER_HUB, identity(id), twin(tags, desired), Expect::Absent)]).await;
    }
    put(store, [Write::PutModule(HUB, samples::module("a", "camera"), Expect::Absent)]).await;
    let of_module = twin(json!({"site": "north"}), json!({"zoom": 2}));
    put(store, [Write::PutTwin(HUB, module_id("a", "camera"), of_module, Expect::Absent)]).await;
    let presence = Presence { model_id: None, ..samples::presence() };
    put(store, [Write::PutPresence(HUB, identity("b"), presence)]).await;
    let reason = Some(DisconnectReason::KeepAliveTimeout);
    put(store, [Write::PutPresence(HUB, identity("c"), Presence { reason, ..Presence::default() })]).await;
    let message = samples::message(0);
    put(store, [Write::EnqueueMessage { hub: HUB, device: device_id("c"), message, depth_max: 9 }]).await;
}

fn query(text: &str) -> Query {
    parse(text).unwrap()
}

/// Ids of `SELECT *`, else the rows, page after page.
async fn all(store: &dyn Records, text: &str, limit: usize) -> Vec<Value> {
    let query = query(text);
    let (mut rows, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = store.query(HUB, &query, after.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= limit || query.aggregates(), "{text}");
        rows.extend(page.items.into_iter().map(|row| match row {
            QueryRow::Identity(record) => record.id().to_string().into(),
            QueryRow::Values(values) => values,
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return rows,
        }
    }
}

/// By the engine's own means, by the evaluator's, and by both.
pub async fn queries_select_what_they_say(place: &dyn Place) {
    let store = place.start().await;
    fleet(&*store).await;
    let cases: &[(&str, Value)] = &[
        ("SELECT * FROM devices", json!(["a", "b", "c", "d"])),
        ("SELECT * FROM devices WHERE tags.site = 'north'", json!(["a", "c"])),
        ("SELECT * FROM devices WHERE 'north' = tags.site AND tags.floor = 2", json!(["a"])),
        ("SELECT * FROM devices WHERE tags.site != 'north'", json!(["b"])),
        ("SELECT * FROM devices WHERE NOT tags.site = 'north'", json!(["b"])),
        ("SELECT * FROM devices WHERE tags.floor = 2", json!(["a", "b"])),
        ("SELECT * FROM devices WHERE tags.site = 7", json!(["d"])),
        ("SELECT * FROM devices WHERE tags.building.wing = 'w'", json!(["c"])),
        ("SELECT * FROM devices WHERE tags.on", json!(["a"])),
        ("SELECT * FROM devices WHERE tags.on = false OR tags.on = true", json!(["a"])),
        ("SELECT * FROM devices WHERE tags.note = null", json!(["b"])),
        ("SELECT * FROM devices WHERE IS_DEFINED(tags.note)", json!(["b"])),
        ("SELECT * FROM devices WHERE properties.desired.rate > 5", json!(["b"])),
        ("SELECT * FROM devices WHERE properties.desired.rate >= 5 AND properties.desired.rate < 7", json!(["a"])),
        ("SELECT * FROM devices WHERE properties.desired.rate IN [5, 'fast']", json!(["a", "d"])),
        ("SELECT * FROM devices WHERE properties.desired.rate * 2 = 15", json!(["b"])),
        ("SELECT * FROM devices WHERE STARTS_WITH(tags.site, 'no') AND deviceId > 'a'", json!(["c"])),
        ("SELECT * FROM devices WHERE deviceId IN ['a', 'd', 'x']", json!(["a", "d"])),
        ("SELECT * FROM devices WHERE deviceId NIN ['a', 'd', 'x']", json!(["b", "c"])),
        ("SELECT * FROM devices WHERE status = 'enabled' AND authenticationType = 'none'", json!(["a", "b", "c", "d"])),
        ("SELECT * FROM devices WHERE connectionState = 'Connected'", json!(["b"])),
        ("SELECT * FROM devices WHERE lastActivityTime >= '2026-11-21T20:02:50.5210000Z'", json!(["b"])),
        ("SELECT * FROM devices WHERE lastActivityTime = '0001-01-01T00:00:00Z'", json!(["a", "c", "d"])),
        ("SELECT * FROM devices WHERE disconnectReason = 'keepAliveTimeout'", json!(["c"])),
        ("SELECT * FROM devices WHERE disconnectReason != 'keepAliveTimeout'", json!(["a", "b", "d"])),
        ("SELECT * FROM devices WHERE disconnectReason IN ['keepAliveTimeout', 'disabled', 7]", json!(["c"])),
        (
            "SELECT * FROM devices WHERE disconnectReason = null AND IS_DEFINED(disconnectReason)",
            json!(["a", "b", "d"]),
        ),
        ("SELECT * FROM devices WHERE NOT disconnectReason = null", json!(["c"])),
        ("SELECT * FROM devices WHERE IS_STRING(disconnectReason) AND IS_PRIMITIVE(disconnectReason)", json!(["c"])),
        (
            "SELECT * FROM devices WHERE IS_NULL(disconnectReason) OR IS_NUMBER(disconnectReason)",
            json!(["a", "b", "d"]),
        ),
        ("SELECT * FROM devices WHERE NOT STARTS_WITH(disconnectReason, 'conn')", json!(["c"])),
        ("SELECT * FROM devices WHERE disconnectReason > 'a' OR CONTAINS(disconnectReason, 'alive')", json!(["c"])),
        (
            "SELECT deviceId, disconnectReason FROM devices WHERE deviceId > 'b' AND deviceId < 'd'",
            json!([{"deviceId": "c", "disconnectReason": "keepAliveTimeout"}]),
        ),
        ("SELECT * FROM devices WHERE cloudToDeviceMessageCount = 1", json!(["c"])),
        ("SELECT * FROM devices WHERE version = 2 AND properties.desired.$version = 1", json!(["a", "b", "c", "d"])),
        ("SELECT * FROM devices WHERE capabilities.iotEdge = true", json!([])),
        ("SELECT * FROM devices WHERE tags.x.y.z = 1", json!([])),
        ("SELECT * FROM devices WHERE ARRAY_CONTAINS(properties.desired.list, 1)", json!(["b"])),
        ("SELECT * FROM devices WHERE ARRAY_CONTAINS(parentScopes, 'x') AND tags.site = 'north'", json!([])),
        ("SELECT * FROM devices.modules", json!(["a/camera"])),
        ("SELECT * FROM devices.modules WHERE tags.site = 'north' AND moduleId = 'camera'", json!(["a/camera"])),
        ("SELECT * FROM devices.modules WHERE deviceId = 'b'", json!([])),
        (
            "SELECT deviceId, tags.site AS site FROM devices WHERE tags.floor = 2",
            json!([{"deviceId": "a", "site": "north"}, {"deviceId": "b", "site": "south"}]),
        ),
        ("SELECT properties.desired.rate FROM devices WHERE deviceId < 'd'", json!([{"rate": 5}, {"rate": 7.5}, {}])),
        ("SELECT COUNT() AS n FROM devices", json!([{"n": 4}])),
        ("SELECT COUNT() AS n FROM devices WHERE tags.site = 'north'", json!([{"n": 2}])),
        ("SELECT COUNT() AS n FROM devices WHERE ENDS_WITH(deviceId, 'a')", json!([{"n": 1}])),
        ("SELECT COUNT() AS n FROM devices.modules", json!([{"n": 1}])),
        (
            "SELECT SUM(properties.desired.rate) AS s, MIN(tags.site) AS m, MAX(connectionState) AS c FROM devices",
            json!([{"s": 12.5, "m": 7, "c": "Disconnected"}]),
        ),
        (
            "SELECT disconnectReason AS why, COUNT() AS n FROM devices WHERE deviceId > 'b' GROUP BY disconnectReason",
            json!([{"why": "keepAliveTimeout", "n": 1}, {"why": null, "n": 1}]),
        ),
        (
            "SELECT tags.floor AS f, COUNT() AS n FROM devices WHERE deviceId < 'c' GROUP BY tags.floor",
            json!([{"f": 2, "n": 2}]),
        ),
    ];
    for (text, expected) in cases {
        for limit in [1, 3, 1000] {
            assert_eq!(Value::from(all(&*store, text, limit).await), *expected, "{text}, {limit} a page");
        }
    }
}

/// A changed tag is found under its new value only, and none of a twin that is gone.
pub async fn queries_follow_changes(place: &dyn Place) {
    let store = place.start().await;
    fleet(&*store).await;
    let moved = Twin { version: 9, ..twin(json!({"site": "east", "floor": 2}), json!({})) };
    put(&*store, [Write::PutTwin(HUB, identity("a"), moved.clone(), Expect::Present)]).await;
    let north = "SELECT * FROM devices WHERE tags.site = 'north'";
    let east = "SELECT * FROM devices WHERE tags.site = 'east'";
    assert_eq!(all(&*store, north, 9).await, ["c"]);
    assert_eq!(all(&*store, east, 9).await, ["a"]);
    let reported = Twin { version: 10, ..moved }.with_reported(serde_json::Map::new(), UnixMillis(0));
    put(&*store, [Write::PutTwin(HUB, identity("a"), reported, Expect::Version(9))]).await;
    assert_eq!(all(&*store, east, 9).await, ["a"]);
    put(&*store, [Write::DeleteDevice(HUB, device_id("a"), Expect::Present)]).await;
    assert_eq!(all(&*store, east, 9).await, [""; 0]);
    assert_eq!(all(&*store, "SELECT * FROM devices.modules", 9).await, [""; 0]);
    put(&*store, [Write::PutDevice(HUB, samples::device("a"), Expect::Absent)]).await;
    put(&*store, [Write::PutTwin(HUB, identity("a"), samples::twin(), Expect::Absent)]).await;
    assert_eq!(all(&*store, east, 9).await, [""; 0]);
}

/// What is selected whole is the whole record.
pub async fn a_query_for_everything_gives_records(place: &dyn Place) {
    let store = place.start().await;
    fleet(&*store).await;
    let page = store.query(HUB, &query("SELECT * FROM devices WHERE deviceId = 'b'"), None, 10).await.unwrap();
    let record = store.find_identity(HUB, &identity("b")).await.unwrap().unwrap();
    let shown = document(&record);
    assert_eq!(
        (&shown["connectionState"], &shown["properties"]["desired"]["rate"]),
        (&json!("Connected"), &json!(7.5))
    );
    assert_eq!(page.items, [QueryRow::Identity(Box::new(record))]);
}
