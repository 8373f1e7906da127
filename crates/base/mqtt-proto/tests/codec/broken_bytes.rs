//! No bytes and no values make the codec panic, and what it accepts it can say again.

use proptest::prelude::*;
use roadstead_mqtt_proto::{Connect, Packet, decode, encode, frame, topic};

use crate::strategy;

/// Decodes, and what decodes encodes to something that decodes to the same.
fn decode_and_say_again(bytes: &[u8]) {
    let Ok(packet) = decode(bytes) else { return };
    let mut again = Vec::new();
    encode::packet(&mut again, &packet).unwrap();
    assert_eq!(decode(&again).unwrap(), packet);
    assert!(again.len() <= bytes.len(), "the shortest form is no longer than {bytes:02x?}");
    if again.len() == bytes.len() {
        assert_eq!(again, bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64), max in 0..80usize) {
        if let Ok(Some(len)) = frame::first_packet_len(&bytes, max) {
            prop_assert!(len <= bytes.len() && len <= max);
            decode_and_say_again(&bytes[..len]);
        }
        decode_and_say_again(&bytes);
    }

    #[test]
    fn damaged_packets(bytes in strategy::damaged_bytes()) {
        decode_and_say_again(&bytes);
    }

    /// Whatever strings a caller has, the packet is either refused whole or can be read back.
    #[test]
    fn any_strings(client_id in any::<String>(), user_name in any::<Option<String>>(), password in any::<Option<Vec<u8>>>()) {
        let connect = Connect {
            clean_session: false,
            keep_alive_s: 1,
            client_id: &client_id,
            will: None,
            user_name: user_name.as_deref(),
            password: password.as_deref(),
        };
        let mut out = Vec::new();
        match encode::connect(&mut out, &connect) {
            Ok(()) => prop_assert_eq!(decode(&out), Ok(Packet::Connect(connect))),
            Err(_) => prop_assert!(out.is_empty()),
        }
    }

    /// A name is a filter too, and matches itself; so does `#` unless the name begins with `$`.
    #[test]
    fn names_match_themselves(name in strategy::topic_name()) {
        prop_assert_eq!(topic::check_name(&name), Ok(()));
        prop_assert_eq!(topic::check_filter(&name), Ok(()));
        prop_assert!(topic::filter_matches(&name, &name));
        prop_assert_eq!(topic::filter_matches("#", &name), !name.starts_with('$'));
    }
}
