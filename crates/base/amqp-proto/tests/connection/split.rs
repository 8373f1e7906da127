//! How the bytes are cut up on their way changes nothing.

use super::client::{attach, begin, performative};
use super::hostile::Responder;
use super::incoming::transfer;
use super::settlement::accepted;
use proptest::prelude::*;
use roadstead_amqp_proto::sasl::{SaslInit, SaslRequest, SaslResponse};
use roadstead_amqp_proto::{Close, Detach, Flow, Open, Performative, Role, Transfer};

/// All a client says in a session with a link each way.
pub fn conversation() -> Vec<u8> {
    let mut bytes = b"AMQP\x03\x01\0\0".to_vec();
    let init = SaslInit { mechanism: "ANONYMOUS", initial_response: Some(b""), hostname: Some("h") };
    SaslRequest::Init(init).write(&mut bytes);
    SaslRequest::Response(SaslResponse(b"!")).write(&mut bytes);
    bytes.extend(b"AMQP\0\x01\0\0");
    let flow = Flow {
        next_incoming_id: Some(1),
        incoming_window: 50,
        handle: Some(1),
        delivery_count: Some(0),
        link_credit: Some(5),
        echo: true,
        ..Flow::default()
    };
    let more = |transfer| Transfer { more: true, ..transfer };
    let parts: [(Performative<'_>, &[u8]); 12] = [
        (Performative::Open(Box::new(Open { idle_time_out_ms: Some(1000), ..Open::new("client") })), b""),
        (Performative::Begin(Box::new(begin())), b""),
        (Performative::Attach(Box::new(attach("out", 0, Role::Sender))), b""),
        (Performative::Attach(Box::new(attach("in", 1, Role::Receiver))), b""),
        (Performative::Transfer(more(transfer(0, 0))), b"one, "),
        (Performative::Transfer(transfer(0, 0)), b"and one"),
        (Performative::Flow(flow), b""),
        (Performative::Transfer(transfer(0, 1)), b"two"),
        (Performative::Disposition(accepted(0, 1, false)), b""),
        (Performative::Detach(Detach { handle: 0, closed: true, error: None }), b""),
        (Performative::Flow(Flow { incoming_window: 9, ..Flow::default() }), b""),
        (Performative::Close(Close { error: None }), b""),
    ];
    for (body, payload) in parts {
        bytes.extend(performative(0, &body, payload));
        bytes.extend(b"\0\0\0\x08\x02\0\0\0");
    }
    bytes
}

fn told(pieces: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
    let mut responder = Responder::default();
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let consumed = responder.reads(&buffer);
        buffer.drain(..consumed);
    }
    (responder.events, responder.out)
}

#[test]
fn byte_by_byte() {
    let bytes = conversation();
    let whole = told(&[&bytes]);
    assert_eq!(whole.0.len(), 13, "{:#?}", whole.0);
    assert!(whole.0.last().unwrap().starts_with("Closed"));
    let bytes: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(told(&bytes), whole);
}

proptest! {
    #[test]
    fn anywhere(mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..20)) {
        let bytes = conversation();
        let mut places: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len())).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for place in places {
            pieces.push(&bytes[from..place]);
            from = place;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(told(&pieces), told(&[&bytes]));
    }
}
