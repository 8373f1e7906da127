//! Direct methods, with a device at the hub's other side.

use roadstead_auth::Evidence;
use roadstead_hub::{Interests, Login, MethodCall, Notice, Session, SessionRequest, limits};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    pipe::{Answer, Pipe},
    world::{World, caller, device_token, key, request},
};

async fn connect(world: &World) -> Session {
    let token = device_token("dev1", &key(1));
    let login = Login { device_id: "dev1", module_id: None, evidence: Evidence { token: Some(&token), chain: &[] } };
    let session = world.hub.connect(login, SessionRequest::default()).await.unwrap();
    session.attend(Interests { methods: true, ..Interests::default() });
    session
}

async fn next_call(session: &Session) -> MethodCall {
    loop {
        session.woken().await;
        match session.take_notices().pop() {
            Some(Notice::Method(call)) => return call,
            Some(other) => panic!("{other:?}"),
            // Woken for a call that was taken back.
            None => {}
        }
    }
}

fn call(payload: &Value) -> Value {
    json!({"methodName": "reboot", "payload": payload, "responseTimeoutInSeconds": 5})
}

/// Status, code and `info` of a refusal of shape B, whose header must agree.
fn refusal(answer: &Answer) -> (u16, u64, Value) {
    let inner: Value = serde_json::from_str(answer.json()["Message"].as_str().unwrap()).unwrap();
    let code = inner["errorCode"].as_u64().unwrap();
    let name = answer.header("iothub-errorcode").unwrap();
    assert_eq!(roadstead_wire::HubCode::of_name(name).unwrap().number(), code as u32);
    (answer.status, code, inner["info"].clone())
}

#[tokio::test]
async fn payloads_pass_byte_by_byte() {
    let world = World::new().await;
    world.device("dev1").await;
    let session = connect(&world).await;
    let body = r#"{"methodName":"m","payload":{"a" : [1,	2.50]}}"#;
    let token = crate::world::policy_token("owner");
    let headers = [("Authorization", token.as_str())];
    let answer = async {
        let MethodCall { id, name, payload } = next_call(&session).await;
        assert_eq!((&*name, &*payload), ("m", "{\"a\" : [1,\t2.50]}"));
        session.answer_method(id, 404, b"{\"b\":1.0}");
    };
    let (answered, ()) = tokio::join!(world.send("POST /twins/dev1/methods", &headers, body), answer);
    assert_eq!((answered.status, answered.text()), (200, r#"{"status":404,"payload":{"b":1.0}}"#));
}

#[tokio::test(start_paused = true)]
async fn faults_of_devices_have_their_own_shape() {
    let world = World::new().await;
    let line = "POST /twins/dev1/methods?api-version=2021-04-12";
    let unknown = world.ask(line, call(&json!(null))).await.hub_refusal();
    assert_eq!((unknown.0, &*unknown.1), (404, "DeviceNotFound"));
    world.device("dev1").await;
    let patient = json!({"methodName": "m", "connectTimeoutInSeconds": 10});
    for (body, waited) in [(call(&json!(1)), "00:00:00"), (patient, "00:00:10")] {
        let offline = refusal(&world.ask(line, body).await);
        assert_eq!(offline, (404, 404_103, json!({"timeout": waited})));
    }
    let session = connect(&world).await;
    let silent = refusal(&world.ask(line, call(&json!(1))).await);
    assert_eq!(silent, (504, 504_101, json!({"timeout": "00:00:05"})));
    session.take_notices();

    let unfit = async { session.answer_method(next_call(&session).await.id, 200, b"{") };
    let (answer, ()) = tokio::join!(world.ask(line, call(&json!(1))), unfit);
    assert_eq!(refusal(&answer).0, 502);

    let (answer, ()) = tokio::join!(world.ask(line, call(&json!(1))), async {
        next_call(&session).await;
        drop(session);
    });
    assert_eq!((refusal(&answer).0, refusal(&answer).1), (404, 404_104));
}

/// Neither the device nor those who call it after him are burdened with it.
#[tokio::test]
async fn who_hangs_up_takes_his_call_back() {
    let world = World::new().await;
    world.device("dev1").await;
    let session = connect(&world).await;
    let token = crate::world::policy_token("owner");
    let call = call(&json!(1)).to_string();
    let call = request("POST /twins/dev1/methods", &[("Authorization", &token)], call.as_bytes());
    for _ in 0..=limits::METHODS_PER_SESSION_MAX {
        let mut pipe = Pipe::open(&world.front, caller(&[]));
        pipe.io.write_all(&call).await.unwrap();
        session.woken().await;
        let Pipe { io, served, .. } = pipe;
        drop(io);
        served.await.unwrap();
        assert_eq!(session.take_notices(), []);
    }
}

#[tokio::test]
async fn bad_calls_are_refused() {
    let world = World::new().await;
    world.device("dev1").await;
    for body in [
        json!({}),
        json!({"methodName": ""}),
        json!({"methodName": 1}),
        json!({"methodName": "m", "responseTimeoutInSeconds": 0}),
        json!({"methodName": "m", "connectTimeoutInSeconds": 301}),
        json!({"methodName": "m", "connectTimeoutInSeconds": -1}),
        json!([]),
    ] {
        let refusal = world.ask("POST /twins/dev1/methods", body.clone()).await.hub_refusal();
        assert_eq!((refusal.0, &*refusal.1), (400, "ArgumentInvalid"), "{body}");
    }
    let big = json!({"methodName": "m", "payload": "x".repeat(128 * 1024)});
    assert_eq!(world.ask("POST /twins/dev1/methods", big).await.hub_refusal().0, 413);
}
