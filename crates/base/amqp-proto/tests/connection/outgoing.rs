//! Deliveries to the peer.

use super::client::{Client, Said, attach, begin, credit};
use proptest::prelude::*;
use roadstead_amqp_proto::connection::{Answer, Event, LinkId, SendError, Sending, Settings, Settling};
use roadstead_amqp_proto::{Attach, Flow, Open, Performative, Role, Transfer};

const SENDING: Sending<'_> = Sending { tag: b"tag", message_format: 0, settling: Settling::Watched, key: 7 };

fn send(client: &mut Client, link: LinkId, payload: &[u8]) -> Result<u32, SendError> {
    client.connection.send(link, &SENDING, &mut client.out, |out| out.extend(payload))
}

fn transfers(said: &[Said]) -> Vec<(&Transfer<'static>, &[u8])> {
    said.iter()
        .map(|said| match said {
            (0, Performative::Transfer(transfer), payload) => (transfer, &payload[..]),
            said => panic!("{said:?}"),
        })
        .collect()
}

#[test]
fn a_delivery_in_one_frame() {
    let mut client = Client::begun(Settings::default());
    let link = client.receiver(4, 2);
    assert_eq!(send(&mut client, link, b"hello"), Ok(0));
    let expected = Transfer {
        handle: 0,
        delivery_id: Some(0),
        delivery_tag: Some(b"tag"),
        message_format: Some(0),
        settled: Some(false),
        ..Transfer::default()
    };
    assert_eq!(client.heard_one(), (0, Performative::Transfer(expected), b"hello".to_vec()));
    assert_eq!(send(&mut client, link, b""), Ok(1));
    assert_eq!((client.connection.credit(link), client.connection.can_send(link)), (0, false));
    assert_eq!(send(&mut client, link, b""), Err(SendError::Busy));
    client.heard();
}

#[test]
fn a_delivery_in_many_frames() {
    let mut client = Client::open(Settings::default(), &Open { max_frame_size: 512, ..Open::new("client") });
    client.sends(0, Performative::Begin(Box::new(begin())));
    let link = client.receiver(0, 2);
    let payload: Vec<u8> = (0..1500_u32).map(|i| i as u8).collect();
    client.out.clear();
    assert_eq!(send(&mut client, link, &payload), Ok(0));
    let mut rest = &client.out[..];
    while let Some(len) = rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize) {
        assert!(len <= 512 && (len == 512 || len == rest.len()), "{len} of {}", rest.len());
        rest = &rest[len..];
    }
    let said = client.heard();
    let said = transfers(&said);
    assert_eq!(said.iter().map(|(transfer, _)| transfer.more).collect::<Vec<_>>(), [true, true, true, false]);
    assert!(said.iter().all(|(transfer, _)| transfer.delivery_id == Some(0) && transfer.delivery_tag == Some(b"tag")));
    assert_eq!(said.iter().flat_map(|(_, payload)| payload.to_vec()).collect::<Vec<_>>(), payload);
}

#[test]
fn what_the_window_holds_back_goes_later() {
    let mut client = Client::open(Settings::default(), &Open { max_frame_size: 512, ..Open::new("client") });
    let narrow = roadstead_amqp_proto::Begin { incoming_window: 2, ..begin() };
    client.sends(0, Performative::Begin(Box::new(narrow)));
    let (link, other) = (client.attached(0, Role::Receiver, 0), client.attached(1, Role::Receiver, 0));
    let flow =
        |handle, seen: u32| Flow { next_incoming_id: Some(1 + seen), incoming_window: 2, handle, ..credit(0, 0, 9) };
    client.sends(0, Performative::Flow(flow(Some(0), 0)));
    client.sends(0, Performative::Flow(flow(Some(1), 0)));

    assert_eq!(send(&mut client, link, &[1; 2000]), Ok(0));
    assert_eq!(transfers(&client.heard()).len(), 2);
    assert_eq!((client.connection.can_send(link), client.connection.can_send(other)), (false, false));
    // A flow that has seen neither says nothing new.
    assert_eq!(client.sends(0, Performative::Flow(flow(None, 0))), []);
    assert!(client.out.is_empty());
    assert_eq!(client.sends(0, Performative::Flow(flow(None, 2))), [], "the window is full again");
    assert_eq!(transfers(&client.heard()).len(), 2);
    let events = client.sends(0, Performative::Flow(flow(None, 4)));
    assert_eq!(events, [Event::WindowOpened(link.session())]);
    let said = client.heard();
    let said = transfers(&said);
    assert_eq!((said.len(), said[0].0.more), (1, false));
    assert_eq!(send(&mut client, other, b""), Ok(1));
}

#[test]
fn both_news_of_one_flow_are_told() {
    let mut client = Client::open(Settings::default(), &Open::new("client"));
    let shut = roadstead_amqp_proto::Begin { incoming_window: 0, ..begin() };
    client.sends(0, Performative::Begin(Box::new(shut)));
    let link = client.attached(0, Role::Receiver, 0);
    let events = client.sends(0, Performative::Flow(credit(0, 0, 3)));
    assert_eq!(events, [Event::Credit { link, credit: 3, drain: false }, Event::WindowOpened(link.session())]);
}

#[test]
fn credit_that_came_before_the_answer_counts() {
    let mut client = Client::begun(Settings::default());
    let asked = Performative::Attach(Box::new(attach("l", 0, Role::Receiver)));
    let events = client.sends(0, asked);
    let [Event::Attach { link, attach }] = &events[..] else { panic!() };
    let pipelined = Flow { delivery_count: None, ..credit(0, 0, 3) };
    assert_eq!(client.sends(0, Performative::Flow(pipelined)), []);
    assert_eq!(send(&mut client, *link, b""), Err(SendError::NoLink));
    assert!(client.connection.accept(*link, attach, Answer::default(), &mut client.out));
    assert_eq!(client.connection.credit(*link), 3);
    assert_eq!(send(&mut client, *link, b""), Ok(0));
}

#[test]
fn a_message_longer_than_the_peer_takes() {
    let mut client = Client::begun(Settings::default());
    let asked = Attach { max_message_size: Some(5), ..attach("l", 0, Role::Receiver) };
    let events = client.sends(0, Performative::Attach(Box::new(asked)));
    let [Event::Attach { link, attach }] = &events[..] else { panic!() };
    client.connection.accept(*link, attach, Answer::default(), &mut client.out);
    client.sends(0, Performative::Flow(credit(0, 0, 3)));
    client.heard();
    assert_eq!(send(&mut client, *link, b"123456"), Err(SendError::TooLong { len: 6, max: 5 }));
    assert!(client.out.is_empty());
    assert_eq!(send(&mut client, *link, b"12345"), Ok(0));
}

#[test]
fn what_is_not_settled_is_bounded() {
    let mut client = Client::begun(Settings { unsettled_max: 2, ..Settings::default() });
    let link = client.receiver(0, 100);
    assert_eq!((send(&mut client, link, b""), send(&mut client, link, b"")), (Ok(0), Ok(1)));
    assert_eq!((send(&mut client, link, b""), client.connection.can_send(link)), (Err(SendError::Busy), false));
    client.sends(0, Performative::Disposition(super::settlement::accepted(0, 0, true)));
    assert_eq!(send(&mut client, link, b""), Ok(2));
    // A link that goes takes them with it.
    client.connection.detach(link, None, &mut client.out);
    let link = client.receiver(1, 100);
    assert_eq!(send(&mut client, link, b""), Ok(3));
}

/// A receiver that checks everything: numbers, bounds, and that every payload comes whole and in order.
#[derive(Default)]
struct Model {
    frame_max: usize,
    window: u32,
    transfers: u32,
    credit: u32,
    deliveries: u32,
    partial: Option<Vec<u8>>,
    whole: Vec<Vec<u8>>,
}

impl Model {
    fn hears(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((frame, len)) = roadstead_amqp_proto::frame::first_frame(rest, self.frame_max).unwrap() {
            rest = &rest[len..];
            let (Performative::Transfer(transfer), payload) = Performative::decode(frame.body).unwrap() else {
                panic!("{frame:?}")
            };
            self.window = self.window.checked_sub(1).expect("no transfer beyond the window");
            self.transfers += 1;
            if self.partial.is_none() {
                self.credit = self.credit.checked_sub(1).expect("no delivery beyond the credit");
                assert_eq!(transfer.delivery_id, Some(self.deliveries));
                self.deliveries += 1;
            }
            let mut whole = self.partial.take().unwrap_or_default();
            whole.extend(payload);
            if transfer.more {
                self.partial = Some(whole);
            } else {
                self.whole.push(whole);
            }
        }
        assert_eq!(rest, b"", "only whole frames");
    }

    fn flow(&mut self, window: u32, credit: u32) -> Flow {
        (self.window, self.credit) = (window, credit);
        Flow {
            next_incoming_id: Some(1 + self.transfers),
            incoming_window: window,
            handle: Some(0),
            delivery_count: Some(self.deliveries),
            link_credit: Some(credit),
            ..Flow::default()
        }
    }
}

proptest! {
    #[test]
    fn every_delivery_arrives_whole(
        frame_max in 512_u32..3000,
        lens in prop::collection::vec(0_usize..6000, 1..12),
        flows in prop::collection::vec((0_u32..6, 0_u32..4), 1..40),
    ) {
        let open = Open { max_frame_size: frame_max, ..Open::new("client") };
        let mut client = Client::open(Settings::default(), &open);
        client.sends(0, Performative::Begin(Box::new(roadstead_amqp_proto::Begin { incoming_window: 0, ..begin() })));
        client.heard();
        let link = client.attached(0, Role::Receiver, 0);
        let mut model = Model { frame_max: frame_max as usize, ..Model::default() };
        let payloads: Vec<Vec<u8>> = (0_u8..).zip(&lens).map(|(i, &len)| vec![i; len]).collect();
        let mut waiting = payloads.iter();
        let last = (1000, 100);
        for (window, credit) in flows.into_iter().chain([last]) {
            client.sends(0, Performative::Flow(model.flow(window, credit)));
            while client.connection.can_send(link) {
                let Some(payload) = waiting.next() else { break };
                prop_assert!(send(&mut client, link, payload).is_ok());
            }
            model.hears(&std::mem::take(&mut client.out));
        }
        prop_assert_eq!(model.whole, payloads);
    }
}
