//! Pages of the event log, against a log that is sorted as a whole.

use roadstead_hub::{Direction, EventPosition, HubError, LogPage, LogQuestion, limits};
use roadstead_model::{AuthMethod, Event, EventSource, GenerationId, Properties, UnixMillis};
use roadstead_store::HubLog;

use crate::world::World;

const START: i64 = 1_795_291_370_000;

/// An event of a device, `ms` after the start; the body says where it is.
fn put(world: &World, partition: u16, device: &str, ms: i64, body: &[u8]) {
    let event = Event {
        source: EventSource::Telemetry,
        auth: AuthMethod::DeviceSas,
        device_id: device,
        module_id: None,
        generation: GenerationId(1),
        properties: &Properties::new(),
        body,
    };
    world.log.append(partition, &event, UnixMillis(START + ms)).unwrap();
}

/// What a page shows: partition and offset of each event.
fn places(page: &LogPage) -> Vec<(u16, u64)> {
    page.events.iter().map(|(partition, event)| (*partition, event.offset)).collect()
}

fn newer(from: EventPosition) -> LogQuestion<'static> {
    LogQuestion { from, direction: Direction::Newer, partition: None, device_id: None, items_max: 3 }
}

fn older(from: EventPosition) -> LogQuestion<'static> {
    LogQuestion { direction: Direction::Older, ..newer(from) }
}

async fn page(world: &World, question: &LogQuestion<'_>) -> LogPage {
    world.hub.page_events(question).await.unwrap()
}

const FIRST: EventPosition = EventPosition::Offsets(Vec::new());

/// Two partitions, their events between one another, two of them at one instant.
fn mixed() -> World {
    let world = World::new();
    for (partition, ms) in [(0, 1), (1, 1), (0, 2), (0, 3), (1, 4), (1, 5), (0, 6)] {
        put(&world, partition, "a", ms, b"x");
    }
    world
}

const ORDER: [(u16, u64); 7] = [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (1, 2), (0, 3)];

#[tokio::test]
async fn both_ways_meet_the_same_order() {
    let world = mixed();
    for items_max in 1..=8 {
        let (mut there, mut from) = (Vec::new(), FIRST);
        loop {
            let page = page(&world, &LogQuestion { items_max, ..newer(from) }).await;
            assert_eq!(page.has_older, !there.is_empty());
            there.extend(places(&page));
            from = EventPosition::Offsets(page.end);
            if !page.has_newer {
                break;
            }
        }
        assert_eq!(there, ORDER, "{items_max} at a time");
        let (mut back, mut from) = (Vec::new(), EventPosition::Latest);
        loop {
            let page = page(&world, &LogQuestion { items_max, ..older(from) }).await;
            assert_eq!(page.has_newer, !back.is_empty());
            back.splice(0..0, places(&page));
            from = EventPosition::Offsets(page.start);
            if !page.has_older {
                break;
            }
        }
        assert_eq!(back, ORDER, "{items_max} at a time, backwards");
    }
}

#[tokio::test]
async fn from_anywhere() {
    let world = mixed();
    let at = |ms| EventPosition::EnqueuedAt(UnixMillis(START + ms));
    let one = |offset| EventPosition::Offsets(vec![0, offset]);
    for (question, expected) in [
        (newer(at(3)), &ORDER[3..6]),
        (older(at(3)), &ORDER[..3]),
        (newer(at(99)), &[]),
        (newer(EventPosition::Latest), &[]),
        (older(FIRST), &[]),
        (LogQuestion { partition: Some(1), ..newer(one(1)) }, &[(1, 1), (1, 2)]),
        (LogQuestion { partition: Some(1), ..older(one(1)) }, &[(1, 0)]),
        (LogQuestion { partition: Some(1), ..newer(one(u64::MAX)) }, &[]),
        (LogQuestion { partition: Some(1), ..older(one(u64::MAX)) }, &[(1, 0), (1, 1), (1, 2)]),
    ] {
        let found = page(&world, &question).await;
        assert_eq!(places(&found), expected, "{question:?}");
    }
    let absent = world.hub.page_events(&LogQuestion { partition: Some(2), ..newer(FIRST) }).await;
    assert!(matches!(absent, Err(HubError::Invalid(text)) if text.contains("this hub has 2, numbered from 0")));
}

#[tokio::test]
async fn of_one_device_only_its_partition_is_looked_at() {
    let world = World::new();
    let session = world.connect(&world.device("thermo-7").await).await;
    session.send(&mut Properties::new(), b"1").unwrap();
    let found = page(&world, &LogQuestion { device_id: Some("thermo-7"), ..newer(FIRST) }).await;
    let [(partition, _)] = places(&found)[..] else { panic!("{found:?}") };
    for ms in 0..5 {
        put(&world, 1 - partition, "other", ms, b"x");
    }
    let found = page(&world, &LogQuestion { device_id: Some("thermo-7"), ..older(EventPosition::Latest) }).await;
    assert_eq!((found.events.len(), found.examined, found.has_newer), (1, 1, false));
    let strange = page(
        &world,
        &LogQuestion { device_id: Some("thermo-7"), partition: Some(u64::from(1 - partition)), ..newer(FIRST) },
    )
    .await;
    assert_eq!(strange.examined, 5, "who names a partition is shown that one");
}

#[tokio::test]
async fn who_looks_in_vain_is_told_how_far() {
    let world = World::new();
    let examined_max = i64::try_from(limits::LOG_EXAMINED_MAX).unwrap();
    for ms in 0..examined_max + 10 {
        put(&world, 0, "other", ms, b"x");
    }
    let question =
        |from, direction| LogQuestion { from, direction, partition: Some(0), device_id: Some("rare"), items_max: 3 };
    for (from, direction, to) in
        [(FIRST, Direction::Newer, examined_max - 1), (EventPosition::Latest, Direction::Older, 10)]
    {
        let found = page(&world, &question(from, direction)).await;
        assert!(found.events.is_empty());
        assert_eq!((found.examined, found.examined_to), (limits::LOG_EXAMINED_MAX, Some(UnixMillis(START + to))));
        let (more, from) = match direction {
            Direction::Newer => (found.has_newer, found.end),
            Direction::Older => (found.has_older, found.start),
        };
        assert!(more);
        let rest = page(&world, &question(EventPosition::Offsets(from), direction)).await;
        assert_eq!((rest.examined, rest.has_newer && rest.has_older), (10, false), "and goes on from there");
    }
}

#[tokio::test]
async fn a_page_has_room_for_so_many_bytes() {
    let world = World::new();
    let body = vec![b'x'; 200 * 1024];
    for ms in 0..50 {
        put(&world, 0, "a", ms, &body);
    }
    for question in [newer(FIRST), older(EventPosition::Latest)] {
        let found = page(&world, &LogQuestion { items_max: 50, ..question }).await;
        let bytes: usize = found.events.iter().map(|(_, event)| event.bytes.len()).sum();
        assert!(
            bytes <= limits::LOG_PAGE_BYTES_MAX && bytes + body.len() > limits::LOG_PAGE_BYTES_MAX - 100,
            "{bytes}"
        );
        let offsets: Vec<u64> = places(&found).iter().map(|(_, offset)| *offset).collect();
        assert_eq!(offsets.len() as u64, offsets[offsets.len() - 1] - offsets[0] + 1, "without gaps");
    }
}

/// Every page on the way back, as long as there is one; each with what it read of the log.
async fn all_older(world: &World, device_id: Option<&str>) -> Vec<(LogPage, u64)> {
    let (mut pages, mut from) = (Vec::new(), EventPosition::Latest);
    loop {
        let before = world.log.bytes_read();
        let question = LogQuestion { device_id, partition: Some(0), items_max: usize::MAX, ..older(from) };
        let page = page(world, &question).await;
        from = EventPosition::Offsets(page.start.clone());
        let goes_on = page.has_older;
        pages.push((page, world.log.bytes_read() - before));
        if !goes_on {
            return pages;
        }
    }
}

/// Large events among many small ones: what is read again and thrown away on the way back is bounded, and counts.
#[tokio::test]
async fn the_way_back_over_unequal_sizes_reads_no_more_than_a_page_may() {
    const EVENTS: u64 = 30_000;
    let (small, large) = (vec![b'x'; 10], vec![b'x'; 240 * 1024]);
    // Whether an event is large: a stretch of large ones, and single ones after more small ones than a window has.
    let stretch = |number: u64| (10_000..10_150).contains(&number);
    let single = |number: u64| number.is_multiple_of(700);
    for (name, is_large) in [("a stretch", &stretch as &dyn Fn(u64) -> bool), ("single ones", &single)] {
        let world = World::new();
        for number in 0..EVENTS {
            put(&world, 0, "a", 0, if is_large(number) { &large } else { &small });
        }
        let held = world.log.bytes();
        let examined_max = limits::LOG_EXAMINED_BYTES_MAX + 5 * (limits::LOG_LANE_BYTES + large.len() + 200);
        for device in [None, Some("rare")] {
            let pages = all_older(&world, device).await;
            let dearest = pages.iter().map(|(_, read)| *read).max().unwrap();
            assert!(dearest <= examined_max as u64, "{name} for {device:?}: a page read {dearest} bytes");
            let read: u64 = pages.iter().map(|(_, read)| *read).sum();
            assert!(read <= 8 * held, "{name} for {device:?}: of {held} bytes {read} were read");
            let mut found: Vec<u64> = pages.iter().rev().flat_map(|(page, _)| places(page)).map(|at| at.1).collect();
            if device.is_some() {
                found = (0..pages.iter().map(|(page, _)| page.examined as u64).sum()).collect();
            }
            assert!(found.into_iter().eq(0..EVENTS), "{name} for {device:?}: each is met once");
        }
    }
}

/// Who looks on looks past what is damaged: within a partition and at its end.
#[tokio::test]
async fn damaged_events_are_passed_over() {
    for damaged in [0..3, 4..6, 7..10, 0..10] {
        let world = World::new();
        for ms in 0..10 {
            put(&world, 0, "a", ms, b"x");
            put(&world, 1, "b", ms, b"x");
        }
        world.log.damage(0, damaged.clone());
        let intact: Vec<(u16, u64)> = (0..10)
            .flat_map(|offset| [(0, offset), (1, offset)])
            .filter(|(partition, offset)| *partition == 1 || !damaged.contains(offset))
            .collect();
        for question in [newer(FIRST), older(EventPosition::Latest)] {
            let found = page(&world, &LogQuestion { items_max: 100, ..question }).await;
            assert_eq!(places(&found), intact, "{damaged:?}");
            assert_eq!((found.has_older, found.has_newer), (false, false), "{damaged:?}");
        }
        let one = LogQuestion { partition: Some(0), items_max: 100, ..newer(EventPosition::Offsets(vec![7])) };
        let rest = (7..10).filter(|offset| !damaged.contains(offset)).map(|offset| (0, offset));
        assert_eq!(places(&page(&world, &one).await), rest.collect::<Vec<_>>(), "{damaged:?}");
    }
}
