use std::time::Duration;

use roadstead_hub::{
    HubError, IfMatch, Interests, MethodRequest, NewMessage, Notice, Operation, SectionChange, TwinChange, TwinWrite,
};
use roadstead_model::{HubSettings, Properties, ThrottleProfile, Tier};
use roadstead_store::HubLog;
use serde_json::value::RawValue;

use crate::world::{World, id, sas_spec};

/// A hub as slow as Azure's smallest.
fn slow() -> World {
    World::with(HubSettings { throttle: Some(ThrottleProfile { tier: Tier::S1, units: 1 }), ..HubSettings::default() })
}

fn refused<T>(result: Result<T, HubError>) -> Option<Operation> {
    match result {
        Ok(_) => None,
        Err(HubError::Throttled { operation, .. }) => Some(operation),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn connections_are_throttled_after_the_login_was_judged() {
    let world = slow();
    let device = world.device("a").await;
    assert!(matches!(world.login("a", "nonsense", false).await, Err(HubError::Unauthorized(_))));
    for _ in 0..100 {
        drop(world.connect(&device).await);
    }
    let token = world.token_for(&device, crate::world::HOST);
    let Err(HubError::Throttled { operation, retry_after_s }) = world.login("a", &token, false).await else { panic!() };
    assert_eq!((operation, retry_after_s), (Operation::Connect, 1));
    world.clock.advance_ms(10);
    assert!(world.login("a", &token, false).await.is_ok());
}

#[tokio::test]
async fn telemetry_of_a_session_is_slowed_down_and_then_refused() {
    let world = slow();
    let device = world.device("a").await;
    let session = world.connect(&device).await;
    for _ in 0..100 {
        session.send(&mut Properties::new(), b"{}").unwrap();
    }
    assert_eq!(session.take_pause(), Duration::ZERO);
    session.send(&mut Properties::new(), b"{}").unwrap();
    session.send(&mut Properties::new(), b"{}").unwrap();
    assert_eq!(session.take_pause(), Duration::from_millis(20), "the longest of what was sent");
    assert_eq!(session.take_pause(), Duration::ZERO);
    let sent = (0..2000).take_while(|_| session.send(&mut Properties::new(), b"{}").is_ok()).count();
    assert_eq!(sent, 998);
    assert_eq!(refused(session.send(&mut Properties::new(), b"{}")), Some(Operation::TelemetrySend));
    assert_eq!(world.log.bounds(0).next + world.log.bounds(1).next, 1100, "what is refused is not stored");
}

#[tokio::test]
async fn each_operation_of_back_ends_and_devices_has_its_rate() {
    let world = slow();
    let device = world.device("a").await;
    let token = world.policy_token("device");
    let session = world.connect(&device).await;
    let mut made = 0;
    let operation = loop {
        match refused(world.hub.create_device(sas_spec(&format!("d{made}"))).await) {
            None => made += 1,
            Some(operation) => break operation,
        }
    };
    assert_eq!((made, operation), (99, Operation::Registry), "the first device counted too");
    assert_eq!(refused(world.hub.delete_device(&id("d1"), IfMatch::Any).await), Some(Operation::Registry));
    assert_eq!(refused(world.hub.read_identity(&id("d1").into()).await), Some(Operation::Registry));
    assert_eq!(refused(session.twin().await), None, "each operation has its own");
    for _ in 0..50 {
        session.report(serde_json::Map::new(), None).await.unwrap();
    }
    assert_eq!(refused(session.report(serde_json::Map::new(), None).await), Some(Operation::TwinUpdate));
    for _ in 0..20 {
        world.hub.query("SELECT * FROM devices", None, 1).await.unwrap();
    }
    assert_eq!(refused(world.hub.query("SELECT * FROM devices", None, 1).await), Some(Operation::Query));
    let batch = vec![(Properties::new(), b"{}".to_vec()); 60];
    assert_eq!(refused(world.hub.send_once(world.once("a", &token), &batch).await), None);
    assert_eq!(refused(world.hub.send_once(world.once("a", &token), &batch).await), Some(Operation::TelemetrySend));
    for _ in 0..1000 {
        world.hub.receive_message(world.once("a", &token)).await.unwrap();
    }
    let received = world.hub.receive_message(world.once("a", &token)).await;
    assert_eq!(refused(received), Some(Operation::MessageReceive));
    for _ in 0..100 {
        let started = world.hub.start_upload(world.once("a", &token), "log.txt").await;
        assert!(matches!(started, Err(HubError::UploadsMissing)), "counted, and told that there is no place for files");
    }
    assert_eq!(refused(world.hub.start_upload(world.once("a", &token), "log.txt").await), Some(Operation::UploadStart));
}

#[tokio::test]
async fn a_hub_is_not_slow_by_itself() {
    let world = World::new();
    let device = world.device("a").await;
    let session = world.connect(&device).await;
    for _ in 0..2000 {
        session.send(&mut Properties::new(), b"{}").unwrap();
    }
    assert_eq!(session.take_pause(), Duration::ZERO);
}

/// The messages of the day that this is, in the order of what is done.
#[tokio::test]
async fn what_counts_as_messages_of_the_day() {
    let world = slow();
    let hub = &world.hub;
    let device = world.device("a").await;
    let a = roadstead_model::IdentityId::from(id("a"));
    let session = world.connect(&device).await;
    let mut counted = 0;
    let mut count = |what: &str, expected: u64| {
        let today = hub.messages_today().unwrap();
        assert_eq!(today - counted, expected, "{what}");
        counted = today;
    };
    hub.read_identity(&a).await.unwrap();
    hub.list_identities(None, 10).await.unwrap();
    count("the registry and a connection", 0);

    session.send(&mut Properties::new(), &[0; 4096]).unwrap();
    count("telemetry of 4 KB", 1);
    session.send(&mut Properties::new(), &[0; 4097]).unwrap();
    count("a little more", 2);
    assert!(session.send(&mut Properties::new(), &vec![0; 1 << 20]).is_err());
    count("telemetry that is too large", 0);
    let token = world.policy_token("device");
    let batch = vec![(Properties::new(), vec![0; 5000]), (Properties::new(), Vec::new())];
    hub.send_once(world.once("a", &token), &batch).await.unwrap();
    count("a batch of two", 3);

    let message = |bytes| {
        let ack = roadstead_model::Ack::None;
        NewMessage { properties: Properties::new(), body: vec![0; bytes], ack, expiry: None }
    };
    hub.send_message(&id("a"), message(5000)).await.unwrap();
    count("a message to a device", 2);
    assert!(hub.send_message(&id("nobody"), message(0)).await.is_err());
    count("one to nobody", 0);
    assert_eq!(session.fetch_messages(9).await.unwrap().len(), 1);
    count("its delivery", 0);

    let json = |bytes: usize| RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).unwrap();
    let request = |payload| MethodRequest {
        name: "m".to_owned(),
        payload,
        response_timeout: Duration::from_secs(5),
        connect_timeout: Duration::ZERO,
    };
    assert!(matches!(hub.invoke_method(&a, request(None)).await, Err(HubError::DeviceNotOnline { .. })));
    count("a method of a device that does not listen", 1);
    session.attend(Interests { methods: true, desired: false, messages: false });
    let answer = async {
        session.woken().await;
        let Some(Notice::Method(call)) = session.take_notices().pop() else { panic!("no call") };
        session.answer_method(call.id, 200, json(5000).get().as_bytes());
    };
    let (called, ()) = tokio::join!(hub.invoke_method(&a, request(Some(json(9000)))), answer);
    called.unwrap();
    count("a method of 9 KB and its answer of 5 KB", 5);

    let sections = serde_json::json!({ "a": "x".repeat(3000), "b": "x".repeat(3000) });
    let sections = || sections.as_object().cloned().unwrap();
    hub.read_twin(&a).await.unwrap();
    session.twin().await.unwrap();
    count("two reads of an empty twin", 2);
    let change = TwinChange { desired: SectionChange::Write(sections()), ..TwinChange::default() };
    hub.update_twin(&a, change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
    count("a change of 6 KB", 2);
    session.report(sections(), None).await.unwrap();
    count("a report of 6 KB", 2);
    assert!(session.report(serde_json::json!({"a.b": 1}).as_object().cloned().unwrap(), None).await.is_err());
    count("a report that is refused", 0);
    hub.read_twin(&a).await.unwrap();
    count("a twin of 12 KB", 3);
    session.twin().await.unwrap();
    count("the same, by its device", 3);
    hub.query("SELECT * FROM devices", None, 10).await.unwrap();
    count("the same, by a query", 3);
    hub.query("SELECT COUNT() AS n FROM devices", None, 10).await.unwrap();
    count("a row", 1);
    assert_eq!(World::new().hub.messages_today(), None, "a hub that is not slow counts nothing");
}
