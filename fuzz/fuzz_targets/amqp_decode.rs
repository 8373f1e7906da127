//! One frame's body or message: decoding never panics, and what decodes encodes to what decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_amqp_proto::message::{Message, read_batch};
use roadstead_amqp_proto::sasl::SaslRequest;
use roadstead_amqp_proto::{Performative, Value, limits};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = Value::decode(bytes) {
        let mut again = Vec::new();
        value.encode(&mut again);
        let read = Value::decode(&again).expect("what was encoded is valid");
        let mut third = Vec::new();
        read.encode(&mut third);
        assert_eq!(again, third); // not the values: not a number is not equal to itself
    }
    if let Ok((performative, payload)) = Performative::decode(bytes) {
        let mut again = Vec::new();
        performative.encode(&mut again);
        again.extend(payload);
        let (read, rest) = Performative::decode(&again).expect("what was encoded is valid");
        assert_eq!((format!("{read:?}"), rest), (format!("{performative:?}"), payload));
    }
    if let Ok(request) = SaslRequest::decode(bytes) {
        let mut again = Vec::new();
        request.write(&mut again);
        assert_eq!(SaslRequest::decode(&again[limits::FRAME_HEADER_BYTES..]), Ok(request));
    }
    if let Ok(message) = Message::decode(bytes) {
        assert!(!format!("{message:?}").is_empty()); // walks through all of it
    }
    if let Ok(messages) = read_batch(bytes) {
        assert!(messages.count() <= limits::BATCH_MESSAGES_MAX);
    }
});
