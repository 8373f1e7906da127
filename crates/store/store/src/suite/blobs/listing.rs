//! What is told of a device's blobs.

use roadstead_model::DeviceId;

use super::{HUB, Place, QUOTA, commit, path, path_of, put, put_block};
use crate::{
    blob::{Blobs, ListedBlob},
    limits::PAGE_ITEMS_MAX,
};

/// All blobs of a device, page by page; each page has as many as it shall, but the last.
async fn listed(blobs: &dyn Blobs, device: &str, limit: usize) -> Vec<ListedBlob> {
    let device = DeviceId::parse(device).unwrap();
    let (mut found, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = blobs.list(HUB, &device, after.as_deref(), limit).await.unwrap();
        assert!(page.items.len() == limit || page.next.is_none(), "{} of {limit}", page.items.len());
        found.extend(page.items);
        match page.next {
            Some(next) => {
                assert!(next.is_ascii() && after.is_none_or(|after| after < next), "{next}");
                after = Some(next);
            }
            None => return found,
        }
    }
}

fn names(found: &[ListedBlob]) -> Vec<&str> {
    found.iter().map(|blob| blob.name.as_str()).collect()
}

pub async fn listings_are_paged_and_complete(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    assert!(listed(&*blobs, "thermo-7", 3).await.is_empty());
    let mut expected: Vec<String> = (0..10).map(|n| format!("{n}.txt")).collect();
    expected.extend(
        ["Logs/1.txt", "logs/1.txt", "logs//1.txt", "a%2Fb", "a b", "\u{e4}", ".hidden", "{a}#[b]"].map(str::to_owned),
    );
    expected.push("x".repeat(300));
    for name in &expected {
        put(&*blobs, &path(name), name).await;
    }
    expected.sort_unstable();
    for limit in [1, 3, expected.len(), PAGE_ITEMS_MAX] {
        let found = listed(&*blobs, "thermo-7", limit).await;
        let mut found = names(&found);
        let digits = found.iter().filter(|name| name.as_bytes()[0].is_ascii_digit());
        assert!(digits.is_sorted(), "plain names are in order: {found:?}");
        found.sort_unstable();
        assert_eq!(found, expected, "{limit}");
    }
    let thermo = DeviceId::parse("thermo-7").unwrap();
    for (after, limit) in [("5.txt", 1), ("~~~", 1), ("%", 0), ("../../x", 2), ("\u{e4}/\n", 2), ("", 2)] {
        let page = blobs.list(HUB, &thermo, Some(after), limit).await.unwrap();
        assert!(page.items.len() <= limit.max(1), "{after}");
    }
    let page = blobs.list(HUB, &thermo, Some("5.txt"), 1).await.unwrap();
    assert_eq!(names(&page.items), ["6.txt"], "also when the one before is gone");
}

pub async fn listings_show_what_each_blob_is(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    let whole = put(&*blobs, &path("b"), "hello").await;
    put_block(&*blobs, &path("a"), 0, "ab").await;
    put_block(&*blobs, &path("a"), 1, "c").await;
    put_block(&*blobs, &path("waits"), 0, "unseen").await;
    let of_blocks = commit(&*blobs, &path("a"), &[0, 1]).await.unwrap();
    let blob = |name: &str, size, last_modified| ListedBlob {
        name: name.to_owned(),
        size,
        content_type: Some("text/plain".to_owned()),
        last_modified,
    };
    let expected = [blob("a", 3, of_blocks.last_modified), blob("b", 5, whole.last_modified)];
    assert_eq!(listed(&*blobs, "thermo-7", 10).await, expected);
    put(&*blobs, &path("b"), "longer").await;
    assert!(blobs.delete(&path("a")).await.unwrap());
    let found = listed(&*blobs, "thermo-7", 10).await;
    assert_eq!((names(&found), found[0].size), (vec!["b"], 6));
}

pub async fn listings_are_of_one_device(place: &dyn Place) {
    let blobs = place.start(QUOTA).await;
    put(&*blobs, &path("mine"), "x").await;
    for (hub, device, name) in [
        (HUB, "thermo-70", "a"),
        (HUB, "thermo-", "b"),
        (HUB, "thermo-7%", "c"),
        (roadstead_model::HubKey(8), "thermo-7", "d"),
    ] {
        put(&*blobs, &path_of(hub, device, name), "x").await;
    }
    assert_eq!(names(&listed(&*blobs, "thermo-7", 1).await), ["mine"]);
    assert_eq!(names(&listed(&*blobs, "thermo-7%", 5).await), ["c"]);
    blobs.delete_hub(HUB).await.unwrap();
    assert!(listed(&*blobs, "thermo-7", 5).await.is_empty());
}
