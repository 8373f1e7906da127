//! Who is connected, as far as the store knows.

use roadstead_model::Presence;

use super::{Place, check_whole_device, put, whole_device};
use crate::{
    records::Write,
    suite::samples::{self, HUB, identity},
};

/// Nobody is connected after a restart; all else stays. Without an identity nothing is kept.
pub async fn presence_is_of_this_run(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "thermo-7")).await;
    let id = identity("thermo-7");
    put(&*store, [Write::PutPresence(HUB, identity("nobody"), samples::presence())]).await;
    assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, samples::presence());
    drop(store);
    let store = place.start().await;
    let disconnected = Presence { connected: false, ..samples::presence() };
    assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, disconnected);
    check_whole_device(&*store, HUB, "thermo-7").await;
    put(&*store, [Write::PutPresence(HUB, id.clone(), samples::presence())]).await;
    assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, samples::presence());
    put(&*store, whole_device(HUB, "nobody")[..1].to_vec()).await;
    let twin = whole_device(HUB, "nobody").remove(3);
    put(&*store, [twin]).await;
    assert_eq!(store.find_identity(HUB, &identity("nobody")).await.unwrap().unwrap().presence, Presence::default());
}
