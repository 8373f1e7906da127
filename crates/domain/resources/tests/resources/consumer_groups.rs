use roadstead_resources::{
    consumer_group::{consumer_groups, require_consumer_group},
    limits,
};

use crate::world::{NOW, World, refusal};

fn names(world: &World) -> Vec<String> {
    let hub = world.resources.hub("iot-rg", "plant").unwrap();
    consumer_groups(&hub).iter().map(|group| group.name.to_string()).collect()
}

#[tokio::test]
async fn they_come_and_go_beside_the_one_that_every_hub_has() {
    let world = World::with_group().await;
    let etag = world.hub("plant").await.etag.clone();
    world.ears.heard();
    for (name, is_heard) in [("dashboards", true), ("Archive", true), ("DASHBOARDS", false)] {
        let made = world.resources.put_consumer_group("iot-rg", "plant", name).await.unwrap();
        assert_eq!(made.created, NOW);
        assert_eq!(!world.ears.heard().is_empty(), is_heard, "{name}");
    }
    assert_eq!(names(&world), ["$Default", "Archive", "dashboards"]);
    let hub = world.resources.hub("iot-rg", "plant").unwrap();
    assert_eq!(hub.etag, etag, "who read the hub may still write it");
    for (name, is_there) in [("$default", true), ("dashBoards", true), ("other", false)] {
        assert_eq!((hub.has_consumer_group(name), require_consumer_group(&hub, name).is_ok()), (is_there, is_there));
    }
    world.resources.delete_consumer_group("iot-rg", "plant", "archive").await.unwrap();
    assert_eq!(names(&world), ["$Default", "dashboards"]);
    world.hub("plant").await;
    assert_eq!(names(&world), ["$Default", "dashboards"], "a change of the hub leaves them alone");
}

#[tokio::test]
async fn refusals_say_why() {
    let world = World::with_group().await;
    world.hub("plant").await;
    let long = "x".repeat(51);
    for (name, text) in [
        ("", "consumer group name is empty"),
        ("a b", "consumer group name `a b` may not contain ' ': letters, digits and - . _ only"),
        ("$mine", "consumer group name `$mine` may not contain '$': letters, digits and - . _ only"),
        (&long, "consumer group name has 51 characters, at most 50 are allowed"),
    ] {
        assert_eq!(refusal(world.resources.put_consumer_group("iot-rg", "plant", name).await), text);
    }
    for (name, text) in [
        ("none", "consumer group 'none' was not found in 'plant'"),
        ("$default", "consumerGroup is $Default; it must be another one: every hub keeps this"),
    ] {
        assert_eq!(refusal(world.resources.delete_consumer_group("iot-rg", "plant", name).await), text);
    }
    for number in 0..limits::CONSUMER_GROUPS_MAX {
        world.resources.put_consumer_group("iot-rg", "plant", &format!("g{number}")).await.unwrap();
    }
    let one_more = world.resources.put_consumer_group("iot-rg", "plant", "more").await;
    assert_eq!(refusal(one_more), "there may be at most 50 consumer groups");
}
