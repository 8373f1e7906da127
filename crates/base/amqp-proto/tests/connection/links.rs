//! Sessions and links begin and end.

use super::client::{Client, attach, begin, credit, performative, session};
use roadstead_amqp_proto::connection::{Answer, ConnectionError, Event, SendError, Sending, Settings, Settling};
use roadstead_amqp_proto::{
    AmqpError, Attach, Begin, Detach, End, Map, Open, Performative, ReceiverSettleMode, Role, SenderSettleMode, Source,
    Target, Value, condition,
};

fn detach(handle: u32) -> Performative<'static> {
    Performative::Detach(Detach { handle, closed: true, error: None })
}

fn wanted(events: &[Event<'static>]) -> (roadstead_amqp_proto::connection::LinkId, Attach) {
    let [Event::Attach { link, attach }] = events else { panic!("{events:?}") };
    (*link, (**attach).clone())
}

#[test]
fn begin_is_answered() {
    let mut client = Client::open(Settings::default(), &Open::new("client"));
    assert_eq!(client.sends(5, Performative::Begin(Box::new(begin()))), []);
    let answer = Begin { remote_channel: Some(5), next_outgoing_id: 1, ..begin() };
    assert_eq!(client.heard_one(), (0, Performative::Begin(Box::new(answer)), vec![]));
    client.sends(2, Performative::Begin(Box::new(begin())));
    assert_eq!(client.heard_one().0, 1, "ours are dense, whatever the peer's are");
}

#[test]
fn an_accepted_link_has_both_ends_and_a_count() {
    let mut client = Client::begun(Settings::default());
    let asked = Attach {
        snd_settle_mode: SenderSettleMode::Unsettled,
        rcv_settle_mode: ReceiverSettleMode::Second,
        ..attach("l", 9, Role::Receiver)
    };
    let (link, seen) = wanted(&client.sends(0, Performative::Attach(Box::new(asked.clone()))));
    assert_eq!(seen, asked);
    assert!(client.connection.accept(link, &seen, Answer::default(), &mut client.out));
    let answer = Attach {
        source: Some(Source::new("from-l")),
        target: Some(Target::new("to-l")),
        snd_settle_mode: SenderSettleMode::Unsettled,
        rcv_settle_mode: ReceiverSettleMode::Second,
        initial_delivery_count: Some(0),
        max_message_size: Some(0),
        ..Attach::new("l", 0, Role::Sender)
    };
    assert_eq!(client.heard_one(), (0, Performative::Attach(Box::new(answer)), vec![]));
    assert!(!client.connection.accept(link, &seen, Answer::default(), &mut client.out), "once");

    // Ends that the peer left out are not null in the answer, nor are bounds.
    let (link, seen) = wanted(&client.sends(0, Performative::Attach(Box::new(Attach::new("m", 1, Role::Sender)))));
    let answer = Answer { max_message_size: 77, properties: Map(vec![(Value::symbol("k"), Value::Null)]) };
    client.connection.accept(link, &seen, answer.clone(), &mut client.out);
    let expected = Attach {
        source: Some(Source::default()),
        target: Some(Target::default()),
        max_message_size: Some(77),
        properties: answer.properties,
        ..Attach::new("m", 1, Role::Receiver)
    };
    assert_eq!(client.heard_one(), (0, Performative::Attach(Box::new(expected)), vec![]));
}

#[test]
fn a_refused_link_is_told_why() {
    let mut client = Client::begun(Settings::default());
    let (link, seen) = wanted(&client.sends(0, Performative::Attach(Box::new(attach("l", 0, Role::Receiver)))));
    let info = Map(vec![(Value::symbol("hostname"), Value::string("h"))]);
    let error = AmqpError { info, ..AmqpError::new(condition::REDIRECT, "moved") };
    client.connection.refuse(link, &seen, error.clone(), &mut client.out);
    let said = client.heard();
    let [(0, Performative::Attach(answer), _), (0, Performative::Detach(told), _)] = &said[..] else { panic!() };
    assert!(answer.source.is_some() && answer.target.is_some());
    assert_eq!(*told, Detach { handle: 0, closed: true, error: Some(error) });
    // The peer's answer is the end of it; its handle and ours are free again.
    assert_eq!(client.sends(0, detach(0)), []);
    assert!(client.out.is_empty());
    let link = client.receiver(0, 1);
    assert!(client.connection.can_send(link));
}

#[test]
fn detach_is_answered_and_handles_are_used_again() {
    let mut client = Client::begun(Settings::default());
    let first = client.sender(3, 5);
    assert_eq!(client.sends(0, detach(3)), [Event::Detached { link: first, error: None }]);
    assert_eq!(client.heard_one(), (0, detach(0), vec![]));
    let second = client.receiver(3, 5);
    assert_ne!(first, second);
    assert_eq!((client.connection.credit(first), client.connection.credit(second)), (0, 5));
    client.connection.grant(first, 9, &mut client.out);
    client.connection.detach(first, None, &mut client.out);
    assert!(client.out.is_empty(), "commands on a link that is gone do nothing");
}

#[test]
fn what_comes_on_a_link_that_we_detached_is_void() {
    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 5);
    client.connection.detach(link, Some(AmqpError::new(condition::STOLEN, "x")), &mut client.out);
    client.heard();
    let transfer = super::incoming::transfer(0, 0);
    assert_eq!(client.transfers(transfer, b"x"), []);
    assert_eq!(client.sends(0, Performative::Flow(credit(0, 0, 1))), []);
    assert_eq!(client.sends(0, detach(0)), []);
    assert!(client.out.is_empty());
}

/// azure-eventhub for Python 5.15 and its flows, dispositions and detaches behind `end`.
#[test]
fn what_comes_behind_the_end_is_ignored() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 1);
    let events = client.sends(0, Performative::End(End { error: None }));
    assert_eq!(events, [Event::Ended { session: session(link), error: None }]);
    assert_eq!(client.heard_one(), (0, Performative::End(End { error: None }), vec![]));
    assert_eq!(client.sends(0, detach(0)), []);
    assert_eq!(client.sends(0, Performative::Flow(credit(0, 0, 1))), []);
    assert_eq!(client.sends(0, Performative::End(End { error: None })), []);
    assert!(client.out.is_empty());
    // The channel can be used again.
    assert_eq!(client.sends(0, Performative::Begin(Box::new(begin()))), []);
    assert_eq!(client.heard_one().0, 0);
}

#[test]
fn a_flow_or_detach_on_no_link_is_ignored() {
    let mut client = Client::begun(Settings::default());
    assert_eq!(client.sends(0, Performative::Flow(credit(4, 0, 1))), []);
    assert_eq!(client.sends(0, detach(4)), []);
    assert!(client.out.is_empty());
}

#[test]
fn our_end_waits_for_theirs() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 1);
    let error = AmqpError::new(condition::UNAUTHORIZED_ACCESS, "expired");
    client.connection.end(session(link), Some(error.clone()), &mut client.out);
    assert_eq!(client.heard_one(), (0, Performative::End(End { error: Some(error) }), vec![]));
    let sending = Sending { tag: b"t", message_format: 0, settling: Settling::Before, key: 0 };
    assert_eq!(client.connection.send(link, &sending, &mut client.out, |_| {}), Err(SendError::NoLink));
    assert_eq!(client.sends(0, Performative::Attach(Box::new(attach("m", 1, Role::Sender)))), [], "void");
    assert_eq!(client.sends(0, Performative::End(End { error: None })), []);
    assert!(client.out.is_empty());
}

#[test]
fn a_link_that_is_detached_before_the_answer() {
    let mut client = Client::begun(Settings::default());
    let (link, seen) = wanted(&client.sends(0, Performative::Attach(Box::new(attach("l", 0, Role::Sender)))));
    assert_eq!(client.sends(0, detach(0)), [Event::Detached { link, error: None }]);
    assert!(client.out.is_empty(), "the peer knows no handle of ours yet");
    // Its handle is free.
    let (other, other_seen) = wanted(&client.sends(0, Performative::Attach(Box::new(attach("m", 0, Role::Sender)))));
    assert!(!client.connection.accept(link, &seen, Answer::default(), &mut client.out));
    let said = client.heard();
    assert!(matches!(
        &said[..],
        [
            (0, Performative::Attach(_), _),
            (0, Performative::Detach(Detach { handle: 0, closed: true, error: None }), _)
        ]
    ));
    assert!(client.connection.accept(other, &other_seen, Answer::default(), &mut client.out));
    let (_, Performative::Attach(answer), _) = client.heard_one() else { panic!() };
    assert_eq!((&*answer.name, answer.handle), ("m", 1));
}

#[test]
fn sessions_have_handles_and_names_of_their_own() {
    let mut client = Client::open(Settings::default(), &Open::new("client"));
    let mut links = Vec::new();
    for channel in 0..3 {
        client.sends(channel, Performative::Begin(Box::new(begin())));
        let asked = Performative::Attach(Box::new(attach("same", 0, Role::Receiver)));
        let (link, seen) = wanted(&client.sends(channel, asked));
        client.connection.accept(link, &seen, Answer::default(), &mut client.out);
        links.push(link);
    }
    client.sends(1, Performative::Flow(credit(0, 0, 1)));
    let credits: Vec<_> = links.iter().map(|&link| client.connection.credit(link)).collect();
    assert_eq!(credits, [0, 1, 0]);
}

#[test]
fn bounds() {
    // Links of a connection: one more is refused and nobody is asked.
    let mut client = Client::begun(Settings { links_max: 2, ..Settings::default() });
    client.sender(0, 1);
    client.sender(1, 1);
    assert_eq!(client.sends(0, Performative::Attach(Box::new(attach("l", 2, Role::Sender)))), []);
    let said = client.heard();
    let [_, (0, Performative::Detach(detached), _)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(&*detached.error.as_ref().unwrap().condition, condition::RESOURCE_LIMIT_EXCEEDED);
    client.sends(0, detach(2));
    client.sends(0, detach(1));
    client.heard();
    client.sender(1, 1);
    // Who never answers our detach loses the session.
    for handle in 2..18 {
        assert_eq!(client.sends(0, Performative::Attach(Box::new(attach("l", handle, Role::Sender)))), []);
    }
    let events = client.sends(0, Performative::Attach(Box::new(attach("l", 18, Role::Sender))));
    assert!(matches!(&events[..], [Event::Ended { error: Some(_), .. }]), "{events:?}");

    // Handles of a session.
    let mut client = Client::begun(Settings { handle_max: 1, ..Settings::default() });
    let events = client.sends(0, Performative::Attach(Box::new(attach("l", 2, Role::Sender))));
    assert!(
        matches!(&events[..], [Event::Ended { error: Some(error), .. }] if &*error.condition == condition::HANDLE_IN_USE)
    );

    // Channels of a connection.
    let mut client = Client::open(Settings { channel_max: 1, ..Settings::default() }, &Open::new("client"));
    let frame = performative(2, &Performative::Begin(Box::new(begin())), b"");
    assert_eq!(client.try_says(&frame), Err(ConnectionError::Channel { channel: 2, max: 1 }));
    let (0, Performative::Close(close), _) = client.heard_one() else { panic!() };
    assert_eq!(close.error.unwrap().to_string(), "amqp:invalid-field: channel 2, beyond 1");

    // Transactions, and names without end.
    let mut client = Client::begun(Settings::default());
    let asked = Attach { coordinator: true, target: None, ..attach("l", 0, Role::Sender) };
    assert_eq!(client.sends(0, Performative::Attach(Box::new(asked))), []);
    assert_eq!(client.heard().len(), 2);
    let asked = attach(&"x".repeat(513), 1, Role::Sender);
    assert_eq!(client.sends(0, Performative::Attach(Box::new(asked))), []);
    assert_eq!(client.heard().len(), 2);
}

#[test]
fn out_of_turn() {
    let cases = [
        (0, Performative::Open(Box::new(Open::new("again")))),
        (0, Performative::Begin(Box::new(begin()))),
        (1, Performative::Begin(Box::new(Begin { remote_channel: Some(0), ..begin() }))),
        (1, Performative::Attach(Box::new(attach("l", 0, Role::Sender)))),
        (1, Performative::Transfer(super::incoming::transfer(0, 0))),
    ];
    for (channel, body) in cases {
        let mut client = Client::begun(Settings::default());
        let error = client.try_says(&performative(channel, &body, b"")).unwrap_err();
        assert!(matches!(error, ConnectionError::OutOfTurn { .. }), "{body:?}: {error}");
        let (0, Performative::Close(close), _) = client.heard_one() else { panic!() };
        assert_eq!(&*close.error.unwrap().condition, condition::NOT_ALLOWED);
        assert!(client.connection.is_over());
    }
}
