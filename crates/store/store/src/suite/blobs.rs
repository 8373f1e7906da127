//! The promises of [`Blobs`], one case each. An engine runs them all with [`blobs_suite!`](crate::blobs_suite).

mod block;
mod listing;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use roadstead_model::{DeviceId, HubKey, UnixMillis};

use crate::{
    blob::{BlobCondition, BlobError, BlobInfo, BlobProperties, Blobs, ByteRange},
    blob_path::{BlobPath, BlockId},
    error::StoreError,
};

pub use block::*;
pub use listing::*;

/// Where an engine keeps its blobs: empty at first, and it outlives the engine.
#[async_trait]
pub trait Place: Send + Sync {
    /// Starts an engine here with this quota for each hub. Called again only after the one before was dropped: that is a restart.
    async fn start(&self, hub_bytes_max: u64) -> Arc<dyn Blobs>;
}

/// Stamps one `#[tokio::test]` per promise: `blobs_suite!(TemporaryPlace::new());`, where the expression makes a fresh
/// [`Place`](crate::suite::blobs::Place) each time.
#[macro_export]
macro_rules! blobs_suite {
    ($place:expr) => {
        $crate::blobs_suite! { @cases $place =>
            what_was_never_put_is_absent
            a_blob_put_whole_reads_back
            an_empty_blob_is_a_blob
            a_large_blob_comes_in_pieces_and_reads_back_by_ranges
            blocks_become_a_blob_in_the_order_of_the_list
            blocks_alone_are_no_blob
            blocks_that_wait_are_listed
            a_block_that_was_not_put_fails_the_whole_list
            a_block_may_be_put_again_and_named_twice
            a_commit_drops_the_blocks_left_over
            a_commit_may_be_repeated
            an_empty_list_makes_an_empty_blob
            conditions_are_judged_at_the_commit
            each_version_has_an_etag_of_its_own
            a_reader_keeps_the_version_it_began_with
            a_dropped_writer_leaves_nothing
            names_keep_their_case_and_their_characters
            hubs_and_devices_do_not_see_each_other
            listings_are_paged_and_complete
            listings_show_what_each_blob_is
            listings_are_of_one_device
            a_deleted_blob_is_gone
            a_deleted_hub_is_gone
            the_quota_holds_and_what_is_deleted_frees_it
            old_blocks_are_swept_and_blobs_are_not
            a_restart_keeps_everything
            writers_of_one_blob_do_not_mix
        }
    };
    (@cases $place:expr => $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::suite::blobs::$case(&$place).await;
            }
        )*
    };
}

const HUB: HubKey = HubKey(7);
const QUOTA: u64 = 256 * 1024 * 1024;
const ANY: BlobCondition = BlobCondition::Any;

/// A blob of the suite's hub and device.
pub fn path(name: &str) -> BlobPath {
    path_of(HUB, "thermo-7", name)
}

fn path_of(hub: HubKey, device: &str, name: &str) -> BlobPath {
    BlobPath::parse(hub, DeviceId::parse(device).unwrap(), name).unwrap()
}

/// The id of the block with this number.
pub fn block(number: usize) -> BlockId {
    use base64::{Engine, engine::general_purpose::STANDARD};
    BlockId::parse(&STANDARD.encode(format!("block/{number:06}"))).unwrap()
}

fn text(content_type: &str) -> BlobProperties {
    BlobProperties { content_type: Some(content_type.to_owned()), ..BlobProperties::default() }
}

async fn put_on(blobs: &dyn Blobs, path: &BlobPath, content: &[u8], on: &BlobCondition) -> Result<BlobInfo, BlobError> {
    let mut writer = blobs.begin_blob(path, &text("text/plain")).await?;
    writer.write(Bytes::copy_from_slice(content)).await?;
    writer.commit(on).await
}

/// Puts a blob whole.
pub async fn put(blobs: &dyn Blobs, path: &BlobPath, content: impl AsRef<[u8]>) -> BlobInfo {
    put_on(blobs, path, content.as_ref(), &ANY).await.unwrap()
}

/// Puts one block.
pub async fn put_block(blobs: &dyn Blobs, path: &BlobPath, number: usize, content: impl AsRef<[u8]>) {
    let mut writer = blobs.begin_block(path, &block(number)).await.unwrap();
    writer.write(Bytes::copy_from_slice(content.as_ref())).await.unwrap();
    writer.commit().await.unwrap();
}

/// Commits these blocks.
pub async fn commit(blobs: &dyn Blobs, path: &BlobPath, numbers: &[usize]) -> Result<BlobInfo, BlobError> {
    let blocks: Vec<_> = numbers.iter().map(|number| block(*number)).collect();
    blobs.commit_blocks(path, &blocks, &text("text/plain"), &ANY).await
}

/// The content of a blob, of which there is one.
pub async fn content(blobs: &dyn Blobs, path: &BlobPath) -> Vec<u8> {
    let read = blobs.read(path, None).await.unwrap().unwrap();
    let chunks: Vec<Bytes> = read.chunks.try_collect().await.unwrap();
    let content = chunks.concat();
    assert_eq!((read.range, read.info.size), (0..content.len() as u64, content.len() as u64));
    content
}

async fn part(blobs: &dyn Blobs, path: &BlobPath, from: u64, to: Option<u64>) -> Result<Vec<u8>, BlobError> {
    let read = blobs.read(path, Some(ByteRange { from, to })).await?.unwrap();
    let chunks: Vec<Bytes> = read.chunks.try_collect().await.unwrap();
    let content = chunks.concat();
    assert_eq!(read.range.end - read.range.start, content.len() as u64);
    Ok(content)
}

/// Bytes in which every place differs from those around it.
pub fn pattern(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(step).collect()
}

pub async fn what_was_never_put_is_absent(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    assert_eq!(blobs.find(&path("a")).await.unwrap(), None);
    assert!(blobs.read(&path("a"), None).await.unwrap().is_none());
    assert!(blobs.read(&path("a"), Some(ByteRange { from: 5, to: None })).await.unwrap().is_none());
    assert!(!blobs.delete(&path("a")).await.unwrap());
    blobs.delete_hub(HUB).await.unwrap();
    assert_eq!(blobs.sweep(UnixMillis(i64::MAX)).await.unwrap(), 0);
}

pub async fn a_blob_put_whole_reads_back(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let properties = BlobProperties {
        content_type: Some("text/csv; charset=utf-8".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        content_md5: Some("XUFAKrxLKna5cZ2REBfFkg==".to_owned()),
        metadata: vec![("line".to_owned(), "3".to_owned()), ("plant_b".to_owned(), "a b".to_owned())],
    };
    let mut writer = blobs.begin_blob(&path("logs/1.txt"), &properties).await.unwrap();
    writer.write(Bytes::from_static(b"hel")).await.unwrap();
    writer.write(Bytes::new()).await.unwrap();
    writer.write(Bytes::from_static(b"lo")).await.unwrap();
    assert_eq!(blobs.find(&path("logs/1.txt")).await.unwrap(), None, "not before the commit");
    let info = writer.commit(&ANY).await.unwrap();
    assert_eq!((info.size, &info.properties), (5, &properties));
    assert!(!info.etag.as_str().is_empty() && info.last_modified > UnixMillis(0));
    assert_eq!(blobs.find(&path("logs/1.txt")).await.unwrap(), Some(info));
    assert_eq!(content(&*blobs, &path("logs/1.txt")).await, b"hello");
}

pub async fn an_empty_blob_is_a_blob(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let writer = blobs.begin_blob(&path("empty"), &BlobProperties::default()).await.unwrap();
    let info = writer.commit(&ANY).await.unwrap();
    assert_eq!((info.size, info.properties.content_type.as_deref()), (0, None));
    assert_eq!(content(&*blobs, &path("empty")).await, b"");
    let beyond = part(&*blobs, &path("empty"), 0, None).await;
    assert!(matches!(beyond, Err(BlobError::OutOfRange { size: 0 })), "{beyond:?}");
}

pub async fn a_large_blob_comes_in_pieces_and_reads_back_by_ranges(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let whole = pattern(20 * 1024 * 1024 + 123, 1);
    let mut writer = blobs.begin_blob(&path("large"), &text("a/b")).await.unwrap();
    for piece in whole.chunks(70_001) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    let info = writer.commit(&ANY).await.unwrap();
    assert_eq!((info.size, info.properties), (whole.len() as u64, text("a/b")));
    assert!(content(&*blobs, &path("large")).await == whole);
    let last = whole.len() as u64 - 1;
    for (from, to) in [(0, Some(0)), (1, Some(1_500_000)), (last, None), (9_000_000, Some(u64::MAX)), (0, Some(last))] {
        let end = to.map_or(whole.len(), |to| whole.len().min(usize::try_from(to).unwrap().saturating_add(1)));
        let expected = &whole[usize::try_from(from).unwrap()..end];
        assert!(part(&*blobs, &path("large"), from, to).await.unwrap() == expected, "{from} to {to:?}");
    }
    let beyond = part(&*blobs, &path("large"), last + 1, None).await;
    assert!(matches!(beyond, Err(BlobError::OutOfRange { size }) if size == last + 1), "{beyond:?}");
}

pub async fn conditions_are_judged_at_the_commit(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let (blobs, a) = (&*blobs, path("a"));
    let missed = put_on(blobs, &a, b"0", &BlobCondition::Present).await;
    assert!(matches!(missed, Err(BlobError::EtagMismatch)), "{missed:?}");
    let first = put_on(blobs, &a, b"1", &BlobCondition::Absent).await.unwrap();
    let again = put_on(blobs, &a, b"2", &BlobCondition::Absent).await;
    assert!(matches!(again, Err(BlobError::AlreadyExists)), "{again:?}");
    let second = put_on(blobs, &a, b"3", &BlobCondition::Etag(first.etag.clone())).await.unwrap();
    let stale = put_on(blobs, &a, b"4", &BlobCondition::Etag(first.etag)).await;
    assert!(matches!(stale, Err(BlobError::EtagMismatch)), "{stale:?}");
    assert_eq!(content(blobs, &a).await, b"3");

    put_block(blobs, &a, 0, "block").await;
    let blocks = [block(0)];
    let refused = blobs.commit_blocks(&a, &blocks, &text("a/b"), &BlobCondition::Absent).await;
    assert!(matches!(refused, Err(BlobError::AlreadyExists)), "{refused:?}");
    blobs.commit_blocks(&a, &blocks, &text("a/b"), &BlobCondition::Etag(second.etag)).await.unwrap();
    assert_eq!(content(blobs, &a).await, b"block", "blocks outlive a refused commit");
}

pub async fn each_version_has_an_etag_of_its_own(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let mut etags = Vec::new();
    for _ in 0..20 {
        etags.push(put(&*blobs, &path("a"), "same").await.etag.as_str().to_owned());
    }
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 20);
}

pub async fn a_reader_keeps_the_version_it_began_with(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let old = pattern(3 * 1024 * 1024, 5);
    put(&*blobs, &path("a"), &old).await;
    let read = blobs.read(&path("a"), None).await.unwrap().unwrap();
    put(&*blobs, &path("a"), pattern(3 * 1024 * 1024, 6)).await;
    let chunks: Vec<Bytes> = read.chunks.try_collect().await.unwrap();
    assert!(chunks.concat() == old);
}

pub async fn a_dropped_writer_leaves_nothing(place: &dyn Place) {
    let blobs = place.start(1024 * 1024).await;
    for round in 0..4 {
        let mut blob = blobs.begin_blob(&path("a"), &text("a/b")).await.unwrap();
        blob.write(vec![0; 300_000].into()).await.unwrap();
        let mut staged = blobs.begin_block(&path("a"), &block(0)).await.unwrap();
        let taken = staged.write(vec![0; 300_000].into()).await;
        assert!(taken.is_ok(), "round {round}: {taken:?}");
        drop((blob, staged));
    }
    assert_eq!(blobs.find(&path("a")).await.unwrap(), None);
    let failed = commit(&*blobs, &path("a"), &[0]).await;
    assert!(matches!(failed, Err(BlobError::UnknownBlock { .. })), "{failed:?}");
}

pub async fn names_keep_their_case_and_their_characters(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let long = "ö/".repeat(500);
    let names = [
        "a",
        "A",
        "a/b",
        "a//b",
        "a/b/",
        "/a",
        "a%2Fb",
        "a b",
        "ä",
        "a\\b",
        "a:b*c?",
        "...",
        ".a",
        "blocks",
        "a~",
        "%",
        "{a}#[b]",
        "\u{1f980}",
        long.as_str(),
    ];
    for name in names {
        put(&*blobs, &path(name), name).await;
    }
    for name in names {
        assert_eq!(content(&*blobs, &path(name)).await, name.as_bytes(), "{name}");
    }
    for device in ["...", "a%2F", "Thermo-7", "$edgeAgent", "*"] {
        put(&*blobs, &path_of(HUB, device, "a"), device).await;
    }
    for device in ["...", "a%2F", "Thermo-7", "$edgeAgent", "*"] {
        assert_eq!(content(&*blobs, &path_of(HUB, device, "a")).await, device.as_bytes(), "{device}");
    }
}

pub async fn hubs_and_devices_do_not_see_each_other(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put(&*blobs, &path("a"), "mine").await;
    for other in [path_of(HubKey(8), "thermo-7", "a"), path_of(HUB, "thermo", "7/a"), path_of(HUB, "thermo-8", "a")] {
        assert_eq!(blobs.find(&other).await.unwrap(), None, "{other:?}");
        put(&*blobs, &other, "other").await;
    }
    assert_eq!(content(&*blobs, &path("a")).await, b"mine");
}

pub async fn a_deleted_blob_is_gone(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put(&*blobs, &path("a"), "a").await;
    put(&*blobs, &path("b"), "b").await;
    assert!(blobs.delete(&path("a")).await.unwrap());
    assert!(!blobs.delete(&path("a")).await.unwrap());
    assert_eq!(blobs.find(&path("a")).await.unwrap(), None);
    assert_eq!(content(&*blobs, &path("b")).await, b"b");
    put(&*blobs, &path("a"), "again").await;
    assert_eq!(content(&*blobs, &path("a")).await, b"again");
}

pub async fn a_deleted_hub_is_gone(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let other = path_of(HubKey(8), "thermo-7", "a");
    put(&*blobs, &path("a"), "a").await;
    put_block(&*blobs, &path("b"), 0, "b").await;
    put(&*blobs, &other, "other").await;
    assert!(blobs.bytes(HUB).await.unwrap() >= 2);
    blobs.delete_hub(HUB).await.unwrap();
    assert_eq!(blobs.bytes(HUB).await.unwrap(), 0);
    assert_eq!(blobs.find(&path("a")).await.unwrap(), None);
    let failed = commit(&*blobs, &path("b"), &[0]).await;
    assert!(matches!(failed, Err(BlobError::UnknownBlock { .. })), "{failed:?}");
    assert_eq!(content(&*blobs, &other).await, b"other");
    put(&*blobs, &path("a"), "again").await;
    assert_eq!(content(&*blobs, &path("a")).await, b"again");
}

pub async fn the_quota_holds_and_what_is_deleted_frees_it(place: &dyn Place) {
    const MIB: usize = 1024 * 1024;
    fn is_full<T>(outcome: &Result<T, BlobError>) -> bool {
        matches!(outcome, Err(BlobError::Store(StoreError::Full(_))))
    }
    {
        let blobs = place.start(10 * MIB as u64).await;
        put(&*blobs, &path("a"), vec![1; 4 * MIB]).await;
        put_block(&*blobs, &path("b"), 0, vec![2; 4 * MIB]).await;
        assert!(is_full(&put_on(&*blobs, &path("c"), &vec![3; 3 * MIB], &ANY).await));
        put(&*blobs, &path_of(HubKey(8), "d", "c"), vec![3; 9 * MIB]).await;
    }
    let blobs = place.start(10 * MIB as u64).await;
    assert!(is_full(&put_on(&*blobs, &path("c"), &vec![3; 3 * MIB], &ANY).await), "a restart forgets nothing");
    put(&*blobs, &path("c"), vec![3; MIB]).await;
    assert!(blobs.delete(&path("a")).await.unwrap());
    put(&*blobs, &path("a"), vec![4; 4 * MIB]).await;
    assert_eq!(blobs.sweep(UnixMillis(i64::MAX)).await.unwrap(), 1);
    put(&*blobs, &path("d"), vec![5; 4 * MIB]).await;
    blobs.delete_hub(HUB).await.unwrap();
    for _ in 0..5 {
        put(&*blobs, &path("e"), vec![6; 4 * MIB]).await;
    }
}

pub async fn a_restart_keeps_everything(place: &dyn Place) {
    let info = {
        let blobs = place.start(QUOTA).await;
        put_block(&*blobs, &path("b"), 0, "block").await;
        put(&*blobs, &path("a"), "a").await
    };
    let blobs = place.start(QUOTA).await;
    assert_eq!(blobs.find(&path("a")).await.unwrap(), Some(info.clone()));
    assert_eq!(content(&*blobs, &path("a")).await, b"a");
    commit(&*blobs, &path("b"), &[0]).await.unwrap();
    assert_eq!(content(&*blobs, &path("b")).await, b"block");
    assert_ne!(put(&*blobs, &path("a"), "a").await.etag, info.etag);
}

pub async fn writers_of_one_blob_do_not_mix(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let writers = (0..8u32).map(|n| {
        let blobs = blobs.clone();
        tokio::spawn(async move {
            let content = pattern(100_000, n);
            for round in 0..5 {
                if n % 2 == 0 {
                    put(&*blobs, &path("a"), &content).await;
                } else {
                    put_block(&*blobs, &path("a"), n as usize, &content).await;
                    // Another writer's commit may have dropped the block: that is a refusal, not a mixture.
                    let done = commit(&*blobs, &path("a"), &[n as usize]).await;
                    assert!(matches!(done, Ok(_) | Err(BlobError::UnknownBlock { .. })), "round {round}: {done:?}");
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let found = content(&*blobs, &path("a")).await;
    assert!((0..8).any(|n| found == pattern(100_000, n)), "the blob is one writer's");
}
