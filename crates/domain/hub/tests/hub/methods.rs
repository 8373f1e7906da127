//! Direct methods: who is there for them, whose answer counts, and when waiting ends.

use std::time::Duration;

use futures_util::FutureExt;
use roadstead_hub::{
    CloseReason, HubError, IfMatch, Interests, MethodAnswer, MethodCall, MethodRequest, Notice, Session, limits,
};
use roadstead_model::Device;
use serde_json::value::RawValue;
use tokio::{task::JoinHandle, time::Instant};

use crate::world::{World, id};

const LISTENING: Interests = Interests { methods: true, desired: false, messages: false };
const DEAF: Interests = Interests { methods: false, desired: true, messages: true };

fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn request(payload: Option<&str>) -> MethodRequest {
    MethodRequest {
        name: "reboot".to_owned(),
        payload: payload.map(json),
        response_timeout: Duration::from_secs(30),
        connect_timeout: Duration::ZERO,
    }
}

fn patient(connect_s: u64) -> MethodRequest {
    MethodRequest { connect_timeout: Duration::from_secs(connect_s), ..request(None) }
}

/// Calls in the background.
fn call(world: &World, request: MethodRequest) -> JoinHandle<Result<MethodAnswer, HubError>> {
    let hub = world.hub.clone();
    tokio::spawn(async move { hub.invoke_method(&id("dev1").into(), request).await })
}

async fn listening(world: &World, device: &Device) -> Session {
    let session = world.connect(device).await;
    session.attend(LISTENING);
    session
}

/// The next `count` calls, once they are there.
async fn next_calls(session: &Session, count: usize) -> Vec<MethodCall> {
    let mut calls = Vec::new();
    while calls.len() < count {
        session.woken().await;
        for notice in session.take_notices() {
            let Notice::Method(call) = notice else { panic!("{notice:?}") };
            calls.push(call);
        }
    }
    calls
}

async fn next_call(session: &Session) -> MethodCall {
    next_calls(session, 1).await.remove(0)
}

fn payload(answer: &MethodAnswer) -> Option<&str> {
    answer.payload.as_deref().map(RawValue::get)
}

#[tokio::test]
async fn a_device_answers_each_kind_of_payload_byte_by_byte() {
    let world = World::new();
    let session = listening(&world, &world.device("dev1").await).await;
    for text in ["{\"a\" : [1,\t2.50, \"\\u00e4ü\"]}", "[]", "\"\"", "0", "-1.0e2", "true", "null", "{}"] {
        let called = call(&world, request(Some(text)));
        let MethodCall { id, name, payload: sent } = next_call(&session).await;
        assert_eq!((&*name, &*sent), ("reboot", text));
        session.answer_method(id, -7, text.as_bytes());
        let answer = called.await.unwrap().unwrap();
        assert_eq!((answer.status, payload(&answer)), (-7, Some(text)));
    }
    let called = call(&world, request(None));
    let MethodCall { id, payload: sent, .. } = next_call(&session).await;
    assert_eq!(sent, "null");
    session.answer_method(id, 200, b"");
    assert_eq!(payload(&called.await.unwrap().unwrap()), None);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told_of() {
    let world = World::new();
    let session = listening(&world, &world.device("dev1").await).await;
    let called = call(&world, request(None));
    session.answer_method(next_call(&session).await.id, 200, b"{");
    let refused = called.await.unwrap();
    assert!(matches!(refused, Err(HubError::MethodAnswerUnfit(_))), "{refused:?}");
    assert!(session.closed().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn who_is_not_there_is_not_asked() {
    let world = World::new();
    let unknown = world.hub.invoke_method(&id("dev1").into(), request(None)).await;
    assert!(matches!(unknown, Err(HubError::DeviceNotFound(_))), "{unknown:?}");
    let device = world.device("dev1").await;
    let offline = world.hub.invoke_method(&id("dev1").into(), request(None)).await;
    assert!(matches!(offline, Err(HubError::DeviceNotOnline { waited: Duration::ZERO })), "{offline:?}");
    let session = world.connect(&device).await;
    session.attend(DEAF);
    let asked = Instant::now();
    let deaf = world.hub.invoke_method(&id("dev1").into(), patient(20)).await;
    let waited = Duration::from_secs(20);
    assert!(matches!(deaf, Err(HubError::DeviceNotOnline { waited: w }) if w == waited), "{deaf:?}");
    assert!((waited..waited + Duration::from_secs(1)).contains(&asked.elapsed()));
    session.attend(LISTENING);
    let called = call(&world, request(None));
    session.decline_method(next_call(&session).await.id);
    assert!(matches!(called.await.unwrap(), Err(HubError::DeviceNotOnline { .. })), "listens to other methods only");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_turns_up_in_time_is_asked_at_once() {
    let world = World::new();
    let device = world.device("dev1").await;
    let (first, second) = (call(&world, patient(300)), call(&world, patient(300)));
    tokio::time::sleep(Duration::from_secs(100)).await;
    let asked = Instant::now();
    let session = world.connect(&device).await;
    session.attend(DEAF);
    tokio::task::yield_now().await;
    assert!(session.take_notices().is_empty());
    session.attend(LISTENING);
    for MethodCall { id, .. } in next_calls(&session, 2).await {
        session.answer_method(id, 200, b"1");
    }
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(asked.elapsed(), Duration::ZERO, "nobody polled");
}

#[tokio::test(start_paused = true)]
async fn a_silent_device_is_waited_for_so_long_and_its_late_answer_is_nobodys() {
    let world = World::new();
    let session = listening(&world, &world.device("dev1").await).await;
    let asked = Instant::now();
    let called = call(&world, request(None));
    let late = next_call(&session).await.id;
    let silent = called.await.unwrap();
    let waited = Duration::from_secs(30);
    assert!(matches!(silent, Err(HubError::MethodTimedOut { waited: w }) if w == waited), "{silent:?}");
    assert!((waited..waited + Duration::from_secs(1)).contains(&asked.elapsed()));
    let called = call(&world, request(None));
    let id = next_call(&session).await.id;
    assert_ne!(id, late);
    session.answer_method(late, 200, b"\"late\"");
    session.answer_method(id.wrapping_add(1), 200, b"\"unasked\"");
    session.answer_method(id, 200, b"\"timely\"");
    session.answer_method(id, 200, b"\"again\"");
    assert_eq!(payload(&called.await.unwrap().unwrap()), Some("\"timely\""));
}

#[tokio::test]
async fn whoever_goes_in_the_middle_is_told_of_at_once() {
    let world = World::new();
    let device = world.device("dev1").await;
    let closed = |outcome| matches!(outcome, Err(HubError::DeviceConnectionClosedRemotely));

    let session = listening(&world, &device).await;
    let called = call(&world, request(None));
    next_call(&session).await;
    drop(session);
    assert!(closed(called.await.unwrap()), "dropped");

    let old = listening(&world, &device).await;
    let called = call(&world, request(None));
    let id_of_old = next_call(&old).await.id;
    let new = listening(&world, &device).await;
    assert!(closed(called.await.unwrap()), "taken over");
    let called = call(&world, request(None));
    let id_of_new = next_call(&new).await.id;
    old.answer_method(id_of_old, 200, b"1");
    old.answer_method(id_of_new, 200, b"1");
    new.answer_method(id_of_new, 200, b"2");
    assert_eq!(payload(&called.await.unwrap().unwrap()), Some("2"), "from the connection that was asked");
    drop(old);

    let called = call(&world, request(None));
    next_call(&new).await;
    world.hub.delete_device(&id("dev1"), IfMatch::Any).await.unwrap();
    assert_eq!(new.closed().await, CloseReason::DeviceDeleted);
    assert!(closed(called.await.unwrap()), "deleted");
}

#[tokio::test]
async fn a_caller_that_gives_up_takes_its_call_back() {
    let world = World::new();
    let session = listening(&world, &world.device("dev1").await).await;
    let given_up = id("dev1").into();
    let mut called = Box::pin(world.hub.invoke_method(&given_up, request(None)));
    assert!(called.as_mut().now_or_never().is_none());
    assert!(session.woken().now_or_never().is_some(), "it was posted");
    drop(called);
    assert!(session.take_notices().is_empty(), "and withdrawn");
}

#[tokio::test]
async fn a_hundred_calls_at_once_each_get_their_own_answer() {
    let world = World::new();
    let session = listening(&world, &world.device("dev1").await).await;
    let called: Vec<_> = (0..100).map(|number| call(&world, request(Some(&number.to_string())))).collect();
    for MethodCall { id, payload, .. } in next_calls(&session, 100).await.into_iter().rev() {
        session.answer_method(id, 200, payload.as_bytes());
    }
    for (number, called) in called.into_iter().enumerate() {
        assert_eq!(payload(&called.await.unwrap().unwrap()), Some(number.to_string().as_str()));
    }
}

#[tokio::test]
async fn a_session_has_only_so_many_calls_to_answer() {
    let world = World::new();
    let session = listening(&world, &world.device("dev1").await).await;
    let called: Vec<_> = (0..limits::METHODS_PER_SESSION_MAX).map(|_| call(&world, request(None))).collect();
    next_calls(&session, limits::METHODS_PER_SESSION_MAX).await;
    let refused = world.hub.invoke_method(&id("dev1").into(), request(None)).await;
    assert!(matches!(refused, Err(HubError::TooManyCalls { .. })), "{refused:?}");
    assert!(session.closed().now_or_never().is_none(), "too many calls close no session");
    drop(session);
    for called in called {
        assert!(matches!(called.await.unwrap(), Err(HubError::DeviceConnectionClosedRemotely)));
    }
}
