//! Messages of 256 bytes from many devices, a window of them under way from each: over MQTT with QoS 1, over AMQP unsettled.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use hdrhistogram::Histogram;
use roadstead_amqp_proto::{
    Attach, Disposition, Performative, Role, Source, Target, Transfer,
    message::{MessageWriter, Properties},
};
use roadstead_mqtt_proto::{Packet, PacketId, Publish, QoS, encode};

use crate::{
    amqp, histogram,
    hub::{Hub, id, make},
    mqtt, print, server, since,
};

const BODY: [u8; 256] = [b'x'; 256];

pub async fn measure(hub: &Hub, count: usize, span: Duration, window: usize) {
    make(hub, count).await;
    for _ in 0..2 {
        over_mqtt(hub, count, span, window).await;
        over_amqp(hub, count, span, window).await;
    }
}

async fn over_mqtt(hub: &Hub, count: usize, span: Duration, window: usize) {
    let mut lines = mqtt::devices(hub, count).await;
    let (before, began) = (server::processor_time(), Instant::now());
    let all = join_all(lines.iter_mut().enumerate().map(|(n, line)| async move {
        let (mut waits, mut under_way) = (histogram(), VecDeque::new());
        let topic = format!("devices/{}/messages/events/", id(n));
        let mut number = 0_u16;
        while began.elapsed() < span {
            while under_way.len() < window {
                number = number.checked_add(1).unwrap_or(1);
                let packet_id = PacketId::new(number);
                let publish = Publish {
                    dup: false,
                    qos: QoS::AtLeastOnce,
                    retain: false,
                    topic: &topic,
                    packet_id,
                    payload: &BODY,
                };
                encode::publish(&mut line.out, &publish).unwrap();
                under_way.push_back(Instant::now());
            }
            line.turn(|packet| {
                assert!(matches!(packet, Packet::Puback(_)), "{packet:?}");
                waits.record(since(under_way.pop_front().unwrap())).unwrap();
            })
            .await;
        }
        waits
    }))
    .await;
    report("telemetry over MQTT, durable", began, before, all);
}

async fn over_amqp(hub: &Hub, count: usize, span: Duration, window: usize) {
    let mut lines = join_all((0..count).map(|n| device(hub, n))).await;
    let mut message = Vec::new();
    let mut writer = MessageWriter::new(&mut message);
    writer.properties(&Properties::default());
    writer.data(&BODY);
    let message = &message;
    let (before, began) = (server::processor_time(), Instant::now());
    let all = join_all(lines.iter_mut().map(|line| async move {
        let (mut waits, mut under_way) = (histogram(), VecDeque::new());
        let mut number = 0_u32;
        while began.elapsed() < span {
            while under_way.len() < window {
                let tag = number.to_be_bytes();
                let transfer = Transfer {
                    handle: 0,
                    delivery_id: Some(number),
                    delivery_tag: Some(&tag),
                    message_format: Some(0),
                    settled: Some(false),
                    ..Transfer::default()
                };
                line.say(&Performative::Transfer(transfer), message);
                number = number.wrapping_add(1);
                under_way.push_back(Instant::now());
            }
            line.turn(|said| match said {
                Performative::Disposition(Disposition { first, last, .. }) => {
                    for _ in first..=last.unwrap_or(first) {
                        waits.record(since(under_way.pop_front().unwrap())).unwrap();
                    }
                }
                Performative::Flow(_) => {}
                said => panic!("{said:?}"),
            })
            .await;
        }
        waits
    }))
    .await;
    report("telemetry over AMQP, durable", began, before, all);
}

/// A device whose link for telemetry has credit.
async fn device(hub: &Hub, n: usize) -> amqp::Line {
    let id = id(n);
    let mut line = amqp::Line::connect(hub, &format!("{id}@sas.hub"), &hub.token(&format!("/devices/{id}"))).await;
    let target = format!("/devices/{id}/messages/events");
    let attach = Attach {
        source: Some(Source::new("rates")),
        target: Some(Target::new(&target)),
        ..Attach::new("telemetry", 0, Role::Sender)
    };
    line.say(&Performative::Attach(Box::new(attach)), b"");
    line.hear(|said| matches!(said, Performative::Flow(_)).then_some(())).await;
    line
}

fn report(what: &str, began: Instant, before: Option<Duration>, all: Vec<Histogram<u64>>) {
    let count = all.iter().map(Histogram::len).sum();
    print(what, began, all);
    server::print_cost(before, count);
}
