//! What the encoder refuses, leaving the buffer as it was; and the answer to other protocols.

use roadstead_mqtt_proto::encode;
use roadstead_mqtt_proto::limits::{BODY_BYTES_MAX, FIELD_BYTES_MAX};
use roadstead_mqtt_proto::{Connect, EncodeError, PacketId, PacketType, Publish, QoS, TopicError, Will};

const PUBLISH: Publish<'_> =
    Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic: "t", packet_id: None, payload: b"" };
const WILL: Will<'_> = Will { topic: "w", payload: b"", qos: QoS::AtMostOnce, retain: false };
const CONNECT: Connect<'_> =
    Connect { clean_session: true, keep_alive_s: 60, client_id: "d", will: None, user_name: Some("u"), password: None };
const ID: PacketId = PacketId::FIRST;

fn refuse(error: EncodeError, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) {
    let mut out = b"before".to_vec();
    assert_eq!(encode(&mut out), Err(error));
    assert_eq!(out, b"before", "{error}");
}

#[test]
fn publish() {
    let too_long = "t".repeat(FIELD_BYTES_MAX + 1);
    let too_much = vec![0; BODY_BYTES_MAX - 2];
    let cases = [
        (Publish { topic: "", ..PUBLISH }, EncodeError::Topic(TopicError::Empty)),
        (Publish { topic: "a/+", ..PUBLISH }, EncodeError::Topic(TopicError::WildcardInName { at: 2 })),
        (Publish { topic: &too_long, ..PUBLISH }, EncodeError::FieldTooLong { len: FIELD_BYTES_MAX + 1 }),
        (Publish { payload: &too_much, ..PUBLISH }, EncodeError::BodyTooLong { len: BODY_BYTES_MAX + 1 }),
        (Publish { dup: true, ..PUBLISH }, EncodeError::DupAtQos0),
        (Publish { packet_id: Some(ID), ..PUBLISH }, EncodeError::PacketId { qos: QoS::AtMostOnce }),
        (Publish { qos: QoS::AtLeastOnce, ..PUBLISH }, EncodeError::PacketId { qos: QoS::AtLeastOnce }),
    ];
    for (publish, error) in cases {
        refuse(error, |out| encode::publish(out, &publish));
    }
}

#[test]
fn connect() {
    let too_long = "t".repeat(FIELD_BYTES_MAX + 1);
    let field_too_long = EncodeError::FieldTooLong { len: FIELD_BYTES_MAX + 1 };
    let will = |will| Connect { will: Some(will), ..CONNECT };
    let cases = [
        (Connect { client_id: &too_long, ..CONNECT }, field_too_long),
        (Connect { client_id: "a\0", ..CONNECT }, EncodeError::NulInString { at: 1 }),
        (Connect { user_name: Some(&too_long), ..CONNECT }, field_too_long),
        (Connect { user_name: Some("\0"), ..CONNECT }, EncodeError::NulInString { at: 0 }),
        (Connect { password: Some(too_long.as_bytes()), ..CONNECT }, field_too_long),
        (Connect { password: Some(b""), user_name: None, ..CONNECT }, EncodeError::PasswordWithoutUserName),
        (will(Will { payload: too_long.as_bytes(), ..WILL }), field_too_long),
        (will(Will { topic: &too_long, ..WILL }), field_too_long),
        (will(Will { topic: "#", ..WILL }), EncodeError::Topic(TopicError::WildcardInName { at: 0 })),
    ];
    for (connect, error) in cases {
        refuse(error, |out| encode::connect(out, &connect));
    }
}

#[test]
fn lists() {
    let too_long = "t".repeat(FIELD_BYTES_MAX + 1);
    let field_too_long = EncodeError::FieldTooLong { len: FIELD_BYTES_MAX + 1 };
    let misplaced = EncodeError::Topic(TopicError::MisplacedWildcard { at: 2 });
    let qos = QoS::AtLeastOnce;
    refuse(field_too_long, |out| encode::subscribe(out, ID, [(too_long.as_str(), qos)]));
    refuse(misplaced, |out| encode::subscribe(out, ID, [("ok", qos), ("a/#/b", qos)]));
    refuse(EncodeError::NoEntries(PacketType::Subscribe), |out| encode::subscribe(out, ID, []));
    refuse(field_too_long, |out| encode::unsubscribe(out, ID, [too_long.as_str()]));
    refuse(misplaced, |out| encode::unsubscribe(out, ID, ["ok", "a/#/b"]));
    refuse(EncodeError::NoEntries(PacketType::Unsubscribe), |out| encode::unsubscribe(out, ID, []));
    refuse(EncodeError::NoEntries(PacketType::Suback), |out| encode::suback(out, ID, []));
}

#[test]
fn lengths_of_lengths() {
    let cases: [(usize, &[u8]); 6] = [
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (2_097_151, b"\xff\xff\x7f"),
        (2_097_152, b"\x80\x80\x80\x01"),
    ];
    for (body_len, length_bytes) in cases {
        let mut out = Vec::new();
        encode::publish(&mut out, &Publish { payload: &vec![7; body_len - 3], ..PUBLISH }).unwrap();
        assert_eq!(&out[1..=length_bytes.len()], length_bytes);
        assert_eq!(out.len(), 1 + length_bytes.len() + body_len);
    }
}

#[test]
fn other_protocols_are_answered_in_their_own_form() {
    let cases: [(u8, &[u8]); 3] = [(3, b"\x20\x02\0\x01"), (5, b"\x20\x03\0\x84\0"), (0x84, b"\x20\x02\0\x01")];
    for (level, bytes) in cases {
        let mut out = Vec::new();
        encode::unsupported_protocol(&mut out, level);
        assert_eq!(out, bytes, "{level}");
    }
}
