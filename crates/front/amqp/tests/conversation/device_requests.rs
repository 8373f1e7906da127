//! Twins and direct methods.

use std::time::Duration;

use roadstead_amqp_proto::{
    Attach, Performative, Value, ValueRef, condition,
    message::{Body, Message, MessageId, MessageWriter, Properties},
};
use roadstead_hub::{IfMatch, MethodRequest, SectionChange, TwinChange, TwinWrite};
use roadstead_model::IdentityId;
use serde_json::{Value as Json, json};

use crate::{
    client::{Client, body, receiver, sender},
    device::{cam, id, world_of},
    world::World,
};

const TWIN: &str = "/devices/cam-1/twin";
const METHODS: &str = "/devices/cam-1/methods/devicebound";

pub fn of_channel(mut attach: Attach, name: &str) -> Attach {
    attach.properties.0.push((Value::symbol("com.microsoft:channel-correlation-id"), Value::string(name)));
    attach
}

/// Attaches a pair at these handles; what comes on it has credit.
pub async fn attaches_pair(client: &mut Client, address: &str, name: &str, handles: [u32; 2]) {
    client.attaches(of_channel(sender(&format!("{name}-out"), handles[0], address), name)).await;
    client.attaches(of_channel(receiver(&format!("{name}-in"), handles[1], address), name)).await;
    client.credits(handles[1], 0, 100).await;
}

pub fn ask(correlation_id: MessageId<'_>, operation: &str, resource: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = MessageWriter::new(&mut bytes);
    message.message_annotations(|map| {
        map.string("operation", operation);
        if let Some(resource) = resource {
            map.string("resource", resource);
        }
        map.null("version");
    });
    message.properties(&Properties { correlation_id: Some(correlation_id), ..Properties::default() });
    message.data(body);
    bytes
}

/// Asks the twin, settled as the SDKs do; status, version and body of the answer.
async fn asks(
    client: &mut Client,
    id: MessageId<'_>,
    what: (&str, Option<&str>, &[u8]),
) -> (i32, Option<i32>, Vec<u8>) {
    let (operation, resource, payload) = what;
    client.transfers_as(0, 0, true, &ask(id, operation, resource, payload)).await;
    let (_, _, bytes) = client.hears_message().await;
    let answer = Message::decode(&bytes).unwrap();
    assert_eq!(answer.properties.correlation_id, Some(id), "of the very same type");
    let Some(ValueRef::Int(status)) = answer.message_annotations.find("status") else { panic!("{answer:?}") };
    let version = match answer.message_annotations.find("version") {
        Some(ValueRef::Int(version)) => Some(version),
        None => None,
        other => panic!("{other:?}"),
    };
    (status, version, body(&bytes))
}

async fn desire(world: &World, properties: Json) {
    let desired = SectionChange::Write(properties.as_object().cloned().unwrap());
    let change = TwinChange { desired, ..TwinChange::default() };
    world.hub.update_twin(&id("cam-1").into(), change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
}

const NOTIFICATIONS: Option<&str> = Some("/notifications/twin/properties/desired");

#[tokio::test]
async fn a_twin_is_read_reported_and_watched() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    attaches_pair(&mut client, TWIN, "twin:1", [0, 1]).await;
    let (status, _, body_) = asks(&mut client, MessageId::String("Get1"), ("GET", None, b" ")).await;
    let twin: Json = serde_json::from_slice(&body_).unwrap();
    assert_eq!((status, &twin), (200, &json!({"desired": {"$version": 1}, "reported": {"$version": 1}})));
    let reported = Some("/properties/reported");
    let report = ("PATCH", reported, &b"{\"r\":1,\"z\":null}"[..]);
    assert_eq!(asks(&mut client, MessageId::Uuid([7; 16]), report).await, (204, Some(2), Vec::new()));
    for (what, expected) in [
        (("PATCH", reported, &b"no json"[..]), 400),
        (("PATCH", reported, b"{\"a.b\":1}"), 400),
        (("PATCH", Some("/properties/desired"), b"{}"), 400),
        (("POST", None, b""), 400),
    ] {
        let (status, _, body) = asks(&mut client, MessageId::Ulong(3), what).await;
        assert_eq!(status, expected, "{what:?}");
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert!(body["errorCode"].is_number() && body["message"].is_string(), "{body}");
    }
    desire(&world, json!({"since": 1})).await;
    assert_eq!(asks(&mut client, MessageId::String("Put"), ("PUT", NOTIFICATIONS, b" ")).await.0, 200);
    assert_eq!(client.hears_body().await, b"{\"since\":1,\"$version\":2}", "what changed since it read");
    desire(&world, json!({"a": 2})).await;
    let (_, _, bytes) = client.hears_message().await;
    let told = Message::decode(&bytes).unwrap();
    assert_eq!(told.properties.correlation_id, None);
    assert_eq!(told.message_annotations.find("resource"), Some(ValueRef::String("/properties/desired")));
    assert_eq!(serde_json::from_slice::<Json>(&body(&bytes)).unwrap(), json!({"a": 2, "$version": 3}));
    assert_eq!(asks(&mut client, MessageId::String("Del"), ("DELETE", NOTIFICATIONS, b"")).await.0, 200);
    desire(&world, json!({"unheard": 2})).await;
    assert_eq!(asks(&mut client, MessageId::String("Get2"), ("GET", None, b" ")).await.0, 200, "nothing came before");
}

fn call(name: &str) -> MethodRequest {
    MethodRequest {
        name: name.to_owned(),
        payload: Some(serde_json::from_str("{\"k\":1}").unwrap()),
        response_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(30),
    }
}

#[tokio::test]
async fn a_method_is_called_and_answered() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    let (hub, device) = (world.hub.clone(), IdentityId::from(id("cam-1")));
    let called = tokio::spawn(async move { hub.invoke_method(&device, call("reboot")).await });
    attaches_pair(&mut client, METHODS, "methods:1", [0, 1]).await;
    let (_, _, bytes) = client.hears_message().await;
    let message = Message::decode(&bytes).unwrap();
    let Some(MessageId::Uuid(correlation)) = message.properties.correlation_id else { panic!("{message:?}") };
    assert_eq!(message.application_properties.find("IoThub-methodname"), Some(ValueRef::String("reboot")));
    assert!(matches!(message.body, Body::Data(_)));
    assert_eq!(body(&bytes), b"{\"k\":1}");
    let answer = |status: Option<i32>, id: Option<MessageId<'_>>| {
        let mut bytes = Vec::new();
        let mut message = MessageWriter::new(&mut bytes);
        message.properties(&Properties { correlation_id: id, ..Properties::default() });
        message.application_properties(|map| status.into_iter().for_each(|status| map.int("IoThub-status", status)));
        message.data(b"[true]");
        bytes
    };
    for (wrong, expected) in [
        (answer(None, Some(MessageId::Uuid(correlation))), "com.microsoft:argument-error"),
        (answer(Some(200), Some(MessageId::Uuid([1; 16]))), condition::INVALID_FIELD),
        (answer(Some(200), None), condition::INVALID_FIELD),
    ] {
        let state = client.asks(0, &wrong).await;
        let roadstead_amqp_proto::DeliveryState::Rejected(Some(error)) = state else { panic!("{state:?}") };
        assert_eq!(&*error.condition, expected);
    }
    client.transfers_as(0, 0, true, &answer(Some(201), Some(MessageId::Uuid(correlation)))).await;
    let answered = called.await.unwrap().unwrap();
    assert_eq!((answered.status, answered.payload.unwrap().get()), (201, "[true]"));
}

#[tokio::test]
async fn a_new_pair_takes_the_place_of_the_old_one() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    attaches_pair(&mut client, TWIN, "twin:1", [2, 3]).await;
    client.sends(Performative::Attach(Box::new(of_channel(sender("n", 0, TWIN), "twin:2"))), b"").await;
    let mut detached = 0;
    while detached < 2 {
        if let Performative::Detach(detach) = client.hears().await.0 {
            assert_eq!(&*detach.error.unwrap().condition, condition::STOLEN);
            detached += 1;
        }
    }
    client.attaches(of_channel(receiver("m", 1, TWIN), "twin:2")).await;
    client.credits(1, 0, 10).await;
    assert_eq!(asks(&mut client, MessageId::String("x"), ("GET", None, b" ")).await.0, 200);
}
