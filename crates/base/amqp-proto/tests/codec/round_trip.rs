//! What is written reads as what it was.

use super::strategy;
use proptest::prelude::*;
use roadstead_amqp_proto::message::{Body, Message, MessageWriter};
use roadstead_amqp_proto::{Performative, Transfer, Value};

proptest! {
    #[test]
    fn values(value in strategy::value()) {
        let mut out = Vec::new();
        value.encode(&mut out);
        let read = Value::decode(&out).unwrap();
        prop_assert_eq!(&read, &value);
        let mut again = Vec::new();
        read.encode(&mut again);
        prop_assert_eq!(again, out);
    }

    #[test]
    fn performatives(performative in strategy::performative()) {
        let mut out = Vec::new();
        performative.encode(&mut out);
        prop_assert_eq!(Performative::decode(&out).unwrap(), (performative, &b""[..]));
    }

    #[test]
    fn transfers((handle, delivery_id, tag, settled, more, state, payload) in strategy::transfer()) {
        let transfer = Transfer {
            handle,
            delivery_id,
            delivery_tag: tag.as_deref(),
            message_format: delivery_id,
            settled,
            more,
            state,
            aborted: more,
            ..Transfer::default()
        };
        let mut out = Vec::new();
        transfer.encode(&mut out);
        out.extend(&payload);
        prop_assert_eq!(Performative::decode(&out).unwrap(), (Performative::Transfer(transfer), &payload[..]));
    }

    #[test]
    fn bodies(value in strategy::value(), text in ".{0,300}") {
        let mut out = Vec::new();
        let mut writer = MessageWriter::new(&mut out);
        writer.application_properties(|map| map.value(&text, &value));
        writer.value(&value);
        let message = Message::decode(&out).unwrap();
        let Body::Value(read) = message.body else { panic!() };
        prop_assert_eq!(read.to_value(), value.clone());
        prop_assert_eq!(message.application_properties.find(&text).unwrap().to_value(), value);
    }
}
