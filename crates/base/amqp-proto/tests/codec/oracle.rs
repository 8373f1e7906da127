//! A second opinion: what we write `serde_amqp` and `fe2o3-amqp-types` read, and what they write back we read as what it
//! was. They leave out nulls at the end, so that our reading is tested with short lists, too.

use super::strategy;
use fe2o3_amqp_types::messaging::Body;
use fe2o3_amqp_types::messaging::message::__private::{Deserializable, Serializable};
use proptest::prelude::*;
use roadstead_amqp_proto::message::{Message, MessageId, MessageWriter, Properties};
use roadstead_amqp_proto::{Performative, Transfer, Value};
use serde_amqp::{from_slice, to_vec};

type TheirMessage = fe2o3_amqp_types::messaging::Message<Body<serde_amqp::Value>>;

fn there_and_back(bytes: &[u8]) -> Vec<u8> {
    let theirs: serde_amqp::Value = from_slice(bytes).unwrap();
    to_vec(&theirs).unwrap()
}

proptest! {
    #[test]
    fn values(value in strategy::ordinary_value()) {
        let mut ours = Vec::new();
        value.encode(&mut ours);
        prop_assert_eq!(Value::decode(&there_and_back(&ours)).unwrap(), value);
    }

    #[test]
    fn performatives(performative in strategy::performative()) {
        let mut ours = Vec::new();
        performative.encode(&mut ours);
        let theirs: fe2o3_amqp_types::performatives::Performative = from_slice(&ours).unwrap();
        let back = to_vec(&theirs).unwrap();
        prop_assert_eq!(Performative::decode(&back).unwrap(), (performative, &b""[..]));
    }

    #[test]
    fn transfers((handle, delivery_id, tag, settled, more, state, _) in strategy::transfer()) {
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
        let mut ours = Vec::new();
        transfer.encode(&mut ours);
        let theirs: fe2o3_amqp_types::performatives::Transfer = from_slice(&ours).unwrap();
        let back = to_vec(&theirs).unwrap();
        prop_assert_eq!(Performative::decode(&back).unwrap().0, Performative::Transfer(transfer));
    }

    #[test]
    fn messages(
        (value, is_data) in (strategy::ordinary_value(), any::<bool>()),
        text in "[a-z]{1,20}",
        id in any::<u64>(),
        bytes in any::<[u8; 16]>(),
    ) {
        let mut ours = Vec::new();
        let mut writer = MessageWriter::new(&mut ours);
        writer.message_annotations(|map| map.value(&text, &value));
        writer.properties(&Properties {
            message_id: Some(MessageId::Ulong(id)),
            user_id: Some(&bytes),
            to: Some(&text),
            correlation_id: Some(MessageId::Uuid(bytes)),
            content_type: Some(&text),
            creation_time: Some(5),
            ..Properties::default()
        });
        writer.application_properties(|map| map.string(&text, &text));
        if is_data {
            writer.data(&bytes);
        } else {
            writer.value(&value);
        }
        let theirs: Deserializable<TheirMessage> = from_slice(&ours).unwrap();
        let back = to_vec(&Serializable(theirs.0)).unwrap();
        let (ours, back) = (Message::decode(&ours).unwrap(), Message::decode(&back).unwrap());
        prop_assert_eq!(format!("{:?}", ours), format!("{:?}", back));
    }
}
