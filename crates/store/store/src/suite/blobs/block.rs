//! Blocks, and the blobs that lists of them make.

use roadstead_model::{HubKey, UnixMillis};

use super::{Place, QUOTA, block, commit, content, path, path_of, pattern, put, put_block, text};
use crate::blob::BlobError;

pub async fn blocks_become_a_blob_in_the_order_of_the_list(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    for number in 0..5 {
        put_block(&*blobs, &path("a"), number, pattern(1_000_000 + number, number as u32)).await;
    }
    let info = commit(&*blobs, &path("a"), &[3, 0, 4]).await.unwrap();
    let expected: Vec<u8> = [3, 0, 4].iter().flat_map(|n| pattern(1_000_000 + n, *n as u32)).collect();
    assert_eq!((info.size, info.properties.clone()), (expected.len() as u64, text("text/plain")));
    assert!(content(&*blobs, &path("a")).await == expected);
    assert_eq!(blobs.find(&path("a")).await.unwrap(), Some(info));
}

pub async fn blocks_alone_are_no_blob(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put(&*blobs, &path("old"), "old").await;
    for name in ["new", "old"] {
        put_block(&*blobs, &path(name), 0, "block").await;
    }
    assert_eq!(blobs.find(&path("new")).await.unwrap(), None);
    assert_eq!(content(&*blobs, &path("old")).await, b"old");
}

pub async fn blocks_that_wait_are_listed(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let listed = async |name: &str| {
        let found = blobs.list_blocks(&path(name)).await.unwrap();
        found.into_iter().map(|waiting| (waiting.id, waiting.size)).collect::<Vec<_>>()
    };
    assert_eq!(listed("a").await, []);
    for (number, content) in [(2, "two"), (0, ""), (1, "first try"), (1, "1")] {
        put_block(&*blobs, &path("a"), number, content).await;
    }
    put_block(&*blobs, &path("b"), 7, "another blob's").await;
    let begun = blobs.begin_block(&path("a"), &block(3)).await.unwrap();
    assert_eq!(listed("a").await, [(block(0), 0), (block(1), 1), (block(2), 3)]);
    drop(begun);
    commit(&*blobs, &path("a"), &[2]).await.unwrap();
    assert_eq!(listed("a").await, [], "what no list named is dropped, and what it named is committed");
    put_block(&*blobs, &path("a"), 9, "next").await;
    assert_eq!(listed("a").await, [(block(9), 4)]);
    assert_eq!(listed("b").await, [(block(7), 14)]);
    put(&*blobs, &path("b"), "whole").await;
    assert_eq!(listed("b").await, []);
}

pub async fn a_block_that_was_not_put_fails_the_whole_list(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put_block(&*blobs, &path("a"), 0, "zero").await;
    put_block(&*blobs, &path("b"), 1, "another blob's").await;
    let failed = commit(&*blobs, &path("a"), &[0, 1]).await;
    assert!(matches!(failed, Err(BlobError::UnknownBlock { index: 1 })), "{failed:?}");
    assert_eq!(blobs.find(&path("a")).await.unwrap(), None);
    put_block(&*blobs, &path("a"), 1, "one").await;
    commit(&*blobs, &path("a"), &[0, 1]).await.unwrap();
    assert_eq!(content(&*blobs, &path("a")).await, b"zeroone", "what was put is still there after a failure");
}

pub async fn a_block_may_be_put_again_and_named_twice(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put_block(&*blobs, &path("a"), 0, "first try").await;
    put_block(&*blobs, &path("a"), 0, "ab").await;
    put_block(&*blobs, &path("a"), 1, "c").await;
    commit(&*blobs, &path("a"), &[0, 1, 0]).await.unwrap();
    assert_eq!(content(&*blobs, &path("a")).await, b"abcab");
}

pub async fn a_commit_drops_the_blocks_left_over(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    for number in 0..3 {
        put_block(&*blobs, &path("a"), number, "x").await;
    }
    commit(&*blobs, &path("a"), &[0]).await.unwrap();
    let failed = commit(&*blobs, &path("a"), &[1]).await;
    assert!(matches!(failed, Err(BlobError::UnknownBlock { index: 0 })), "{failed:?}");
    put_block(&*blobs, &path("a"), 1, "x").await;
    put(&*blobs, &path("a"), "whole").await;
    let failed = commit(&*blobs, &path("a"), &[1]).await;
    assert!(matches!(failed, Err(BlobError::UnknownBlock { index: 0 })), "{failed:?}");
    assert_eq!(content(&*blobs, &path("a")).await, b"whole");
}

pub async fn a_commit_may_be_repeated(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put_block(&*blobs, &path("a"), 0, "a").await;
    put_block(&*blobs, &path("a"), 1, "b").await;
    let first = commit(&*blobs, &path("a"), &[0, 1]).await.unwrap();
    assert_eq!(commit(&*blobs, &path("a"), &[0, 1]).await.unwrap(), first);
    let other = commit(&*blobs, &path("a"), &[1, 0]).await;
    assert!(matches!(other, Err(BlobError::UnknownBlock { index: 0 })), "{other:?}");
    put(&*blobs, &path("a"), "whole").await;
    let stale = commit(&*blobs, &path("a"), &[0, 1]).await;
    assert!(matches!(stale, Err(BlobError::UnknownBlock { index: 0 })), "no longer what made the blob: {stale:?}");
}

pub async fn an_empty_list_makes_an_empty_blob(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    assert_eq!(commit(&*blobs, &path("a"), &[]).await.unwrap().size, 0);
    assert_eq!(content(&*blobs, &path("a")).await, b"");
}

pub async fn old_blocks_are_swept_and_blobs_are_not(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put(&*blobs, &path("kept"), "kept").await;
    for number in 0..3 {
        put_block(&*blobs, &path("a"), number, "block").await;
    }
    put_block(&*blobs, &path_of(HubKey(8), "d", "b"), 0, "block").await;
    assert_eq!(blobs.sweep(UnixMillis(0)).await.unwrap(), 0, "nothing was put before 1970");
    assert_eq!(blobs.sweep(UnixMillis(i64::MAX)).await.unwrap(), 4);
    let failed = commit(&*blobs, &path("a"), &[0]).await;
    assert!(matches!(failed, Err(BlobError::UnknownBlock { .. })), "{failed:?}");
    assert_eq!(content(&*blobs, &path("kept")).await, b"kept");
    put_block(&*blobs, &path("a"), 0, "anew").await;
    commit(&*blobs, &path("a"), &[0]).await.unwrap();
    assert_eq!(content(&*blobs, &path("a")).await, b"anew");
}
