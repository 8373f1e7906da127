//! Messages from the cloud, byte by byte.

use roadstead_hub::NewMessage;
use roadstead_model::{Ack, HubKey, MessageOutcome, Properties, SystemProperty};
use roadstead_mqtt_proto::{Packet, decode, frame::first_packet_len};
use roadstead_store::{Records, StoreError};

use super::*;

const FILTER: &str = "devices/dev1/messages/devicebound/#";

/// A persistent session's end of the pipe.
struct Device {
    io: DuplexStream,
    read: Vec<u8>,
    served: JoinHandle<()>,
}

/// A message as it arrived: topic, payload, QoS, packet id, DUP.
type Arrived = (String, String, u8, u16, bool);

impl Device {
    async fn connect(world: &World) -> Self {
        let (io, server) = duplex(4096);
        let front = world.front.clone();
        let served = tokio::spawn(async move { front.serve(server, caller()).await });
        let mut device = Self { io, read: Vec::new(), served };
        let mut connect = connect();
        // The flags follow the protocol name and level: clean session off.
        let flags = connect.windows(4).position(|window| window == b"MQTT").unwrap() + 5;
        connect[flags] &= !0b10;
        device.io.write_all(&connect).await.unwrap();
        assert_eq!(device.packet().await[0], 0x20);
        device
    }

    async fn packet(&mut self) -> Vec<u8> {
        loop {
            if let Some(len) = first_packet_len(&self.read, 1 << 20).unwrap()
                && len <= self.read.len()
            {
                return self.read.drain(..len).collect();
            }
            assert!(self.io.read_buf(&mut self.read).await.unwrap() > 0, "the connection ended");
        }
    }

    async fn subscribe(&mut self, qos: QoS) {
        let mut bytes = Vec::new();
        encode::subscribe(&mut bytes, PacketId::FIRST, [(FILTER, qos)]).unwrap();
        self.io.write_all(&bytes).await.unwrap();
        assert_eq!(self.packet().await[0], 0x90);
    }

    async fn message(&mut self) -> Arrived {
        let bytes = self.packet().await;
        let Packet::Publish(publish) = decode(&bytes).unwrap() else { panic!("{bytes:?}") };
        let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
        let packet_id = publish.packet_id.map_or(0, PacketId::value);
        assert!(!publish.retain);
        (publish.topic.to_owned(), payload, publish.qos as u8, packet_id, publish.dup)
    }

    async fn acknowledge(&mut self, packet_ids: &[u16]) {
        let mut bytes = Vec::new();
        for id in packet_ids {
            encode::puback(&mut bytes, PacketId::new(*id).unwrap());
        }
        self.io.write_all(&bytes).await.unwrap();
    }

    /// Nothing came before the answer to a ping, which also shows that all before it was dealt with.
    async fn quiet(&mut self) {
        self.io.write_all(&[0xc0, 0]).await.unwrap();
        assert_eq!(self.packet().await, [0xd0, 0]);
    }

    async fn disconnect(mut self) {
        self.io.write_all(&[0xe0, 0]).await.unwrap();
        self.served.await.unwrap();
    }
}

async fn send(world: &World, names: &[&str]) {
    for name in names {
        let mut properties = Properties::new();
        properties.push_system(SystemProperty::MessageId, name);
        properties.push_application("color", Some("dark red"));
        let new = NewMessage { properties, body: name.as_bytes().to_vec(), ack: Ack::Full, expiry: None };
        world.hub.send_message(&DeviceId::parse("dev1").unwrap(), new).await.unwrap();
    }
}

async fn queued(world: &World) -> u32 {
    world.hub.find_identity(&DeviceId::parse("dev1").unwrap().into()).await.unwrap().queued
}

fn arrived(name: &str, packet_id: u16, dup: bool) -> Arrived {
    let topic = format!(
        "devices/dev1/messages/devicebound/%24.mid={name}&%24.to=%2Fdevices%2Fdev1%2Fmessages%2Fdevicebound&color=dark%20red"
    );
    (topic, name.to_owned(), u8::from(packet_id > 0), packet_id, dup)
}

#[tokio::test]
async fn messages_wait_for_a_subscription_and_then_come_as_they_are_sent() {
    let world = World::new().await;
    send(&world, &["a"]).await;
    let mut device = Device::connect(&world).await;
    device.quiet().await;
    device.subscribe(QoS::ExactlyOnce).await;
    assert_eq!(device.message().await, arrived("a", 1, false));
    send(&world, &["b"]).await;
    assert_eq!(device.message().await, arrived("b", 2, false));
    device.acknowledge(&[2, 2, 9]).await;
    device.quiet().await;
    assert_eq!(queued(&world).await, 1);
    device.acknowledge(&[1]).await;
    device.quiet().await;
    assert_eq!(queued(&world).await, 0);
    let kept = world.records.list_feedback(HubKey(7), 9).await.unwrap();
    let heard: Vec<_> = kept.iter().map(|(_, f)| (f.message_id.as_str(), f.outcome)).collect();
    assert_eq!(heard, [("b", MessageOutcome::Success), ("a", MessageOutcome::Success)]);
}

#[tokio::test]
async fn a_remembered_subscription_gets_right_after_connack_what_was_not_acknowledged_first() {
    let world = World::new().await;
    let mut device = Device::connect(&world).await;
    device.subscribe(QoS::AtLeastOnce).await;
    send(&world, &["a", "b"]).await;
    assert_eq!(device.message().await, arrived("a", 1, false));
    assert_eq!(device.message().await, arrived("b", 2, false));
    // What is acknowledged right before the goodbye is taken.
    device.acknowledge(&[1]).await;
    device.disconnect().await;
    assert_eq!(queued(&world).await, 1);
    send(&world, &["c"]).await;
    let mut device = Device::connect(&world).await;
    assert_eq!(device.message().await, arrived("b", 1, true));
    assert_eq!(device.message().await, arrived("c", 2, false));
    // Whoever takes over gets them, too.
    let mut successor = Device::connect(&world).await;
    assert_eq!(successor.message().await, arrived("b", 1, true));
    assert_eq!(successor.message().await, arrived("c", 2, true));
}

#[tokio::test]
async fn only_so_many_are_in_flight_and_acknowledgements_make_room() {
    let world = World::new().await;
    let mut device = Device::connect(&world).await;
    device.subscribe(QoS::AtLeastOnce).await;
    let names: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
    send(&world, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for n in 1..=16 {
        assert_eq!(device.message().await, arrived(&n.to_string(), n, false));
    }
    device.quiet().await;
    let commits = world.records.commits();
    device.acknowledge(&[3, 1, 2]).await;
    for n in 17..=19 {
        assert_eq!(device.message().await, arrived(&n.to_string(), n, false));
    }
    device.quiet().await;
    assert_eq!(world.records.commits() - commits, 1, "acknowledgements that come together are one commit");
    assert_eq!(queued(&world).await, 17);
}

#[tokio::test]
async fn under_qos_0_a_message_is_complete_once_it_is_sent() {
    let world = World::new().await;
    let mut device = Device::connect(&world).await;
    device.subscribe(QoS::AtMostOnce).await;
    let names: Vec<String> = (1..=40).map(|n| n.to_string()).collect();
    send(&world, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for name in &names {
        assert_eq!(device.message().await, arrived(name, 0, false));
    }
    device.quiet().await;
    assert_eq!(queued(&world).await, 0);
}

#[tokio::test]
async fn what_could_not_be_completed_is_sent_again() {
    let world = World::new().await;
    let mut device = Device::connect(&world).await;
    device.subscribe(QoS::AtLeastOnce).await;
    send(&world, &["a"]).await;
    assert_eq!(device.message().await, arrived("a", 1, false));
    world.records.fail_next_commit(StoreError::Full("no space".to_owned()));
    device.acknowledge(&[1]).await;
    device.served.await.unwrap();
    let mut device = Device::connect(&world).await;
    assert_eq!(device.message().await, arrived("a", 1, true));
}
