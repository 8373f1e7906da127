//! Direct methods, byte by byte.

use roadstead_hub::{HubError, MethodRequest};
use roadstead_model::DisconnectReason;
use roadstead_mqtt_proto::{Packet, decode, frame::first_packet_len};

use super::*;

/// The next whole packet.
async fn packet(client: &mut DuplexStream, read: &mut Vec<u8>) -> Vec<u8> {
    loop {
        if let Some(len) = first_packet_len(read, 1 << 20).unwrap() {
            return read.drain(..len).collect();
        }
        assert!(client.read_buf(read).await.unwrap() > 0, "closed");
    }
}

async fn subscribe(client: &mut DuplexStream, filter: &str) {
    let mut bytes = Vec::new();
    encode::subscribe(&mut bytes, PacketId::FIRST, [(filter, QoS::AtMostOnce)]).unwrap();
    client.write_all(&bytes).await.unwrap();
    let mut suback = [0; 5];
    client.read_exact(&mut suback).await.unwrap();
    assert_eq!(suback, [0x90, 3, 0, 1, 0]);
}

fn answer(topic: &str) -> Vec<u8> {
    let (qos, packet_id) = (QoS::AtMostOnce, None);
    let mut bytes = Vec::new();
    encode::publish(&mut bytes, &Publish { dup: false, qos, retain: false, topic, packet_id, payload: b"[1]" })
        .unwrap();
    bytes
}

fn call(world: &World, name: &str) -> JoinHandle<Result<i32, HubError>> {
    let request = MethodRequest {
        name: name.to_owned(),
        payload: None,
        response_timeout: Duration::from_secs(30),
        connect_timeout: Duration::ZERO,
    };
    let hub = world.hub.clone();
    let id = DeviceId::parse("dev1").unwrap().into();
    tokio::spawn(async move { hub.invoke_method(&id, request).await.map(|answer| answer.status) })
}

#[tokio::test]
async fn a_call_is_delivered_and_its_answer_counts_even_before_a_goodbye() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    subscribe(&mut client, "$iothub/methods/POST/reboot/#").await;
    let unheard = call(&world, "other").await.unwrap();
    assert!(matches!(unheard, Err(HubError::DeviceNotOnline { .. })), "{unheard:?}");

    let called = call(&world, "reboot");
    let bytes = packet(&mut client, &mut Vec::new()).await;
    let Ok(Packet::Publish(asked)) = decode(&bytes) else { panic!("{bytes:?}") };
    let rid = asked.topic.strip_prefix("$iothub/methods/POST/reboot/?$rid=").unwrap();
    assert_eq!((asked.qos, asked.payload), (QoS::AtMostOnce, &b"null"[..]));
    let mut bytes = answer("$iothub/methods/res/200/?$rid=nobody");
    bytes.extend(answer(&format!("$iothub/methods/res/-3/?$rid={rid}")));
    encode::disconnect(&mut bytes);
    client.write_all(&bytes).await.unwrap();
    assert_eq!(called.await.unwrap().unwrap(), -3);
    served.await.unwrap();
    let presence = world.hub.find_identity(&DeviceId::parse("dev1").unwrap().into()).await.unwrap().presence;
    assert_eq!((presence.connected, presence.reason), (false, Some(DisconnectReason::ClientClosed)));
}

#[tokio::test]
async fn a_device_that_goes_is_not_there() {
    let world = World::new().await;
    let (mut client, served) = world.connect().await;
    subscribe(&mut client, "$iothub/methods/POST/#").await;
    let called = call(&world, "m");
    packet(&mut client, &mut Vec::new()).await;
    drop(client);
    assert!(matches!(called.await.unwrap(), Err(HubError::DeviceConnectionClosedRemotely)));
    served.await.unwrap();
    assert!(matches!(call(&world, "m").await.unwrap(), Err(HubError::DeviceNotOnline { .. })));
}
