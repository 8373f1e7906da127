//! Whatever a peer does: no panic, no standstill, no memory without end.

use super::split::conversation;
use proptest::prelude::*;
use roadstead_amqp_proto::connection::{Answer, Event, Sending, Settings, Settling};
use roadstead_amqp_proto::sasl::SaslCode;
use roadstead_amqp_proto::{Connection, DeliveryState, Map, Role};

/// A caller that says yes to everything, and sends on every link that it can.
pub struct Responder {
    pub connection: Connection,
    pub events: Vec<String>,
    pub out: Vec<u8>,
    over: bool,
}

impl Default for Responder {
    fn default() -> Self {
        let settings = Settings {
            max_frame_size: 4096,
            channel_max: 3,
            handle_max: 3,
            links_max: 6,
            incoming_window: 8,
            unsettled_max: 8,
            partial_bytes_max: 8192,
            ..Settings::default()
        };
        Self { connection: Connection::new(settings, 0), events: Vec::new(), out: Vec::new(), over: false }
    }
}

impl Responder {
    /// How much of `input` was read.
    pub fn reads(&mut self, input: &[u8]) -> usize {
        let mut consumed = 0;
        while !self.over {
            match self.connection.read(&input[consumed..], 5, &mut self.out) {
                Ok(step) => {
                    consumed += step.consumed;
                    let Some(event) = step.event else { break };
                    self.events.push(format!("{event:?}"));
                    self.answer(event);
                }
                Err(error) => {
                    self.events.push(format!("{error}"));
                    self.over = true;
                }
            }
        }
        consumed
    }

    fn answer(&mut self, event: Event<'_>) {
        let Self { connection, events, out, .. } = self;
        match event {
            Event::SaslInit(_) => connection.sasl_challenge(b"?", out),
            Event::SaslResponse(_) => connection.sasl_outcome(SaslCode::Ok, out),
            Event::Opened(_) => connection.open("server", Map::default(), out),
            Event::Attach { link, attach } => {
                let answer = Answer { max_message_size: 6000, ..Answer::default() };
                if connection.accept(link, &attach, answer, out) && attach.role == Role::Sender {
                    connection.grant(link, 3, out);
                }
            }
            Event::Delivery(delivery) => {
                events.push(format!("{:?}", delivery.payload));
                let id = delivery.delivery_id;
                connection.settle(delivery.link.session(), id, id, DeliveryState::Accepted, out);
                connection.grant(delivery.link, 3, out);
            }
            Event::Credit { link, drain, .. } => {
                let mut key = 0;
                while connection.can_send(link) {
                    let settling = match key % 3 {
                        0 => Settling::Before,
                        1 => Settling::Watched,
                        _ => Settling::Unwatched,
                    };
                    let sending = Sending { tag: b"tag", message_format: 0, settling, key };
                    if connection.send(link, &sending, out, |out| out.extend([0; 5000])).is_err() {
                        break; // too long for the peer
                    }
                    key += 1;
                }
                if drain {
                    connection.drained(link, out);
                }
            }
            Event::Outcome { link, delivery_id, settled, .. } => {
                if !settled {
                    connection.settle_sent(link, delivery_id, DeliveryState::Accepted, out);
                }
            }
            Event::WindowOpened(_) | Event::Detached { .. } | Event::Ended { .. } | Event::Closed { .. } => {}
        }
    }
}

/// A conversation of which some bytes are others, so that the frames still have their lengths, mostly.
fn disturbed() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), prop_oneof![Just(0_u8), Just(1), Just(0x40), Just(0x43), any::<u8>()]);
    prop::collection::vec(change, 1..6).prop_map(|changes| {
        let mut bytes = conversation();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// Frames of a conversation in any order, after `open`.
fn shuffled() -> impl Strategy<Value = Vec<u8>> {
    let bytes = conversation();
    let mut at = 8;
    let mut frames = Vec::new();
    while at < bytes.len() {
        let len = if bytes[at..].starts_with(b"AMQP") {
            8
        } else {
            u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()) as usize
        };
        frames.push(bytes[at..at + len].to_vec());
        at += len;
    }
    // Header, open, heartbeat, begin; then anything but close, on channels 0 to 2.
    let start = [&b"AMQP\0\x01\0\0"[..], &frames[3], &frames[5]].concat();
    let rest: Vec<Vec<u8>> = frames[5..frames.len() - 2].to_vec();
    prop::collection::vec((prop::sample::select(rest), 0_u8..2), 0..60).prop_map(move |frames| {
        let mut bytes = start.clone();
        for (mut frame, channel) in frames {
            frame[7] = channel;
            bytes.extend(frame);
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn disturbed_conversations(bytes in disturbed()) {
        let mut responder = Responder::default();
        responder.reads(&bytes);
    }

    #[test]
    fn frames_in_any_order(bytes in shuffled()) {
        let mut responder = Responder::default();
        let consumed = responder.reads(&bytes);
        prop_assert!(responder.over || consumed == bytes.len(), "{:?}", responder.events);
        prop_assert!(responder.out.len() < 1_000_000);
    }

    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Responder::default().reads(&bytes);
        Responder::default().reads(&[b"AMQP\0\x01\0\0", &bytes[..]].concat());
        Responder::default().reads(&[b"AMQP\x03\x01\0\0", &bytes[..]].concat());
    }
}
