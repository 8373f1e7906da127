//! Looking at a hub's events.

use roadstead_hub::{
    EventPosition, Glimpse, Session,
    limits::{READ_BYTES_MAX, SAMPLE_BYTES_MAX, SAMPLE_LOOKED_AT_MAX},
};
use roadstead_model::{Properties, UnixMillis};
use roadstead_store::HubLog;

use crate::world::World;

fn send(session: &Session, bodies: impl IntoIterator<Item = u64>) {
    for body in bodies {
        session.send(&mut Properties::new(), body.to_string().as_bytes()).unwrap();
    }
}

/// Bodies, how many more, how many unseen.
fn told(glimpse: &Glimpse) -> (Vec<String>, u64, u64) {
    let text = |(_, event): &(u16, roadstead_hub::StoredEvent)| {
        String::from_utf8(event.view().unwrap().body.to_vec()).unwrap()
    };
    (glimpse.events.iter().map(text).collect(), glimpse.skipped, glimpse.unseen)
}

fn shown(bodies: impl IntoIterator<Item = u64>, skipped: u64, unseen: u64) -> (Vec<String>, u64, u64) {
    (bodies.into_iter().map(|body| body.to_string()).collect(), skipped, unseen)
}

#[tokio::test]
async fn the_newest_of_all_partitions_are_shown_and_the_others_counted() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    let b = world.connect(&world.device("b").await).await;
    send(&a, 0..10);
    send(&b, 10..12);
    assert!([0, 1].iter().all(|partition| world.log.bounds(*partition).next > 0), "both partitions have some");
    let mut sample = world.hub.sample_events(None, EventPosition::EnqueuedAt(UnixMillis(0))).await.unwrap();
    world.clock.advance_ms(1);
    send(&a, 20..23);
    assert_eq!(told(&sample.look(4).await.unwrap()), shown([11, 20, 21, 22], 11, 0));
    assert_eq!(told(&sample.look(4).await.unwrap()), shown([], 0, 0));

    let [one, other] = <[u64; 2]>::try_from(sample.positions().to_vec()).unwrap();
    assert_eq!((one, other), (world.log.bounds(0).next, world.log.bounds(1).next));
    send(&b, 30..31);
    sample.changed().await;
    assert_eq!(told(&sample.look(4).await.unwrap()), shown([30], 0, 0));
}

#[tokio::test]
async fn only_the_wanted_device_is_shown_as_far_as_was_looked() {
    let world = World::new();
    // In one partition.
    let a = world.connect(&world.device("a").await).await;
    let c = world.connect(&world.device("c").await).await;
    let mut sample = world.hub.sample_events(Some("a".to_owned()), EventPosition::Latest).await.unwrap();
    send(&a, 0..3);
    send(&c, 100..110);
    send(&a, 3..6);
    assert_eq!(told(&sample.look(4).await.unwrap()), shown(2..6, 2, 0));

    send(&a, 6..8);
    send(&c, 0..SAMPLE_LOOKED_AT_MAX - 1);
    send(&a, 8..9);
    assert_eq!(told(&sample.look(4).await.unwrap()), shown([8], 0, 2), "two went by without a look");
    assert_eq!(told(&sample.look(4).await.unwrap()), shown([], 0, 0));
}

/// However large events are, one look reads so many bytes, the newest, and counts those that it did not look at.
#[tokio::test]
async fn a_look_reads_so_many_bytes() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    let mut sample = world.hub.sample_events(Some("a".to_owned()), EventPosition::Latest).await.unwrap();
    let body = vec![b'x'; 200 * 1024];
    let sent = 2 * SAMPLE_BYTES_MAX / body.len();
    for _ in 0..sent {
        a.send(&mut Properties::new(), &body).unwrap();
    }
    let glimpse = sample.look(sent).await.unwrap();
    let read = usize::try_from(world.log.bytes_read()).unwrap();
    assert!((SAMPLE_BYTES_MAX / 2 - READ_BYTES_MAX..=SAMPLE_BYTES_MAX / 2).contains(&read), "{read}");
    let (partition, newest) = glimpse.events.last().unwrap();
    assert_eq!(newest.offset + 1, world.log.bounds(*partition).next);
    let bytes: usize = glimpse.events.iter().map(|(_, event)| event.bytes.len()).sum();
    assert_eq!((bytes, glimpse.skipped), (read, 0));
    assert_eq!(glimpse.unseen as usize, sent - glimpse.events.len());
    assert!(glimpse.unseen > 0);
    assert_eq!(told(&sample.look(sent).await.unwrap()), shown([], 0, 0), "what was not looked at is over");
}

/// Who goes on where it stopped long ago is told of what the retention dropped meanwhile.
#[tokio::test]
async fn what_was_dropped_unseen_is_counted() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    send(&a, 0..10);
    let partition = u16::from(world.log.bounds(1).next > 0);
    world.log.drop_before(partition, 6);
    for (device, expected) in [(None, shown(8..10, 6, 0)), (Some("a".to_owned()), shown(8..10, 2, 4))] {
        let mut sample = world.hub.sample_events(device, EventPosition::Offsets(vec![2, 2])).await.unwrap();
        assert_eq!(told(&sample.look(2).await.unwrap()), expected);
    }
}

/// What is damaged is looked past, and counted.
#[tokio::test]
async fn a_damaged_end_is_counted() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    send(&a, 0..6);
    let partition = u16::from(world.log.bounds(1).next > 0);
    world.log.damage(partition, 4..6);
    for device in [None, Some("a".to_owned())] {
        let mut sample = world.hub.sample_events(device, EventPosition::Offsets(vec![0, 0])).await.unwrap();
        assert_eq!(told(&sample.look(10).await.unwrap()), shown(0..4, 0, 2));
        assert_eq!(told(&sample.look(10).await.unwrap()), shown([], 0, 0));
    }
}

/// A position of a log that is not here any more, because an older backup of it is: what comes next is told.
#[tokio::test]
async fn a_position_beyond_the_log_is_its_end() {
    let world = World::new();
    let a = world.connect(&world.device("a").await).await;
    send(&a, 0..3);
    let beyond = || EventPosition::Offsets(vec![u64::MAX, 1_000_000]);
    let mut sample = world.hub.sample_events(None, beyond()).await.unwrap();
    let mut reader = world.hub.read_events(beyond()).await.unwrap();
    send(&a, 3..4);
    assert_eq!(told(&sample.look(4).await.unwrap()), shown([3], 0, 0));
    let (partition, event) = reader.next().await.unwrap();
    assert_eq!((event.view().unwrap().body, event.offset + 1), (&b"3"[..], world.log.bounds(partition).next));
}
