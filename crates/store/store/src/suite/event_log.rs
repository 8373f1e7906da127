//! The promises of [`EventLog`] and [`HubLog`], one case each. An engine runs them all with [`event_log_suite!`](crate::event_log_suite).

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use roadstead_model::{AuthMethod, Event, EventSource, GenerationId, HubKey, Properties, SystemProperty, UnixMillis};

use crate::{
    commits::Ticket,
    error::StoreError,
    event::StoredEvent,
    event_log::{Bounds, EventLog, HubLog, Partition, Retention},
};

/// Where an engine keeps its logs: empty at first, and it outlives the engine.
#[async_trait]
pub trait Place: Send + Sync {
    /// Starts an engine here. Called again only after the one before was dropped: that is a restart.
    async fn start(&self) -> Arc<dyn EventLog>;
}

/// Stamps one `#[tokio::test]` per promise: `event_log_suite!(TemporaryPlace::new());`, where the expression makes a fresh
/// [`Place`](crate::suite::event_log::Place) each time.
#[macro_export]
macro_rules! event_log_suite {
    ($place:expr) => {
        $crate::event_log_suite! { @cases $place =>
            a_new_log_is_empty
            offsets_count_from_zero_in_the_order_of_appends
            an_event_reads_back_as_it_was_written
            a_durable_event_is_readable_at_once
            a_read_is_bounded_but_never_empty_handed
            an_offset_below_the_first_or_beyond_the_last_is_fine
            times_never_decrease
            an_offset_is_found_by_time
            opening_twice_gives_the_same_log
            hubs_do_not_see_each_other
            a_removed_hub_is_gone
            a_restart_keeps_everything
            a_follower_misses_nothing
            many_writers_leave_no_gap_and_keep_their_order
            what_the_retention_covers_is_kept
            what_the_retention_no_longer_covers_may_go_but_offsets_go_on
            a_partition_that_is_not_there_is_refused
        }
    };
    (@cases $place:expr => $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::suite::event_log::$case(&$place).await;
            }
        )*
    };
}

const HUB: HubKey = HubKey(7);
const FOREVER: Retention = Retention { age_ms: i64::MAX, bytes_max: u64::MAX };
const T0: UnixMillis = UnixMillis(1_795_291_370_000);

async fn open(engine: &Arc<dyn EventLog>) -> Arc<dyn HubLog> {
    engine.open(HUB, 4, FOREVER).await.unwrap()
}

/// An event whose body is `body`; everything else is the same in all of them.
fn append(log: &dyn HubLog, partition: Partition, body: &str, now: UnixMillis) -> Result<Ticket, StoreError> {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, "m-1");
    properties.push_application("colour", Some("dark red"));
    let event = Event {
        source: EventSource::TwinChange,
        auth: AuthMethod::X509,
        device_id: "thermo-7",
        module_id: Some("mod"),
        generation: GenerationId(638_678_451_234_567_890),
        properties: &properties,
        body: body.as_bytes(),
    };
    log.append(partition, &event, now)
}

async fn append_all(log: &dyn HubLog, partition: Partition, bodies: impl IntoIterator<Item = String>, now: UnixMillis) {
    let mut last = None;
    for body in bodies {
        last = Some(append(log, partition, &body, now).unwrap());
    }
    if let Some(ticket) = last {
        log.commits().wait(ticket).await.unwrap();
    }
}

fn numbered(range: std::ops::Range<u64>) -> impl Iterator<Item = String> {
    range.map(|n| format!("event {n}"))
}

fn body(event: &StoredEvent) -> String {
    String::from_utf8(event.view().unwrap().body.to_vec()).unwrap()
}

/// Everything from `from` on, read in small steps.
async fn read_all(log: &dyn HubLog, partition: Partition, from: u64) -> Vec<StoredEvent> {
    let (mut all, mut at) = (Vec::new(), from);
    loop {
        let events = log.read(partition, at, 1000).await.unwrap();
        let Some(last) = events.last() else { return all };
        assert!(events[0].offset >= at, "a read never goes back");
        at = last.offset + 1;
        all.extend(events);
    }
}

async fn bodies(log: &dyn HubLog, partition: Partition) -> Vec<String> {
    read_all(log, partition, 0).await.iter().map(body).collect()
}

pub async fn a_new_log_is_empty(place: &dyn Place) {
    let log = open(&place.start().await).await;
    assert_eq!(log.partitions(), 4);
    for partition in 0..4 {
        assert_eq!(log.bounds(partition), Bounds { first: 0, next: 0 });
        assert!(log.read(partition, 0, 1000).await.unwrap().is_empty());
        assert_eq!(log.offset_at(partition, T0).await.unwrap(), 0);
    }
}

pub async fn offsets_count_from_zero_in_the_order_of_appends(place: &dyn Place) {
    let log = open(&place.start().await).await;
    for n in 0..300 {
        let ticket = append(&*log, n % 3, &format!("event {n}"), T0).unwrap();
        if n % 50 == 0 {
            log.commits().wait(ticket).await.unwrap();
        }
    }
    append_all(&*log, 3, ["last".to_owned()], T0).await;
    for partition in 0..3u16 {
        assert_eq!(log.bounds(partition), Bounds { first: 0, next: 100 });
        let events = read_all(&*log, partition, 0).await;
        for (n, event) in events.iter().enumerate() {
            assert_eq!((event.offset, body(event)), (n as u64, format!("event {}", n * 3 + usize::from(partition))));
        }
        assert_eq!(events.len(), 100);
    }
}

pub async fn an_event_reads_back_as_it_was_written(place: &dyn Place) {
    let log = open(&place.start().await).await;
    let big = "x".repeat(256 * 1024);
    append_all(&*log, 2, [String::new(), big.clone()], T0).await;
    let events = read_all(&*log, 2, 0).await;
    assert_eq!(events.len(), 2);
    for (event, body) in events.iter().zip(["", &big]) {
        let view = event.view().unwrap();
        assert_eq!((view.source, view.auth), (EventSource::TwinChange, AuthMethod::X509));
        assert_eq!((view.device_id, view.module_id), ("thermo-7", Some("mod")));
        assert_eq!(view.generation, GenerationId(638_678_451_234_567_890));
        assert_eq!(view.properties.count(), 2);
        assert!(view.body == body.as_bytes());
        assert_eq!(event.enqueued_at, T0);
    }
}

pub async fn a_durable_event_is_readable_at_once(place: &dyn Place) {
    let log = open(&place.start().await).await;
    for n in 0..200 {
        append_all(&*log, 0, [format!("event {n}")], T0).await;
        assert_eq!(log.bounds(0).next, n + 1);
        let events = log.read(0, n, 1000).await.unwrap();
        assert_eq!(events.iter().map(body).collect::<Vec<_>>(), [format!("event {n}")]);
    }
}

pub async fn a_read_is_bounded_but_never_empty_handed(place: &dyn Place) {
    let log = open(&place.start().await).await;
    append_all(&*log, 0, (0..100).map(|_| "x".repeat(1000)), T0).await;
    assert_eq!(log.read(0, 0, 0).await.unwrap().len(), 1);
    assert_eq!(log.read(0, 0, 10).await.unwrap().len(), 1);
    let some = log.read(0, 10, 20_000).await.unwrap();
    // It may stop where a file of the engine's ends.
    assert!((1..=20).contains(&some.len()), "{} events of 1000 bytes are more than 20000 bytes", some.len());
    assert_eq!(some[0].offset, 10);
}

pub async fn an_offset_below_the_first_or_beyond_the_last_is_fine(place: &dyn Place) {
    let log = open(&place.start().await).await;
    append_all(&*log, 1, numbered(0..10), T0).await;
    assert!(log.read(1, 10, 1000).await.unwrap().is_empty());
    assert!(log.read(1, u64::MAX, 1000).await.unwrap().is_empty());
    assert_eq!(log.read(1, 0, 1000).await.unwrap()[0].offset, log.bounds(1).first);
    assert!(log.read(0, 0, 1000).await.unwrap().is_empty());
}

pub async fn times_never_decrease(place: &dyn Place) {
    {
        let log = open(&place.start().await).await;
        for ms in [5, 3, 9, 0] {
            append_all(&*log, 0, ["event".to_owned()], T0.plus_ms(ms)).await;
        }
        append_all(&*log, 1, ["event".to_owned()], T0).await;
        let times: Vec<_> = read_all(&*log, 0, 0).await.iter().map(|event| event.enqueued_at.0 - T0.0).collect();
        assert_eq!(times, [5, 5, 9, 9]);
        assert_eq!(read_all(&*log, 1, 0).await[0].enqueued_at, T0, "each partition has its own time");
    }
    let log = open(&place.start().await).await;
    append_all(&*log, 0, ["event".to_owned()], T0).await;
    assert_eq!(read_all(&*log, 0, 4).await[0].enqueued_at, T0.plus_ms(9), "also after a restart");
}

pub async fn an_offset_is_found_by_time(place: &dyn Place) {
    {
        let log = open(&place.start().await).await;
        for n in 0..100 {
            append_all(&*log, 0, [format!("event {n}")], T0.plus_ms(n / 2 * 10)).await;
        }
    }
    let log = open(&place.start().await).await;
    for (ms, offset) in
        [(-1000, 0), (0, 0), (1, 2), (10, 2), (11, 4), (485, 98), (490, 98), (491, 100), (1_000_000, 100)]
    {
        assert_eq!(log.offset_at(0, T0.plus_ms(ms)).await.unwrap(), offset, "at {ms} ms");
    }
    assert_eq!(log.offset_at(1, T0).await.unwrap(), 0);
}

pub async fn opening_twice_gives_the_same_log(place: &dyn Place) {
    let engine = place.start().await;
    let (one, other) = (open(&engine).await, open(&engine).await);
    append_all(&*one, 0, ["one".to_owned()], T0).await;
    append_all(&*other, 0, ["other".to_owned()], T0).await;
    assert_eq!(bodies(&*one, 0).await, ["one", "other"]);
    assert_eq!(bodies(&*other, 0).await, ["one", "other"]);
}

pub async fn hubs_do_not_see_each_other(place: &dyn Place) {
    let engine = place.start().await;
    let log = open(&engine).await;
    let other = engine.open(HubKey(8), 2, FOREVER).await.unwrap();
    append_all(&*log, 0, ["ours".to_owned()], T0).await;
    append_all(&*other, 0, ["theirs".to_owned()], T0).await;
    engine.remove(HubKey(8)).await.unwrap();
    assert_eq!(bodies(&*log, 0).await, ["ours"]);
}

pub async fn a_removed_hub_is_gone(place: &dyn Place) {
    let engine = place.start().await;
    engine.remove(HUB).await.unwrap();
    let old = open(&engine).await;
    append_all(&*old, 0, numbered(0..10), T0).await;
    assert!(old.bytes() >= 10);
    engine.remove(HUB).await.unwrap();
    engine.remove(HUB).await.unwrap();
    assert_eq!(old.bytes(), 0);
    assert!(append(&*old, 0, "too late", T0).is_err());
    let log = open(&engine).await;
    assert_eq!(log.bounds(0), Bounds { first: 0, next: 0 });
    append_all(&*log, 0, ["new".to_owned()], T0).await;
    assert_eq!(bodies(&*log, 0).await, ["new"]);
}

pub async fn a_restart_keeps_everything(place: &dyn Place) {
    for round in 0..4 {
        let log = open(&place.start().await).await;
        assert_eq!(log.bounds(0), Bounds { first: 0, next: round * 25 });
        append_all(&*log, 0, numbered(round * 25..round * 25 + 25), T0).await;
    }
    {
        // Queued but never waited for: it may be there after the restart or not, but is no reason to hang.
        let log = open(&place.start().await).await;
        append(&*log, 1, "unwaited", T0).unwrap();
    }
    let log = open(&place.start().await).await;
    assert_eq!(bodies(&*log, 0).await, numbered(0..100).collect::<Vec<_>>());
    assert!(bodies(&*log, 1).await.len() <= 1);
}

pub async fn a_follower_misses_nothing(place: &dyn Place) {
    let log = open(&place.start().await).await;
    let writer = log.clone();
    let writing = tokio::spawn(async move {
        for n in 0..200 {
            append_all(&*writer, 0, [format!("event {n}")], T0).await;
        }
    });
    let (mut seen, mut all) = (Ticket(0), Vec::new());
    while all.len() < 200 {
        log.commits().wait_beyond(seen).await;
        seen = log.commits().finished();
        all.extend(read_all(&*log, 0, all.len() as u64).await.iter().map(body));
    }
    writing.await.unwrap();
    assert_eq!(all, numbered(0..200).collect::<Vec<_>>());
}

pub async fn many_writers_leave_no_gap_and_keep_their_order(place: &dyn Place) {
    const WRITERS: u64 = 8;
    const EACH: u64 = 500;
    let log = open(&place.start().await).await;
    let writers = (0..WRITERS).map(|writer| {
        let log = log.clone();
        std::thread::spawn(move || {
            (0..EACH).fold(Ticket(0), |_, n| append(&*log, (n % 4) as u16, &format!("{writer} {n:04}"), T0).unwrap())
        })
    });
    for ticket in writers.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()) {
        log.commits().wait(ticket).await.unwrap();
    }
    for partition in 0..4 {
        let events = read_all(&*log, partition, 0).await;
        assert_eq!(log.bounds(partition), Bounds { first: 0, next: WRITERS * EACH / 4 });
        let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (n, event) in events.iter().enumerate() {
            assert_eq!(event.offset, n as u64);
            let body = body(event);
            let (writer, number) = body.split_once(' ').unwrap();
            seen.entry(writer.to_owned()).or_default().push(number.to_owned());
        }
        let expected: Vec<_> = (0..EACH).filter(|n| n % 4 == u64::from(partition)).map(|n| format!("{n:04}")).collect();
        assert_eq!(seen.len() as u64, WRITERS);
        assert!(seen.values().all(|numbers| *numbers == expected));
    }
}

pub async fn what_the_retention_covers_is_kept(place: &dyn Place) {
    let log = open(&place.start().await).await;
    append_all(&*log, 0, numbered(0..100), T0).await;
    log.set_retention(Retention { age_ms: 1000, bytes_max: 1 << 30 });
    log.retain(T0.plus_ms(1000)).await.unwrap();
    assert_eq!(bodies(&*log, 0).await.len(), 100, "none is older than the age");
    append_all(&*log, 0, numbered(100..110), T0.plus_ms(1500)).await;
    log.retain(T0.plus_ms(2000)).await.unwrap();
    let kept = read_all(&*log, 0, 0).await;
    assert_eq!(kept.iter().filter(|event| event.enqueued_at > T0).count(), 10);
}

pub async fn what_the_retention_no_longer_covers_may_go_but_offsets_go_on(place: &dyn Place) {
    {
        let log = open(&place.start().await).await;
        append_all(&*log, 0, numbered(0..100), T0).await;
        log.set_retention(Retention { age_ms: 1000, bytes_max: 1 << 30 });
        log.retain(T0.plus_ms(1_000_000)).await.unwrap();
        let bounds = log.bounds(0);
        assert_eq!(bounds.next, 100);
        let kept = read_all(&*log, 0, 0).await;
        assert_eq!(kept.first().map_or(100, |event| event.offset), bounds.first);
        assert_eq!(kept.len() as u64, bounds.next - bounds.first);
    }
    let log = open(&place.start().await).await;
    assert_eq!(log.bounds(0).next, 100, "offsets are not counted again from 0");
    append_all(&*log, 0, ["new".to_owned()], T0.plus_ms(1_000_000)).await;
    let events = read_all(&*log, 0, 100).await;
    assert_eq!((events.len(), events[0].offset, body(&events[0])), (1, 100, "new".to_owned()));
    assert_eq!(log.offset_at(0, T0.plus_ms(1_000_000)).await.unwrap(), 100);
}

pub async fn a_partition_that_is_not_there_is_refused(place: &dyn Place) {
    let engine = place.start().await;
    let log = open(&engine).await;
    assert!(append(&*log, 4, "nowhere", T0).is_err());
    assert!(log.read(4, 0, 1000).await.unwrap().is_empty());
    assert_eq!(log.bounds(4), Bounds::default());
    assert!(engine.open(HubKey(9), 0, FOREVER).await.is_err());
    assert!(engine.open(HubKey(9), crate::limits::PARTITIONS_MAX + 1, FOREVER).await.is_err());
}
