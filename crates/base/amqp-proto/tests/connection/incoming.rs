//! Deliveries from the peer.

use super::client::{Client, session};
use roadstead_amqp_proto::connection::{ConnectionError, Delivery, Event, Settings};
use roadstead_amqp_proto::message::BATCH_FORMAT;
use roadstead_amqp_proto::{Performative, Role, Transfer, condition};

pub fn transfer(handle: u32, delivery_id: u32) -> Transfer<'static> {
    Transfer {
        handle,
        delivery_id: Some(delivery_id),
        delivery_tag: Some(b"tag"),
        message_format: Some(0),
        ..Transfer::default()
    }
}

fn more(transfer: Transfer<'static>) -> Transfer<'static> {
    Transfer { more: true, ..transfer }
}

fn rest(handle: u32) -> Transfer<'static> {
    Transfer { handle, ..Transfer::default() }
}

fn payloads(events: &[Event<'static>]) -> Vec<(u32, Vec<u8>)> {
    let one = |event: &Event<'static>| match event {
        Event::Delivery(delivery) => (delivery.delivery_id, delivery.payload.to_vec()),
        event => panic!("{event:?}"),
    };
    events.iter().map(one).collect()
}

fn detached<'a>(events: &'a [Event<'static>]) -> &'a str {
    match events {
        [Event::Detached { error: Some(error), .. } | Event::Ended { error: Some(error), .. }] => &error.condition,
        events => panic!("{events:?}"),
    }
}

#[test]
fn a_delivery_in_one_frame_is_not_copied() {
    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 2);
    let sent = Transfer { settled: Some(true), message_format: Some(BATCH_FORMAT), ..transfer(0, 8) };
    let events = client.transfers(sent, b"hello");
    let expected = Delivery {
        link,
        delivery_id: 8,
        tag: b"tag".into(),
        message_format: BATCH_FORMAT,
        settled: true,
        payload: b"hello".into(),
    };
    assert_eq!(events, [Event::Delivery(expected)]);
    let [Event::Delivery(delivery)] = &events[..] else { panic!() };
    assert!(matches!(delivery.payload, std::borrow::Cow::Borrowed(_)));
    assert_eq!(client.connection.credit(link), 1);
}

#[test]
fn a_delivery_in_many_frames_comes_whole() {
    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 1);
    assert_eq!(client.transfers(more(transfer(0, 0)), b"one "), []);
    assert_eq!(client.transfers(more(rest(0)), b"two "), []);
    assert_eq!(client.connection.credit(link), 0);
    // Some repeat the number in every transfer.
    assert_eq!(client.transfers(more(transfer(0, 0)), b"three "), []);
    let events = client.transfers(Transfer { settled: Some(true), ..rest(0) }, b"four");
    assert_eq!(payloads(&events), [(0, b"one two three four".to_vec())]);
    let [Event::Delivery(delivery)] = &events[..] else { panic!() };
    assert_eq!((&*delivery.tag, delivery.settled), (&b"tag"[..], true));
}

#[test]
fn deliveries_of_two_links_mix() {
    let mut client = Client::begun(Settings::default());
    client.sender(0, 1);
    client.sender(1, 1);
    assert_eq!(client.transfers(more(transfer(0, 0)), b"a"), []);
    assert_eq!(client.transfers(more(transfer(1, 1)), b"b"), []);
    assert_eq!(payloads(&client.transfers(rest(0), b"A")), [(0, b"aA".to_vec())]);
    assert_eq!(payloads(&client.transfers(rest(1), b"B")), [(1, b"bB".to_vec())]);
}

#[test]
fn an_aborted_delivery_never_was() {
    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 3);
    assert_eq!(client.transfers(more(transfer(0, 0)), b"gone"), []);
    assert_eq!(client.transfers(Transfer { aborted: true, ..rest(0) }, b""), []);
    assert_eq!(client.transfers(Transfer { aborted: true, ..transfer(0, 1) }, b""), []);
    // Nobody is told of them, so that nobody would grant them anew.
    let credits = client.heard().into_iter().map(|said| match said {
        (0, Performative::Flow(flow), _) => (flow.delivery_count, flow.link_credit),
        said => panic!("{said:?}"),
    });
    assert_eq!(credits.collect::<Vec<_>>(), [(Some(1), Some(3)), (Some(2), Some(3))]);
    assert_eq!(payloads(&client.transfers(transfer(0, 2), b"here")), [(2, b"here".to_vec())]);
    assert_eq!(client.connection.credit(link), 2);
}

#[test]
fn a_link_is_detached_for_what_its_peer_does_wrong() {
    type Transfers<'a> = Vec<(Transfer<'a>, &'a [u8])>;
    let cases: [(&str, Transfers<'_>); 6] = [
        (condition::TRANSFER_LIMIT_EXCEEDED, vec![(transfer(0, 0), b""), (transfer(0, 1), b"")]),
        (condition::INVALID_FIELD, vec![(Transfer { delivery_id: None, ..transfer(0, 0) }, b"")]),
        (condition::INVALID_FIELD, vec![(Transfer { delivery_tag: None, ..transfer(0, 0) }, b"")]),
        (condition::NOT_ALLOWED, vec![(more(transfer(0, 0)), b""), (transfer(0, 1), b"")]),
        (condition::MESSAGE_SIZE_EXCEEDED, vec![(transfer(0, 0), &[0; 1001])]),
        (condition::MESSAGE_SIZE_EXCEEDED, vec![(more(transfer(0, 0)), &[0; 1000]), (rest(0), &[0; 1])]),
    ];
    for (expected, transfers) in cases {
        let mut client = Client::begun(Settings::default());
        client.sender(0, 1);
        let events: Vec<_> =
            transfers.into_iter().map(|(transfer, payload)| client.transfers(transfer, payload)).collect();
        assert_eq!(detached(events.last().unwrap()), expected);
        let (0, Performative::Detach(detach), _) = client.heard_one() else { panic!() };
        assert_eq!(&*detach.error.unwrap().condition, expected);
    }
}

#[test]
fn a_session_is_ended_for_what_its_peer_does_wrong() {
    let mut client = Client::begun(Settings::default());
    client.receiver(0, 1);
    assert_eq!(detached(&client.transfers(transfer(0, 0), b"")), condition::NOT_ALLOWED);

    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 1);
    let events = client.transfers(transfer(7, 0), b"");
    assert_eq!(detached(&events), condition::UNATTACHED_HANDLE);
    assert_eq!(client.connection.credit(link), 0, "the link went with its session");
    assert!(matches!(events[0], Event::Ended { session: id, .. } if id == session(link)));
}

#[test]
fn windows_are_refilled() {
    let mut client = Client::begun(Settings { incoming_window: 4, ..Settings::default() });
    client.sender(0, 100);
    for id in 0..20 {
        assert_eq!(client.transfers(transfer(0, id), b"").len(), 1);
        let said = client.heard();
        if id % 2 == 0 {
            assert_eq!(said, []);
            continue;
        }
        let [(0, Performative::Flow(flow), _)] = &said[..] else { panic!("{said:?}") };
        assert_eq!((flow.next_incoming_id, flow.incoming_window, flow.handle), (Some(id + 1), 4, None));
    }
}

#[test]
fn deliveries_that_are_not_whole_are_bounded() {
    let mut client = Client::begun(Settings { partial_bytes_max: 1500, ..Settings::default() });
    client.sender(0, 1);
    client.sender(1, 1);
    assert_eq!(client.transfers(more(transfer(0, 0)), &[0; 1000]), []);
    assert_eq!(client.transfers(more(transfer(1, 1)), &[0; 500]), []);
    let frame = super::client::performative(0, &Performative::Transfer(more(rest(1))), &[0; 1]);
    assert_eq!(client.try_says(&frame), Err(ConnectionError::TooMuchPartial { len: 1501, max: 1500 }));
    assert!(client.connection.is_over());

    // What became whole, was aborted or went with its link does not count.
    let mut client = Client::begun(Settings { partial_bytes_max: 1000, ..Settings::default() });
    for round in 0..3 {
        let link = client.sender(0, 9);
        for id in 0..3 {
            assert_eq!(client.transfers(more(transfer(0, id)), &[0; 1000]), []);
            client.transfers(Transfer { aborted: id != 1, ..rest(0) }, b"");
        }
        assert_eq!(client.transfers(more(transfer(0, 9)), &[0; 1000]), []);
        if round == 0 {
            client
                .sends(0, Performative::Detach(roadstead_amqp_proto::Detach { handle: 0, closed: true, error: None }));
        } else if round == 1 {
            client.connection.end(session(link), None, &mut client.out);
            client.sends(0, Performative::End(roadstead_amqp_proto::End { error: None }));
            client.sends(0, Performative::Begin(Box::new(super::client::begin())));
        }
        client.heard();
    }
}

#[test]
fn nothing_is_taken_before_a_grant() {
    let mut client = Client::begun(Settings::default());
    client.attached(0, Role::Sender, 0);
    assert_eq!(detached(&client.transfers(transfer(0, 0), b"")), condition::TRANSFER_LIMIT_EXCEEDED);
}
