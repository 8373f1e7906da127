//! A client that may send anything: the connection never panics or stands still, and the way its bytes are cut up changes
//! nothing of what is told and written. The first byte says where they are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_amqp_proto::connection::{Answer, Event, Sending, Settings, Settling};
use roadstead_amqp_proto::sasl::SaslCode;
use roadstead_amqp_proto::{Connection, DeliveryState, Map, Role};

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, input)) = bytes.split_first() else { return };
    let whole = converse(input, input.len().max(1));
    let pieces = converse(input, usize::from(cut).max(1));
    assert_eq!(whole, pieces);
});

/// What was told, and what was written.
fn converse(input: &[u8], piece: usize) -> (Vec<String>, Vec<u8>) {
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
    let mut connection = Connection::new(settings, 0);
    let (mut told, mut out) = (Vec::new(), Vec::new());
    let (mut from, mut to) = (0, 0);
    loop {
        match connection.read(&input[from..to], 0, &mut out) {
            Ok(step) => {
                from += step.consumed;
                match step.event {
                    Some(event) => {
                        told.push(format!("{event:?}"));
                        answer(&mut connection, event, &mut out);
                    }
                    None if to == input.len() => break,
                    None => to = (to + piece).min(input.len()),
                }
            }
            Err(error) => {
                told.push(error.to_string());
                assert!(connection.is_over());
                break;
            }
        }
    }
    (told, out)
}

/// Says yes to everything, and sends on every link that it can.
fn answer(connection: &mut Connection, event: Event<'_>, out: &mut Vec<u8>) {
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
                let sent = connection.send(link, &sending, out, |out| out.extend([0; 5000]));
                if sent.is_err() {
                    break; // too long for the peer
                }
                key += 1;
            }
            if drain {
                connection.drained(link, out);
            }
        }
        Event::Outcome { link, delivery_id, settled: false, .. } => {
            connection.settle_sent(link, delivery_id, DeliveryState::Accepted, out);
        }
        Event::Outcome { .. }
        | Event::WindowOpened(_)
        | Event::Detached { .. }
        | Event::Ended { .. }
        | Event::Closed { .. } => {}
    }
}
