//! Readers of partitions, and what ends them.

use std::sync::Arc;

use roadstead_hub::{EventStart, ReaderError};
use roadstead_model::{ConsumerGroup, ConsumerGroupName, Hub as HubResource, UnixMillis};

use crate::world::World;

fn with_groups(world: &World, names: &[&str]) {
    let group = |name: &&str| ConsumerGroup { name: ConsumerGroupName::parse(name).unwrap(), created: UnixMillis(0) };
    let consumer_groups = names.iter().map(group).collect();
    world.hub.set_resource(Arc::new(HubResource { consumer_groups, ..(*world.hub.resource()).clone() }));
}

#[tokio::test]
async fn a_reader_ends_with_its_consumer_group() {
    let world = World::new();
    with_groups(&world, &["billing"]);
    let open = async |group| world.hub.read_partition(group, "0", EventStart::First, None, Arc::default()).await;
    let (billing, default) = (open("Billing").await.unwrap(), open("$Default").await.unwrap());
    assert!(billing.check().is_ok());
    with_groups(&world, &["audit"]);
    assert!(matches!(billing.check(), Err(ReaderError::NoSuchGroup(name)) if name == "Billing"));
    assert!(matches!(open("billing").await, Err(ReaderError::NoSuchGroup(_))));
    assert!(default.check().is_ok());
    assert!(open("audit").await.unwrap().check().is_ok());
}
