//! Memory of the server for devices that are connected and silent: over MQTT with the subscriptions of an SDK, over AMQP with its links.

use futures_util::future::join_all;
use roadstead_amqp_proto::{Attach, Flow, Performative, Role, Source, Target, Value};

use crate::{
    amqp,
    hub::{Hub, id, make},
    mqtt, server,
};

/// Connections that are made at once.
const AT_ONCE: usize = 50;

pub async fn measure(hub: &Hub, count: usize) {
    make(hub, count).await;
    // What the first devices leave behind for all others is not counted.
    drop(over_mqtt(hub, 0..AT_ONCE).await);
    drop(over_amqp(hub, 0..AT_ONCE).await);
    let before = server::memory_kib().unwrap();
    let lines = over_mqtt(hub, 0..count / 2).await;
    let between = server::memory_kib().unwrap();
    println!("idle over MQTT: {:.1} KiB each", (between - before) / lines.len() as f64);
    let lines = over_amqp(hub, count / 2..count).await;
    println!("idle over AMQP: {:.1} KiB each", (server::memory_kib().unwrap() - between) / lines.len() as f64);
}

async fn over_mqtt(hub: &Hub, devices: std::ops::Range<usize>) -> Vec<mqtt::Line> {
    let mut lines = Vec::new();
    for some in devices.collect::<Vec<_>>().chunks(AT_ONCE) {
        lines.extend(
            join_all(some.iter().map(|n| async {
                let id = id(*n);
                let mut line = mqtt::Line::connect(hub, &id).await;
                line.subscribed("$iothub/twin/res/#").await;
                line.subscribed("$iothub/twin/PATCH/properties/desired/#").await;
                line.subscribed("$iothub/methods/POST/#").await;
                line.subscribed(&format!("devices/{id}/messages/devicebound/#")).await;
                line
            }))
            .await,
        );
    }
    lines
}

async fn over_amqp(hub: &Hub, devices: std::ops::Range<usize>) -> Vec<amqp::Line> {
    let mut lines = Vec::new();
    for some in devices.collect::<Vec<_>>().chunks(AT_ONCE) {
        lines.extend(join_all(some.iter().map(|n| device(hub, *n))).await);
    }
    lines
}

/// A device with the six links that SDKs attach, each with its name for what it belongs to.
async fn device(hub: &Hub, n: usize) -> amqp::Line {
    let id = id(n);
    let mut line = amqp::Line::connect(hub, &format!("{id}@sas.hub"), &hub.token(&format!("/devices/{id}"))).await;
    let links = [
        ("messages/events", Role::Sender),
        ("messages/devicebound", Role::Receiver),
        ("twin", Role::Sender),
        ("twin", Role::Receiver),
        ("methods/devicebound", Role::Sender),
        ("methods/devicebound", Role::Receiver),
    ];
    for (handle, (node, role)) in (0..).zip(links) {
        let address = format!("/devices/{id}/{node}");
        let (source, target) = if role == Role::Sender { ("rates", &*address) } else { (&*address, "rates") };
        let mut attach = Attach {
            source: Some(Source::new(source)),
            target: Some(Target::new(target)),
            ..Attach::new(&format!("{id}-{handle}"), handle, role)
        };
        let (version, channel) = ("com.microsoft:api-version", "com.microsoft:channel-correlation-id");
        attach.properties.0.push((Value::symbol(version), Value::string("2021-04-12")));
        attach.properties.0.push((Value::symbol(channel), Value::string(&format!("{node}:{n}"))));
        line.say(&Performative::Attach(Box::new(attach)), b"");
        line.hear(|said| matches!(said, Performative::Attach(_)).then_some(())).await;
        if role == Role::Receiver {
            let flow = Flow {
                next_incoming_id: Some(0),
                incoming_window: 1 << 20,
                outgoing_window: 1 << 20,
                handle: Some(handle),
                delivery_count: Some(0),
                link_credit: Some(100),
                ..Flow::default()
            };
            line.say(&Performative::Flow(flow), b"");
            line.flush().await;
        }
    }
    line
}
