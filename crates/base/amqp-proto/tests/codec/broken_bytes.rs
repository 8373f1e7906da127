//! Bytes that nobody meant: nothing panics, and what decodes can be said again.

use super::strategy;
use proptest::collection::vec;
use proptest::prelude::*;
use roadstead_amqp_proto::message::{Message, read_batch};
use roadstead_amqp_proto::sasl::SaslRequest;
use roadstead_amqp_proto::{Performative, Value, ValueRef, limits};

/// Bytes of which many are constructors.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const LIKELY: &[u8] = b"\0\0\x40\x41\x43\x44\x45\x50\x52\x53\x53\x56\x70\x80\xa0\xa1\xa3\xb0\xc0\xc0\xc1\xd0\xd1\xe0\xf0\x01\x02\x03\x10\x14\x72\x75";
    vec(prop_oneof![4 => proptest::sample::select(LIKELY), 1 => any::<u8>()], 0..80)
}

fn read_all(bytes: &[u8]) {
    if let Ok(value) = ValueRef::decode(bytes) {
        let owned = value.to_value();
        let mut out = Vec::new();
        owned.encode(&mut out);
        assert_eq!(format!("{:?}", Value::decode(&out).unwrap()), format!("{owned:?}"));
    }
    if let Ok((performative, payload)) = Performative::decode(bytes) {
        let mut out = Vec::new();
        performative.encode(&mut out);
        out.extend(payload);
        assert_eq!(format!("{:?}", Performative::decode(&out).unwrap().0), format!("{performative:?}"));
    }
    if let Ok(message) = Message::decode(bytes) {
        drop(format!("{message:?}"));
    }
    if let Ok(messages) = read_batch(bytes) {
        assert!(messages.count() <= limits::BATCH_MESSAGES_MAX);
    }
    if let Ok(request) = SaslRequest::decode(bytes) {
        let mut out = Vec::new();
        request.write(&mut out);
        assert_eq!(SaslRequest::decode(&out[8..]), Ok(request));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary(bytes in bytes()) {
        read_all(&bytes);
        for code in [0x10, 0x12, 0x13, 0x14, 0x15, 0x18, 0x41, 0x72, 0x73, 0x75, 0x77] {
            read_all(&[&[0, 0x53, code], &bytes[..]].concat());
        }
    }

    #[test]
    fn one_byte_off(performative in strategy::performative(), at: prop::sample::Index, byte: u8) {
        let mut out = Vec::new();
        performative.encode(&mut out);
        let at = at.index(out.len());
        out[at] = byte;
        read_all(&out);
        read_all(&out[..at]);
    }
}
