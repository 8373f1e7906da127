//! A device's MQTT connection.

use futures_util::future::join_all;
use roadstead_mqtt_proto::{Connect, Packet, PacketId, Publish, QoS, decode, encode, frame};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use crate::hub::{Hub, id};

const PACKET_BYTES_MAX: usize = 1 << 20;

pub struct Line {
    io: TlsStream<TcpStream>,
    input: Vec<u8>,
    pub out: Vec<u8>,
}

impl Line {
    pub async fn connect(hub: &Hub, id: &str) -> Self {
        let mut line = Self { io: hub.dial(hub.mqtt).await, input: Vec::new(), out: Vec::new() };
        let user = format!("{}/{id}/?api-version=2021-04-12", hub.host);
        let token = hub.token(&format!("/devices/{id}"));
        let connect = Connect {
            clean_session: true,
            keep_alive_s: 600,
            client_id: id,
            will: None,
            user_name: Some(&user),
            password: Some(token.as_bytes()),
        };
        encode::connect(&mut line.out, &connect).unwrap();
        line.ask(|packet| matches!(packet, Packet::Connack(_)).then_some(())).await;
        line
    }

    pub async fn flush(&mut self) {
        self.io.write_all(&self.out).await.unwrap();
        self.io.flush().await.unwrap(); // a TLS stream may keep what it has taken
        self.out.clear();
    }

    /// Sends what is to be sent, reads at least once, and hands out every packet that is whole then.
    pub async fn turn(&mut self, mut heard: impl FnMut(Packet<'_>)) {
        self.flush().await;
        assert!(self.io.read_buf(&mut self.input).await.unwrap() > 0, "the hub closed the connection");
        let mut at = 0;
        while let Some(len) = frame::first_packet_len(&self.input[at..], PACKET_BYTES_MAX).unwrap() {
            heard(decode(&self.input[at..at + len]).unwrap());
            at += len;
        }
        self.input.drain(..at);
    }

    /// Sends what is to be sent, then reads packets until one yields an answer.
    pub async fn ask<T>(&mut self, mut answer: impl FnMut(Packet<'_>) -> Option<T>) -> T {
        self.flush().await;
        loop {
            while let Some(len) = frame::first_packet_len(&self.input, PACKET_BYTES_MAX).unwrap() {
                let packet: Vec<u8> = self.input.drain(..len).collect();
                if let Some(answer) = answer(decode(&packet).unwrap()) {
                    return answer;
                }
            }
            assert!(self.io.read_buf(&mut self.input).await.unwrap() > 0, "the hub closed the connection");
        }
    }

    pub fn subscribe(&mut self, filter: &str) {
        encode::subscribe(&mut self.out, PacketId::new(1).unwrap(), [(filter, QoS::AtLeastOnce)]).unwrap();
    }

    pub async fn subscribed(&mut self, filter: &str) {
        self.subscribe(filter);
        self.ask(|packet| matches!(packet, Packet::Suback(_)).then_some(())).await;
    }

    pub fn publish(&mut self, topic: &str, payload: &[u8]) {
        let publish = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic, packet_id: None, payload };
        encode::publish(&mut self.out, &publish).unwrap();
    }
}

pub async fn devices(hub: &Hub, count: usize) -> Vec<Line> {
    join_all((0..count).map(|n| async move { Line::connect(hub, &id(n)).await })).await
}
