//! `roadstead-service` reading over AMQP, through a wire that can be cut.

use crate::client::PATIENCE;
use crate::world::{HOST, POLICY, World};
use roadstead_model::UnixMillis;
use roadstead_service::events::StreamedEvent;
use roadstead_service::{
    AmqpEvents, EventFilter, EventHub, HubService, Policy, Reach, ServiceError, StreamItem, Transport, Trust,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Leads to the server until it is cut; what comes while it is cut is hung up on.
struct Wire {
    port: u16,
    whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, seen) = watch::channel(true);
        tokio::spawn(async move {
            loop {
                let Ok((mut client, _)) = listener.accept().await else { return };
                let mut seen = seen.clone();
                if *seen.borrow_and_update() {
                    tokio::spawn(async move {
                        let mut behind = TcpStream::connect(server).await.unwrap();
                        tokio::select! {
                            _ = tokio::io::copy_bidirectional(&mut client, &mut behind) => {}
                            _ = seen.wait_for(|whole| !whole) => {}
                        }
                    });
                }
            }
        });
        Self { port, whole }
    }
}

async fn next(events: &mut AmqpEvents) -> Result<StreamItem, ServiceError> {
    tokio::time::timeout(PATIENCE, events.next()).await.expect("something comes")
}

fn text(event: &StreamedEvent) -> String {
    String::from_utf8(event.body_bytes()).unwrap()
}

/// Bodies; `lost` and `again` in between.
async fn take(events: &mut AmqpEvents, count: usize) -> Vec<String> {
    let mut shown = Vec::new();
    while shown.len() < count {
        shown.push(match next(events).await.unwrap() {
            StreamItem::Event(event) => text(&event),
            StreamItem::Interrupted(_) => "lost".to_owned(),
            StreamItem::Resumed => "again".to_owned(),
            StreamItem::Skipped(_) => panic!("AMQP has no samples"),
        });
    }
    shown
}

fn from_the_start() -> EventFilter {
    EventFilter { enqueued_after: Some(UnixMillis(0)), ..EventFilter::default() }
}

fn by_string(world: &World, port: u16, filter: EventFilter) -> AmqpEvents {
    let hub = EventHub::parse(&world.event_hub(port)).unwrap();
    AmqpEvents::of_event_hub(world.transport.clone(), hub, filter)
}

#[tokio::test]
async fn from_the_hubs_own_address_as_over_https() {
    let world = World::start().await;
    for id in ["a", "b", "c"] {
        world.device(id).await;
    }
    let header = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers = [
        ("iothub-messageid", "m1"),
        ("iothub-contenttype", "application/json"),
        ("iothub-contentencoding", "utf-8"),
        ("iothub-expiry", "2030-01-02T03:04:05.0000000Z"),
        ("dt-subject", "comp1"),
        ("iothub-app-alert", "true"),
    ];
    world.hub.send_event("a", &headers.map(header), br#"{"t": 1.5}"#.to_vec()).await.unwrap();
    world.send("b", "text").await;
    world.send("c", vec![0, 255]).await;
    let mut https = world.hub.events(from_the_start());
    let mut amqp = world.hub.events_over_amqp(world.server.amqp.port(), from_the_start()).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    // A device's registration is no event here; twins are.
    for _ in 0..3 {
        let StreamItem::Event(event) = https.next().await.unwrap() else { panic!() };
        left.push(serde_json::to_value(&event).unwrap());
        let StreamItem::Event(event) = next(&mut amqp).await.unwrap() else { panic!() };
        right.push(serde_json::to_value(&event).unwrap());
    }
    let by_device = |event: &serde_json::Value| event["annotations"]["iothub-connection-device-id"].to_string();
    left.sort_by_key(by_device);
    right.sort_by_key(by_device);
    assert_eq!(left, right);
    amqp.close().await;
}

#[tokio::test]
async fn only_what_comes_and_only_one_device() {
    let world = World::start().await;
    for id in ["a", "b"] {
        world.device(id).await;
        world.send(id, "before").await;
    }
    let filter = EventFilter { device_id: Some("a".to_owned()), ..EventFilter::default() };
    let mut events = world.hub.events_over_amqp(world.server.amqp.port(), filter).unwrap();
    // Where it begins is settled by the first connection, of which nothing is heard until something comes.
    let coming = async {
        loop {
            world.send("b", "other").await;
            world.send("a", "now").await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = coming => {}
        shown = take(&mut events, 2) => assert_eq!(shown, ["now", "now"]),
    }
    events.close().await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_the_wire_is_cut() {
    let world = World::start().await;
    let devices: Vec<_> = (0..16).map(|number| format!("d{number}")).collect();
    for id in &devices {
        world.device(id).await;
    }
    let wire = Wire::to(world.server.amqp_plain.unwrap()).await;
    // Most partitions are empty at first, so where they begin must be remembered, too.
    let mut events = by_string(&world, wire.port, EventFilter::default());
    let first = tokio::spawn(async move { (take(&mut events, 1).await, events) });
    let mut round = 0;
    while !first.is_finished() {
        world.send("d0", format!("d0-{round:03}")).await;
        round += 1;
    }
    let (mut seen, mut events) = first.await.unwrap();
    let began: usize = seen[0].rsplit_once('-').unwrap().1.parse().unwrap();
    let mut expected: Vec<_> = (began..round).map(|round| format!("d0-{round:03}")).collect();
    for cut in 1..=5 {
        wire.whole.send_replace(false);
        let while_cut = 1000 * cut;
        for (at, id) in devices.iter().enumerate() {
            for number in 0..at % 4 {
                let text = format!("{id}-{}", while_cut + number);
                world.send(id, text.clone()).await;
                expected.push(text);
            }
        }
        assert!(matches!(wait_for_loss(&mut events, &mut seen).await, StreamItem::Interrupted(_)));
        wire.whole.send_replace(true);
        assert!(matches!(next(&mut events).await.unwrap(), StreamItem::Resumed));
        for id in &devices {
            let text = format!("{id}-{}", while_cut + 500);
            world.send(id, text.clone()).await;
            expected.push(text);
        }
        // Some cuts come in the midst of it.
        if cut % 2 == 0 {
            seen.extend(take(&mut events, 7).await);
        }
    }
    while seen.len() < expected.len() {
        seen.extend(take(&mut events, 1).await);
    }
    world.send("d0", "the end").await;
    assert_eq!(take(&mut events, 1).await, ["the end"]);
    let of = |all: &[String], id: &str| {
        all.iter().filter(|text| text.starts_with(&format!("{id}-"))).cloned().collect::<Vec<_>>()
    };
    for id in &devices {
        assert_eq!(of(&seen, id), of(&expected, id), "{id}: each once, in order");
    }
    events.close().await;
}

/// Passes what came before the wire was cut.
async fn wait_for_loss(events: &mut AmqpEvents, seen: &mut Vec<String>) -> StreamItem {
    loop {
        match next(events).await.unwrap() {
            StreamItem::Event(event) => seen.push(text(&event)),
            other => return other,
        }
    }
}

#[tokio::test]
async fn what_trying_again_cannot_cure() {
    let world = World::start().await;
    let port = world.server.amqp.port();
    let group = EventFilter { consumer_group: Some("absent".to_owned()), ..EventFilter::default() };
    let mut absent = world.hub.events_over_amqp(port, group).unwrap();
    assert_eq!(next(&mut absent).await.unwrap_err().status(), Some(404));

    let wrong = Policy::new(POLICY, "d3JvbmcgICAgICAgICAgICAgICAgICAgICAgICAgICA=").unwrap();
    let wrong = HubService::new(world.transport.clone(), HOST, wrong);
    let refused = next(&mut wrong.events_over_amqp(port, EventFilter::default()).unwrap()).await.unwrap_err();
    assert_eq!(refused.status(), Some(401), "{refused}");

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused = next(&mut by_string(&world, nobody, EventFilter::default())).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Unreachable { .. }), "{refused}");

    let plain = world.server.amqp_plain.unwrap().port();
    let refused = next(&mut world.hub.events_over_amqp(plain, EventFilter::default()).unwrap()).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Untrusted { .. } | ServiceError::Unreachable { .. }), "{refused}");
}

#[tokio::test]
async fn whom_to_trust() {
    let world = World::start().await;
    let port = world.server.amqp.port();
    let by = |trust: Trust| {
        let reach = Reach { trust, https_port: 443, connect_to: BTreeMap::new() };
        let transport = Transport::new(&reach, Arc::new(roadstead_server::system::SystemClock)).unwrap();
        let policy = Policy::new(POLICY, &world.key).unwrap();
        HubService::new(transport, HOST, policy).events_over_amqp(port, from_the_start()).unwrap()
    };
    let ca_file = world.server.ca_file.clone().unwrap();
    world.device("d").await;
    world.send("d", "1").await;
    assert_eq!(take(&mut by(Trust::Machine { also: vec![ca_file] }), 1).await, ["1"]);
    let other = rcgen::generate_simple_self_signed(vec!["other".to_owned()]).unwrap();
    let path = world.folder.path().join("other.pem");
    std::fs::write(&path, other.cert.pem()).unwrap();
    let refused = next(&mut by(Trust::File(path))).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Untrusted { .. }), "{refused}");
}
