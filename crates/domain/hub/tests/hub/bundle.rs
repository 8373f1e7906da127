//! Messages that a back end sends together.

use std::sync::Arc;

use futures_util::FutureExt;
use proptest::prelude::*;
use roadstead_hub::{HubError, NewMessage};
use roadstead_model::{Ack, CloudToDevice, DeviceId, HubKey, HubSettings, Properties, SystemProperty, UnixMillis};
use roadstead_store::{Records, StoreError};
use roadstead_testkit::{FakeClock, MemoryRecords};

use crate::world::{World, id, sas_spec};

const DEPTH: u32 = 3;
const DEVICES: [&str; 3] = ["a", "b", "c"];

fn message(name: &str) -> NewMessage {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, name);
    NewMessage { properties, body: vec![7], ack: Ack::None, expiry: None }
}

/// A hub whose queues hold so many messages, with the devices `a`, `b` and `c`.
async fn world(depth_max: u32) -> (World, Arc<MemoryRecords>) {
    let (records, clock) = (Arc::new(MemoryRecords::new()), Arc::new(FakeClock::at(UnixMillis(1_795_291_370_000))));
    let cloud_to_device = CloudToDevice { depth_max, ..CloudToDevice::default() };
    let world = World::over(records.clone(), clock, HubSettings { cloud_to_device, ..HubSettings::default() });
    for device in DEVICES {
        world.hub.create_device(sas_spec(device)).await.unwrap();
    }
    (world, records)
}

async fn queued(records: &MemoryRecords, device: &str) -> Vec<String> {
    let found = records.list_messages(HubKey(7), &id(device), 0, 200).await.unwrap();
    let name = |found: roadstead_model::CloudMessage| {
        found.properties.find_system(SystemProperty::MessageId).unwrap().to_owned()
    };
    found.into_iter().map(name).collect()
}

#[tokio::test]
async fn what_comes_together_shares_a_commit() {
    let (world, records) = world(50).await;
    let before = records.commits();
    let bundle = (0..99).map(|n| (vec![id(DEVICES[n % 3])], message(&n.to_string()))).collect();
    let outcomes = world.hub.send_messages(bundle).await;
    assert!(outcomes.len() == 99 && outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(records.commits(), before + 1);
    for (at, device) in DEVICES.into_iter().enumerate() {
        let expected: Vec<_> = (at..99).step_by(3).map(|n| n.to_string()).collect();
        assert_eq!(queued(&records, device).await, expected, "in the order in which they came");
    }
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_as_a_whole() {
    let (world, records) = world(50).await;
    records.fail_next_commit(StoreError::Full("the disk".to_owned()));
    let bundle = vec![(vec![id("a")], message("1")), (vec![id("b")], message("2"))];
    let outcomes = world.hub.send_messages(bundle).await;
    assert!(matches!(outcomes.as_slice(), [Err(HubError::Full(_)), Err(HubError::Full(_))]), "{outcomes:?}");
    assert_eq!(queued(&records, "a").await, Vec::<String>::new());
    assert!(world.hub.send_messages(Vec::new()).await.is_empty());
}

/// For whom a message is, and how it is made.
#[derive(Debug, Clone)]
struct Sent {
    devices: Vec<&'static str>,
    is_too_large: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let devices = prop::sample::select(vec![
        vec!["a"],
        vec!["a"],
        vec!["b"],
        vec!["c"],
        vec!["nobody"],
        vec!["nobody", "b"],
        vec![],
    ]);
    (devices, prop::bool::weighted(0.1)).prop_map(|(devices, is_too_large)| Sent { devices, is_too_large })
}

proptest! {
    /// Together or one after the other: the outcomes are the same, and so are the queues.
    #[test]
    fn together_is_as_one_by_one(bundles in prop::collection::vec(prop::collection::vec(sent(), 0..8), 1..4)) {
        let ((together, in_one), (alone, by_one)) =
            (world(DEPTH).now_or_never().unwrap(), world(DEPTH).now_or_never().unwrap());
        let mut number = 0;
        for bundle in bundles {
            let (mut messages, mut expected) = (Vec::new(), Vec::new());
            for Sent { devices, is_too_large } in bundle {
                number += 1;
                let mut new = message(&number.to_string());
                if is_too_large {
                    new.body = vec![0; 70_000];
                }
                let devices: Vec<DeviceId> = devices.into_iter().map(id).collect();
                expected.push(alone.hub.send_message_to_first(&devices, new.clone()).now_or_never().unwrap());
                messages.push((devices, new));
            }
            let outcomes = together.hub.send_messages(messages).now_or_never().unwrap();
            prop_assert_eq!(format!("{outcomes:?}"), format!("{expected:?}"));
        }
        for device in DEVICES {
            let queues = [&in_one, &by_one].map(|records| queued(records, device).now_or_never().unwrap());
            prop_assert_eq!(&queues[0], &queues[1]);
        }
    }
}
