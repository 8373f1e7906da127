//! What becomes of links when an administrator takes away what they rest on.

use std::{sync::Arc, time::Duration};

use roadstead_amqp_proto::{DeliveryState, Performative, condition, message::MessageWriter};
use roadstead_front_amqp::limits;
use roadstead_model::{AccessPolicy, ConsumerGroup, ConsumerGroupName, Hub as HubResource, Rights, Secret, UnixMillis};
use roadstead_sas::{SasKey, sign};

use crate::{
    client::{CBS, Client, FROM_START, reader, receiver, sender},
    device::{EVENTS, cam, id, world_of},
    world::{HOST, NOW_S, TOKEN_S, World},
};

const OTHER_KEY: &str = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=";

/// Replaces the hub's resource.
fn change(world: &World, change: impl FnOnce(&mut HubResource)) {
    let mut resource = (*world.hub.resource()).clone();
    change(&mut resource);
    world.hub.set_resource(Arc::new(resource));
}

fn service(resource: &mut HubResource) -> &mut AccessPolicy {
    resource.policies.iter_mut().find(|policy| policy.key_name == "service").unwrap()
}

/// A client that reads, sends and takes feedback, on the links 0, 1 and 2.
async fn backend(world: &World) -> Client {
    let mut client = world.client().await;
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    client.attaches(sender("c2d", 1, "/messages/devicebound")).await;
    client.attaches(receiver("f", 2, "/messages/servicebound/feedback")).await;
    client
}

#[tokio::test]
async fn who_loses_the_right_loses_the_links() {
    for (why, taken) in [
        ("the token is not signed with a key of policy `service`", {
            |resource: &mut HubResource| {
                let policy = service(resource);
                (policy.primary, policy.secondary) = (Secret::new(OTHER_KEY), Secret::new(OTHER_KEY));
            }
        } as fn(&mut HubResource)),
        ("there is no access policy `service`", |resource| {
            resource.policies.retain(|policy| policy.key_name != "service");
        }),
        ("policy `service` lacks ServiceConnect", |resource| service(resource).rights = Rights::of(&[])),
    ] {
        let world = World::new().await;
        let mut client = backend(&world).await;
        change(&world, taken);
        let mut handles = Vec::new();
        for _ in 0..3 {
            let (said, _) = client.hears().await;
            let Performative::Detach(detach) = said else { panic!("{said:?}") };
            let error = detach.error.unwrap();
            assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
            let text = error.description.unwrap();
            assert!(text.starts_with("the hub's access policies changed: ") && text.contains(why), "{text}");
            handles.push(detach.handle);
        }
        handles.sort_unstable();
        handles.dedup();
        assert_eq!(handles.len(), 3, "each link once");
    }
}

#[tokio::test]
async fn who_signed_with_the_key_that_stays_reads_on() {
    let world = World::new().await;
    let mut client = backend(&world).await;
    client.credits(0, 0, 10).await;
    change(&world, |resource| service(resource).primary = Secret::new(OTHER_KEY));
    change(&world, |resource| resource.retention_days = 2);
    world.store(0, b"1");
    assert_eq!(client.hears_body().await, b"1");
}

#[tokio::test]
async fn a_new_key_opens_links_again_on_the_same_connection() {
    let world = World::new().await;
    let mut client = world.client().await;
    client.attaches(reader("r", 0, "0", FROM_START)).await;
    change(&world, |resource| {
        let policy = service(resource);
        (policy.primary, policy.secondary) = (Secret::new(OTHER_KEY), Secret::new(OTHER_KEY));
    });
    assert_eq!(&*client.hears_detach(0).await.condition, condition::UNAUTHORIZED_ACCESS);
    let refusal = client.is_refused(reader("again", 0, "0", FROM_START)).await;
    assert_eq!(&*refusal.condition, condition::UNAUTHORIZED_ACCESS);
    let token = sign(HOST, &SasKey::from_base64(OTHER_KEY).unwrap(), NOW_S + TOKEN_S, Some("service"));
    assert_eq!(client.renews_token(&token).await.0, 200);
    client.attaches(reader("again", 0, "0", FROM_START)).await;
    client.credits(0, 0, 1).await;
    world.store(0, b"1");
    assert_eq!(client.hears_body().await, b"1");
}

/// Its token opens nothing any more, so it has none.
#[tokio::test(start_paused = true)]
async fn who_brings_no_other_token_is_hung_up_on() {
    let world = World::new().await;
    let mut client = world.client().await;
    change(&world, |resource| resource.policies.clear());
    let began = tokio::time::Instant::now();
    let close = loop {
        match client.hears().await.0 {
            Performative::Close(close) => break close,
            said => assert!(!matches!(said, Performative::Detach(_)), "{CBS:?} stay: {said:?}"),
        }
    };
    assert_eq!(&*close.error.unwrap().condition, condition::UNAUTHORIZED_ACCESS);
    assert!((limits::TOKEN_WAIT..limits::TOKEN_WAIT + Duration::from_secs(1)).contains(&began.elapsed()));
}

#[tokio::test]
async fn devices_with_keys_of_their_own_stay() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("d2c", 0, EVENTS)).await;
    change(&world, |resource| resource.policies.clear());
    let mut message = Vec::new();
    MessageWriter::new(&mut message).data(b"x");
    assert_eq!(client.asks(0, &message).await, DeliveryState::Accepted);
    assert!(world.hub.is_connected(&id("cam-1")));
}

#[tokio::test]
async fn a_deleted_consumer_group_has_no_readers() {
    let world = World::new().await;
    let group = |name: &str| ConsumerGroup { name: ConsumerGroupName::parse(name).unwrap(), created: UnixMillis(0) };
    change(&world, |resource| resource.consumer_groups = vec![group("billing"), group("audit")]);
    let mut client = world.client().await;
    for (handle, name) in [(0, "BILLING"), (1, "audit"), (2, "$default")] {
        let source = format!("hub1/ConsumerGroups/{name}/Partitions/0");
        client.attaches(receiver(name, handle, &source)).await;
        client.credits(handle, 0, 10).await;
    }
    change(&world, |resource| resource.consumer_groups.retain(|group| group.name.as_str() != "billing"));
    let error = client.hears_detach(0).await;
    assert_eq!(&*error.condition, condition::NOT_FOUND);
    assert!(error.description.as_ref().unwrap().contains("no consumer group `BILLING`"), "{error}");
    world.store(0, b"1");
    assert_eq!([client.hears_body().await, client.hears_body().await], [b"1", b"1"], "the others read on");
    let refusal = client.is_refused(receiver("again", 3, "hub1/ConsumerGroups/billing/Partitions/0")).await;
    assert_eq!(&*refusal.condition, condition::NOT_FOUND);
}
