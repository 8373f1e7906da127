//! Literal bytes that must not decode, one or more for every refusal, with what and where.

use roadstead_amqp_proto::Fault::{self, *};
use roadstead_amqp_proto::message::{Message, read_batch};
use roadstead_amqp_proto::sasl::SaslRequest;
use roadstead_amqp_proto::{DecodeError, Performative, Value, limits};

const PERFORMATIVE: &str = "a performative";

#[test]
fn values() {
    let cases: Vec<(&str, &[u8], Fault, usize)> = vec![
        ("nothing", b"", Truncated { needed: 1, left: 0 }, 0),
        ("no such constructor", b"\x46", UnknownConstructor { code: 0x46 }, 0),
        ("nor this", b"\xff", UnknownConstructor { code: 0xff }, 0),
        ("half a number", b"\x70\0\0", Truncated { needed: 4, left: 2 }, 1),
        ("two values", b"\x40\x40", TrailingBytes { count: 1 }, 1),
        ("boolean 2", b"\x56\x02", Boolean { value: 2 }, 0),
        ("surrogate", b"\x73\0\0\xd8\0", Char { value: 0xd800 }, 0),
        ("latin 1", b"\xa1\x01\xe9", NotUtf8, 1),
        ("symbol of UTF-8", b"\xa3\x02\xc3\xa9", NotAscii, 1),
        ("string past the end", b"\xb1\xff\xff\xff\xffx", Truncated { needed: 0xffff_ffff, left: 1 }, 5),
        ("list past the end", b"\xd0\0\0\0\xff\0\0\0\x01", Truncated { needed: 255, left: 4 }, 5),
        ("list without count", b"\xc0\0", Truncated { needed: 1, left: 0 }, 2),
        ("list with fewer than it says", b"\xc0\x02\x02\x40", Truncated { needed: 1, left: 0 }, 4),
        ("list with more than it says", b"\xc0\x03\x01\x40\x40", TrailingBytes { count: 1 }, 4),
        ("a key alone", b"\xc1\x02\x01\x40", OddMap { count: 1 }, 0),
        ("array without constructor", b"\xe0\x01\0", Truncated { needed: 1, left: 0 }, 3),
        ("array of no type", b"\xe0\x03\x01\x3f\0", UnknownConstructor { code: 0x3f }, 3),
        ("array described twice", b"\xe0\x06\0\0\x40\0\x40\x40", NestedDescriptor, 5),
        ("descriptor of nothing", b"\0\x40", Truncated { needed: 1, left: 0 }, 2),
        ("a billion nulls", b"\xf0\0\0\0\x05\x40\0\0\0\x40", TooMany, 9),
    ];
    for (what, bytes, fault, at) in cases {
        assert_eq!(Value::decode(bytes), Err(DecodeError { fault, at, what: "", field: 0 }), "{what}: {bytes:02x?}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: u32| {
        let mut value = Value::Null;
        for _ in 0..levels {
            value = Value::List(vec![value]);
        }
        let mut out = Vec::new();
        value.encode(&mut out);
        out
    };
    assert!(Value::decode(&nested(limits::DEPTH_MAX)).is_ok());
    assert_eq!(Value::decode(&nested(limits::DEPTH_MAX + 1)).unwrap_err().fault, TooDeep);
    // Descriptors nest, too.
    assert_eq!(Value::decode(&[0; 10_000]).unwrap_err().fault, TooDeep);
}

#[test]
fn count_is_bounded() {
    let array = |count: u32| {
        let mut bytes = b"\xf0\0\0\0\x05\0\0\0\0\x40".to_vec();
        bytes[5..9].copy_from_slice(&count.to_be_bytes());
        bytes
    };
    assert!(Value::decode(&array(limits::VALUES_MAX - 1)).is_ok());
    assert_eq!(Value::decode(&array(limits::VALUES_MAX)).unwrap_err().fault, TooMany);
}

/// What it is, the bytes, the fault, and where: byte, type and field.
type Case<'a> = (&'a str, &'a [u8], Fault, usize, &'static str, u32);

#[test]
fn performatives() {
    let tag: Vec<u8> = [b"\0\x53\x14\xc0\x26\x03\x43\x43\xa0\x21", &[7; 33][..]].concat();
    let cases: [Case<'_>; 18] = [
        ("not described", b"\x45", WrongType { expected: PERFORMATIVE, code: 0x45 }, 0, "", 0),
        ("no such descriptor", b"\0\x53\x19\x45", Descriptor { code: 0x19, expected: PERFORMATIVE }, 0, "", 0),
        ("no such name", b"\0\xa3\x01x\x45", Descriptor { code: 0, expected: PERFORMATIVE }, 0, "", 0),
        (
            "a descriptor that is a string of bytes",
            b"\0\xa0\0\x45",
            Descriptor { code: 0, expected: PERFORMATIVE },
            0,
            "",
            0,
        ),
        ("no list", b"\0\x53\x10\x40", WrongType { expected: "a list", code: 0x40 }, 3, "open", 0),
        ("open with a second payload", b"\0\x53\x18\x45x", TrailingBytes { count: 1 }, 4, "", 0),
        ("open of nobody", b"\0\x53\x10\x45", Missing, 0, "open", 1),
        (
            "open whose channel-max is a uint",
            b"\0\x53\x10\xc0\x07\x04\xa1\x01c\x40\x40\x43",
            WrongType { expected: "a ushort", code: 0x43 },
            11,
            "open",
            4,
        ),
        (
            "open of eleven fields",
            b"\0\x53\x10\xc0\x0c\x0b\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40\x40",
            TooManyFields { count: 11, max: 10 },
            3,
            "open",
            0,
        ),
        ("begin without window", b"\0\x53\x11\xc0\x03\x02\x40\x43", Missing, 8, "begin", 3),
        ("settle mode 3", b"\0\x53\x12\xc0\x08\x04\xa1\x01l\x43\x41\x50\x03", OutOfRange { value: 3 }, 13, "attach", 4),
        (
            "attach from an error",
            b"\0\x53\x12\xc0\x0c\x06\xa1\x01l\x43\x41\x40\x40\0\x53\x1d\x45",
            Descriptor { code: 0x1d, expected: "a source" },
            13,
            "attach",
            6,
        ),
        (
            "a source that is wrong inside",
            b"\0\x53\x12\xc0\x10\x06\xa1\x01l\x43\x41\x40\x40\0\x53\x28\xc0\x03\x02\x40\x41",
            WrongType { expected: "a uint", code: 0x41 },
            20,
            "source",
            2,
        ),
        ("flow about an error", b"\0\x53\x13\xc0\x05\x04\x40\x43\x43\x40", Missing, 10, "flow", 4),
        ("a tag of 33 bytes", &tag, OutOfRange { value: 33 }, 43, "transfer", 3),
        ("disposition of nobody", b"\0\x53\x15\xc0\x02\x01\x40", Missing, 7, "disposition", 1),
        ("a list that says more", b"\0\x53\x17\xc0\x02\x00\x40", TrailingBytes { count: 1 }, 6, "end", 0),
        ("a list that says less", b"\0\x53\x17\xc0\x01\x01", Truncated { needed: 1, left: 0 }, 6, "end", 1),
    ];
    for (name, bytes, fault, at, what, field) in cases {
        let expected = DecodeError { fault, at, what, field };
        assert_eq!(Performative::decode(bytes), Err(expected), "{name}: {bytes:02x?}");
    }
}

#[test]
fn errors_say_what_and_where() {
    let error = Performative::decode(b"\0\x53\x11\xc0\x03\x02\x40\x43").unwrap_err();
    assert_eq!(error.to_string(), "field 3 of begin, byte 8: a mandatory field is missing");
    let error = Value::decode(b"\xff").unwrap_err();
    assert_eq!(error.to_string(), "byte 0: unknown constructor 0xff");
}

#[test]
fn sasl() {
    let cases: [(&str, &[u8], Fault); 4] = [
        ("no mechanism", b"\0\x53\x41\x45", Missing),
        ("no response", b"\0\x53\x43\x45", Missing),
        ("what servers say", b"\0\x53\x44\x45", Descriptor { code: 0x44, expected: "sasl-init or sasl-response" }),
        ("a payload", b"\0\x53\x43\xc0\x03\x01\xa0\0x", TrailingBytes { count: 1 }),
    ];
    for (what, bytes, fault) in cases {
        assert_eq!(SaslRequest::decode(bytes).unwrap_err().fault, fault, "{what}");
    }
}

#[test]
fn messages() {
    const SECTION: &str = "a message section";
    let cases: [(&str, &[u8], Fault); 8] = [
        ("a bare value", b"\x40", WrongType { expected: SECTION, code: 0x40 }),
        ("a performative", b"\0\x53\x10\x45", Descriptor { code: 0x10, expected: SECTION }),
        ("annotations that are a list", b"\0\x53\x72\x45", WrongType { expected: "a map", code: 0x45 }),
        ("data that is a string", b"\0\x53\x75\xa1\0", WrongType { expected: "a binary", code: 0xa1 }),
        ("a sequence that is a map", b"\0\x53\x76\xc1\x01\0", WrongType { expected: "a list", code: 0xc1 }),
        ("properties twice", b"\0\x53\x73\x45\0\x53\x73\x45", RepeatedSection),
        ("two values", b"\0\x53\x77\x40\0\x53\x77\x40", RepeatedSection),
        ("data and a value", b"\0\x53\x75\xa0\0\0\x53\x77\x40", RepeatedSection),
    ];
    for (what, bytes, fault) in cases {
        assert_eq!(Message::decode(bytes).map_err(|error| error.fault), Err(fault), "{what}: {bytes:02x?}");
    }
    let batch = |bytes: &[u8]| read_batch(bytes).map(Iterator::count).map_err(|error| error.fault);
    assert_eq!(batch(b"\0\x53\x77\x40"), Err(RepeatedSection));
    assert_eq!(batch(b""), Err(Missing));
    assert_eq!(batch(&b"\0\x53\x75\xa0\0".repeat(limits::BATCH_MESSAGES_MAX)), Ok(limits::BATCH_MESSAGES_MAX));
    assert_eq!(batch(&b"\0\x53\x75\xa0\0".repeat(limits::BATCH_MESSAGES_MAX + 1)), Err(TooMany));
}
