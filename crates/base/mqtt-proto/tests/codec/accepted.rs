//! Literal packets that must decode, and encode back to the same bytes.

use roadstead_mqtt_proto::{
    Connack, Connect, DecodeError, Packet, PacketId, Publish, QoS, Refusal, SubackCode, Will, decode, encode,
};

/// Decodes, and checks on the way that encoding gives the same bytes.
fn taken_apart(bytes: &[u8]) -> Packet<'_> {
    let packet = decode(bytes).unwrap_or_else(|error| panic!("{bytes:02x?}: {error}"));
    let mut again = Vec::new();
    encode::packet(&mut again, &packet).unwrap();
    assert_eq!(again, bytes, "{packet:?}");
    packet
}

fn id(value: u16) -> PacketId {
    PacketId::new(value).unwrap()
}

#[test]
fn connect() {
    let bare =
        Connect { clean_session: false, keep_alive_s: 0, client_id: "", will: None, user_name: None, password: None };
    let will = Will { topic: "w", payload: b"bye", qos: QoS::AtMostOnce, retain: false };
    let cases: [(&[u8], Connect<'_>); 7] = [
        // An empty client id without clean session is for the server to refuse, with CONNACK 2.
        (b"\x10\x0c\0\x04MQTT\x04\x00\0\0\0\0", bare),
        (b"\x10\x0c\0\x04MQTT\x04\x02\0\0\0\0", Connect { clean_session: true, ..bare }),
        (
            b"\x10\x12\0\x04MQTT\x04\xc0\0\xb4\0\x01d\0\x01u\0\x00",
            Connect { keep_alive_s: 180, client_id: "d", user_name: Some("u"), password: Some(b""), ..bare },
        ),
        // A device with a certificate: user name alone.
        (
            b"\x10\x10\0\x04MQTT\x04\x80\xff\xff\0\x01d\0\x01u",
            Connect { keep_alive_s: 65535, client_id: "d", user_name: Some("u"), ..bare },
        ),
        (b"\x10\x14\0\x04MQTT\x04\x04\0\0\0\0\0\x01w\0\x03bye", Connect { will: Some(will), ..bare }),
        (
            b"\x10\x11\0\x04MQTT\x04\x2c\0\0\0\0\0\x01w\0\x00",
            Connect { will: Some(Will { payload: b"", qos: QoS::AtLeastOnce, retain: true, ..will }), ..bare },
        ),
        // Passwords and will payloads are any bytes.
        (
            b"\x10\x1b\0\x04MQTT\x04\xf6\0\0\0\0\0\x01w\0\x02\0\xff\0\x02\xc3\xa9\0\x02\xff\x00",
            Connect {
                clean_session: true,
                will: Some(Will { payload: b"\0\xff", qos: QoS::ExactlyOnce, retain: true, ..will }),
                user_name: Some("é"),
                password: Some(b"\xff\0"),
                ..bare
            },
        ),
    ];
    for (bytes, connect) in cases {
        assert_eq!(taken_apart(bytes), Packet::Connect(connect));
    }
}

#[test]
fn connack() {
    let cases: [(&[u8], Connack); 7] = [
        (b"\x20\x02\x00\x00", Connack::Accepted { session_present: false }),
        (b"\x20\x02\x01\x00", Connack::Accepted { session_present: true }),
        (b"\x20\x02\x00\x01", Connack::Refused(Refusal::UnacceptableProtocol)),
        (b"\x20\x02\x00\x02", Connack::Refused(Refusal::IdentifierRejected)),
        (b"\x20\x02\x00\x03", Connack::Refused(Refusal::ServerUnavailable)),
        (b"\x20\x02\x00\x04", Connack::Refused(Refusal::BadUserNameOrPassword)),
        (b"\x20\x02\x00\x05", Connack::Refused(Refusal::NotAuthorized)),
    ];
    for (bytes, connack) in cases {
        assert_eq!(taken_apart(bytes), Packet::Connack(connack));
    }
}

#[test]
fn publish() {
    let plain = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic: "t", packet_id: None, payload: b"" };
    let q1 = Publish { qos: QoS::AtLeastOnce, packet_id: Some(id(9)), payload: b"hi", ..plain };
    let cases: [(&[u8], Publish<'_>); 8] = [
        (b"\x30\x03\0\x01t", plain),
        (b"\x31\x04\0\x01t\0", Publish { retain: true, payload: b"\0", ..plain }),
        (b"\x30\x06\0\x04/\xc3\xa9/", Publish { topic: "/é/", ..plain }),
        (b"\x30\x05\0\x03\xef\xbb\xbf", Publish { topic: "\u{feff}", ..plain }), // [MQTT-1.5.3-3]
        (b"\x32\x07\0\x01t\0\x09hi", q1),
        (b"\x3a\x07\0\x01t\0\x09hi", Publish { dup: true, ..q1 }),
        (b"\x33\x07\0\x01t\xff\xffhi", Publish { retain: true, packet_id: Some(id(65535)), ..q1 }),
        (b"\x3d\x07\0\x01t\0\x09hi", Publish { dup: true, qos: QoS::ExactlyOnce, retain: true, ..q1 }),
    ];
    for (bytes, publish) in cases {
        assert_eq!(taken_apart(bytes), Packet::Publish(publish));
    }
}

#[test]
fn publish_borrows_its_payload() {
    let bytes = b"\x32\x07\0\x01t\0\x09hi";
    let Packet::Publish(publish) = taken_apart(bytes) else { panic!() };
    assert_eq!(publish.payload.as_ptr(), bytes[7..].as_ptr());
}

#[test]
fn packets_of_an_id_or_of_nothing() {
    let cases: [(&[u8], Packet<'_>); 8] = [
        (b"\x40\x02\0\x01", Packet::Puback(id(1))),
        (b"\x50\x02\0\x02", Packet::Pubrec(id(2))),
        (b"\x62\x02\x01\0", Packet::Pubrel(id(256))),
        (b"\x70\x02\xff\xff", Packet::Pubcomp(id(65535))),
        (b"\xb0\x02\0\x05", Packet::Unsuback(id(5))),
        (b"\xc0\0", Packet::Pingreq),
        (b"\xd0\0", Packet::Pingresp),
        (b"\xe0\0", Packet::Disconnect),
    ];
    for (bytes, packet) in cases {
        assert_eq!(taken_apart(bytes), packet);
    }
}

#[test]
fn subscribe() {
    let Packet::Subscribe(subscribe) = taken_apart(b"\x82\x10\0\x07\0\x03a/#\x01\0\x01+\0\0\x01b\x02") else {
        panic!()
    };
    assert_eq!((subscribe.packet_id, subscribe.filters.len()), (id(7), 3));
    assert_eq!(format!("{:?}", subscribe.filters), r#"[("a/#", AtLeastOnce), ("+", AtMostOnce), ("b", ExactlyOnce)]"#);
    let filters: Vec<_> = subscribe.filters.collect();
    assert_eq!(filters, [("a/#", QoS::AtLeastOnce), ("+", QoS::AtMostOnce), ("b", QoS::ExactlyOnce)]);
}

#[test]
fn unsubscribe() {
    let Packet::Unsubscribe(unsubscribe) = taken_apart(b"\xa2\x0a\0\x08\0\x03a/#\0\x01b") else { panic!() };
    assert_eq!((unsubscribe.packet_id, unsubscribe.filters.len()), (id(8), 2));
    assert_eq!(unsubscribe.filters.collect::<Vec<_>>(), ["a/#", "b"]);
}

#[test]
fn suback() {
    let Packet::Suback(suback) = taken_apart(b"\x90\x06\0\x07\x00\x01\x02\x80") else { panic!() };
    assert_eq!((suback.packet_id, suback.codes.len()), (id(7), 4));
    let codes: Vec<_> = suback.codes.collect();
    let granted = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce].map(SubackCode::Granted);
    assert_eq!((&codes[..3], codes[3]), (&granted[..], SubackCode::Failure));
}

#[test]
fn a_length_longer_than_need_be_is_no_fault() {
    assert_eq!(decode(b"\x40\x82\x80\x00\0\x01"), Ok(Packet::Puback(id(1))));
}

#[test]
fn other_protocols_are_told_from_nonsense() {
    let cases: [(&[u8], u8); 5] = [
        (b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01d", 3),
        (b"\x10\x0e\0\x04MQTT\x05\x02\0\x3c\0\0\x01d", 5),
        (b"\x10\x0d\0\x04MQTT\x84\x02\0\x3c\0\x01d", 0x84),
        (b"\x10\x0f\0\x06MQIsdp\x04\x02\0\x3c\0\x01d", 4),
        (b"\x10\x07\0\x04MQTT\x06", 6), // whatever follows the level
    ];
    for (bytes, level) in cases {
        assert_eq!(decode(bytes), Err(DecodeError::UnsupportedProtocol { level }), "{bytes:02x?}");
    }
}
