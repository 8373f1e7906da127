//! Twin, direct methods and messages from back ends.

use crate::stub::{Peer, Stub};
use crate::{device, key};
use roadstead_device::{ConnectionState, DesiredChange, Device, RequestError, limits};
use roadstead_mqtt_proto::{Packet, PacketId, Publish, QoS, SubackCode, decode, encode};
use serde_json::{Value, json};
use tokio::join;

/// Reads a SUBSCRIBE to one filter and answers it.
async fn subscribed(peer: &mut Peer, filter: &str, code: SubackCode) {
    let packet = peer.next().await.unwrap();
    let Packet::Subscribe(mut subscribe) = decode(&packet).unwrap() else { panic!("{packet:?}") };
    assert_eq!(subscribe.filters.next().map(|(filter, _)| filter), Some(filter));
    let id = subscribe.packet_id;
    peer.send(|out| encode::suback(out, id, [code]).unwrap()).await;
}

/// Reads a PUBLISH with QoS 0.
async fn asked(peer: &mut Peer) -> (String, Vec<u8>) {
    let packet = peer.next().await.unwrap();
    let Packet::Publish(publish) = decode(&packet).unwrap() else { panic!("{packet:?}") };
    assert_eq!(publish.qos, QoS::AtMostOnce);
    (publish.topic.to_owned(), publish.payload.to_vec())
}

async fn tell(peer: &mut Peer, topic: &str, id: Option<u16>, payload: &[u8]) {
    let packet_id = id.and_then(PacketId::new);
    let qos = if packet_id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce };
    let publish = Publish { dup: false, qos, retain: false, topic, packet_id, payload };
    peer.send(|out| encode::publish(out, &publish).unwrap()).await;
}

const GRANTED: SubackCode = SubackCode::Granted(QoS::AtMostOnce);
const TWIN_ANSWERS: &str = "$iothub/twin/res/#";

#[tokio::test]
async fn the_twin_is_read_and_written() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        subscribed(&mut peer, TWIN_ANSWERS, GRANTED).await;
        let (topic, _) = asked(&mut peer).await;
        assert_eq!(topic, "$iothub/twin/GET/?$rid=1");
        tell(&mut peer, "$iothub/twin/res/200/?$rid=9", None, b"{}").await; // somebody else's
        let twin = br#"{"desired":{"hz":5,"$version":4},"reported":{"$version":1}}"#;
        tell(&mut peer, "$iothub/twin/res/200/?$rid=1", None, twin).await;
        let (topic, body) = asked(&mut peer).await;
        assert_eq!((&*topic, &*body), ("$iothub/twin/PATCH/properties/reported/?$rid=2", &br#"{"hz":5}"#[..]));
        tell(&mut peer, "$iothub/twin/res/204/?$rid=2&$version=2", None, b"").await;
        asked(&mut peer).await;
        let refusal = br#"{"errorCode":400004,"trackingId":"t","message":"Invalid JSON.","timestampUtc":"t"}"#;
        tell(&mut peer, "$iothub/twin/res/400/?$rid=3", None, refusal).await;
        asked(&mut peer).await;
        tell(&mut peer, "$iothub/twin/res/200/?$rid=4", None, b"no JSON").await;
        peer
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let twin = device.twin().await.unwrap();
        assert_eq!((twin.desired["hz"].as_i64(), twin.desired_version()), (Some(5), 4));
        assert_eq!(device.report(&json!({ "hz": 5 })).await.unwrap(), 2);
        let refused = device.report(&json!({})).await.unwrap_err();
        assert_eq!(refused, RequestError::Refused { status: 400, message: "Invalid JSON.".to_owned() });
        assert!(matches!(device.twin().await, Err(RequestError::Odd { .. })));
        device
    };
    join!(server, client);
}

#[tokio::test]
async fn a_request_outlives_its_connection() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        subscribed(&mut peer, TWIN_ANSWERS, GRANTED).await;
        let first = asked(&mut peer).await;
        drop(peer);
        let mut peer = stub.accept().await;
        peer.login().await;
        subscribed(&mut peer, TWIN_ANSWERS, GRANTED).await;
        assert_eq!(asked(&mut peer).await, first);
        tell(&mut peer, "$iothub/twin/res/204/?$rid=1&$version=7", None, b"").await;
        peer
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        assert_eq!(device.report(&json!({ "a": 1 })).await.unwrap(), 7);
        device
    };
    join!(server, client);
}

#[tokio::test]
async fn methods_are_answered_and_desired_changes_heard() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        subscribed(&mut peer, "$iothub/methods/POST/#", GRANTED).await;
        subscribed(&mut peer, "$iothub/twin/PATCH/properties/desired/#", GRANTED).await;
        tell(&mut peer, "$iothub/methods/POST/reboot/?$rid=1f", None, br#"{"delay":3}"#).await;
        assert_eq!(asked(&mut peer).await, ("$iothub/methods/res/200/?$rid=1f".to_owned(), b"{\"in\":3}".to_vec()));
        tell(&mut peer, "$iothub/methods/POST/a%2Fb/?$rid=20", None, b"").await;
        assert_eq!(asked(&mut peer).await, ("$iothub/methods/res/-1/?$rid=20".to_owned(), b"null".to_vec()));
        tell(&mut peer, "$iothub/twin/PATCH/properties/desired/?$version=8", None, br#"{"hz":5,"$version":8}"#).await;
        // Nobody listens any more.
        tell(&mut peer, "$iothub/methods/POST/reboot/?$rid=21", None, b"null").await;
        assert_eq!(asked(&mut peer).await.0, "$iothub/methods/res/503/?$rid=21");
        peer
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let (mut methods, mut desired) = (device.methods().await.unwrap(), device.desired().await.unwrap());
        let call = methods.next().await.unwrap();
        assert_eq!((call.name(), call.request_id()), ("reboot", "1f"));
        let delay = call.payload::<Value>().unwrap()["delay"].clone();
        call.reply(200, &json!({ "in": delay })).await.unwrap();
        let call = methods.next().await.unwrap();
        assert_eq!((call.name(), call.payload::<Value>().unwrap()), ("a/b", Value::Null));
        drop(methods);
        call.reply(-1, &Value::Null).await.unwrap();
        let DesiredChange { version, patch } = desired.next().await.unwrap();
        assert_eq!((version, patch["hz"].as_i64()), (8, Some(5)));
        (device, desired)
    };
    join!(server, client);
}

#[tokio::test]
async fn messages_are_acknowledged_when_completed_and_only_on_their_own_connection() {
    let stub = Stub::start().await;
    let filter = "devices/thermo-7/messages/devicebound/#";
    let topic = "devices/thermo-7/messages/devicebound/%24.mid=m1&%24.to=x&%24.ct=text%2Fplain&color=dark%20red";
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        subscribed(&mut peer, filter, SubackCode::Granted(QoS::AtLeastOnce)).await;
        tell(&mut peer, topic, Some(5), b"one").await;
        peer.expect(Packet::Puback(PacketId::new(5).unwrap())).await;
        tell(&mut peer, topic, Some(6), b"two").await;
        // The client takes it before the line is cut.
        assert_eq!(peer.publish().await.payload, b"taken");
        drop(peer);
        let mut peer = stub.accept().await;
        peer.login().await;
        assert!(peer.publish().await.dup);
        subscribed(&mut peer, filter, SubackCode::Granted(QoS::AtLeastOnce)).await;
        tell(&mut peer, topic, Some(7), b"two").await;
        // Six is not acknowledged here.
        peer.expect(Packet::Puback(PacketId::new(7).unwrap())).await;
        peer
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let mut messages = device.messages().await.unwrap();
        let one = messages.next().await.unwrap();
        assert_eq!((one.body(), one.message_id(), one.content_type()), (&b"one"[..], Some("m1"), Some("text/plain")));
        assert_eq!(one.properties().collect::<Vec<_>>(), [("color", "dark red")]);
        assert_eq!((one.property("color"), one.correlation_id()), (Some("dark red"), None));
        one.complete().await.unwrap();
        let two = messages.next().await.unwrap();
        let receipt = device.enqueue(roadstead_device::Message::new("taken")).await.unwrap();
        let again = messages.next().await.unwrap();
        two.complete().await.unwrap();
        again.complete().await.unwrap();
        drop(receipt);
        (device, messages)
    };
    join!(server, client);
}

const DEVICEBOUND: &str = "devices/thermo-7/messages/devicebound/#";
const MESSAGE: &str = "devices/thermo-7/messages/devicebound/%24.mid=m1";

/// Answers the question that comes next: by its answer the client has what was sent before.
async fn answered(peer: &mut Peer) {
    let (topic, _) = asked(peer).await;
    let rid = topic.strip_prefix("$iothub/twin/GET/?$rid=").unwrap();
    tell(peer, &format!("$iothub/twin/res/200/?$rid={rid}"), None, br#"{"desired":{},"reported":{}}"#).await;
}

/// However often they come again meanwhile.
#[tokio::test]
async fn messages_wait_until_somebody_takes_them() {
    const AHEAD: u16 = 16;
    const CONNECTIONS: u16 = 6;
    let stub = Stub::start().await;
    let at_least_once = SubackCode::Granted(QoS::AtLeastOnce);
    let server = async {
        for connection in 1..=CONNECTIONS {
            let mut peer = stub.accept().await;
            peer.login().await;
            if connection == 1 {
                subscribed(&mut peer, DEVICEBOUND, at_least_once).await;
                subscribed(&mut peer, TWIN_ANSWERS, GRANTED).await;
            } else {
                subscribed(&mut peer, TWIN_ANSWERS, GRANTED).await;
                subscribed(&mut peer, DEVICEBOUND, at_least_once).await;
            }
            let ids = connection * 100..connection * 100 + AHEAD;
            for id in ids.clone() {
                tell(&mut peer, MESSAGE, Some(id), id.to_string().as_bytes()).await;
            }
            answered(&mut peer).await;
            if connection == CONNECTIONS {
                for id in ids {
                    peer.expect(Packet::Puback(PacketId::new(id).unwrap())).await;
                }
            }
        }
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let mut messages = device.messages().await.unwrap();
        for _ in 0..CONNECTIONS {
            device.twin().await.unwrap();
        }
        for id in CONNECTIONS * 100..CONNECTIONS * 100 + AHEAD {
            let message = messages.next().await.unwrap();
            assert_eq!(message.body(), id.to_string().as_bytes());
            message.complete().await.unwrap();
        }
        (device, messages)
    };
    join!(server, client);
}

#[tokio::test]
async fn messages_outlive_who_listens() {
    let stub = Stub::start().await;
    let at_least_once = SubackCode::Granted(QoS::AtLeastOnce);
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        // Of a session that the hub kept: nobody has asked yet.
        tell(&mut peer, MESSAGE, Some(1), b"1").await;
        tell(&mut peer, MESSAGE, Some(2), b"2").await;
        subscribed(&mut peer, TWIN_ANSWERS, GRANTED).await;
        answered(&mut peer).await;
        subscribed(&mut peer, DEVICEBOUND, at_least_once).await;
        peer.expect(Packet::Puback(PacketId::FIRST)).await;
        tell(&mut peer, MESSAGE, Some(3), b"3").await;
        answered(&mut peer).await;
        subscribed(&mut peer, DEVICEBOUND, at_least_once).await;
        for id in [2, 3] {
            peer.expect(Packet::Puback(PacketId::new(id).unwrap())).await;
        }
        peer
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        device.twin().await.unwrap();
        let mut first = device.messages().await.unwrap();
        first.next().await.unwrap().complete().await.unwrap();
        device.twin().await.unwrap();
        let mut second = device.messages().await.unwrap();
        assert!(first.next().await.is_none(), "its place is taken");
        for body in [b"2", b"3"] {
            let message = second.next().await.unwrap();
            assert_eq!(message.body(), body);
            message.complete().await.unwrap();
        }
        (device, second)
    };
    let (peer, (device, mut messages)) = join!(server, client);
    drop((peer, device));
    drop(stub);
    assert!(messages.next().await.is_none(), "the device is gone");
}

#[tokio::test]
async fn a_hub_that_sends_without_end_is_left() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        for id in 1..=u16::try_from(limits::RECEIVED_MAX + 1).unwrap() {
            tell(&mut peer, MESSAGE, Some(id), b"").await;
        }
        let mut again = stub.accept().await;
        again.login().await;
        (peer, again)
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        let mut state = device.state();
        let is_left = |state: &ConnectionState| match state {
            ConnectionState::Reconnecting { cause, .. } => {
                cause.to_string().contains("ahead of their acknowledgements")
            }
            _ => false,
        };
        state.wait_for(is_left).await.unwrap();
        state.wait_for(|state| matches!(state, ConnectionState::Connected { reconnects: 1 })).await.unwrap();
        device
    };
    join!(server, client);
}

#[tokio::test]
async fn what_the_hub_does_not_grant_is_refused_here() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        subscribed(&mut peer, "$iothub/methods/POST/#", SubackCode::Failure).await;
        subscribed(&mut peer, TWIN_ANSWERS, SubackCode::Failure).await;
        asked(&mut peer).await;
        peer.expect(Packet::Disconnect).await;
    };
    let client = async {
        let device = Device::connect(device(&stub, key())).await.unwrap();
        assert_eq!(device.methods().await.unwrap_err(), RequestError::NotGranted);
        assert_eq!(device.twin().await.unwrap_err(), RequestError::NotGranted);
        device.disconnect().await;
    };
    join!(server, client);
}
