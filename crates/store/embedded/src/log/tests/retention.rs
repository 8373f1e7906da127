//! What is dropped, when, and what stays.

use roadstead_store::Bounds;

use super::*;

#[tokio::test]
async fn old_segments_go_and_the_log_reads_on() {
    let directory = tempfile::tempdir().unwrap();
    let bounds = {
        let log = open(directory.path()).await;
        for n in 0..400 {
            append_singly(&*log, n..n + 1, T0.plus_ms(n.cast_signed())).await;
        }
        let segments = files(directory.path(), "events").len();
        log.set_retention(Retention { age_ms: 100, bytes_max: u64::MAX });
        log.retain(T0.plus_ms(400)).await.unwrap();
        assert!(files(directory.path(), "events").len() < segments);
        assert_eq!(files(directory.path(), "events").len(), files(directory.path(), "index").len());
        let bounds = log.bounds(0);
        assert!((1..=300).contains(&bounds.first), "{bounds:?}");
        assert_eq!(contents(&*log).await, numbered(bounds.first..400));
        assert_eq!(log.read(0, 0, 10).await.unwrap()[0].offset, bounds.first);
        bounds
    };
    assert_eq!(open(directory.path()).await.bounds(0), bounds);
}

#[tokio::test]
async fn too_many_bytes_drop_the_oldest_segments() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).await;
    append_singly(&*log, 0..800, T0).await;
    log.set_retention(Retention { age_ms: i64::MAX, bytes_max: 40_000 });
    log.retain(T0).await.unwrap();
    let bytes: u64 = files(directory.path(), "events").iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    assert!((20_000..=40_000).contains(&bytes), "{bytes} bytes");
    assert_eq!(contents(&*log).await, numbered(log.bounds(0).first..800));
}

#[tokio::test]
async fn when_everything_is_too_old_an_empty_segment_keeps_the_offsets() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path()).await;
        append_singly(&*log, 0..400, T0).await;
        log.set_retention(Retention { age_ms: 1000, bytes_max: u64::MAX });
        log.retain(T0.plus_ms(1000)).await.unwrap();
        assert_eq!(log.bounds(0), Bounds { first: 0, next: 400 }, "not older than the age yet");
        log.retain(T0.plus_ms(1001)).await.unwrap();
        assert_eq!(log.bounds(0), Bounds { first: 400, next: 400 });
        assert_eq!(files(directory.path(), "events").len(), 1);
        log.retain(T0.plus_ms(5000)).await.unwrap();
        assert_eq!(files(directory.path(), "events").len(), 1);
    }
    let log = open(directory.path()).await;
    append_numbers(&*log, 400..401, T0).await;
    assert_eq!(contents(&*log).await, numbered(400..401));
}

#[tokio::test]
async fn a_slow_log_begins_a_segment_every_hour() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).await;
    for n in 0..8u64 {
        append_singly(&*log, n..n + 1, T0.plus_ms(n.cast_signed() * 1_000_000)).await;
    }
    assert_eq!(files(directory.path(), "events").len(), 2);
    assert_eq!(contents(&*log).await, numbered(0..8));
}

#[tokio::test]
async fn readers_are_not_disturbed_by_segments_that_go() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).await;
    log.set_retention(Retention { age_ms: 50, bytes_max: u64::MAX });
    append_numbers(&*log, 0..1, T0).await;
    let writer = log.clone();
    let writing = tokio::spawn(async move {
        for n in 1..1500 {
            append_singly(&*writer, n..n + 1, T0.plus_ms(n.cast_signed())).await;
            if n % 20 == 0 {
                writer.retain(T0.plus_ms(n.cast_signed())).await.unwrap();
            }
        }
    });
    let mut at = 0;
    while at < 1500 {
        for event in log.read(0, at, 3000).await.unwrap() {
            assert!(event.offset >= at);
            assert_eq!(body(&event), format!("event {}", event.offset));
            at = event.offset + 1;
        }
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
    assert!(log.bounds(0).first > 0);
}

#[tokio::test]
async fn a_removed_hub_leaves_no_files_and_no_thread() {
    let directory = tempfile::tempdir().unwrap();
    let logs = logs_on(Arc::new(MachineDisk), directory.path(), SMALL);
    let log = logs.open(HUB, 2, FOREVER).await.unwrap();
    append_singly(&*log, 0..300, T0).await;
    let half_removed = directory.path().join("events/0000000000000009.removed");
    std::fs::create_dir(&half_removed).unwrap();
    logs.remove(HUB).await.unwrap();
    assert!(!directory.path().join("events").join(HUB.to_string()).exists());
    assert!(log.read(0, 0, 1000).await.unwrap().is_empty());
    log.retain(T0).await.unwrap();
    drop((logs, log));
    logs_on(Arc::new(MachineDisk), directory.path(), SMALL);
    assert!(!half_removed.exists());
}

#[tokio::test]
async fn partitions_may_be_added_but_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path()).await;
        append_numbers(&*log, 0..5, T0).await;
    }
    {
        let log = logs_on(Arc::new(MachineDisk), directory.path(), SMALL).open(HUB, 4, FOREVER).await.unwrap();
        assert_eq!((log.partitions(), log.bounds(3)), (4, Bounds::default()));
        let ticket = append(&*log, 3, "in a new partition", T0).unwrap();
        log.commits().wait(ticket).await.unwrap();
        append_numbers(&*log, 5..10, T0).await;
    }
    let log = open(directory.path()).await;
    assert_eq!((log.partitions(), log.bounds(3).next), (4, 1));
    assert_eq!(body(&read_all(&*log, 3).await[0]), "in a new partition");
    assert_eq!(contents(&*log).await, numbered(0..10));
}
