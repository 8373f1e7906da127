//! A disk that fails: what was acknowledged stays, what failed is never seen, and the log recovers by itself.

use std::sync::{Arc, atomic::Ordering};

use roadstead_store::{Bounds, HubLog, StoreError, Ticket};

use super::{faulty_disk::FaultyDisk, *};

async fn open_faulty(disk: &FaultyDisk, path: &Path) -> Arc<dyn HubLog> {
    open_on(Arc::new(disk.clone()), path, SMALL).await
}

/// Appends one event until the log takes it again; it comes behind everything before.
async fn append_when_well(log: &dyn HubLog, n: u64) {
    loop {
        if let Ok(ticket) = append(log, 0, &format!("event {n}"), T0)
            && log.commits().wait(ticket).await.is_ok()
        {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    {
        let log = open_faulty(&disk, directory.path()).await;
        append_numbers(&*log, 0..10, T0).await;
        for space in [0, 1, 40, 100] {
            *disk.0.space.lock() = Some(space);
            let first = append(&*log, 0, "never seen", T0);
            let outcome = match first {
                Ok(ticket) => log.commits().wait(ticket).await,
                Err(refusal) => Err(refusal),
            };
            assert!(matches!(outcome, Err(StoreError::Full(_))), "{outcome:?}");
            assert_eq!(contents(&*log).await, numbered(0..10));
            assert_eq!(log.bounds(0), Bounds { first: 0, next: 10 });
        }
        *disk.0.space.lock() = None;
        append_when_well(&*log, 10).await;
        append_numbers(&*log, 11..20, T0).await;
        assert_eq!(contents(&*log).await, numbered(0..20));
    }
    let log = open_faulty(&disk, directory.path()).await;
    assert_eq!(contents(&*log).await, numbered(0..20));
    assert_eq!(files(directory.path(), "events").len(), 1, "the segment was cut back and used again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_batch_takes_the_one_behind_it_along() {
    let directory = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let log = open_faulty(&disk, directory.path()).await;
    append_numbers(&*log, 0..3, T0).await;
    let syncs = disk.0.syncs.load(Ordering::Relaxed);
    disk.0.stall(true);
    let first = append(&*log, 0, "first batch", T0.plus_ms(5)).unwrap();
    while disk.0.syncs.load(Ordering::Relaxed) == syncs {
        tokio::task::yield_now().await;
    }
    let second = append(&*log, 0, "second batch", T0.plus_ms(9)).unwrap();
    assert_eq!(second, Ticket(first.0 + 1));
    assert!(log.commits().outcome(first).is_none());
    assert_eq!(log.bounds(0).next, 3, "what is not durable is not readable");
    assert!(log.read(0, 3, 1000).await.unwrap().is_empty());
    disk.0.syncs_fail.store(true, Ordering::Relaxed);
    disk.0.stall(false);
    assert!(matches!(log.commits().wait(first).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(log.commits().wait(second).await, Err(StoreError::Unavailable(_))));
    disk.0.syncs_fail.store(false, Ordering::Relaxed);
    append_when_well(&*log, 3).await;
    assert_eq!(contents(&*log).await, numbered(0..4));
    assert_eq!(read_all(&*log, 0).await[3].enqueued_at, T0, "the failed events' times are forgotten too");
}

#[tokio::test]
async fn a_failed_sync_gives_the_segment_up_and_nothing_comes_back() {
    for truncates_fail in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        disk.0.truncates_fail.store(truncates_fail, Ordering::Relaxed);
        {
            let log = open_faulty(&disk, directory.path()).await;
            append_numbers(&*log, 0..10, T0).await;
            disk.0.syncs_fail.store(true, Ordering::Relaxed);
            let ticket = append(&*log, 0, "never seen", T0).unwrap();
            assert!(log.commits().wait(ticket).await.is_err());
            disk.0.syncs_fail.store(false, Ordering::Relaxed);
            append_when_well(&*log, 10).await;
            assert_eq!(contents(&*log).await, numbered(0..11));
        }
        assert_eq!(files(directory.path(), "events").len(), 2);
        // Also when the indexes are gone, and the failed batch is still in the file.
        for index in files(directory.path(), "index") {
            std::fs::remove_file(index).unwrap();
        }
        let log = open(directory.path()).await;
        assert_eq!(contents(&*log).await, numbered(0..11), "truncates fail: {truncates_fail}");
    }
}

#[tokio::test]
async fn a_log_that_cannot_begin_a_segment_recovers_too() {
    let directory = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let log = open_faulty(&disk, directory.path()).await;
    *disk.0.space.lock() = Some(100);
    let ticket = append(&*log, 0, "never seen", T0).unwrap();
    assert!(matches!(log.commits().wait(ticket).await, Err(StoreError::Full(_))));
    assert!(files(directory.path(), "events").is_empty());
    *disk.0.space.lock() = None;
    append_when_well(&*log, 0).await;
    assert_eq!(contents(&*log).await, numbered(0..1));
}

#[tokio::test]
async fn an_index_that_cannot_be_saved_is_kept_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    {
        let log = open(directory.path()).await;
        append_singly(&*log, 0..10, T0).await;
        let index = directory.path().join("events").join(HUB.to_string()).join(format!("{:020}.index", 1));
        std::fs::create_dir(&index).unwrap();
        append_singly(&*log, 10..400, T0).await;
        assert!(files(directory.path(), "events").len() > 1);
        assert_eq!(contents(&*log).await, numbered(0..400));
        std::fs::remove_dir(&index).unwrap();
    }
    assert_eq!(contents(&*open(directory.path()).await).await, numbered(0..400));
}

#[tokio::test]
async fn a_bad_sector_costs_only_the_events_on_it() {
    let directory = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let log = open_faulty(&disk, directory.path()).await;
    append_numbers(&*log, 0..10, T0).await;
    let record = (std::fs::metadata(&files(directory.path(), "events")[0]).unwrap().len() - 8192) / 10;
    *disk.0.bad_sector.lock() = Some(8192 + 4 * record + 1);
    let read: Vec<_> = contents(&*log).await.into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(read, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    *disk.0.bad_sector.lock() = Some(8192 + 9 * record + 1);
    assert!(matches!(log.read(0, 9, 1000).await, Err(StoreError::Unreadable(_))));
}

#[tokio::test]
async fn too_much_waiting_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let log = open_faulty(&disk, directory.path()).await;
    append_numbers(&*log, 0..1, T0).await;
    disk.0.stall(true);
    let body = "x".repeat(1_000_000);
    let taken = (0..200).take_while(|_| append(&*log, 0, &body, T0).is_ok()).count();
    assert!((60..=70).contains(&taken), "{taken} events of 1 MB");
    assert!(matches!(append(&*log, 0, "one more", T0), Err(StoreError::Full(_))));
    disk.0.stall(false);
    append_when_well(&*log, 1).await;
    assert_eq!(log.bounds(0).next, taken as u64 + 2);
    assert!(matches!(append(&*log, 0, &"x".repeat(1 << 20), T0), Err(StoreError::Full(_))), "larger than any event");
}
