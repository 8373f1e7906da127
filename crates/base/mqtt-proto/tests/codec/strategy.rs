//! Random values and the packets made of them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use roadstead_mqtt_proto::{Connack, Connect, Packet, PacketId, Publish, QoS, Refusal, SubackCode, Will, encode};

pub fn qos() -> impl Strategy<Value = QoS> {
    prop_oneof![Just(QoS::AtMostOnce), Just(QoS::AtLeastOnce), Just(QoS::ExactlyOnce)]
}

pub fn packet_id() -> impl Strategy<Value = PacketId> {
    (1..=u16::MAX).prop_map(|value| PacketId::new(value).unwrap())
}

pub fn topic_name() -> impl Strategy<Value = String> {
    "[^+#\\x00]{1,24}"
}

pub fn topic_filter() -> impl Strategy<Value = String> {
    let level = prop_oneof![2 => "[a-z$é ]{0,4}", 1 => Just("+".to_owned())];
    (vec(level, 0..5), any::<bool>()).prop_map(|(mut levels, rest)| {
        if rest || levels.concat().is_empty() {
            levels.push("#".to_owned());
        }
        levels.join("/")
    })
}

#[derive(Debug, Clone)]
pub struct OwnedConnect {
    clean_session: bool,
    keep_alive_s: u16,
    client_id: String,
    will: Option<(String, Vec<u8>, QoS, bool)>,
    user_name: Option<String>,
    password: Option<Vec<u8>>,
}

impl OwnedConnect {
    pub fn borrow(&self) -> Connect<'_> {
        Connect {
            clean_session: self.clean_session,
            keep_alive_s: self.keep_alive_s,
            client_id: &self.client_id,
            will: self.will.as_ref().map(|(topic, payload, qos, retain)| Will {
                topic,
                payload,
                qos: *qos,
                retain: *retain,
            }),
            user_name: self.user_name.as_deref(),
            password: self.user_name.as_ref().and(self.password.as_deref()),
        }
    }
}

pub fn connect() -> impl Strategy<Value = OwnedConnect> {
    let will = (topic_name(), vec(any::<u8>(), 0..20), qos(), any::<bool>());
    let user_name = option::of("[^\\x00]{0,12}");
    let password = option::of(vec(any::<u8>(), 0..20));
    (any::<bool>(), any::<u16>(), "[^\\x00]{0,12}", option::of(will), user_name, password).prop_map(
        |(clean_session, keep_alive_s, client_id, will, user_name, password)| OwnedConnect {
            clean_session,
            keep_alive_s,
            client_id,
            will,
            user_name,
            password,
        },
    )
}

#[derive(Debug, Clone)]
pub struct OwnedPublish {
    dup: bool,
    qos: QoS,
    retain: bool,
    topic: String,
    packet_id: PacketId,
    payload: Vec<u8>,
}

impl OwnedPublish {
    pub fn borrow(&self) -> Publish<'_> {
        let acknowledged = self.qos != QoS::AtMostOnce;
        Publish {
            dup: self.dup && acknowledged,
            qos: self.qos,
            retain: self.retain,
            topic: &self.topic,
            packet_id: acknowledged.then_some(self.packet_id),
            payload: &self.payload,
        }
    }
}

pub fn publish() -> impl Strategy<Value = OwnedPublish> {
    (any::<bool>(), qos(), any::<bool>(), topic_name(), packet_id(), vec(any::<u8>(), 0..300)).prop_map(
        |(dup, qos, retain, topic, packet_id, payload)| OwnedPublish { dup, qos, retain, topic, packet_id, payload },
    )
}

pub fn subscriptions() -> impl Strategy<Value = Vec<(String, QoS)>> {
    vec((topic_filter(), qos()), 1..6)
}

pub fn filters() -> impl Strategy<Value = Vec<String>> {
    vec(topic_filter(), 1..6)
}

pub fn suback_codes() -> impl Strategy<Value = Vec<SubackCode>> {
    vec(prop_oneof![3 => qos().prop_map(SubackCode::Granted), 1 => Just(SubackCode::Failure)], 1..8)
}

/// Any of the packets without a list or a string.
pub fn small_packet() -> impl Strategy<Value = Packet<'static>> {
    let refusal = prop_oneof![
        Just(Refusal::UnacceptableProtocol),
        Just(Refusal::IdentifierRejected),
        Just(Refusal::ServerUnavailable),
        Just(Refusal::BadUserNameOrPassword),
        Just(Refusal::NotAuthorized),
    ];
    prop_oneof![
        any::<bool>().prop_map(|session_present| Packet::Connack(Connack::Accepted { session_present })),
        refusal.prop_map(|refusal| Packet::Connack(Connack::Refused(refusal))),
        packet_id().prop_map(Packet::Puback),
        packet_id().prop_map(Packet::Pubrec),
        packet_id().prop_map(Packet::Pubrel),
        packet_id().prop_map(Packet::Pubcomp),
        packet_id().prop_map(Packet::Unsuback),
        Just(Packet::Pingreq),
        Just(Packet::Pingresp),
        Just(Packet::Disconnect),
    ]
}

/// The bytes of any valid packet.
pub fn packet_bytes() -> impl Strategy<Value = Vec<u8>> {
    fn encoded(put: impl FnOnce(&mut Vec<u8>) -> Result<(), roadstead_mqtt_proto::EncodeError>) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out).unwrap();
        out
    }
    prop_oneof![
        2 => connect().prop_map(|connect| encoded(|out| encode::connect(out, &connect.borrow()))),
        2 => publish().prop_map(|publish| encoded(|out| encode::publish(out, &publish.borrow()))),
        2 => (packet_id(), subscriptions()).prop_map(|(id, list)| encoded(|out| {
            encode::subscribe(out, id, list.iter().map(|(filter, qos)| (filter.as_str(), *qos)))
        })),
        1 => (packet_id(), filters()).prop_map(|(id, list)| encoded(|out| {
            encode::unsubscribe(out, id, list.iter().map(String::as_str))
        })),
        1 => (packet_id(), suback_codes()).prop_map(|(id, codes)| encoded(|out| encode::suback(out, id, codes))),
        1 => small_packet().prop_map(|packet| encoded(|out| encode::packet(out, &packet))),
    ]
}

/// The bytes of a packet with up to four of them changed, taken out or put in; in half of the cases the length in a
/// one-byte header is made to fit again, so that the damage reaches the fields.
pub fn damaged_bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = prop_oneof![any::<u8>(), Just(0), Just(b'#'), Just(b'+'), Just(b'/'), Just(0xff)];
    let edits = vec((any::<prop::sample::Index>(), 0..3, telling), 0..5);
    (packet_bytes(), edits, any::<bool>()).prop_map(|(mut bytes, edits, mend)| {
        for (at, kind, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ if bytes.len() > 2 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        if mend && bytes.len() < 130 {
            bytes[1] = bytes.len() as u8 - 2;
        }
        bytes
    })
}
