//! Readers of partitions, and what ends them.

use std::sync::Arc;

use roadstead_hub::{ConsumerGroupProgress, Consumers, EventPosition, EventStart, Position, ReaderError};
use roadstead_model::{ConsumerGroup, ConsumerGroupName, Hub as HubResource, Properties, UnixMillis};
use roadstead_store::HubLog;

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

/// For each consumer group: its readers, and over both partitions what was delivered and how far behind it is.
type Told<'a> = (&'a str, usize, [Option<u64>; 2], [Option<u64>; 2]);

fn told(consumers: &Consumers) -> Vec<Told<'_>> {
    fn group<'a>(consumers: &Consumers, group: &'a ConsumerGroupProgress) -> Told<'a> {
        let ConsumerGroupProgress { name, partitions } = group;
        let at = |partition: usize| partitions[partition].position;
        let lag = |partition: usize| at(partition).map(|position| position.lag(&consumers.partitions[partition]));
        (
            name.as_str(),
            partitions.iter().map(|progress| progress.readers).sum(),
            [0, 1].map(|partition| at(partition).and_then(Position::delivered)),
            [0, 1].map(lag),
        )
    }
    consumers.groups.iter().map(|one| group(consumers, one)).collect()
}

#[tokio::test]
async fn every_group_has_a_lag_of_its_own() {
    let world = World::new();
    with_groups(&world, &["billing"]);
    let session = world.connect(&world.device("thermo-7").await).await;
    let send = |count| {
        for _ in 0..count {
            session.send(&mut Properties::new(), b"x").unwrap();
        }
    };
    send(3);
    let nobody = world.hub.consumers().await.unwrap();
    let own = nobody.partitions.iter().position(|held| held.next == 3).unwrap();
    let only = |value: u64| std::array::from_fn(|partition| (partition == own).then_some(value));
    let none = [None, None];
    assert_eq!(told(&nobody), [("$Default", 0, none, none), ("billing", 0, none, none)], "never read");
    assert!(nobody.event_bytes > 0 && nobody.partitions[own].last_enqueued.is_some());

    let open = async |start| {
        let partition = own.to_string();
        world.hub.read_partition("BILLING", &partition, start, None, Arc::default()).await.unwrap()
    };
    let mut reader = open(EventStart::First).await;
    assert_eq!(told(&world.hub.consumers().await.unwrap())[1], ("billing", 1, none, only(3)), "attached");
    for event in &reader.peek(1 << 20).await.unwrap()[..2] {
        reader.take(event);
    }
    assert_eq!(told(&world.hub.consumers().await.unwrap())[1].2, none, "read ahead is not delivered");
    reader.note_delivered();
    assert_eq!(told(&world.hub.consumers().await.unwrap())[1], ("billing", 1, only(1), only(1)));
    drop(reader);
    send(2);
    let left = world.hub.consumers().await.unwrap();
    assert_eq!(told(&left), [("$Default", 0, none, none), ("billing", 0, only(1), only(3))], "and gone");
    let reader = open(EventStart::Offset(5)).await;
    assert_eq!(told(&world.hub.consumers().await.unwrap())[1], ("billing", 1, none, only(0)), "elsewhere");
    drop(reader);

    with_groups(&world, &[]);
    with_groups(&world, &["billing"]);
    let again = world.hub.consumers().await.unwrap();
    assert_eq!(told(&again)[1], ("billing", 0, none, none), "a group made again was never read");
}

/// Who reads on past what is damaged is given what comes after it, and nothing stands before it meanwhile.
#[tokio::test]
async fn a_damaged_end_is_passed_over() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    let send = |body: &[u8]| a.send(&mut Properties::new(), body).unwrap();
    for _ in 0..3 {
        send(b"x");
    }
    let own = u16::from(world.log.bounds(1).next > 0);
    world.log.damage(own, 1..3);
    let from = EventPosition::Offsets(vec![1, 1]);
    let mut stream = world.hub.read_events(from).await.unwrap();
    let start = EventStart::Offset(1);
    let mut reader = world.hub.read_partition("$Default", &own.to_string(), start, None, Arc::default()).await.unwrap();
    assert!(reader.has_more());
    assert_eq!(reader.peek(1 << 20).await.unwrap(), []);
    assert!(!reader.has_more());
    tokio::select! {
        biased;
        found = stream.next() => panic!("{found:?}"),
        () = std::future::ready(()) => {}
    }
    send(b"after");
    let (partition, event) = stream.next().await.unwrap();
    assert_eq!((partition, event.offset), (own, 3));
    assert_eq!(reader.peek(1 << 20).await.unwrap(), [event]);
}

/// Of a partition whose end is damaged all is told but when it ended; who reads what, of the others, too.
#[tokio::test]
async fn a_damaged_end_is_told_of_without_its_time() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    let b = world.connect(&world.device("b").await).await;
    for session in [&a, &b] {
        for _ in 0..3 {
            session.send(&mut Properties::new(), b"x").unwrap();
        }
    }
    let reader = world.hub.read_partition("$Default", "0", EventStart::Offset(1), None, Arc::default()).await.unwrap();
    let whole = world.hub.consumers().await.unwrap();
    assert!(whole.partitions.iter().all(|held| (held.next, held.last_enqueued.is_some()) == (3, true)), "{whole:?}");
    for damaged in [2..3, 0..3] {
        world.log.damage(0, damaged.clone());
        let mut expected = whole.clone();
        expected.partitions[0].last_enqueued = None;
        assert_eq!(world.hub.consumers().await.unwrap(), expected, "{damaged:?}");
        assert_eq!(told(&expected)[0].3[0], Some(2), "{damaged:?}: what cannot be read is still behind");
        assert_eq!(reader.state().await.unwrap(), expected.partitions[0], "{damaged:?}");
    }
}
