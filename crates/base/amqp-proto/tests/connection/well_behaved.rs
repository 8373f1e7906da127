//! A client that keeps all rules, whatever it does: it is refused nothing, is told nothing that the rules do not allow, and
//! gets whole what it has room for.

use std::collections::BTreeMap;

use super::client::{Client, attach, begin, performative};
use proptest::prelude::*;
use roadstead_amqp_proto::connection::{Answer, Event, LinkId, Sending, Settings, Settling};
use roadstead_amqp_proto::{
    Attach, Begin, Connection, DeliveryState, Detach, Disposition, End, Flow, Open, Performative, Role, Transfer,
};

const CHANNELS: u16 = 3;
const HANDLES: u32 = 4;
const MESSAGE_BYTES_MAX: usize = 6000;
const GRANTED: u32 = 3;

/// What the client would like to do, and does if it may.
#[derive(Debug, Clone)]
enum Wish {
    Begin { channel: u16, window: u32 },
    End { channel: u16 },
    Attach { channel: u16, handle: u32, role: Role },
    Detach { channel: u16, handle: u32 },
    Flow { channel: u16, handle: Option<u32>, window: u32, credit: u32, drain: bool, echo: bool },
    Transfer { channel: u16, handle: u32, len: usize, more: bool, aborted: bool, settled: bool },
    Settle { channel: u16, first: u32, count: u32, settled: bool, state: usize },
}

fn wish() -> impl Strategy<Value = Wish> {
    let (channel, handle) = (0..CHANNELS, 0..HANDLES);
    let role = prop_oneof![Just(Role::Sender), Just(Role::Receiver)];
    let flow = (channel.clone(), prop::option::weighted(0.8, handle.clone()), 0_u32..9, 0_u32..5, any::<[bool; 2]>());
    let transfer = (channel.clone(), handle.clone(), 0_usize..3500, any::<[bool; 3]>());
    let settle = (channel.clone(), 0_u32..6, 0_u32..4, any::<bool>(), 0_usize..4);
    prop_oneof![
        2 => (channel.clone(), 0_u32..9).prop_map(|(channel, window)| Wish::Begin { channel, window }),
        1 => channel.clone().prop_map(|channel| Wish::End { channel }),
        5 => (channel.clone(), handle.clone(), role).prop_map(|(channel, handle, role)| Wish::Attach { channel, handle, role }),
        2 => (channel, handle).prop_map(|(channel, handle)| Wish::Detach { channel, handle }),
        10 => flow.prop_map(|(channel, handle, window, credit, [drain, echo])| {
            Wish::Flow { channel, handle, window, credit, drain, echo }
        }),
        10 => transfer.prop_map(|(channel, handle, len, [more, aborted, settled])| {
            Wish::Transfer { channel, handle, len, more, aborted: aborted && more, settled }
        }),
        6 => settle.prop_map(|(channel, first, count, settled, state)| Wish::Settle { channel, first, count, settled, state }),
    ]
}

/// What the client knows of a link; `count` and `limit` are deliveries, so that `limit - count` is the receiver's credit.
#[derive(Debug)]
struct Known {
    role: Role,
    /// The server's number.
    theirs: u32,
    count: u32,
    limit: u32,
    /// What there is of the delivery that is not whole, and its number.
    partial: Option<(Vec<u8>, u32)>,
    draining: bool,
}

/// What it knows of a session; `sent` and `got` are transfers, each with the number that may not be reached.
#[derive(Debug)]
struct Place {
    sent: u32,
    sent_limit: u32,
    got: u32,
    got_limit: u32,
    delivery_id: u32,
    their_delivery_id: u32,
    /// Its deliveries that were sent whole and are not settled.
    unanswered: Vec<u32>,
    /// The server's, the same.
    unsettled: Vec<u32>,
    links: BTreeMap<u32, Known>,
}

/// The client, and the server with a caller that says yes to everything.
struct World {
    client: Client,
    frame_max: usize,
    senders: Vec<LinkId>,
    places: BTreeMap<u16, Place>,
    /// The channels of the server's frames.
    channels: BTreeMap<u16, u16>,
    /// What it asked for and has no answer to.
    asked: Option<(u16, Attach)>,
    /// Deliveries of the server.
    begun: u32,
}

impl World {
    fn new(frame_max: u32) -> Self {
        let settings = Settings { incoming_window: 8, unsettled_max: 8, max_frame_size: 4096, ..Settings::default() };
        let client = Client::open(settings, &Open { max_frame_size: frame_max, ..Open::new("client") });
        Self {
            client,
            frame_max: frame_max as usize,
            senders: Vec::new(),
            places: BTreeMap::new(),
            channels: BTreeMap::new(),
            asked: None,
            begun: 0,
        }
    }

    fn says(&mut self, channel: u16, said: &Performative<'_>, payload: &[u8]) {
        let events = self.client.says(&performative(channel, said, payload));
        for event in events {
            self.answer(event);
        }
        self.hears();
        assert!(self.asked.is_none(), "no answer to {:?}", self.asked);
    }

    /// The server's caller.
    fn answer(&mut self, event: Event<'_>) {
        let Client { connection, out, .. } = &mut self.client;
        match event {
            Event::Attach { link, attach } => {
                let answer = Answer { max_message_size: MESSAGE_BYTES_MAX as u64, ..Answer::default() };
                assert!(connection.accept(link, &attach, answer, out));
                match attach.role {
                    Role::Sender => connection.grant(link, GRANTED, out),
                    Role::Receiver => self.senders.push(link),
                }
            }
            Event::Delivery(delivery) => {
                if !delivery.settled {
                    let id = delivery.delivery_id;
                    connection.settle(delivery.link.session(), id, id, DeliveryState::Accepted, out);
                }
                connection.grant(delivery.link, GRANTED, out);
            }
            Event::Credit { link, drain, .. } => {
                send_all(connection, link, &mut self.begun, out);
                if drain {
                    connection.drained(link, out);
                }
            }
            Event::WindowOpened(session) => {
                for link in self.senders.iter().filter(|link| link.session() == session) {
                    send_all(connection, *link, &mut self.begun, out);
                }
            }
            Event::Outcome { link, delivery_id, settled, .. } => {
                if !settled {
                    connection.settle_sent(link, delivery_id, DeliveryState::Accepted, out);
                }
                send_all(connection, link, &mut self.begun, out);
            }
            Event::Detached { error: None, .. } | Event::Ended { error: None, .. } => {}
            event => panic!("{event:?}"),
        }
    }

    fn hears(&mut self) {
        let mut rest = &self.client.out[..];
        while let Some(len) = rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize) {
            assert!(len <= self.frame_max, "a frame of {len} bytes");
            rest = &rest[len..];
        }
        for (channel, said, payload) in self.client.heard() {
            if let Performative::Begin(begin) = said {
                let ours = begin.remote_channel.unwrap();
                assert!(self.channels.insert(channel, ours).is_none(), "a begin on a channel in use");
                let place = self.places.get_mut(&ours).unwrap();
                place.sent_limit = begin.incoming_window;
                place.got_limit += begin.next_outgoing_id;
                place.got = begin.next_outgoing_id;
                continue;
            }
            let ours = self.channels[&channel];
            if let Performative::End(end) = said {
                assert_eq!(end.error, None);
                self.channels.remove(&channel);
                assert!(self.places.remove(&ours).is_none(), "only the client ends sessions here");
                continue;
            }
            self.hears_in(ours, said, &payload);
        }
    }

    fn hears_in(&mut self, channel: u16, said: Performative<'_>, payload: &[u8]) {
        let place = self.places.get_mut(&channel).expect("nothing behind an end");
        match said {
            Performative::Attach(answer) => {
                let (at, asked) = self.asked.take().expect("nobody asked for a link");
                assert_eq!((at, &asked.name, asked.role), (channel, &answer.name, answer.role.opposite()));
                let known = Known {
                    role: asked.role,
                    theirs: answer.handle,
                    count: 0,
                    limit: 0,
                    partial: None,
                    draining: false,
                };
                assert!(place.links.insert(asked.handle, known).is_none());
            }
            Performative::Flow(flow) => {
                place.sent_limit = flow.next_incoming_id.unwrap() + flow.incoming_window;
                assert!(place.sent_limit >= place.sent, "the window does not shrink below what was sent");
                assert_eq!(flow.next_outgoing_id, place.got, "every transfer was heard");
                let Some(handle) = flow.handle else { return };
                let known = place.links.values_mut().find(|link| link.theirs == handle).unwrap();
                let (count, credit) = (flow.delivery_count.unwrap(), flow.link_credit.unwrap());
                match known.role {
                    Role::Sender => {
                        assert_eq!(count, known.count);
                        known.limit = count + credit;
                    }
                    Role::Receiver => {
                        assert!(known.count <= count && count + credit <= known.limit, "{flow:?} {known:?}");
                        known.count = count;
                        known.draining &= credit > 0;
                    }
                }
            }
            Performative::Transfer(transfer) => {
                assert!(place.got < place.got_limit, "a transfer beyond the window");
                place.got += 1;
                let known = place.links.values_mut().find(|link| link.theirs == transfer.handle).unwrap();
                assert_eq!(known.role, Role::Receiver);
                let fresh = known.partial.is_none();
                let (mut body, id) = known.partial.take().unwrap_or((Vec::new(), place.their_delivery_id));
                if fresh {
                    assert!(known.count < known.limit, "a delivery beyond the credit");
                    known.count += 1;
                    place.their_delivery_id += 1;
                }
                assert_eq!(transfer.delivery_id, Some(id));
                if fresh && transfer.settled == Some(false) {
                    place.unsettled.push(id);
                }
                body.extend(payload);
                if transfer.more {
                    known.partial = Some((body, id));
                } else {
                    let number = u32::from_be_bytes(*body.first_chunk().unwrap());
                    assert_eq!(body, body_of(number), "a delivery that is another");
                }
            }
            Performative::Disposition(told) => {
                let ids = told.first..=told.last.unwrap();
                let waiting = match told.role {
                    Role::Receiver => &mut place.unanswered,
                    Role::Sender => &mut place.unsettled,
                };
                assert!(told.settled && ids.clone().all(|id| waiting.contains(&id)), "{told:?} {waiting:?}");
                waiting.retain(|id| !ids.contains(id));
            }
            Performative::Detach(detach) => {
                assert_eq!(detach.error, None);
                assert!(place.links.values().all(|link| link.theirs != detach.handle), "only the client detaches here");
            }
            said => panic!("{said:?}"),
        }
    }

    /// Does what is wished, if the rules allow it.
    fn does(&mut self, wish: &Wish) {
        match *wish {
            Wish::Begin { channel, window } if !self.places.contains_key(&channel) => {
                let place = Place {
                    sent: 0,
                    sent_limit: 0,
                    got: 0,
                    got_limit: window,
                    delivery_id: 0,
                    their_delivery_id: 0,
                    unanswered: Vec::new(),
                    unsettled: Vec::new(),
                    links: BTreeMap::new(),
                };
                self.places.insert(channel, place);
                let said = Begin { incoming_window: window, ..begin() };
                self.says(channel, &Performative::Begin(Box::new(said)), b"");
            }
            Wish::End { channel } if self.places.remove(&channel).is_some() => {
                self.says(channel, &Performative::End(End { error: None }), b"");
                assert!(!self.channels.values().any(|ours| *ours == channel), "no answer to an end");
            }
            Wish::Attach { channel, handle, role } => self.attaches(channel, handle, role),
            Wish::Detach { channel, handle } => {
                let known = self.places.get_mut(&channel).and_then(|place| place.links.remove(&handle));
                if known.is_some() {
                    self.says(channel, &Performative::Detach(Detach { handle, closed: true, error: None }), b"");
                }
            }
            Wish::Flow { channel, handle, window, credit, drain, echo } => {
                self.flows(channel, handle, (window, credit), (drain, echo));
            }
            Wish::Transfer { channel, handle, len, more, aborted, settled } => {
                self.transfers(channel, handle, len, (more, aborted, settled));
            }
            Wish::Settle { channel, first, count, settled, state } => {
                self.settles(channel, first, count, settled, state);
            }
            Wish::Begin { .. } | Wish::End { .. } => {}
        }
    }

    fn attaches(&mut self, channel: u16, handle: u32, role: Role) {
        if self.places.get(&channel).is_some_and(|place| !place.links.contains_key(&handle)) {
            let asked = Attach {
                initial_delivery_count: (role == Role::Sender).then_some(0),
                ..attach(&format!("{handle}"), handle, role)
            };
            self.asked = Some((channel, asked.clone()));
            self.says(channel, &Performative::Attach(Box::new(asked)), b"");
        }
    }

    fn flows(&mut self, channel: u16, handle: Option<u32>, (window, credit): (u32, u32), (drain, echo): (bool, bool)) {
        let Some(place) = self.places.get_mut(&channel) else { return };
        place.got_limit = place.got + window;
        let mut flow = Flow {
            next_incoming_id: Some(place.got),
            incoming_window: window,
            next_outgoing_id: place.sent,
            outgoing_window: 100,
            echo,
            ..Flow::default()
        };
        if let Some((handle, known)) = handle.and_then(|handle| Some((handle, place.links.get_mut(&handle)?)))
            && known.role == Role::Receiver
        {
            known.limit = known.count + credit;
            known.draining = drain;
            flow = Flow {
                handle: Some(handle),
                delivery_count: Some(known.count),
                link_credit: Some(credit),
                drain,
                ..flow
            };
        }
        let drained = flow.handle.filter(|_| drain);
        self.says(channel, &Performative::Flow(flow), b"");
        if let Some(handle) = drained {
            let known = &self.places[&channel].links[&handle];
            assert!(!known.draining && known.count == known.limit, "credit is left after a drain: {known:?}");
        }
    }

    fn transfers(&mut self, channel: u16, handle: u32, len: usize, (more, aborted, settled): (bool, bool, bool)) {
        let Some(place) = self.places.get_mut(&channel) else { return };
        let Some(known) = place.links.get_mut(&handle).filter(|known| known.role == Role::Sender) else { return };
        let fresh = known.partial.is_none();
        if place.sent >= place.sent_limit || fresh && known.count >= known.limit {
            return;
        }
        let (mut body, id) = known.partial.take().unwrap_or((Vec::new(), place.delivery_id));
        if fresh {
            known.count += 1;
            place.delivery_id += 1;
        }
        let len = len.min(MESSAGE_BYTES_MAX - body.len());
        body.resize(body.len() + len, 7);
        if more && !aborted {
            known.partial = Some((body, id));
        } else if !aborted && !settled {
            place.unanswered.push(id);
        }
        place.sent += 1;
        let transfer = Transfer {
            handle,
            delivery_id: Some(id),
            delivery_tag: Some(b"tag"),
            // What was settled once is; so it is said with the last transfer alone.
            settled: Some(settled && !more),
            more: more && !aborted,
            aborted,
            ..Transfer::default()
        };
        self.says(channel, &Performative::Transfer(transfer), &vec![7; len]);
        let waits = self.places[&channel].unanswered.contains(&id);
        assert!(!waits, "no answer to a delivery");
    }

    fn settles(&mut self, channel: u16, first: u32, count: u32, settled: bool, state: usize) {
        let Some(place) = self.places.get_mut(&channel) else { return };
        let first = place.their_delivery_id.saturating_sub(first);
        let last = first + count;
        let states =
            [None, Some(DeliveryState::Accepted), Some(DeliveryState::Released), Some(DeliveryState::Rejected(None))];
        let state = states[state].clone();
        if settled {
            place.unsettled.retain(|id| !(first..=last).contains(id));
        }
        let told = Disposition { role: Role::Receiver, first, last: Some(last), settled, state, batchable: false };
        self.says(channel, &Performative::Disposition(told), b"");
    }

    /// Room for everything in the end: nothing is left half.
    fn takes_all(&mut self) {
        for channel in 0..CHANNELS {
            self.flows(channel, None, (1000, 0), (false, false));
            let place = self.places.get(&channel);
            let half = place.and_then(|place| {
                place.links.values().find(|link| link.role == Role::Receiver && link.partial.is_some())
            });
            assert!(half.is_none(), "{half:?}");
        }
    }
}

/// What the server's delivery of this number says.
fn body_of(number: u32) -> Vec<u8> {
    let mut body = number.to_be_bytes().to_vec();
    body.resize(4 + number as usize * 977 % 5000, number as u8);
    body
}

/// Sends on a link as long as the client takes something.
fn send_all(connection: &mut Connection, link: LinkId, begun: &mut u32, out: &mut Vec<u8>) {
    while connection.can_send(link) {
        let settling = [Settling::Before, Settling::Unwatched, Settling::Watched][*begun as usize % 3];
        let sending = Sending { tag: b"tag", message_format: 0, settling, key: (*begun).into() };
        connection.send(link, &sending, out, |out| out.extend(body_of(*begun))).unwrap();
        *begun += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn is_refused_nothing(frame_max in 512_u32..5000, wishes in prop::collection::vec(wish(), 0..120)) {
        let mut world = World::new(frame_max);
        for wish in &wishes {
            world.does(wish);
        }
        world.takes_all();
    }
}
