//! A second opinion: the crate `mqtt-proto`. What we accept it accepts with equal fields; what it accepts and we
//! refuse is in a list with reasons.

use mqtt_proto::v3;
use proptest::prelude::*;
use roadstead_mqtt_proto::{
    Connack, DecodeError, Packet, PacketId, PacketType, Publish, QoS, SubackCode, TopicError, decode,
};

use crate::strategy;

fn theirs(bytes: &[u8]) -> Option<v3::Packet> {
    v3::Packet::decode(bytes).ok().flatten()
}

/// Where the oracle is laxer than the standard, or is not asked what we are.
fn oracle_is_laxer(error: DecodeError) -> bool {
    let reads_a_stream = matches!(error, DecodeError::NotOnePacket { .. } | DecodeError::TrailingBytes { .. });
    let speaks_mqtt_3_1 = error == DecodeError::UnsupportedProtocol { level: 3 };
    let does_not_check = matches!(
        error,
        DecodeError::NulInString { .. } // in client ids and user names
            | DecodeError::Topic(TopicError::Empty | TopicError::MisplacedWildcard { .. }) // a name; `+a` alone
            | DecodeError::DupAtQos0
            | DecodeError::ConnectFlags { .. } // will retain without a will
            | DecodeError::PasswordWithoutUserName
            | DecodeError::ConnackFlags { .. } // session present in a refusal
            | DecodeError::NoEntries(PacketType::Suback)
    );
    reads_a_stream || speaks_mqtt_3_1 || does_not_check
}

/// Where the oracle is stricter: it holds `$share/…` to the rules of MQTT 5, to which 3.1.1 gives no meaning.
fn oracle_is_stricter(packet: &Packet<'_>) -> bool {
    match packet {
        Packet::Subscribe(subscribe) => subscribe.filters.clone().any(|(filter, _)| filter.starts_with("$share/")),
        Packet::Unsubscribe(unsubscribe) => unsubscribe.filters.clone().any(|filter| filter.starts_with("$share/")),
        _ => false,
    }
}

fn compare(bytes: &[u8]) {
    match (decode(bytes), theirs(bytes)) {
        (Ok(ours), Some(theirs)) => assert!(is_same(&ours, &theirs), "{bytes:02x?}\n{ours:?}\n{theirs:?}"),
        (Ok(ours), None) => assert!(oracle_is_stricter(&ours), "only we accept {bytes:02x?}\n{ours:?}"),
        (Err(error), Some(theirs)) => {
            assert!(oracle_is_laxer(error), "only the oracle accepts {bytes:02x?}\n{error}\n{theirs:?}");
        }
        (Err(_), None) => {}
    }
}

fn is_same(ours: &Packet<'_>, theirs: &v3::Packet) -> bool {
    match (ours, theirs) {
        (Packet::Connect(ours), v3::Packet::Connect(theirs)) => {
            let will = ours.will.map(|will| (will.topic, will.payload, will.qos as u8, will.retain));
            let their_will =
                theirs.last_will.as_ref().map(|will| (&*will.topic_name, &*will.message, will.qos as u8, will.retain));
            theirs.protocol == mqtt_proto::Protocol::V311
                && ours.clean_session == theirs.clean_session
                && ours.keep_alive_s == theirs.keep_alive
                && ours.client_id == &*theirs.client_id
                && will == their_will
                && ours.user_name == theirs.username.as_deref()
                && ours.password == theirs.password.as_deref()
        }
        (Packet::Connack(ours), v3::Packet::Connack(theirs)) => {
            let (session_present, code) = match *ours {
                Connack::Accepted { session_present } => (session_present, 0),
                Connack::Refused(refusal) => (false, refusal as u8),
            };
            (session_present, code) == (theirs.session_present, theirs.code as u8)
        }
        (Packet::Publish(ours), v3::Packet::Publish(theirs)) => {
            let Publish { dup, qos, retain, topic, packet_id, payload } = *ours;
            dup == theirs.dup
                && qos as u8 == theirs.qos_pid.qos() as u8
                && retain == theirs.retain
                && topic == &*theirs.topic_name
                && packet_id.map(PacketId::value) == theirs.qos_pid.pid().map(mqtt_proto::Pid::value)
                && payload == &*theirs.payload
        }
        (Packet::Puback(ours), v3::Packet::Puback(theirs))
        | (Packet::Pubrec(ours), v3::Packet::Pubrec(theirs))
        | (Packet::Pubrel(ours), v3::Packet::Pubrel(theirs))
        | (Packet::Pubcomp(ours), v3::Packet::Pubcomp(theirs))
        | (Packet::Unsuback(ours), v3::Packet::Unsuback(theirs)) => ours.value() == theirs.value(),
        (Packet::Subscribe(ours), v3::Packet::Subscribe(theirs)) => {
            let filters = ours.filters.clone().map(|(filter, qos)| (filter, qos as u8));
            ours.packet_id.value() == theirs.pid.value()
                && filters.eq(theirs.topics.iter().map(|(filter, qos)| (&**filter, *qos as u8)))
        }
        (Packet::Suback(ours), v3::Packet::Suback(theirs)) => {
            ours.packet_id.value() == theirs.pid.value()
                && ours.codes.clone().eq(theirs.topics.iter().map(|code| match code {
                    v3::SubscribeReturnCode::MaxLevel0 => SubackCode::Granted(QoS::AtMostOnce),
                    v3::SubscribeReturnCode::MaxLevel1 => SubackCode::Granted(QoS::AtLeastOnce),
                    v3::SubscribeReturnCode::MaxLevel2 => SubackCode::Granted(QoS::ExactlyOnce),
                    v3::SubscribeReturnCode::Failure => SubackCode::Failure,
                }))
        }
        (Packet::Unsubscribe(ours), v3::Packet::Unsubscribe(theirs)) => {
            ours.packet_id.value() == theirs.pid.value()
                && ours.filters.clone().eq(theirs.topics.iter().map(|filter| &**filter))
        }
        (Packet::Pingreq, v3::Packet::Pingreq)
        | (Packet::Pingresp, v3::Packet::Pingresp)
        | (Packet::Disconnect, v3::Packet::Disconnect) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn valid_packets(bytes in strategy::packet_bytes()) {
        prop_assert!(theirs(&bytes).is_some() || oracle_is_stricter(&decode(&bytes).unwrap()));
        compare(&bytes);
    }

    #[test]
    fn damaged_packets(bytes in strategy::damaged_bytes()) {
        compare(&bytes);
    }
}

/// The oracle says the same of a packet that it wrote itself.
#[test]
fn its_own_bytes() {
    let packet = v3::Packet::Publish(v3::Publish::new(
        mqtt_proto::QosPid::Level1(mqtt_proto::Pid::try_from(9).unwrap()),
        mqtt_proto::TopicName::try_from("a/b").unwrap(),
        b"payload".to_vec().into(),
    ));
    let bytes = packet.encode().unwrap();
    assert!(is_same(&decode(bytes.as_ref()).unwrap(), &packet));
}

#[test]
fn what_only_the_oracle_accepts() {
    let cases: [(&str, &[u8]); 13] = [
        ("bytes behind a packet", b"\x40\x02\0\x01\0"),
        ("bytes behind CONNECT's last field", b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\0\0"),
        ("a body in PINGREQ", b"\xc0\x01\0"),
        ("MQTT 3.1", b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01d"),
        ("U+0000 in a client id", b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01\0"),
        ("an empty topic", b"\x30\x02\0\0"),
        ("`+a` as a filter", b"\x82\x07\0\x07\0\x02+a\0"),
        ("dup at QoS 0", b"\x38\x03\0\x01t"),
        ("will retain without a will", b"\x10\x0c\0\x04MQTT\x04\x22\0\0\0\0"),
        ("a password without a user name", b"\x10\x0f\0\x04MQTT\x04\x42\0\0\0\0\0\x01p"),
        ("a session present in a refusal", b"\x20\x02\x01\x05"),
        ("an empty SUBACK", b"\x90\x02\0\x07"),
        ("a length that ends inside the fields", b"\x40\x01\0\x01"),
    ];
    for (what, bytes) in cases {
        assert!(theirs(bytes).is_some(), "no longer: {what}");
        assert!(decode(bytes).is_err_and(oracle_is_laxer), "{what}");
    }
}

#[test]
fn what_only_we_accept() {
    for filter in ["$share/g", "$share//a", "$share/+/a", "$share/g/", "$share/#"] {
        let mut bytes = vec![0x82, filter.len() as u8 + 5, 0, 7, 0, filter.len() as u8];
        bytes.extend_from_slice(filter.as_bytes());
        bytes.push(1);
        assert!(theirs(&bytes).is_none(), "no longer: {filter}");
        assert!(decode(&bytes).is_ok_and(|packet| oracle_is_stricter(&packet)), "{filter}");
    }
}
