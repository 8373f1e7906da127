//! Literal packets that must not decode, one or more for every refusal.

use roadstead_mqtt_proto::DecodeError::{self, *};
use roadstead_mqtt_proto::{FrameError, PacketType, TopicError, decode};

fn refuse<const N: usize>(cases: [(&str, &[u8], DecodeError); N]) {
    for (what, bytes, error) in cases {
        assert_eq!(decode(bytes), Err(error), "{what}: {bytes:02x?}");
    }
}

#[test]
fn fixed_headers() {
    refuse([
        ("nothing", b"", Truncated { needed: 1, left: 0 }),
        ("no length", b"\xc0", Truncated { needed: 2, left: 1 }),
        ("five length bytes", b"\xc0\x80\x80\x80\x80\x00", Frame(FrameError::LengthOverrun)),
        ("half a packet", b"\x40\x02\0", NotOnePacket { stated: 4, actual: 3 }),
        ("two packets", b"\xc0\0\xc0\0", NotOnePacket { stated: 2, actual: 4 }),
        ("type 0", b"\x00\0", ReservedType { value: 0 }),
        ("type 15 (AUTH in MQTT 5)", b"\xf0\0", ReservedType { value: 15 }),
    ]);
}

#[test]
fn header_flags_of_every_type_but_publish() {
    let bodies: [(PacketType, u8, &[u8]); 13] = [
        (PacketType::Connect, 0, b"\0\x04MQTT\x04\x02\0\0\0\0"),
        (PacketType::Connack, 0, b"\0\0"),
        (PacketType::Puback, 0, b"\0\x01"),
        (PacketType::Pubrec, 0, b"\0\x01"),
        (PacketType::Pubrel, 2, b"\0\x01"),
        (PacketType::Pubcomp, 0, b"\0\x01"),
        (PacketType::Subscribe, 2, b"\0\x01\0\x01a\0"),
        (PacketType::Suback, 0, b"\0\x01\0"),
        (PacketType::Unsubscribe, 2, b"\0\x01\0\x01a"),
        (PacketType::Unsuback, 0, b"\0\x01"),
        (PacketType::Pingreq, 0, b""),
        (PacketType::Pingresp, 0, b""),
        (PacketType::Disconnect, 0, b""),
    ];
    for (packet_type, allowed, body) in bodies {
        for flags in 0..16 {
            let bytes = [&[(packet_type as u8) << 4 | flags, body.len() as u8], body].concat();
            match decode(&bytes) {
                Ok(_) => assert_eq!(flags, allowed, "{packet_type:?}"),
                Err(error) => {
                    assert_ne!(flags, allowed, "{packet_type:?}: {error}");
                    assert_eq!(error, HeaderFlags { packet_type, flags });
                }
            }
        }
    }
}

#[test]
fn connect() {
    refuse([
        ("empty body", b"\x10\x00", Truncated { needed: 2, left: 0 }),
        ("other name", b"\x10\x0c\0\x04MQTX\x04\x02\0\0\0\0", UnknownProtocol { len: 4 }),
        ("lower case", b"\x10\x0c\0\x04mqtt\x04\x02\0\0\0\0", UnknownProtocol { len: 4 }),
        ("empty name", b"\x10\x08\0\0\x04\x02\0\0\0\0", UnknownProtocol { len: 0 }),
        ("name cut off", b"\x10\x05\0\x04MQT", Truncated { needed: 4, left: 3 }),
        ("no level", b"\x10\x06\0\x04MQTT", Truncated { needed: 1, left: 0 }),
        ("no flags", b"\x10\x07\0\x04MQTT\x04", Truncated { needed: 1, left: 0 }),
        ("half a keep alive", b"\x10\x09\0\x04MQTT\x04\x02\0", Truncated { needed: 2, left: 1 }),
        ("no client id", b"\x10\x0a\0\x04MQTT\x04\x02\0\0", Truncated { needed: 2, left: 0 }),
        ("reserved flag", b"\x10\x0c\0\x04MQTT\x04\x03\0\0\0\0", ConnectFlags { flags: 0x03 }),
        ("will qos, no will", b"\x10\x0c\0\x04MQTT\x04\x0a\0\0\0\0", ConnectFlags { flags: 0x0a }),
        ("will retain, no will", b"\x10\x0c\0\x04MQTT\x04\x22\0\0\0\0", ConnectFlags { flags: 0x22 }),
        ("will qos 3", b"\x10\x11\0\x04MQTT\x04\x1e\0\0\0\0\0\x01w\0\0", ReservedQos { value: 3 }),
        ("no will topic", b"\x10\x0c\0\x04MQTT\x04\x06\0\0\0\0", Truncated { needed: 2, left: 0 }),
        ("no will payload", b"\x10\x0f\0\x04MQTT\x04\x06\0\0\0\0\0\x01w", Truncated { needed: 2, left: 0 }),
        ("empty will topic", b"\x10\x10\0\x04MQTT\x04\x06\0\0\0\0\0\0\0\0", Topic(TopicError::Empty)),
        (
            "wildcard in will topic",
            b"\x10\x11\0\x04MQTT\x04\x06\0\0\0\0\0\x01#\0\0",
            Topic(TopicError::WildcardInName { at: 0 }),
        ),
        ("NUL in client id", b"\x10\x0e\0\x04MQTT\x04\x02\0\0\0\x02a\0", NulInString { at: 1 }),
        ("client id not UTF-8", b"\x10\x0e\0\x04MQTT\x04\x02\0\0\0\x02a\xff", NotUtf8 { at: 1 }),
        ("NUL in user name", b"\x10\x0f\0\x04MQTT\x04\x82\0\0\0\0\0\x01\0", NulInString { at: 0 }),
        ("no user name", b"\x10\x0c\0\x04MQTT\x04\x82\0\0\0\0", Truncated { needed: 2, left: 0 }),
        ("no password", b"\x10\x0f\0\x04MQTT\x04\xc2\0\0\0\0\0\x01u", Truncated { needed: 2, left: 0 }),
        ("password alone", b"\x10\x0f\0\x04MQTT\x04\x42\0\0\0\0\0\x01p", PasswordWithoutUserName),
        ("user name without its flag", b"\x10\x0f\0\x04MQTT\x04\x02\0\0\0\0\0\x01u", TrailingBytes { count: 3 }),
    ]);
}

#[test]
fn connack() {
    refuse([
        ("half", b"\x20\x01\0", Truncated { needed: 1, left: 0 }),
        ("reserved flag", b"\x20\x02\x02\0", ConnackFlags { flags: 2, code: 0 }),
        ("session present in a refusal", b"\x20\x02\x01\x05", ConnackFlags { flags: 1, code: 5 }),
        ("reserved code", b"\x20\x02\0\x06", ConnackCode { code: 6 }),
        ("of MQTT 5", b"\x20\x03\0\x84\0", ConnackCode { code: 0x84 }),
        ("accepted by MQTT 5", b"\x20\x03\0\0\0", TrailingBytes { count: 1 }),
    ]);
}

#[test]
fn publish() {
    refuse([
        ("qos 3", b"\x36\x05\0\x01t\0\x09", ReservedQos { value: 3 }),
        ("dup at qos 0", b"\x38\x03\0\x01t", DupAtQos0),
        ("id 0", b"\x32\x05\0\x01t\0\0", ZeroPacketId),
        ("no id", b"\x32\x03\0\x01t", Truncated { needed: 2, left: 0 }),
        ("half an id", b"\x34\x04\0\x01t\0", Truncated { needed: 2, left: 1 }),
        ("empty body", b"\x30\x00", Truncated { needed: 2, left: 0 }),
        ("topic past the end", b"\x30\x03\0\x02t", Truncated { needed: 2, left: 1 }),
        ("empty topic", b"\x30\x02\0\0", Topic(TopicError::Empty)),
        ("'#'", b"\x30\x05\0\x03a/#", Topic(TopicError::WildcardInName { at: 2 })),
        ("'+'", b"\x30\x05\0\x03+/a", Topic(TopicError::WildcardInName { at: 0 })),
        ("NUL", b"\x30\x05\0\x03a\0b", Topic(TopicError::Nul { at: 1 })),
        ("not UTF-8", b"\x30\x05\0\x03a\xffb", NotUtf8 { at: 1 }),
        ("a surrogate", b"\x30\x05\0\x03\xed\xa0\x80", NotUtf8 { at: 0 }),
        ("a surrogate pair", b"\x30\x08\0\x06\xed\xa0\x80\xed\xb0\x80", NotUtf8 { at: 0 }),
        ("an overlong NUL", b"\x30\x04\0\x02\xc0\x80", NotUtf8 { at: 0 }),
        ("above U+10FFFF", b"\x30\x06\0\x04\xf4\x90\x80\x80", NotUtf8 { at: 0 }),
    ]);
}

#[test]
fn packets_of_an_id_or_of_nothing() {
    refuse([
        ("puback 0", b"\x40\x02\0\0", ZeroPacketId),
        ("puback without id", b"\x40\x00", Truncated { needed: 2, left: 0 }),
        ("puback of MQTT 5", b"\x40\x03\0\x01\0", TrailingBytes { count: 1 }),
        ("pubrec 0", b"\x50\x02\0\0", ZeroPacketId),
        ("pubrel 0", b"\x62\x02\0\0", ZeroPacketId),
        ("pubcomp 0", b"\x70\x02\0\0", ZeroPacketId),
        ("unsuback 0", b"\xb0\x02\0\0", ZeroPacketId),
        ("unsuback with more", b"\xb0\x04\0\x01\0\0", TrailingBytes { count: 2 }),
        ("pingreq with a body", b"\xc0\x01\0", TrailingBytes { count: 1 }),
        ("pingresp with a body", b"\xd0\x02\0\0", TrailingBytes { count: 2 }),
        ("disconnect with a reason", b"\xe0\x01\0", TrailingBytes { count: 1 }),
    ]);
}

#[test]
fn lists() {
    refuse([
        ("subscribe without body", b"\x82\x00", Truncated { needed: 2, left: 0 }),
        ("subscribe to nothing", b"\x82\x02\0\x07", NoEntries(PacketType::Subscribe)),
        ("subscribe 0", b"\x82\x06\0\0\0\x01a\0", ZeroPacketId),
        ("no qos", b"\x82\x05\0\x07\0\x01a", Truncated { needed: 1, left: 0 }),
        ("qos 3", b"\x82\x06\0\x07\0\x01a\x03", ReservedQos { value: 3 }),
        ("reserved qos bits", b"\x82\x06\0\x07\0\x01a\x81", ReservedQos { value: 0x81 }),
        ("empty filter", b"\x82\x05\0\x07\0\0\0", Topic(TopicError::Empty)),
        ("a/#/b", b"\x82\x0a\0\x07\0\x05a/#/b\0", Topic(TopicError::MisplacedWildcard { at: 2 })),
        ("a+", b"\x82\x07\0\x07\0\x02a+\0", Topic(TopicError::MisplacedWildcard { at: 1 })),
        ("NUL", b"\x82\x07\0\x07\0\x02a\0\0", Topic(TopicError::Nul { at: 1 })),
        ("not UTF-8", b"\x82\x06\0\x07\0\x01\x80\0", NotUtf8 { at: 0 }),
        ("second entry bad", b"\x82\x0a\0\x07\0\x01a\0\0\x01#\x04", ReservedQos { value: 4 }),
        ("second entry cut off", b"\x82\x07\0\x07\0\x01a\0\0", Truncated { needed: 2, left: 1 }),
        ("unsubscribe from nothing", b"\xa2\x02\0\x08", NoEntries(PacketType::Unsubscribe)),
        ("unsubscribe 0", b"\xa2\x05\0\0\0\x01a", ZeroPacketId),
        ("unsubscribe a#", b"\xa2\x06\0\x08\0\x02a#", Topic(TopicError::MisplacedWildcard { at: 1 })),
        ("unsubscribe with qos", b"\xa2\x06\0\x08\0\x01a\0", Truncated { needed: 2, left: 1 }),
        ("suback of nothing", b"\x90\x02\0\x07", NoEntries(PacketType::Suback)),
        ("suback 0", b"\x90\x03\0\0\0", ZeroPacketId),
        ("suback 3", b"\x90\x04\0\x07\0\x03", SubackCode { code: 3 }),
        ("suback of MQTT 5", b"\x90\x03\0\x07\x87", SubackCode { code: 0x87 }),
    ]);
}

#[test]
fn refusals_read_well() {
    let cases: [(&[u8], &str); 4] = [
        (b"\x83\x06\0\x01\0\x01a\0", "header flags 0b0011 on Subscribe"),
        (b"\x10\x0c\0\x04MQTT\x04\x03\0\0\0\0", "connect flags 0b00000011"),
        (b"\x30\x05\0\x03a/#", "wildcard at byte 2 of a topic name"),
        (b"\x20\x02\x01\x05", "connack flags 0x01 with code 5"),
    ];
    for (bytes, text) in cases {
        assert_eq!(decode(bytes).unwrap_err().to_string(), text);
    }
}
