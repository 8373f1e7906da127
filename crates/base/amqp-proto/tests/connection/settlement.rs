//! What becomes of deliveries.

use super::client::{Client, session};
use roadstead_amqp_proto::connection::{Event, LinkId, Sending, Settings, Settling};
use roadstead_amqp_proto::{AmqpError, DeliveryState, Disposition, Performative, Role, condition};

/// Of a receiver.
pub fn accepted(first: u32, last: u32, settled: bool) -> Disposition {
    Disposition {
        role: Role::Receiver,
        first,
        last: Some(last),
        settled,
        state: Some(DeliveryState::Accepted),
        batchable: false,
    }
}

fn send(client: &mut Client, link: LinkId, keys: std::ops::Range<u64>) {
    for key in keys {
        let sending = Sending { tag: b"tag", message_format: 0, settling: Settling::Watched, key };
        client.connection.send(link, &sending, &mut client.out, |_| {}).unwrap();
    }
    client.heard();
}

fn keys(events: &[Event<'static>]) -> Vec<u64> {
    let one = |event: &Event<'static>| match event {
        Event::Outcome { key, .. } => *key,
        event => panic!("{event:?}"),
    };
    events.iter().map(one).collect()
}

#[test]
fn a_range_is_told_one_by_one() {
    let mut client = Client::begun(Settings::default());
    let (one, two) = (client.receiver(0, 50), client.receiver(1, 50));
    send(&mut client, one, 10..13);
    send(&mut client, two, 20..22);
    let events = client.sends(0, Performative::Disposition(accepted(1, 3, true)));
    assert_eq!(keys(&events), [11, 12, 20]);
    let state = Some(DeliveryState::Accepted);
    assert_eq!(events[2], Event::Outcome { link: two, delivery_id: 3, key: 20, state, settled: true });
    // What is settled is not told again; what was never sent neither.
    let events = client.sends(0, Performative::Disposition(accepted(0, 1000, true)));
    assert_eq!(keys(&events), [10, 21]);
    assert_eq!(client.sends(0, Performative::Disposition(accepted(0, 1000, true))), []);
    assert!(client.out.is_empty());
}

#[test]
fn what_is_not_watched_is_not_told() {
    let mut client = Client::begun(Settings { unsettled_max: 2, ..Settings::default() });
    let link = client.receiver(0, 50);
    for (key, settling) in (0..).zip([Settling::Watched, Settling::Unwatched, Settling::Unwatched, Settling::Watched]) {
        let sending = Sending { tag: b"tag", message_format: 0, settling, key };
        client.connection.send(link, &sending, &mut client.out, |_| {}).unwrap();
    }
    for (_, heard, _) in client.heard() {
        assert!(matches!(heard, Performative::Transfer(transfer) if transfer.settled == Some(false)));
    }
    assert_eq!(client.sends(0, Performative::Disposition(accepted(1, 2, false))), []);
    assert_eq!(keys(&client.sends(0, Performative::Disposition(accepted(0, 3, true)))), [0, 3]);
}

#[test]
fn one_and_no_last() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 50);
    send(&mut client, link, 0..3);
    let rejected = DeliveryState::Rejected(Some(Box::new(AmqpError::new("c", "d"))));
    let one = Disposition { last: None, state: Some(rejected.clone()), ..accepted(1, 0, true) };
    let events = client.sends(0, Performative::Disposition(one));
    assert_eq!(events, [Event::Outcome { link, delivery_id: 1, key: 1, state: Some(rejected), settled: true }]);
    let silent = Disposition { state: None, ..accepted(2, 2, true) };
    let events = client.sends(0, Performative::Disposition(silent));
    assert_eq!(events, [Event::Outcome { link, delivery_id: 2, key: 2, state: None, settled: true }]);
    let received = Some(DeliveryState::Received { section_number: 0, section_offset: 0 });
    for state in [None, received] {
        let nothing = Disposition { state, ..accepted(0, 2, false) };
        assert_eq!(client.sends(0, Performative::Disposition(nothing)), []);
    }
}

/// The C# service client's receivers: they wait for the sender to settle.
#[test]
fn a_receiver_that_settles_second() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 50);
    send(&mut client, link, 0..2);
    let state = Some(DeliveryState::Released);
    let told = Disposition { state: state.clone(), ..accepted(0, 0, false) };
    let events = client.sends(0, Performative::Disposition(told));
    assert_eq!(events, [Event::Outcome { link, delivery_id: 0, key: 0, state, settled: false }]);
    assert_eq!(client.sends(0, Performative::Disposition(accepted(0, 0, false))), [], "it said so before");
    client.connection.settle_sent(link, 0, DeliveryState::Accepted, &mut client.out);
    let expected = Disposition { role: Role::Sender, ..accepted(0, 0, true) };
    assert_eq!(client.heard_one(), (0, Performative::Disposition(expected), vec![]));
    client.connection.settle_sent(link, 0, DeliveryState::Accepted, &mut client.out);
    assert!(client.out.is_empty(), "once");
    assert_eq!(keys(&client.sends(0, Performative::Disposition(accepted(0, 9, true)))), [1]);
}

#[test]
fn what_went_with_its_link_is_not_told() {
    let mut client = Client::begun(Settings::default());
    let (one, two) = (client.receiver(0, 50), client.receiver(1, 50));
    send(&mut client, one, 0..2);
    send(&mut client, two, 2..4);
    client.connection.detach(one, None, &mut client.out);
    assert_eq!(keys(&client.sends(0, Performative::Disposition(accepted(0, 9, true)))), [2, 3]);
}

#[test]
fn a_sender_s_word_on_its_own_changes_nothing() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 50);
    send(&mut client, link, 0..2);
    let own = Disposition { role: Role::Sender, ..accepted(0, 9, true) };
    assert_eq!(client.sends(0, Performative::Disposition(own)), []);
    assert_eq!(keys(&client.sends(0, Performative::Disposition(accepted(0, 9, true)))), [0, 1]);
}

#[test]
fn a_range_that_runs_backwards() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 50);
    send(&mut client, link, 0..2);
    let events = client.sends(0, Performative::Disposition(accepted(5, 3, true)));
    let [Event::Ended { error: Some(error), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(&*error.condition, condition::INVALID_FIELD);
}

#[test]
fn what_came_is_settled_in_ranges() {
    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 5);
    let error = AmqpError::new(condition::NOT_FOUND, "no such device");
    let state = DeliveryState::Rejected(Some(Box::new(error)));
    client.connection.settle(session(link), 3, 7, state.clone(), &mut client.out);
    let expected = Disposition { state: Some(state), ..accepted(3, 7, true) };
    assert_eq!(client.heard_one(), (0, Performative::Disposition(expected), vec![]));
}
