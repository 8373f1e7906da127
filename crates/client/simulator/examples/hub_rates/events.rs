//! Readers of the built-in endpoint: each has all partitions on one connection, from the first event on, and keeps its credit up.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use roadstead_amqp_proto::{Attach, Flow, Performative, Role, Source, Target};

use crate::{amqp, hub::Hub, server};

/// Of the hub of `roadstead dev`.
const PARTITIONS: u32 = 4;
/// Credit of a link when it is full; it is filled up when half of it is left. Clients of Event Hubs: 300 and more.
const CREDIT: u32 = 1000;

pub async fn measure(hub: &Hub, count: usize, span: Duration) {
    let mut lines = join_all((0..count).map(|_| reader(hub))).await;
    let (before, began) = (server::processor_time(), Instant::now());
    let all = join_all(lines.iter_mut().map(|line| async move {
        let (mut events, mut bytes) = (0_u64, 0_u64);
        let mut heard = [0_u32; PARTITIONS as usize];
        let mut granted = [CREDIT; PARTITIONS as usize];
        while began.elapsed() < span {
            let read = line.turn(|said| match said {
                Performative::Transfer(transfer) => {
                    if transfer.delivery_id.is_some() {
                        heard[transfer.handle as usize] += 1;
                        events += 1;
                    }
                    bytes += 1;
                }
                Performative::Flow(_) => {}
                said => panic!("{said:?}"),
            });
            if tokio::time::timeout(span.saturating_sub(began.elapsed()), read).await.is_err() {
                break; // it has read all there is
            }
            for handle in 0..PARTITIONS {
                let at = handle as usize;
                if granted[at] - heard[at] <= CREDIT / 2 {
                    granted[at] = heard[at] + CREDIT;
                    grant(line, handle, heard[at], bytes as u32);
                }
            }
        }
        (events, began.elapsed())
    }))
    .await;
    let events: u64 = all.iter().map(|(events, _)| events).sum();
    let took = all.iter().map(|(_, took)| *took).max().unwrap_or(span);
    println!("events to {count} readers: {:.0}/s in all", events as f64 / took.as_secs_f64());
    server::print_cost(before, events);
}

async fn reader(hub: &Hub) -> amqp::Line {
    let mut line = amqp::Line::connect(hub, &format!("{}@sas.root.hub", hub.policy), &hub.token("")).await;
    for partition in 0..PARTITIONS {
        let address = format!("{}/ConsumerGroups/$Default/Partitions/{partition}", hub.events);
        let attach = Attach {
            source: Some(Source::new(&address)),
            target: Some(Target::new("rates")),
            ..Attach::new(&format!("reader-{partition}"), partition, Role::Receiver)
        };
        line.say(&Performative::Attach(Box::new(attach)), b"");
        line.hear(|said| matches!(said, Performative::Attach(_)).then_some(())).await;
    }
    for partition in 0..PARTITIONS {
        grant(&mut line, partition, 0, 0);
    }
    line
}

fn grant(line: &mut amqp::Line, handle: u32, delivery_count: u32, transfers: u32) {
    let flow = Flow {
        next_incoming_id: Some(transfers),
        incoming_window: u32::MAX / 2,
        outgoing_window: u32::MAX / 2,
        handle: Some(handle),
        delivery_count: Some(delivery_count),
        link_credit: Some(CREDIT),
        ..Flow::default()
    };
    line.say(&Performative::Flow(flow), b"");
}
