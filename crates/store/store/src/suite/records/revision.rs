//! What is kept of twins' past.

use roadstead_model::{HubKey, IdentityId, TwinRevision};

use super::{OTHER_HUB, Place, put};
use crate::{
    records::{Expect, Records, RevisionBounds, Write},
    seal::{SealKey, Sealer},
    stored::{self, Stored, Vault},
    suite::samples::{self, HUB, device_id},
};

const WIDE: RevisionBounds = RevisionBounds { per_identity_max: 100, hub_bytes_max: 1 << 30 };

fn id(text: &str) -> IdentityId {
    let (device, module) = text.split_once('/').map_or((text, None), |(device, module)| (device, Some(module)));
    IdentityId::parse(device, module).unwrap()
}

fn add(hub: HubKey, of: &str, version: i64, bounds: RevisionBounds) -> Write {
    Write::AddTwinRevision { hub, id: id(of), revision: samples::twin_revision(version), bounds }
}

/// What a revision takes in a store.
fn stored_bytes(revision: &TwinRevision) -> u64 {
    let sealer = Sealer::new(&SealKey::fresh(&samples::Pattern));
    revision.encode(Vault { sealer: &sealer, place: stored::Place::Twin(HUB, "") }).len() as u64
}

async fn versions(store: &dyn Records, hub: HubKey, of: &str) -> Vec<i64> {
    let found = store.list_twin_revisions(hub, &id(of), None, 1000).await.unwrap();
    assert!(found.is_sorted_by(|(newer, _), (older, _)| newer > older));
    found.into_iter().map(|(_, revision)| revision.version).collect()
}

/// [`Write::AddTwinRevision`], [`Records::list_twin_revisions`]
pub async fn twins_have_a_past(place: &dyn Place) {
    let store = place.start().await;
    assert!(versions(&*store, HUB, "thermo-7").await.is_empty());
    for version in 2..7 {
        put(&*store, [add(HUB, "thermo-7", version, WIDE), add(HUB, "thermo-7/camera", version + 10, WIDE)]).await;
    }
    put(&*store, [add(OTHER_HUB, "thermo-7", 99, WIDE)]).await;
    let provisioned = samples::provisioned_revision();
    let write = Write::AddTwinRevision { hub: HUB, id: id("thermo-7"), revision: provisioned.clone(), bounds: WIDE };
    put(&*store, [write]).await;
    drop(store);
    let store = place.start().await;
    let newest = store.list_twin_revisions(HUB, &id("thermo-7"), None, 2).await.unwrap();
    let found: Vec<TwinRevision> = newest.iter().map(|(_, revision)| revision.clone()).collect();
    assert_eq!(found, [provisioned, samples::twin_revision(6)]);
    let older = store.list_twin_revisions(HUB, &id("thermo-7"), Some(newest[1].0), 1000).await.unwrap();
    assert_eq!(older.iter().map(|(_, revision)| revision.version).collect::<Vec<_>>(), [5, 4, 3, 2]);
    assert_eq!(versions(&*store, HUB, "thermo-7/camera").await, [16, 15, 14, 13, 12]);
    assert_eq!(versions(&*store, OTHER_HUB, "thermo-7").await, [99]);
}

/// [`RevisionBounds`]
pub async fn the_past_of_twins_is_bounded(place: &dyn Place) {
    let store = place.start().await;
    let few = RevisionBounds { per_identity_max: 3, ..WIDE };
    for version in 1..8 {
        put(&*store, [add(HUB, "a", version, few), add(HUB, "b", version, WIDE)]).await;
    }
    assert_eq!(versions(&*store, HUB, "a").await, [7, 6, 5]);
    assert_eq!(versions(&*store, HUB, "b").await.len(), 7);
    put(&*store, [add(OTHER_HUB, "a", 1, WIDE)]).await;
    // Some 200 bytes each: the oldest of the hub go, whosever they are.
    let tight = RevisionBounds { hub_bytes_max: 1000, ..WIDE };
    for version in 8..12 {
        put(&*store, [add(HUB, "c", version, tight)]).await;
    }
    // In the order of their writes, the newest first: as many as there is room for, and no fewer.
    let mut bytes = 0;
    let kept: Vec<(&str, i64)> = [("c", 11), ("c", 10), ("c", 9), ("c", 8), ("b", 7), ("a", 7), ("b", 6), ("a", 6)]
        .into_iter()
        .take_while(|(_, version)| {
            bytes += stored_bytes(&samples::twin_revision(*version));
            bytes <= tight.hub_bytes_max
        })
        .collect();
    assert!(kept.len() > 2 && bytes > tight.hub_bytes_max, "{kept:?}");
    for of in ["a", "b", "c"] {
        let expected = kept.iter().filter(|(one, _)| *one == of).map(|(_, version)| *version);
        assert_eq!(versions(&*store, HUB, of).await, expected.collect::<Vec<_>>(), "{of}");
    }
    assert_eq!(versions(&*store, OTHER_HUB, "a").await, [1]);
}

/// With [`Write::DeleteDevice`], [`Write::DeleteModule`] and [`Write::DeleteHub`].
pub async fn the_past_of_a_twin_goes_with_its_identity(place: &dyn Place) {
    let store = place.start().await;
    for of in ["thermo-7", "thermo-7/camera", "thermo-70", "thermo-70/camera"] {
        put(&*store, [add(HUB, of, 2, WIDE)]).await;
    }
    put(&*store, [Write::DeleteDevice(HUB, device_id("thermo-7"), Expect::Any)]).await;
    assert!(versions(&*store, HUB, "thermo-7").await.is_empty());
    assert!(versions(&*store, HUB, "thermo-7/camera").await.is_empty());
    put(&*store, [Write::DeleteModule(HUB, id("thermo-70/camera"), Expect::Any)]).await;
    assert!(versions(&*store, HUB, "thermo-70/camera").await.is_empty());
    assert_eq!(versions(&*store, HUB, "thermo-70").await, [2]);
    put(&*store, [add(OTHER_HUB, "a", 1, WIDE), Write::DeleteHub(HUB, Expect::Any)]).await;
    assert!(versions(&*store, HUB, "thermo-70").await.is_empty());
    assert_eq!(versions(&*store, OTHER_HUB, "a").await, [1]);
}
