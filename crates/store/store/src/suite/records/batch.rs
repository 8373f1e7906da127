//! Batches: all or nothing, and each alone.

use roadstead_model::Device;

use super::{
    OTHER_HUB, Place, check_no_dps, check_no_hub, check_whole_dps, check_whole_hub, conflict,
    expectation::{Kind, kinds},
    other_scope, put, whole_device, whole_dps, whole_hub,
};
use crate::{
    records::{Expect, Write},
    suite::samples::{self, HUB, device_id, etag, group_name, identity, scope},
};

/// All of a batch or nothing, removals included.
pub async fn a_conflict_names_its_write_and_leaves_nothing_of_its_batch(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_hub(HUB, "plant")).await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    let mut batch = whole_hub(OTHER_HUB, "ship");
    batch.extend(whole_dps(&other_scope(), "ship-dps"));
    batch.push(Write::DeleteHub(HUB, Expect::Present));
    batch.push(Write::DeleteDps(scope(), Expect::Present));
    let at = batch.len();
    batch.push(Write::DeleteGroup(group_name("no-such"), Expect::Present));
    batch.push(Write::PutGroup(samples::resource_group("after"), Expect::Absent));
    assert_eq!(conflict(&*store, batch).await, Some(at));
    assert_eq!(store.list_groups().await.unwrap(), []);
    check_no_hub(&*store, OTHER_HUB).await;
    check_no_dps(&*store, &other_scope()).await;
    check_whole_hub(&*store, HUB, "plant").await;
    check_whole_dps(&*store, &scope(), "plant-dps").await;
}

/// Writes happen in their order.
pub async fn a_batch_sees_its_own_writes(place: &dyn Place) {
    let store = place.start().await;
    for Kind { name, put, has_etag, .. } in kinds() {
        let second = if has_etag { Expect::Etag(etag("1")) } else { Expect::Present };
        assert_eq!(conflict(&*store, vec![put("1", Expect::Absent), put("2", second)]).await, None, "{name}");
        assert_eq!(conflict(&*store, vec![put("3", Expect::Any), put("4", Expect::Absent)]).await, Some(1), "{name}");
    }
}

pub async fn an_empty_batch_is_fine(place: &dyn Place) {
    let store = place.start().await;
    assert_eq!(conflict(&*store, vec![]).await, None);
}

/// A race has one winner, whose record stands.
pub async fn one_of_many_creators_wins(place: &dyn Place) {
    let store = place.start().await;
    let creators: Vec<_> = (0..64)
        .map(|creator| {
            let store = store.clone();
            let device = Device { etag: etag(&creator.to_string()), ..samples::device("thermo-7") };
            tokio::spawn(async move {
                let batch = vec![Write::PutDevice(HUB, device.clone(), Expect::Absent)];
                conflict(&*store, batch).await.is_none().then_some(device)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for creator in creators {
        winners.extend(creator.await.unwrap());
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.find_device(HUB, &device_id("thermo-7")).await.unwrap().as_ref(), winners.first());
    assert_eq!(store.count_devices(HUB).await.unwrap().total, 1);
}

/// Batches that come at once are each judged alone, however the engine groups them.
pub async fn a_conflict_harms_no_other_batch(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [Write::PutDevice(HUB, samples::device("taken"), Expect::Absent)]).await;
    let writers: Vec<_> = (0..200)
        .map(|writer| {
            let store = store.clone();
            let mut batch = whole_device(HUB, &format!("d{writer:03}"));
            if writer % 3 == 0 {
                batch.push(Write::PutDevice(HUB, samples::device("taken"), Expect::Absent));
            }
            tokio::spawn(async move { conflict(&*store, batch).await })
        })
        .collect();
    for (writer, outcome) in writers.into_iter().enumerate() {
        let expected = (writer % 3 == 0).then_some(9);
        assert_eq!(outcome.await.unwrap(), expected, "writer {writer}");
        let id = identity(&format!("d{writer:03}"));
        assert_eq!(store.find_session(HUB, &id).await.unwrap().is_none(), expected.is_some(), "writer {writer}");
        assert_eq!(store.find_twin(HUB, &id).await.unwrap().is_none(), expected.is_some(), "writer {writer}");
    }
    assert_eq!(store.count_devices(HUB).await.unwrap().total, 1 + 133);
}
