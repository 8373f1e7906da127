//! Reported properties, direct methods, messages to devices.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use roadstead_mqtt_proto::{Packet, encode};

use crate::{
    histogram,
    hub::{Hub, id, make},
    mqtt::{Line, devices},
    print,
    service::Service,
    since,
};

/// How many messages wait for each device.
const MESSAGES_EACH: u64 = 20;

pub async fn measure(hub: &Arc<Hub>, count: usize, span: Duration) {
    make(hub, count).await;
    twins(hub, count, span).await;
    methods(hub, count, 1, span).await;
    methods(hub, count, 32, span).await;
    messages(hub, count).await;
}

/// Each device writes its reported properties again and again, one write in flight.
async fn twins(hub: &Hub, count: usize, span: Duration) {
    let mut lines = devices(hub, count).await;
    join_all(lines.iter_mut().map(|line| line.subscribed("$iothub/twin/res/#"))).await;
    let began = Instant::now();
    let all = join_all(lines.iter_mut().map(|line| async move {
        let mut waits = histogram();
        while began.elapsed() < span {
            let asked = Instant::now();
            let patch = format!(r#"{{"count":{},"state":{{"on":true}}}}"#, waits.len());
            line.publish("$iothub/twin/PATCH/properties/reported/?$rid=1", patch.as_bytes());
            let done = line.ask(|packet| match packet {
                Packet::Publish(answer) => Some(answer.topic.starts_with("$iothub/twin/res/204/")),
                _ => None,
            });
            assert!(done.await, "a patch was refused");
            waits.record(since(asked)).unwrap();
        }
        waits
    }))
    .await;
    print("reported patches, durable", began, all);
}

/// Answers every method at once, for ever.
async fn answer_methods(hub: Arc<Hub>, id: String) {
    let mut line = Line::connect(&hub, &id).await;
    line.subscribed("$iothub/methods/POST/#").await;
    loop {
        let call = line.ask(|packet| match packet {
            Packet::Publish(call) => Some(call.topic.split("$rid=").nth(1).unwrap().to_owned()),
            _ => None,
        });
        let topic = format!("$iothub/methods/res/200/?$rid={}", call.await);
        line.publish(&topic, br#"{"ok":true}"#);
    }
}

/// Callers call one device after the other.
async fn methods(hub: &Arc<Hub>, count: usize, callers: usize, span: Duration) {
    let answering: Vec<_> = (0..count).map(|n| tokio::spawn(answer_methods(hub.clone(), id(n)))).collect();
    let body = r#"{"methodName":"ping","payload":{"n":1},"connectTimeoutInSeconds":30}"#;
    let mut services = join_all((0..callers).map(|_| Service::of(hub))).await;
    // All devices listen once each was called.
    for n in 0..count {
        assert_eq!(services[0].ask(&format!("POST /twins/{}/methods", id(n)), "", body).await, 200);
    }
    let began = Instant::now();
    let all = join_all(services.iter_mut().enumerate().map(|(caller, service)| async move {
        let mut waits = histogram();
        while began.elapsed() < span {
            let device = (caller + waits.len() as usize * callers) % count;
            let asked = Instant::now();
            let status = service.ask(&format!("POST /twins/{}/methods", id(device)), "", body).await;
            assert_eq!(status, 200, "a call failed");
            waits.record(since(asked)).unwrap();
        }
        waits
    }))
    .await;
    answering.iter().for_each(tokio::task::JoinHandle::abort);
    print(&format!("direct methods, {callers} callers"), began, all);
}

/// Every queue is filled, then all devices come and take their messages.
async fn messages(hub: &Hub, count: usize) {
    let mut services = join_all((0..64).map(|_| Service::of(hub))).await;
    let began = Instant::now();
    let all = join_all(services.iter_mut().enumerate().map(|(lane, service)| async move {
        let mut waits = histogram();
        for n in (lane..count).step_by(64) {
            let to = format!("iothub-to: /devices/{}/messages/devicebound\r\n", id(n));
            for _ in 0..MESSAGES_EACH {
                let asked = Instant::now();
                let status = service.ask("POST /messages/devicebound", &to, r#"{"set":21}"#).await;
                assert!((200..300).contains(&status), "{status}");
                waits.record(since(asked)).unwrap();
            }
        }
        waits
    }))
    .await;
    print("messages to devices enqueued, durable", began, all);

    let mut lines = devices(hub, count).await;
    let began = Instant::now();
    let all = join_all(lines.iter_mut().enumerate().map(|(n, line)| async move {
        let mut waits = histogram();
        line.subscribe(&format!("devices/{}/messages/devicebound/#", id(n)));
        for _ in 0..MESSAGES_EACH {
            let message = line.ask(|packet| match packet {
                Packet::Publish(message) => Some(message.packet_id.unwrap()),
                _ => None,
            });
            let packet_id = message.await;
            encode::puback(&mut line.out, packet_id);
            waits.record(since(began)).unwrap();
        }
        line.flush().await;
        waits
    }))
    .await;
    print("messages to devices delivered (waits from the start)", began, all);
}
