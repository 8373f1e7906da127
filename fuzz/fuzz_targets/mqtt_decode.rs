//! A stream of MQTT packets: framing never overruns, decoding never panics, and what decodes encodes back to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_mqtt_proto::{Packet, decode, encode, frame, topic};

const PACKET_BYTES_MAX: usize = 4096;

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    while let Ok(Some(len)) = frame::first_packet_len(rest, PACKET_BYTES_MAX) {
        assert!((2..=PACKET_BYTES_MAX).contains(&len));
        let (bytes, behind) = rest.split_at(len);
        rest = behind;
        if let Ok(packet) = decode(bytes) {
            say_again(bytes, &packet);
            match_topics(&packet);
        }
    }
    // Bytes that are no packet are refused, not read beyond.
    assert!(decode(rest).is_err() || rest.len() > PACKET_BYTES_MAX);
});

fn say_again(bytes: &[u8], packet: &Packet<'_>) {
    let mut again = Vec::new();
    encode::packet(&mut again, packet).expect("what decodes is valid");
    assert_eq!(decode(&again).expect("what was encoded is valid"), *packet);
    // Shorter only where the length was written with more bytes than it needs.
    assert!(again.len() <= bytes.len() && again.len() + 3 >= bytes.len());
    if again.len() == bytes.len() {
        assert_eq!(again, bytes);
    }
}

fn match_topics(packet: &Packet<'_>) {
    match packet {
        Packet::Publish(publish) => assert!(topic::filter_matches(publish.topic, publish.topic)),
        Packet::Subscribe(subscribe) => {
            for (filter, _) in subscribe.filters.clone() {
                let name = filter.replace(['+', '#'], "x");
                assert!(topic::check_name(&name).is_ok());
                assert!(topic::filter_matches(filter, &name));
            }
        }
        _ => {}
    }
}
