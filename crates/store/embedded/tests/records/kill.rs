//! Killed without warning in the middle of many commits, it loses none that was acknowledged and keeps no half of any.

use std::{
    collections::{BTreeMap, HashSet},
    process,
    sync::Arc,
};

use roadstead_model::{CloudMessage, Device, Twin};
use roadstead_store::{
    Expect, Records, Write,
    suite::samples::{self, HUB, device_id, registration_id, scope},
};
use roadstead_testkit::killed;

use super::open;

const ROUNDS: usize = 6;
const CLIENTS: usize = 32;

/// What a device that registers makes DPS write.
fn registration(id: &str) -> Vec<Write> {
    vec![
        Write::PutDevice(HUB, samples::device(id), Expect::Absent),
        Write::PutTwin(HUB, device_id(id).into(), samples::twin(), Expect::Absent),
        Write::PutRegistration(scope(), samples::registration(id, Some("fleet")), Expect::Absent),
    ]
}

const MESSAGES: [&str; 2] = ["first", "second"];

fn enqueue(id: &str, body: &str) -> Write {
    let message = CloudMessage { body: body.as_bytes().to_vec(), ..samples::message(0) };
    Write::EnqueueMessage { hub: HUB, device: device_id(id), message, depth_max: 2 }
}

/// What a device that acknowledges its first message makes the hub write.
fn completion(id: &str) -> Vec<Write> {
    vec![Write::DeleteMessage(HUB, device_id(id), 1), Write::AddFeedback(HUB, samples::feedback(id))]
}

#[test]
#[ignore = "the process that is killed; started by the test below"]
fn child() {
    let Some(directory) = killed::place() else { return };
    // The devices of each process are its own.
    let round = process::id();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let store = Arc::new(open(&directory));
        let clients = (0..CLIENTS).map(|client| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let id = format!("d{round}-{client}-{n}");
                    store.commit(registration(&id)).await.unwrap();
                    killed::acknowledge(&id);
                    // Then two messages to it, the first of which it completes.
                    for body in MESSAGES {
                        store.commit(vec![enqueue(&id, body)]).await.unwrap();
                        killed::acknowledge(format_args!("{id} has {body}"));
                    }
                    store.commit(completion(&id)).await.unwrap();
                    killed::acknowledge(format_args!("{id} done"));
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let temporary = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        acknowledged.extend(killed::run("kill::child", temporary.path(), 300 * (round + 1)));
        let store = open(temporary.path());
        check(&store, &acknowledged).await;
    }
}

/// A queued message is there until it was completed, and then the feedback is.
async fn check_messages(store: &dyn Records, acknowledged: &[String]) {
    let completed: HashSet<&str> = acknowledged.iter().filter_map(|line| line.strip_suffix(" done")).collect();
    let told = store.count_feedback(HUB).await.unwrap();
    assert!(told >= completed.len() as u64, "{told} of {} completions are told of", completed.len());
    let mut gone = 0;
    let mut lasting: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (id, body) in acknowledged.iter().filter_map(|line| line.split_once(" has ")) {
        if !lasting.contains_key(id) {
            let waiting = store.list_messages(HUB, &device_id(id), 0, 9).await.unwrap();
            lasting.insert(id, waiting.into_iter().map(|m| String::from_utf8(m.body).unwrap()).collect());
        }
        let waits = lasting[id].iter().any(|waiting| waiting == body);
        match body {
            "first" if completed.contains(id) => assert!(!waits, "{id} completed its first message"),
            // Its completion was perhaps stored, but not acknowledged any more.
            "first" => gone += u64::from(!waits),
            _ => assert!(waits, "{id} was sent {body}"),
        }
    }
    let kept = completed.len() as u64 + gone;
    assert!(told >= kept && told <= kept + CLIENTS as u64 * ROUNDS as u64, "{told} are told of, {kept} are gone");
}

async fn check(store: &dyn Records, acknowledged: &[String]) {
    check_messages(store, acknowledged).await;
    for id in acknowledged.iter().filter(|line| !line.contains(' ')) {
        assert!(store.find_device(HUB, &device_id(id)).await.unwrap().is_some(), "{id} was acknowledged");
    }
    let mut found = 0;
    let mut after = None;
    loop {
        let devices = store.list_devices(HUB, after.as_deref(), 1000).await.unwrap();
        for Device { id, .. } in devices.items {
            let twin: Option<Twin> = store.find_twin(HUB, &id.clone().into()).await.unwrap();
            assert_eq!(twin, Some(samples::twin()), "half of {id} was kept");
            let registered = store.find_registration(&scope(), &registration_id(id.as_str())).await.unwrap();
            assert_eq!(registered, Some(samples::registration(id.as_str(), Some("fleet"))), "half of {id} was kept");
            found += 1;
        }
        after = devices.next;
        if after.is_none() {
            break;
        }
    }
    assert!(found >= acknowledged.iter().filter(|line| !line.contains(' ')).count());
    assert_eq!(store.count_devices(HUB).await.unwrap().total, found as u64);
}
