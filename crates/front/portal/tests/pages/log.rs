//! Who reads a hub's messages and how far, and the log of them.

use crate::world::{World, log};
use serde_json::{Value, json};

/// How often the API was asked for a path that ends so.
fn asked(world: &World, end: &str) -> usize {
    world.api.asked.lock().iter().filter(|(_, path, ..)| path.ends_with(end)).count()
}

#[tokio::test]
async fn a_hub_shows_how_far_its_groups_are() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/hubs/g/h").await.text;
    for words in [
        "<div id=\"lag\" data-refresh=\"5\">",
        "not read since the server started",
        "<span class=\"badge warn\">4900</span> <span class=\"soft\">partition 1: 4900</span>",
        "<td data-name=\"Readers\">2</td>",
        "they take 1.3 MB",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    *world.api.roles.lock() = json!([{"actions": ["*"]}]);
    let before = asked(&world, "/consumers");
    let page = world.get(&cookie, "/portal/hubs/g/h").await.text;
    assert!(page.contains("<li>$Default</li>") && !page.contains("4900"), "{page}");
    assert_eq!(asked(&world, "/consumers"), before, "what is not for one's roles is not asked for");
}

#[tokio::test]
async fn the_overview_says_what_is_behind_and_what_is_full() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/").await.text;
    for words in [
        "Disk: 6 B used by Roadstead, 40 B free.",
        "Consumer groups that are behind",
        "4900 messages not delivered yet, 2 readers.",
        "2026-11-21 20:02:40 UTC",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let caught_up = json!({"eventBytes": 0, "consumerGroups": [{"consumerGroup": "$Default", "partitions": []}]});
    *world.api.answers.lock() = vec![
        ("/statistics/consumers", 200, caught_up),
        ("/Roadstead/disk", 200, json!({"databaseBytes": 1, "eventBytes": 0, "freeBytes": 9, "totalBytes": 1000})),
    ];
    let page = world.get(&cookie, "/portal/").await.text;
    assert!(!page.contains("Consumer groups that are behind"));
    assert!(page.contains("<p class=\"note fault\">") && page.contains("messages of devices are refused"), "{page}");
    *world.api.answers.lock() = vec![("/Roadstead/disk", 403, json!({}))];
    assert!(!world.get(&cookie, "/portal/").await.text.contains("used by Roadstead"));
}

/// Of many hubs the lines are not drawn at each look, and rights that hold everywhere are asked for once.
#[tokio::test]
async fn the_overview_of_many_hubs_asks_for_less() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let hub = |number: u32| {
        let id = format!("/subscriptions/S/resourceGroups/g/providers/Microsoft.Devices/IotHubs/h{number}");
        json!({"id": id, "name": format!("h{number}"), "properties": {"hostName": "h.localhost"}})
    };
    let hubs: Vec<Value> = (0..9).map(hub).collect();
    let data = [json!({"timeStamp": "2026-11-21T20:02:00Z", "average": 3.0})];
    let name = json!({"value": "connectedDeviceCount", "localizedValue": ""});
    let series = json!({"id": "", "type": "", "name": name, "displayDescription": "", "unit": "Count",
        "timeseries": [{"metadatavalues": [], "data": data}], "errorCode": "Success"});
    let metrics = json!({"timespan": "", "interval": "PT1M", "namespace": "", "resourceregion": "", "value": [series]});
    *world.api.answers.lock() = vec![("/IotHubs", 200, json!({"value": hubs})), ("/metrics", 200, metrics)];
    let counted = || (asked(&world, "/metrics"), asked(&world, "/permissions"));
    let look = async || world.get(&cookie, "/portal/").await.text;
    let page = look().await;
    assert!(page.contains("devices connected <b>30</b>"), "{page}");
    assert_eq!(counted(), (10, 1));
    assert!(look().await.contains("devices connected <b>30</b>"));
    assert_eq!(counted(), (10, 2));
    world.clock.0.fetch_add(20_000, std::sync::atomic::Ordering::Relaxed);
    look().await;
    assert_eq!(counted(), (20, 3), "after a while they are drawn anew");
    *world.api.answers.lock() = Vec::new();
    world.clock.0.fetch_add(20_000, std::sync::atomic::Ordering::Relaxed);
    look().await;
    look().await;
    assert_eq!(counted().0, 24, "those of few are new at each look");
}

#[tokio::test]
async fn the_log_is_read_from_where_one_says() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/hubs/g/h/events/log?device=a%26b&partition=1").await.text;
    for words in [
        "20000 messages were looked at, back to 2026-11-21 20:02:50 UTC. Older looks further.",
        "/portal/hubs/g/h/events/log?device=a%26b&#38;partition=1&#38;at=older%3A3%2C17",
        "at=newer%3A4%2C18",
        "order=oldest",
        "partition 1,</span> 17",
        "<span class=\"soft\">without a value</span>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for (query, words) in [
        ("time=noon", "noon is no time"),
        ("number=x&partition=1", "x is no sequence number"),
        ("number=3", "choose the partition"),
        ("number=3&partition=1&time=2026-11-21%2020:00", "two places to begin"),
    ] {
        let before = asked(&world, "/log");
        let page = world.get(&cookie, &format!("/portal/hubs/g/h/events/log?{query}")).await;
        assert!(page.status == 200 && page.text.contains(words), "{words}: {}", page.text);
        assert_eq!(asked(&world, "/log"), before);
    }
    let mut empty = log();
    empty["events"] = json!([]);
    for (change, words) in [
        (json!({}), "None yet."),
        (json!({"older": null, "examined": 0}), "No message is here."),
        (json!({"older": null, "newer": null, "examined": 0}), "The hub keeps no message."),
    ] {
        let mut answer = empty.clone();
        answer.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        answer.as_object_mut().unwrap().retain(|_, value| *value != Value::Null);
        *world.api.answers.lock() = vec![("/events/log", 200, answer)];
        let page = world.get(&cookie, "/portal/hubs/g/h/events/log").await.text;
        assert!(page.contains(words), "{words}: {page}");
    }
    *world.api.roles.lock() = json!([{"actions": ["*"]}]);
    assert_eq!(world.get(&cookie, "/portal/hubs/g/h/events/log").await.status, 403);
}
