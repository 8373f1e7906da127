//! The queues of messages to devices, and feedback.

use roadstead_model::{CloudMessage, UnixMillis};

use super::{OTHER_HUB, Place, conflict, put};
use crate::{
    records::{Expect, Records, Write},
    suite::samples::{self, HUB, NOW, device_id},
};

fn enqueue(device: &str, body: &str, expires: i64, depth_max: u32) -> Write {
    let message = CloudMessage { body: body.as_bytes().to_vec(), expires: UnixMillis(expires), ..samples::message(0) };
    Write::EnqueueMessage { hub: HUB, device: device_id(device), message, depth_max }
}

async fn bodies(store: &dyn Records, device: &str, after: u64, limit: usize) -> Vec<(u64, String)> {
    let messages = store.list_messages(HUB, &device_id(device), after, limit).await.unwrap();
    messages.into_iter().map(|message| (message.sequence, String::from_utf8(message.body).unwrap())).collect()
}

async fn queued(store: &dyn Records, device: &str) -> u32 {
    store.find_identity(HUB, &device_id(device).into()).await.unwrap().unwrap().queued
}

async fn make(store: &dyn Records, device: &str) {
    let twin = Write::PutTwin(HUB, device_id(device).into(), samples::twin(), Expect::Absent);
    put(store, [Write::PutDevice(HUB, samples::device(device), Expect::Absent), twin]).await;
}

/// Each device has its own; a changed identity leaves it alone.
pub async fn messages_are_queued_in_order(place: &dyn Place) {
    let store = place.start().await;
    make(&*store, "a").await;
    make(&*store, "b").await;
    for body in ["1", "2", "3"] {
        put(&*store, [enqueue("a", body, 10, 50), enqueue("b", &format!("b{body}"), 10, 50)]).await;
    }
    put(&*store, [Write::PutDevice(HUB, samples::disabled_device("a"), Expect::Any)]).await;
    let all = bodies(&*store, "a", 0, 10).await;
    assert_eq!(all.iter().map(|(_, body)| body.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(all.is_sorted());
    assert_eq!(bodies(&*store, "a", all[0].0, 1).await, all[1..2]);
    assert_eq!(queued(&*store, "a").await, 3);

    let second = CloudMessage { delivery_count: 7, ..samples::message(all[1].0) };
    put(&*store, [Write::PutMessage(HUB, device_id("a"), second.clone())]).await;
    assert_eq!(store.list_messages(HUB, &device_id("a"), all[0].0, 1).await.unwrap(), std::slice::from_ref(&second));
    put(&*store, [Write::DeleteMessage(HUB, device_id("a"), second.sequence)]).await;
    assert_eq!(bodies(&*store, "a", 0, 10).await, [all[0].clone(), all[2].clone()]);
    assert_eq!((queued(&*store, "a").await, queued(&*store, "b").await), (2, 3));
    for gone in
        [Write::DeleteMessage(HUB, device_id("a"), second.sequence), Write::PutMessage(HUB, device_id("a"), second)]
    {
        assert_eq!(conflict(&*store, vec![gone.clone()]).await, Some(0), "{gone:?}");
    }
}

/// `depth_max`, and no queue without a device.
pub async fn a_queue_is_bounded(place: &dyn Place) {
    let store = place.start().await;
    make(&*store, "a").await;
    assert_eq!(conflict(&*store, vec![enqueue("nobody", "1", 10, 50)]).await, Some(0));
    assert_eq!(conflict(&*store, vec![enqueue("a", "1", 10, 2), enqueue("a", "2", 10, 2)]).await, None);
    assert_eq!(conflict(&*store, vec![enqueue("a", "3", 10, 2)]).await, Some(0));
    let first = bodies(&*store, "a", 0, 1).await[0].0;
    put(&*store, [Write::DeleteMessage(HUB, device_id("a"), first)]).await;
    assert_eq!(conflict(&*store, vec![enqueue("a", "3", 10, 2)]).await, None);
    assert_eq!(queued(&*store, "a").await, 2);
}

/// Not even those of messages that are gone, nor after a restart.
pub async fn sequence_numbers_are_never_used_twice(place: &dyn Place) {
    let mut store = place.start().await;
    make(&*store, "a").await;
    let mut last = 0;
    for round in 0..3 {
        put(&*store, [enqueue("a", "x", 10, 1)]).await;
        let (sequence, _) = bodies(&*store, "a", 0, 1).await[0];
        assert!(sequence > last, "round {round}: {sequence} after {last}");
        put(&*store, [Write::DeleteMessage(HUB, device_id("a"), sequence)]).await;
        last = sequence;
        drop(store);
        store = place.start().await;
    }
}

/// Of every device, and no others; first those that expired first.
pub async fn expired_messages_are_found(place: &dyn Place) {
    let store = place.start().await;
    make(&*store, "a").await;
    make(&*store, "b").await;
    put(&*store, [enqueue("a", "late", 30, 9), enqueue("a", "soon", 10, 9), enqueue("b", "sooner", 9, 9)]).await;
    let expired = async |now: i64, skip: usize, limit: usize| {
        let found = store.list_expired_messages(HUB, UnixMillis(now), skip, limit).await.unwrap();
        let shown =
            |(device, message): (_, CloudMessage)| format!("{device} {}", String::from_utf8(message.body).unwrap());
        found.into_iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(expired(8, 0, 9).await, [""; 0]);
    assert_eq!(expired(10, 0, 9).await, ["b sooner", "a soon"]);
    assert_eq!(expired(30, 0, 9).await, ["b sooner", "a soon", "a late"]);
    assert_eq!(expired(30, 0, 2).await, ["b sooner", "a soon"]);
    assert_eq!(expired(30, 1, 2).await, ["a soon", "a late"]);
    assert_eq!(expired(30, 3, 2).await, [""; 0]);
    // What expires at the same time comes in the same order each time.
    put(&*store, ["1", "2", "3"].map(|body| enqueue("a", body, 40, 9))).await;
    let once = expired(40, 3, 9).await;
    assert_eq!([expired(40, 3, 1).await, expired(40, 4, 1).await, expired(40, 5, 1).await].concat(), once);
}

/// In order; each hub has its own.
pub async fn feedback_is_kept_until_deleted(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, ["a", "b", "c"].map(|device| Write::AddFeedback(HUB, samples::feedback(device)))).await;
    put(&*store, [Write::AddFeedback(OTHER_HUB, samples::feedback("d"))]).await;
    let kept = store.list_feedback(HUB, 10).await.unwrap();
    let devices: Vec<_> = kept.iter().map(|(_, feedback)| feedback.clone()).collect();
    assert_eq!(devices, ["a", "b", "c"].map(samples::feedback));
    assert_eq!(store.list_feedback(HUB, 1).await.unwrap(), kept[..1]);
    assert_eq!(store.count_feedback(HUB).await.unwrap(), 3);
    put(&*store, [Write::DeleteFeedback(HUB, vec![kept[0].0, kept[2].0, u64::MAX >> 1])]).await;
    assert_eq!(store.list_feedback(HUB, 10).await.unwrap(), kept[1..2]);
    assert_eq!(store.list_feedback(OTHER_HUB, 10).await.unwrap().len(), 1);
    assert_eq!(store.count_feedback(HUB).await.unwrap(), 1);
}

/// In order; each hub has its own.
pub async fn file_notifications_are_kept_until_deleted(place: &dyn Place) {
    let store = place.start().await;
    let add = |device: &str| Write::AddFileNotification(HUB, samples::file_notification(device));
    put(&*store, ["a", "b", "c"].map(add)).await;
    put(&*store, [Write::AddFileNotification(OTHER_HUB, samples::file_notification("d"))]).await;
    let kept = store.list_file_notifications(HUB, 10).await.unwrap();
    let found: Vec<_> = kept.iter().map(|(_, notification)| notification.clone()).collect();
    assert_eq!(found, ["a", "b", "c"].map(samples::file_notification));
    assert_eq!(store.list_file_notifications(HUB, 1).await.unwrap(), kept[..1]);
    put(&*store, [Write::DeleteFileNotifications(HUB, vec![kept[0].0, kept[2].0, u64::MAX >> 1])]).await;
    assert_eq!(store.list_file_notifications(HUB, 10).await.unwrap(), kept[1..2]);
    assert_eq!(store.list_file_notifications(OTHER_HUB, 10).await.unwrap().len(), 1);
}

/// Each hub has its own.
pub async fn uploads_are_remembered_until_then(place: &dyn Place) {
    let remember = |hub, upload: &str, until, now| {
        let [until, now] = [until, now].map(|ms| NOW.plus_ms(ms));
        Write::RememberUpload { hub, upload: upload.to_owned(), until, now }
    };
    let notify = Write::AddFileNotification(HUB, samples::file_notification("a"));
    let store = place.start().await;
    assert_eq!(conflict(&*store, vec![remember(HUB, "a", 100, 0), notify.clone()]).await, None);
    assert_eq!(conflict(&*store, vec![notify.clone(), remember(HUB, "a", 100, 99)]).await, Some(1));
    assert_eq!(conflict(&*store, vec![remember(HUB, "b", 200, 99), remember(OTHER_HUB, "a", 100, 99)]).await, None);
    drop(store);
    let store = place.start().await;
    for upload in ["a", "b"] {
        assert_eq!(conflict(&*store, vec![remember(HUB, upload, 300, 99), notify.clone()]).await, Some(0), "{upload}");
    }
    assert_eq!(store.list_file_notifications(HUB, 10).await.unwrap().len(), 1);
    assert_eq!(conflict(&*store, vec![remember(HUB, "a", 300, 100)]).await, None, "forgotten in time");
    assert_eq!(conflict(&*store, vec![remember(HUB, "b", 300, 100)]).await, Some(0));
    put(&*store, [Write::PutHub(samples::hub(HUB, "plant"), Expect::Absent), Write::DeleteHub(HUB, Expect::Present)])
        .await;
    assert_eq!(conflict(&*store, vec![remember(HUB, "b", 300, 100)]).await, None, "gone with the hub");
    assert_eq!(conflict(&*store, vec![remember(OTHER_HUB, "a", 300, 99)]).await, Some(0));
}
