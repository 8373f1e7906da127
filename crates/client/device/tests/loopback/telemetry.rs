//! Messages on a connection that holds.

use crate::stub::{Peer, Stub};
use crate::{device, key};
use futures_util::FutureExt;
use roadstead_device::{Device, Message, MessageError, SendError};
use roadstead_mqtt_proto::{Packet, Publish, QoS, encode};
use std::time::Duration;
use tokio::join;
use tokio::time::timeout;

async fn connected(stub: &Stub, in_flight: usize) -> (Device, Peer) {
    let server = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        peer
    };
    let (device, peer) = join!(Device::connect(device(stub, key()).in_flight(in_flight)), server);
    (device.unwrap(), peer)
}

#[tokio::test]
async fn a_message_is_sent_when_the_hub_says_so_and_not_before() {
    let stub = Stub::start().await;
    let (device, mut peer) = connected(&stub, 64).await;
    let message = Message::json(&serde_json::json!({ "t": 1 })).unwrap().property("alert", "no").message_id("m/1");
    let mut receipt = device.enqueue(message).await.unwrap();
    let received = peer.publish().await;
    let bag = "%24.ct=application%2Fjson&%24.ce=utf-8&alert=no&%24.mid=m%2F1";
    assert_eq!(received.topic, format!("devices/thermo-7/messages/events/{bag}"));
    assert_eq!((&*received.payload, received.dup), (&br#"{"t":1}"#[..], false));
    assert!((&mut receipt).now_or_never().is_none());
    peer.puback(received.id).await;
    assert_eq!(receipt.await, Ok(()));
}

#[tokio::test]
async fn many_messages_keep_their_order_whatever_the_window() {
    for in_flight in [1, 3, 64] {
        let stub = Stub::start().await;
        let (device, mut peer) = connected(&stub, in_flight).await;
        let server = async {
            let mut unacknowledged = Vec::new();
            for n in 0..200 {
                let message = peer.publish().await;
                assert_eq!(message.payload, format!("{n}").as_bytes());
                unacknowledged.push(message.id);
                if n + 1 == in_flight {
                    let more = timeout(Duration::from_millis(20), peer.next()).await;
                    assert!(more.is_err(), "{more:?} beyond the window of {in_flight}");
                }
                if unacknowledged.len() == in_flight || n == 199 {
                    for id in unacknowledged.drain(..) {
                        peer.puback(id).await;
                    }
                }
            }
        };
        let (outcome, ()) = join!(device.send_many((0..200).map(|n| Message::new(format!("{n}")))), server);
        assert_eq!(outcome, Ok(()));
    }
}

#[tokio::test]
async fn the_largest_message_goes_and_a_larger_one_does_not_leave() {
    let stub = Stub::start().await;
    let (device, mut peer) = connected(&stub, 64).await;
    let max = roadstead_model::limits::D2C_MESSAGE_BYTES_MAX;
    let too_large = MessageError::TooLarge { bytes: max + 1, bytes_max: max };
    assert_eq!(device.send(Message::new(vec![7; max + 1])).await, Err(SendError::Message(too_large)));
    let server = async {
        for _ in 0..8 {
            let message = peer.publish().await;
            assert_eq!(message.payload, vec![7; max]);
            peer.puback(message.id).await;
        }
    };
    let (outcome, ()) = join!(device.send_many((0..8).map(|_| Message::new(vec![7; max]))), server);
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn messages_for_another_sdk_are_left_with_the_hub() {
    let stub = Stub::start().await;
    let (device, mut peer) = connected(&stub, 64).await;
    let foreign = Publish {
        dup: false,
        qos: QoS::AtLeastOnce,
        retain: false,
        topic: "devices/thermo-7/messages/devicebound/%24.to=x",
        packet_id: Some(roadstead_mqtt_proto::PacketId::FIRST),
        payload: b"command",
    };
    peer.send(|out| encode::publish(out, &foreign).unwrap()).await;
    let receipt = device.enqueue(Message::new("telemetry")).await.unwrap();
    // The next packet is the telemetry, not a PUBACK.
    let message = peer.publish().await;
    assert_eq!(message.payload, b"telemetry");
    peer.puback(message.id).await;
    assert_eq!(receipt.await, Ok(()));
}

#[tokio::test]
async fn who_leaves_waits_for_what_was_accepted() {
    for is_dropped in [false, true] {
        let stub = Stub::start().await;
        let (device, mut peer) = connected(&stub, 2).await;
        let mut receipts = Vec::new();
        for n in 0..5 {
            receipts.push(device.enqueue(Message::new(format!("{n}"))).await.unwrap());
        }
        let server = async {
            for n in 0..5 {
                let message = peer.publish().await;
                assert_eq!(message.payload, format!("{n}").as_bytes());
                peer.puback(message.id).await;
            }
            peer.expect(Packet::Disconnect).await;
            assert_eq!(peer.next().await, None);
        };
        let leave = async {
            if is_dropped {
                drop(device);
            } else {
                device.disconnect().await;
            }
        };
        join!(server, leave);
        for receipt in receipts {
            assert_eq!(receipt.await, Ok(()));
        }
    }
}

#[tokio::test]
async fn who_leaves_does_not_wait_for_a_server_that_is_gone_without_anything_to_deliver() {
    let stub = Stub::start().await;
    let (device, peer) = connected(&stub, 2).await;
    let mut state = device.state();
    state.borrow_and_update();
    drop(peer);
    state.changed().await.unwrap();
    device.disconnect().await;
    assert_eq!(*state.borrow(), roadstead_device::ConnectionState::Closed { cause: None });
}
