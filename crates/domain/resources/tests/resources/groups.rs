use roadstead_resources::{GroupSpec, HubSpec, ResourceError};
use serde_json::{Map, Value, json};

use crate::world::{World, refusal};

fn spec(location: &str, tags: &Value) -> GroupSpec {
    GroupSpec { location: location.to_owned(), tags: tags.as_object().cloned().unwrap_or_default() }
}

#[tokio::test]
async fn made_once_then_only_changed() {
    let world = World::with_group().await;
    let first = world.resources.put_group("MyGroup", spec("centralindia", &json!({}))).await.unwrap();
    assert!(first.created);
    let second = world.resources.put_group("mygroup", spec("Central India", &json!({"site": "north"}))).await.unwrap();
    assert!(!second.created);
    assert_eq!((second.record.name.as_str(), second.record.location.as_str()), ("MyGroup", "centralindia"));
    assert_eq!(world.resources.directory().find_group("MYGROUP").unwrap().tags["site"], "north");
    assert_eq!(world.resources.directory().groups().len(), 2);
}

#[tokio::test]
async fn refusals_name_the_cause() {
    let world = World::with_group().await;
    let long = "g".repeat(91);
    let tags: Map<String, Value> = (0..51).map(|i| (format!("t{i}"), json!("x"))).collect();
    for (name, spec, text) in [
        (
            "iot-rg",
            spec("westus", &json!({})),
            "resource group 'iot-rg' already exists in location 'centralindia', so it cannot be made in 'westus'",
        ),
        (
            "a/b",
            spec("westus", &json!({})),
            "resource group name `a/b` may not contain '/': letters, digits and - _ . ( ) only",
        ),
        (long.as_str(), spec("westus", &json!({})), "resource group name has 91 characters, at most 90 are allowed"),
        ("g", spec("", &json!({})), "location is 0 bytes long; it must be 1 to 64 bytes of plain text"),
        (
            "g",
            spec("westus", &json!({"a": 1})),
            "tags is bad at `a`; it must be names of up to 512 and texts of up to 256 bytes",
        ),
        ("g", spec("westus", &tags.into()), "there may be at most 50 tags of a resource"),
    ] {
        assert_eq!(refusal(world.resources.put_group(name, spec).await), text);
    }
    assert_eq!(refusal(world.resources.delete_group("nowhere").await), "resource group 'nowhere' could not be found");
}

#[tokio::test]
async fn deleting_takes_everything_in_it() {
    let world = World::with_group().await;
    world.resources.put_group("other", spec("westus", &json!({}))).await.unwrap();
    world.resources.put_hub("other", "spared", HubSpec::default(), None).await.unwrap();
    let hub = world.hub("plant").await;
    let dps = world.dps("plant-dps").await;
    world.ears.heard();
    world.resources.delete_group("IOT-RG").await.unwrap();
    assert_eq!(world.ears.heard(), ["hub gone", "dps gone"]);
    let (later, ears) = world.reopened().await;
    for directory in [world.resources.directory(), later.directory()] {
        assert!(directory.find_group("iot-rg").is_none());
        assert!(
            directory.find_hub_by_host("plant.localhost").is_none() && directory.find_hub_by_key(hub.key).is_none()
        );
        assert!(directory.find_dps_by_scope(&dps.id_scope).is_none());
        assert!(directory.find_hub("other", "spared").is_some());
    }
    assert_eq!(ears.heard(), ["hub spared at spared.localhost"]);
    let gone = world.resources.put_hub("iot-rg", "plant", HubSpec::default(), None).await;
    assert!(matches!(gone, Err(ResourceError::GroupNotFound { .. })));
}
