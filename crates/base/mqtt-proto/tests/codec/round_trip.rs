//! What is encoded decodes to the same.

use proptest::prelude::*;
use roadstead_mqtt_proto::{Packet, decode, encode, frame, limits};

use crate::strategy;

proptest! {
    #[test]
    fn connect(connect in strategy::connect()) {
        let mut out = Vec::new();
        encode::connect(&mut out, &connect.borrow()).unwrap();
        prop_assert_eq!(decode(&out), Ok(Packet::Connect(connect.borrow())));
    }

    #[test]
    fn publish(publish in strategy::publish()) {
        let mut out = Vec::new();
        encode::publish(&mut out, &publish.borrow()).unwrap();
        prop_assert_eq!(decode(&out), Ok(Packet::Publish(publish.borrow())));
    }

    #[test]
    fn subscribe(id in strategy::packet_id(), list in strategy::subscriptions()) {
        let mut out = Vec::new();
        let list: Vec<_> = list.iter().map(|(filter, qos)| (filter.as_str(), *qos)).collect();
        encode::subscribe(&mut out, id, list.iter().copied()).unwrap();
        let Ok(Packet::Subscribe(subscribe)) = decode(&out) else { panic!("{:?}", decode(&out)) };
        prop_assert_eq!(subscribe.packet_id, id);
        prop_assert_eq!(subscribe.filters.len(), list.len());
        prop_assert_eq!(subscribe.filters.collect::<Vec<_>>(), list);
    }

    #[test]
    fn unsubscribe(id in strategy::packet_id(), list in strategy::filters()) {
        let mut out = Vec::new();
        encode::unsubscribe(&mut out, id, list.iter().map(String::as_str)).unwrap();
        let Ok(Packet::Unsubscribe(unsubscribe)) = decode(&out) else { panic!("{:?}", decode(&out)) };
        prop_assert_eq!(unsubscribe.packet_id, id);
        prop_assert_eq!(unsubscribe.filters.collect::<Vec<_>>(), list);
    }

    #[test]
    fn suback(id in strategy::packet_id(), codes in strategy::suback_codes()) {
        let mut out = Vec::new();
        encode::suback(&mut out, id, codes.iter().copied()).unwrap();
        let Ok(Packet::Suback(suback)) = decode(&out) else { panic!("{:?}", decode(&out)) };
        prop_assert_eq!(suback.packet_id, id);
        prop_assert_eq!(suback.codes.collect::<Vec<_>>(), codes);
    }

    #[test]
    fn small_packet(packet in strategy::small_packet()) {
        let mut out = Vec::new();
        encode::packet(&mut out, &packet).unwrap();
        prop_assert_eq!(decode(&out), Ok(packet));
    }

    /// However the bytes of several packets arrive, the same packets are cut off.
    #[test]
    fn framing(packets in prop::collection::vec(strategy::packet_bytes(), 1..4)) {
        let stream = packets.concat();
        let mut start = 0;
        let mut cut_off = Vec::new();
        for end in 0..=stream.len() {
            if let Some(len) = frame::first_packet_len(&stream[start..end], limits::PACKET_BYTES_MAX).unwrap() {
                prop_assert_eq!(start + len, end);
                cut_off.push(stream[start..end].to_vec());
                start = end;
            }
        }
        prop_assert_eq!(cut_off, packets);
    }
}
