//! Files that were damaged while nobody looked: what is intact is read, nothing panics, offsets go on.

use std::{fs, sync::atomic::Ordering};

use proptest::prelude::*;
use roadstead_store::{Bounds, StoreError};

use super::{faulty_disk::FaultyDisk, *};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path, len: u64) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
}

fn len(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Several segments of events 0 to 400, each in a batch of its own.
async fn many_segments(path: &Path) -> Vec<std::path::PathBuf> {
    append_singly(&*open(path).await, 0..400, T0).await;
    let segments = files(path, "events");
    assert!(segments.len() > 2);
    segments
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_its_offsets_come_again() {
    let directory = tempfile::tempdir().unwrap();
    append_numbers(&*open(directory.path()).await, 0..10, T0).await;
    let segment = &files(directory.path(), "events")[0];
    let whole = len(segment);
    fs::remove_file(&files(directory.path(), "index")[0]).unwrap();
    let mut bytes = fs::read(segment).unwrap();
    bytes.extend_from_within(8192..8192 + 30);
    fs::write(segment, bytes).unwrap();
    let log = open(directory.path()).await;
    assert_eq!(len(segment), whole);
    append_numbers(&*log, 10..20, T0).await;
    assert_eq!(contents(&*log).await, numbered(0..20));
}

#[tokio::test]
async fn offsets_that_the_index_knows_of_never_come_again() {
    let directory = tempfile::tempdir().unwrap();
    append_numbers(&*open(directory.path()).await, 0..10, T0).await;
    cut(&files(directory.path(), "events")[0], 8192 + 150);
    let log = open(directory.path()).await;
    assert_eq!(log.bounds(0), Bounds { first: 0, next: 10 });
    append_numbers(&*log, 10..12, T0).await;
    let offsets: Vec<_> = contents(&*log).await.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, [0, 1, 10, 11]);
}

#[tokio::test]
async fn a_segment_that_was_not_begun_in_full_is_forgotten() {
    for begun in [0, 1, 4095, 8000] {
        let directory = tempfile::tempdir().unwrap();
        append_numbers(&*open(directory.path()).await, 0..10, T0).await;
        let next = files(directory.path(), "events")[0].with_file_name(format!("{:020}.events", 2));
        fs::write(next, vec![0; begun]).unwrap();
        let log = open(directory.path()).await;
        append_numbers(&*log, 10..20, T0).await;
        assert_eq!(contents(&*log).await, numbered(0..20), "{begun} bytes");
    }
}

#[tokio::test]
async fn a_segment_of_which_nothing_can_be_read_is_set_aside_and_its_offsets_are_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let segments = many_segments(directory.path()).await;
    let newest = segments.last().unwrap();
    fs::write(newest, vec![0x55; 10_000]).unwrap();
    fs::remove_file(newest.with_extension("index")).unwrap();
    let log = open(directory.path()).await;
    assert!(newest.with_extension("damaged").exists());
    assert!(log.bounds(0).next >= 400);
    let next = log.bounds(0).next;
    append_numbers(&*log, next..next + 1, T0).await;
    assert_eq!(contents(&*log).await.last().unwrap(), &(next, format!("event {next}")));
    assert_eq!(contents(&*log).await[..100], numbered(0..100));
}

#[tokio::test]
async fn damage_in_an_older_segment_costs_only_what_it_hits() {
    let directory = tempfile::tempdir().unwrap();
    let segments = many_segments(directory.path()).await;
    flip(&segments[0], 8192 + 50);
    flip(&segments[1], 8192 + 8);
    flip(&segments[1], 4);
    flip(&segments[1].with_extension("index"), 60);
    let log = open(directory.path()).await;
    let read = contents(&*log).await;
    assert_eq!(read.len(), 398);
    assert!(read.iter().all(|(offset, body)| *body == format!("event {offset}")));
    assert_eq!(log.bounds(0), Bounds { first: 0, next: 400 });
}

#[tokio::test]
async fn an_index_with_wrong_places_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let segments = many_segments(directory.path()).await;
    let index = segments[0].with_extension("index");
    let summary = 34 + 2 * 32 + 4;
    for at in [summary, summary + 4, summary + 9, summary + 15] {
        flip(&index, at);
    }
    cut(&segments[1].with_extension("index"), summary as u64 + 100);
    assert_eq!(contents(&*open(directory.path()).await).await, numbered(0..400));
}

#[tokio::test]
async fn a_segment_that_is_gone_is_stepped_over() {
    let directory = tempfile::tempdir().unwrap();
    let segments = many_segments(directory.path()).await;
    {
        let log = open(directory.path()).await;
        fs::remove_file(&segments[0]).unwrap();
        let read = contents(&*log).await;
        assert!(read[0].0 > 0 && read.last().unwrap().0 == 399);
        assert_eq!(log.read(0, 0, 1000).await.unwrap()[0].offset, read[0].0);
    }
    let log = open(directory.path()).await;
    assert_eq!(log.bounds(0).next, 400);
    assert!(log.bounds(0).first > 0);
}

#[tokio::test]
async fn times_are_found_beside_damage() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path()).await;
        for n in 0..300u64 {
            append_singly(&*log, n..n + 1, T0.plus_ms(n.cast_signed())).await;
        }
    }
    let segment = &files(directory.path(), "events")[0];
    for at in (8192 + 40..len(segment) as usize).step_by(120) {
        flip(segment, at);
    }
    let log = open(directory.path()).await;
    let intact = read_all(&*log, 0).await;
    assert!(intact.len() < 250);
    for at in 0..300 {
        let offset = log.offset_at(0, T0.plus_ms(at)).await.unwrap();
        let first = log.read(0, offset, 0).await.unwrap();
        let expected = intact.iter().find(|event| event.enqueued_at >= T0.plus_ms(at));
        assert_eq!(first.first(), expected, "at {at}");
    }
}

#[tokio::test]
async fn a_log_of_a_later_version_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    append_numbers(&*open(directory.path()).await, 0..10, T0).await;
    let segment = &files(directory.path(), "events")[0];
    let mut bytes = fs::read(segment).unwrap();
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..4092]);
    bytes[4092..4096].copy_from_slice(&crc.to_le_bytes());
    fs::write(segment, &bytes).unwrap();
    fs::remove_file(segment.with_extension("index")).unwrap();
    let logs = logs_on(Arc::new(MachineDisk), directory.path(), SMALL);
    assert!(matches!(logs.open(HUB, 2, FOREVER).await, Err(StoreError::Unreadable(_))));
    assert_eq!(fs::read(segment).unwrap(), bytes);
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    many_segments(directory.path()).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in files(directory.path(), "events").into_iter().chain(files(directory.path(), "index")) {
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}

/// What happens to the newest segment, or its index, between two openings.
#[derive(Debug, Clone)]
enum Mishap {
    Flip { index: bool, at: prop::sample::Index, bits: u8 },
    Cut { index: bool, at: prop::sample::Index },
    Grow { index: bool, garbage: Vec<u8> },
    Remove,
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        4 => (any::<bool>(), any::<prop::sample::Index>(), 1u8..).prop_map(|(index, at, bits)| Mishap::Flip { index, at, bits }),
        2 => (any::<bool>(), any::<prop::sample::Index>()).prop_map(|(index, at)| Mishap::Cut { index, at }),
        1 => (any::<bool>(), prop::collection::vec(any::<u8>(), 1..200)).prop_map(|(index, garbage)| Mishap::Grow { index, garbage }),
        1 => Just(Mishap::Remove),
    ]
}

/// Does it, and gives the first byte of the segment's records that it touches.
fn happen(mishap: &Mishap, segment: &Path) -> u64 {
    let path = |index: &bool| if *index { segment.with_extension("index") } else { segment.to_owned() };
    let touched = |index: &bool, at: usize| if *index { u64::MAX } else { at as u64 };
    match mishap {
        Mishap::Flip { index, at, bits } => {
            let path = path(index);
            let Ok(mut bytes) = fs::read(&path) else { return u64::MAX };
            if bytes.is_empty() {
                return u64::MAX;
            }
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
            fs::write(path, bytes).unwrap();
            touched(index, at)
        }
        Mishap::Cut { index, at } => {
            let path = path(index);
            let Ok(bytes) = fs::read(&path) else { return u64::MAX };
            let at = at.index(bytes.len() + 1);
            fs::write(path, &bytes[..at]).unwrap();
            touched(index, at)
        }
        Mishap::Grow { index, garbage } => {
            let path = path(index);
            let mut bytes = fs::read(&path).unwrap_or_default();
            let at = bytes.len();
            bytes.extend_from_slice(garbage);
            fs::write(path, bytes).unwrap();
            touched(index, at)
        }
        Mishap::Remove => {
            let _ = fs::remove_file(segment.with_extension("index"));
            u64::MAX
        }
    }
}

/// How many of the events 0 to `count` end before a byte of the segment.
fn records_before(byte: u64, count: u64) -> u64 {
    let record_bytes = |n: u64| (28 + 25 + format!("event {n}").len()) as u64;
    let ends = (0..count).scan(8192, |end, n| {
        *end += record_bytes(n);
        Some(*end)
    });
    ends.take_while(|end| *end <= byte).count() as u64
}

proptest! {
    #[test]
    fn whatever_happens_to_the_newest_segment_what_precedes_it_reads_back(
        batches in prop::collection::vec(1u64..8, 1..12),
        mishaps in prop::collection::vec(mishap(), 1..4),
        clean in any::<bool>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        disk.0.syncs_skipped.store(true, Ordering::Relaxed);
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let runtime = runtime();
        let count: u64 = batches.iter().sum();
        runtime.block_on(async {
            let log = open_on(disk.clone(), directory.path(), SMALL).await;
            let mut n = 0;
            for batch in batches {
                append_numbers(&*log, n..n + batch, T0).await;
                n += batch;
            }
        });
        let segment = files(directory.path(), "events").pop().unwrap();
        if !clean {
            fs::remove_file(segment.with_extension("index")).unwrap();
        }
        let touched = mishaps.iter().map(|mishap| happen(mishap, &segment)).min().unwrap();
        // Two damaged prefaces leave nothing.
        let before = if touched < 8192 { 0 } else { records_before(touched, count) };
        runtime.block_on(async {
            let next = {
                let log = open_on(disk.clone(), directory.path(), SMALL).await;
                let read = log.read(0, 0, 1_000_000).await.unwrap_or_default();
                prop_assert!(read.len() as u64 >= before, "{} events of {before} before the damage", read.len());
                prop_assert!(read.len() as u64 <= count);
                for event in &read {
                    prop_assert_eq!(body(event), format!("event {}", event.offset));
                }
                log.bounds(0).next
            };
            let log = open_on(disk.clone(), directory.path(), SMALL).await;
            prop_assert_eq!(log.bounds(0).next, next, "opening again changes nothing");
            append_numbers(&*log, next..next + 3, T0).await;
            let read = log.read(0, next, 1_000_000).await.unwrap();
            let offsets: Vec<_> = read.iter().map(|event| event.offset).collect();
            prop_assert_eq!(offsets, [next, next + 1, next + 2]);
            Ok(())
        })?;
    }
}
