//! What goes with a removed record.

use roadstead_model::Presence;

use super::{
    OTHER_HUB, Place, check_no_dps, check_no_hub, check_whole_device, check_whole_dps, check_whole_hub, conflict,
    other_scope, put, whole_device, whole_dps, whole_hub,
};
use crate::{
    records::{Expect, Write},
    suite::samples::{self, HUB, device_id, identity, module_id, scope},
};

/// [`Write::DeleteHub`].
pub async fn a_hub_takes_with_it_what_it_holds_and_nothing_else(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_hub(HUB, "plant")).await;
    put(&*store, whole_hub(OTHER_HUB, "ship")).await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    put(&*store, [Write::DeleteHub(HUB, Expect::Present)]).await;
    check_no_hub(&*store, HUB).await;
    check_whole_hub(&*store, OTHER_HUB, "ship").await;
    check_whole_dps(&*store, &scope(), "plant-dps").await;
    put(&*store, whole_hub(HUB, "plant")).await;
    check_whole_hub(&*store, HUB, "plant").await;
}

/// [`Records::list_deleted_hubs`](crate::Records::list_deleted_hubs): in the commit of the deletion, or not at all.
pub async fn a_deleted_hub_is_known_until_it_is_forgotten(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_hub(HUB, "plant")).await;
    put(&*store, whole_hub(OTHER_HUB, "ship")).await;
    let impossible = vec![Write::DeleteHub(HUB, Expect::Present), Write::DeleteDps(scope(), Expect::Present)];
    assert_eq!(conflict(&*store, impossible).await, Some(1));
    assert_eq!(store.list_deleted_hubs().await.unwrap(), []);
    put(&*store, [Write::DeleteHub(OTHER_HUB, Expect::Present), Write::DeleteHub(HUB, Expect::Present)]).await;
    drop(store);
    let store = place.start().await;
    assert_eq!(store.list_deleted_hubs().await.unwrap(), [HUB, OTHER_HUB]);
    put(&*store, [Write::ForgetDeletedHub(HUB), Write::ForgetDeletedHub(HUB)]).await;
    assert_eq!(store.list_deleted_hubs().await.unwrap(), [OTHER_HUB]);
}

/// [`Write::DeleteDps`].
pub async fn a_dps_takes_with_it_what_it_holds_and_nothing_else(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_hub(HUB, "plant")).await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    put(&*store, whole_dps(&other_scope(), "ship-dps")).await;
    put(&*store, [Write::DeleteDps(scope(), Expect::Present)]).await;
    check_no_dps(&*store, &scope()).await;
    check_whole_dps(&*store, &other_scope(), "ship-dps").await;
    check_whole_hub(&*store, HUB, "plant").await;
    put(&*store, whole_dps(&scope(), "plant-dps")).await;
    check_whole_dps(&*store, &scope(), "plant-dps").await;
}

/// [`Write::DeleteDevice`]: the next device of that id starts with nothing.
pub async fn a_device_takes_everything_with_it(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "thermo-7")).await;
    put(&*store, whole_device(HUB, "thermo-70")).await;
    put(&*store, [Write::DeleteDevice(HUB, device_id("thermo-7"), Expect::Present)]).await;
    let module = module_id("thermo-7", "camera");
    put(&*store, [Write::PutDevice(HUB, samples::device("thermo-7"), Expect::Absent)]).await;
    put(&*store, [Write::PutTwin(HUB, identity("thermo-7"), samples::twin(), Expect::Absent)]).await;
    let found = store.find_identity(HUB, &identity("thermo-7")).await.unwrap().unwrap();
    assert_eq!((found.presence, found.queued), (Presence::default(), 0));
    assert_eq!(store.find_session(HUB, &identity("thermo-7")).await.unwrap().unwrap().subscriptions, []);
    assert_eq!(store.list_messages(HUB, &device_id("thermo-7"), 0, 10).await.unwrap(), []);
    assert_eq!(store.list_modules(HUB, &device_id("thermo-7")).await.unwrap(), []);
    put(&*store, [Write::PutModule(HUB, samples::module("thermo-7", "camera"), Expect::Absent)]).await;
    assert_eq!(store.find_twin(HUB, &module).await.unwrap(), None);
    assert_eq!(store.find_session(HUB, &module).await.unwrap().unwrap().subscriptions, []);
    check_whole_device(&*store, HUB, "thermo-70").await;
}

/// [`Write::DeleteModule`]: what its device has stays.
pub async fn a_module_takes_its_own_with_it(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "thermo-7")).await;
    let module = module_id("thermo-7", "camera");
    put(&*store, [Write::PutModule(HUB, samples::module("thermo-7", "camera2"), Expect::Absent)]).await;
    put(&*store, [Write::DeleteModule(HUB, module.clone(), Expect::Present)]).await;
    assert_eq!(store.find_module(HUB, &module).await.unwrap(), None);
    assert_eq!(store.find_identity(HUB, &module).await.unwrap(), None);
    assert_eq!(store.find_twin(HUB, &module).await.unwrap(), None);
    assert_eq!(store.find_session(HUB, &module).await.unwrap(), None);
    let left = store.list_modules(HUB, &device_id("thermo-7")).await.unwrap();
    assert_eq!(left, [samples::module("thermo-7", "camera2")]);
    let found = store.find_identity(HUB, &identity("thermo-7")).await.unwrap().unwrap();
    assert_eq!((found.twin, found.presence, found.queued), (samples::twin(), samples::presence(), 1));
    let refused = [
        Write::PutModule(HUB, samples::module("nobody", "camera"), Expect::Any),
        Write::DeleteModule(HUB, identity("thermo-7"), Expect::Any),
    ];
    for write in refused {
        assert_eq!(conflict(&*store, vec![write.clone()]).await, Some(0), "{write:?}");
    }
}
