//! Subscriptions of persistent sessions.

use super::{Place, put, whole_device};
use crate::{
    records::{Expect, SessionRecord, Write},
    suite::samples::{self, HUB, identity},
};

/// [`Write::PutSubscriptions`]; a changed identity leaves them alone.
pub async fn subscriptions_are_replaced_as_a_whole(place: &dyn Place) {
    let store = place.start().await;
    let id = identity("thermo-7");
    put(&*store, whole_device(HUB, "thermo-7")).await;
    let changed = samples::disabled_device("thermo-7");
    put(&*store, [Write::PutDevice(HUB, changed.clone(), Expect::Present)]).await;
    for subscriptions in [samples::subscriptions(), samples::subscriptions()[1..].to_vec(), vec![]] {
        put(&*store, [Write::PutSubscriptions(HUB, id.clone(), subscriptions.clone())]).await;
        let session = store.find_session(HUB, &id).await.unwrap();
        assert_eq!(session, Some(SessionRecord { device: changed.clone(), module: None, subscriptions }));
    }
}

/// Those of a device that is gone are not kept for the next one of that id.
pub async fn subscriptions_belong_to_a_device(place: &dyn Place) {
    let store = place.start().await;
    let id = identity("thermo-7");
    put(&*store, [Write::PutSubscriptions(HUB, id.clone(), samples::subscriptions())]).await;
    assert_eq!(store.find_session(HUB, &id).await.unwrap(), None);
    put(&*store, [Write::PutDevice(HUB, samples::device("thermo-7"), Expect::Absent)]).await;
    let session = SessionRecord { device: samples::device("thermo-7"), module: None, subscriptions: vec![] };
    assert_eq!(store.find_session(HUB, &id).await.unwrap(), Some(session));
}
