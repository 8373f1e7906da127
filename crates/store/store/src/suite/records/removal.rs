//! What goes with a removed record.

use super::{
    OTHER_HUB, Place, check_no_dps, check_no_hub, check_whole_dps, check_whole_hub, other_scope, put, whole_device,
    whole_dps, whole_hub,
};
use crate::{
    records::{Expect, Write},
    suite::samples::{self, HUB, device_id, scope},
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

/// [`Write::DeleteDevice`]: the next device of that id starts with neither.
pub async fn a_device_takes_its_twin_and_subscriptions_with_it(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "thermo-7")).await;
    put(&*store, whole_device(HUB, "thermo-8")).await;
    put(&*store, [Write::DeleteDevice(HUB, device_id("thermo-7"), Expect::Present)]).await;
    assert_eq!(store.find_twin(HUB, &device_id("thermo-7")).await.unwrap(), None);
    put(&*store, [Write::PutDevice(HUB, samples::device("thermo-7"), Expect::Absent)]).await;
    let session = store.find_session(HUB, &device_id("thermo-7")).await.unwrap();
    assert_eq!(session, Some((samples::device("thermo-7"), vec![])));
    let session = store.find_session(HUB, &device_id("thermo-8")).await.unwrap();
    assert_eq!(session, Some((samples::device("thermo-8"), samples::subscriptions())));
}
