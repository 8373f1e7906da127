//! Who is connected, as far as the store knows.

use roadstead_model::{DisconnectReason, Presence};

use super::{Place, check_whole_device, put, whole_device};
use crate::{
    records::Write,
    suite::samples::{self, HUB, NOW, identity, module_id},
};

/// Nobody is connected after a restart, and it says why; all else stays. Without an identity nothing is kept.
pub async fn presence_is_of_this_run(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "thermo-7")).await;
    let id = identity("thermo-7");
    put(&*store, [Write::PutPresence(HUB, identity("nobody"), samples::presence())]).await;
    assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, samples::presence());
    drop(store);
    let store = place.start().await;
    let stopped = Some(DisconnectReason::ServerStopped);
    let disconnected = Presence { connected: false, reason: stopped, ..samples::presence() };
    assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, disconnected);
    check_whole_device(&*store, HUB, "thermo-7").await;
    put(&*store, [Write::PutPresence(HUB, id.clone(), samples::presence())]).await;
    assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, samples::presence());
    put(&*store, whole_device(HUB, "nobody")[..1].to_vec()).await;
    let twin = whole_device(HUB, "nobody").remove(3);
    put(&*store, [twin]).await;
    assert_eq!(store.find_identity(HUB, &identity("nobody")).await.unwrap().unwrap().presence, Presence::default());
}

/// Nothing but the time changes; who is nobody, or was never connected, stays so.
pub async fn activity_is_noted_where_there_is_presence(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, whole_device(HUB, "thermo-7")).await;
    put(&*store, whole_device(HUB, "thermo-8")[..1].to_vec()).await;
    put(&*store, [whole_device(HUB, "thermo-8").remove(3)]).await;
    let [later, latest] = [60_000, 120_000].map(|ms| NOW.plus_ms(ms));
    let heard = [identity("nobody"), identity("thermo-8"), module_id("thermo-7", "camera"), identity("thermo-7")];
    put(&*store, [Write::PutActivity(HUB, heard.into_iter().map(|id| (id, later)).collect())]).await;
    put(&*store, [Write::PutActivity(HUB, vec![(identity("thermo-7"), latest)])]).await;
    for (id, at) in [(identity("thermo-7"), latest), (module_id("thermo-7", "camera"), later)] {
        let expected = Presence { last_activity: Some(at), ..samples::presence() };
        assert_eq!(store.find_identity(HUB, &id).await.unwrap().unwrap().presence, expected, "{id}");
    }
    let never = store.find_identity(HUB, &identity("thermo-8")).await.unwrap().unwrap();
    assert_eq!(never.presence, Presence::default());
}
