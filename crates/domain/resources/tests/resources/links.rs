use roadstead_resources::{DpsSpec, LinkSpec};

use crate::world::{World, connection_string, link, refusal};

const FOREIGN: &str =
    "HostName=far.example;SharedAccessKeyName=iothubowner;SharedAccessKey=a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

fn links(links: Vec<LinkSpec>) -> DpsSpec {
    DpsSpec { linked_hubs: Some(links), ..DpsSpec::default() }
}

#[tokio::test]
async fn masked_keys_stay_what_they_were() {
    let world = World::with_group().await;
    let hub = world.hub("plant").await;
    world.dps("gate").await;
    let text = connection_string(&hub, "iothubowner");
    let first = world.resources.put_dps("iot-rg", "gate", links(vec![link(&text)]), None).await.unwrap().record;
    assert_eq!(first.linked_hubs[0].connection_string.expose(), text);
    let shown = "HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=****";
    let specs = vec![LinkSpec { allocation_weight: Some(7), ..link(shown) }, link(FOREIGN)];
    let second = world.resources.put_dps("iot-rg", "gate", links(specs), None).await.unwrap().record;
    assert_eq!(second.linked_hubs[0].connection_string.expose(), text);
    assert_eq!(
        (second.linked_hubs[0].allocation_weight, second.linked_hubs[0].apply_allocation_policy),
        (Some(7), true)
    );
    assert_eq!(
        (second.linked_hubs[1].host_name.as_str(), second.linked_hubs[1].location.as_str()),
        ("far.example", "centralindia")
    );
    let kept = world.resources.put_dps("iot-rg", "gate", DpsSpec::default(), None).await.unwrap().record;
    assert_eq!(kept.linked_hubs, second.linked_hubs, "links that are not named stay");
    let none = world.resources.put_dps("iot-rg", "gate", links(vec![]), None).await.unwrap().record;
    assert_eq!(none.linked_hubs, []);
    let forgotten = world.resources.put_dps("iot-rg", "gate", links(vec![link(shown)]), None).await;
    assert_eq!(
        refusal(forgotten),
        "linked hub 'plant.localhost': the key is masked (`****`) and no key of policy 'iothubowner' is stored; give the whole connection string"
    );
}

#[tokio::test]
async fn a_key_changed_on_the_hub_does_not_block_other_changes() {
    let world = World::with_group().await;
    let hub = world.hub("plant").await;
    world.dps("gate").await;
    let text = connection_string(&hub, "iothubowner");
    world.resources.put_dps("iot-rg", "gate", links(vec![link(&text)]), None).await.unwrap();
    world.resources.delete_hub("iot-rg", "plant", None).await.unwrap();
    let again = world.hub("plant").await;
    let masked = "HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=****";
    world.resources.put_dps("iot-rg", "gate", links(vec![link(masked), link(FOREIGN)]), None).await.unwrap();
    let renewed = connection_string(&again, "iothubowner");
    let dps = world.resources.put_dps("iot-rg", "gate", links(vec![link(&renewed)]), None).await.unwrap().record;
    assert_eq!(dps.linked_hubs[0].connection_string.expose(), renewed);
}

#[tokio::test]
async fn refusals_name_the_cause() {
    let world = World::with_group().await;
    let hub = world.hub("plant").await;
    let other = world.hub("other").await;
    world.dps("gate").await;
    let owner = connection_string(&hub, "iothubowner");
    let wrong_key = connection_string(&other, "iothubowner").replace("other", "plant");
    let no_policy = owner.replace("iothubowner", "root");
    let weight = LinkSpec { allocation_weight: Some(0), ..link(&owner) };
    let many = (0..51).map(|_| link(FOREIGN)).collect();
    for (specs, text) in [
        (
            vec![link(&owner), link("HostName=x")],
            "linked hub 2: the connection string needs `DeviceId` or `SharedAccessKeyName`",
        ),
        (
            vec![link("HostName=x.y;SharedAccessKeyName=p;SharedAccessKey=abc")],
            "linked hub 1: `SharedAccessKey` in the connection string: the key is not base64",
        ),
        (
            vec![link("HostName=x.y;DeviceId=d;x509=true")],
            "linked hub 'x.y': the connection string must be one of a shared access policy, not of a device",
        ),
        (vec![link(&no_policy)], "linked hub 'plant.localhost': the hub has no shared access policy 'root'"),
        (
            vec![link(&wrong_key)],
            "linked hub 'plant.localhost': the key is not one of the keys of the hub's policy 'iothubowner'",
        ),
        (
            vec![link(&connection_string(&hub, "device"))],
            "linked hub 'plant.localhost': policy 'device' lacks the right RegistryWrite, which DPS needs to place devices",
        ),
        (vec![link(FOREIGN), link(&FOREIGN.replace("far", "FAR"))], "hub 'far.example' is linked twice"),
        (vec![weight], "allocationWeight is 0; it must be 1 to 1000"),
        (many, "there may be at most 50 linked hubs"),
    ] {
        assert_eq!(refusal(world.resources.put_dps("iot-rg", "gate", links(specs), None).await), text);
    }
}

#[tokio::test]
async fn a_link_is_kept_under_the_hubs_own_name() {
    let world = World::with_group().await;
    let hub = world.hub("plant").await;
    let text = connection_string(&hub, "iothubowner").replace("plant.localhost", "Plant.azure-devices.net");
    let dps = world.resources.put_dps("iot-rg", "gate", links(vec![link(&text)]), None).await.unwrap().record;
    assert_eq!(dps.linked_hubs[0].host_name, "plant.localhost");
    assert_eq!(dps.linked_hubs[0].connection_string.expose(), text);
    let masked = "HostName=plant.localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=****";
    let kept = world.resources.put_dps("iot-rg", "gate", links(vec![link(masked)]), None).await.unwrap().record;
    assert_eq!(kept.linked_hubs[0].connection_string.expose(), text);
}

#[tokio::test]
async fn a_port_is_no_part_of_a_hubs_name() {
    let world = World::with_group().await;
    world.dps("gate").await;
    let text = FOREIGN.replace("far.example", "Far.example:8443");
    let dps = world.resources.put_dps("iot-rg", "gate", links(vec![link(&text)]), None).await.unwrap().record;
    assert_eq!(dps.linked_hubs[0].host_name, "far.example");
    assert_eq!(dps.linked_hubs[0].connection_string.expose(), text);
    let masked = "HostName=far.example;SharedAccessKeyName=iothubowner;SharedAccessKey=****";
    let kept = world.resources.put_dps("iot-rg", "gate", links(vec![link(masked)]), None).await.unwrap().record;
    assert_eq!(kept.linked_hubs[0].connection_string.expose(), text);
}

#[tokio::test]
async fn one_hub_under_two_names_is_linked_twice() {
    let world = World::with_group().await;
    let names =
        roadstead_resources::HostNames { host_name: "127.0.0.1".to_owned(), aliases: vec!["localhost".to_owned()] };
    let spec = roadstead_resources::HubSpec { host_names: Some(names), ..Default::default() };
    let hub = world.resources.put_hub("iot-rg", "dev", spec, None).await.unwrap().record;
    let one = connection_string(&hub, "iothubowner");
    let two = one.replace("127.0.0.1", "localhost");
    let both = world.resources.put_dps("iot-rg", "gate", links(vec![link(&one), link(&two)]), None).await;
    assert_eq!(refusal(both), "hub '127.0.0.1' is linked twice");
}
