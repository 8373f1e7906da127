//! Credit, drain and echo.

use super::client::{Client, credit};
use super::incoming::transfer;
use roadstead_amqp_proto::connection::{Event, Sending, Settings, Settling};
use roadstead_amqp_proto::{Flow, Performative, Role};

const SENDING: Sending<'_> = Sending { tag: b"tag", message_format: 0, settling: Settling::Before, key: 0 };

fn said_flow(client: &mut Client) -> Flow {
    match client.heard_one() {
        (0, Performative::Flow(flow), _) => flow,
        said => panic!("{said:?}"),
    }
}

#[test]
fn a_grant_counts_from_what_has_come() {
    let mut client = Client::begun(Settings::default());
    let link = client.attached(0, Role::Sender, 0);
    client.connection.grant(link, 2, &mut client.out);
    let expected = Flow {
        next_incoming_id: Some(0),
        incoming_window: 2048,
        next_outgoing_id: 1,
        outgoing_window: 2048,
        handle: Some(0),
        delivery_count: Some(0),
        link_credit: Some(2),
        ..Flow::default()
    };
    assert_eq!(said_flow(&mut client), expected);
    client.transfers(transfer(0, 0), b"");
    client.transfers(transfer(0, 1), b"");
    assert_eq!(client.connection.credit(link), 0);
    client.connection.grant(link, 10, &mut client.out);
    let flow = said_flow(&mut client);
    assert_eq!((flow.next_incoming_id, flow.delivery_count, flow.link_credit), (Some(2), Some(2), Some(10)));
}

#[test]
fn credit_counts_from_what_the_peer_has_seen() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(0, 5);
    for _ in 0..3 {
        client.connection.send(link, &SENDING, &mut client.out, |_| {}).unwrap();
    }
    // The peer has seen one of three when it grants five: two are under way.
    let events = client.sends(0, Performative::Flow(credit(0, 1, 5)));
    assert_eq!(events, [Event::Credit { link, credit: 3, drain: false }]);
    let events = client.sends(0, Performative::Flow(credit(0, 3, 0)));
    assert_eq!(events, [Event::Credit { link, credit: 0, drain: false }]);
    assert!(!client.connection.can_send(link));
}

#[test]
fn drained_credit_is_void() {
    let mut client = Client::begun(Settings::default());
    let link = client.attached(0, Role::Receiver, 0);
    let flow = Flow { drain: true, ..credit(0, 0, 10) };
    assert_eq!(client.sends(0, Performative::Flow(flow)), [Event::Credit { link, credit: 10, drain: true }]);
    client.connection.send(link, &SENDING, &mut client.out, |_| {}).unwrap();
    client.heard();
    client.connection.drained(link, &mut client.out);
    let flow = said_flow(&mut client);
    assert_eq!((flow.handle, flow.delivery_count, flow.link_credit, flow.drain), (Some(0), Some(10), Some(0), true));
    assert!(!client.connection.can_send(link));
    client.sends(0, Performative::Flow(credit(0, 10, 1)));
    assert!(client.connection.can_send(link));
}

#[test]
fn a_sender_may_let_credit_pass() {
    let mut client = Client::begun(Settings::default());
    let link = client.sender(0, 10);
    let flow = |count| Flow { link_credit: None, ..credit(0, count, 0) };
    let (some, all, beyond) = (flow(4), flow(10), flow(11));
    assert_eq!(client.sends(0, Performative::Flow(some)), []);
    assert_eq!(client.connection.credit(link), 6);
    assert_eq!(client.sends(0, Performative::Flow(beyond)), []);
    assert_eq!(client.connection.credit(link), 6, "not what it never had");
    assert_eq!(client.sends(0, Performative::Flow(all)), []);
    assert_eq!(client.connection.credit(link), 0);
}

#[test]
fn an_echo_is_given() {
    let mut client = Client::begun(Settings::default());
    client.receiver(0, 5);
    let flow = Flow { echo: true, ..credit(0, 0, 6) };
    assert_eq!(client.sends(0, Performative::Flow(flow)).len(), 1);
    let flow = said_flow(&mut client);
    assert_eq!((flow.handle, flow.link_credit, flow.echo), (Some(0), Some(6), false));
    let flow = Flow { echo: true, incoming_window: 1, next_incoming_id: Some(1), ..Flow::default() };
    assert_eq!(client.sends(0, Performative::Flow(flow)), []);
    assert_eq!(said_flow(&mut client).handle, None);
}
