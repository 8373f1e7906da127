//! `GET /statistics/consumers`: who reads a hub's events, and how far. Ours.

use roadstead_hub::{ConsumerGroupProgress, Hub, PartitionState, Position, Progress};
use roadstead_model::UnixMillis;
use roadstead_wire::consumers::{ConsumerGroup, Consumers, Partition};

use crate::{call::Call, op::hub_refusal, reply::Reply, serve::Parts};

pub(crate) async fn show(parts: &Parts, hub: &Hub, call: &Call) -> Reply {
    let consumers = match hub.consumers().await {
        Ok(consumers) => consumers,
        Err(refused) => return hub_refusal(parts, call, &refused),
    };
    let group = |ConsumerGroupProgress { name, partitions }| ConsumerGroup {
        consumer_group: name,
        partitions: consumers.partitions.iter().zip(partitions).enumerate().map(shown).collect(),
    };
    Reply::ok(&Consumers {
        event_bytes: consumers.event_bytes,
        consumer_groups: consumers.groups.into_iter().map(group).collect(),
    })
}

fn shown((number, (held, progress)): (usize, (&PartitionState, Progress))) -> Partition {
    let position = progress.position;
    Partition {
        partition_id: number.to_string(),
        readers: progress.readers,
        first_sequence_number: held.first,
        last_enqueued_sequence_number: held.next.checked_sub(1).filter(|last| *last >= held.first),
        last_enqueued_time: held.last_enqueued.map(UnixMillis::iso),
        delivered_sequence_number: position.and_then(Position::delivered),
        delivered_time: position.and_then(|position| position.delivered_at).map(UnixMillis::iso),
        lag: position.map(|position| position.lag(held)),
    }
}
