//! Frames that a seed chooses, from a client that was let in: whatever they are, nothing panics, and nobody is left behind.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use roadstead_amqp_proto::{
    Begin, DeliveryState, Detach, Disposition, End, Flow, FrameType, Map, Performative, Role, Transfer, Value, frame,
    message::{BATCH_FORMAT, MessageId, MessageWriter, Properties},
};
use roadstead_front_amqp::limits;
use roadstead_hub::{IfMatch, MethodRequest, NewMessage, SectionChange, TwinChange, TwinWrite};
use roadstead_model::{Ack, IdentityId, Properties as MessageProperties};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, split},
    time::timeout,
};

use crate::{
    client::{CBS, Client, receiver, request, sender},
    device::{cam, id, own_token, world_of},
    world::{HOST, NOW_S, TOKEN_S, World, token_of},
};

const RUNS: u64 = 48;
const FRAMES: u64 = 250;
const DEVICES: [&str; 2] = ["cam-1", "cam-2"];
const ADDRESSES: [&str; 9] = [
    "/devices/cam-1/messages/events",
    "/devices/cam-1/messages/deviceBound",
    "/devices/cam-1/twin",
    "/devices/cam-1/methods/devicebound",
    "amqps://hub1.example/devices/cam%2D2/messages/events",
    "/devices/cam-2/twin",
    "/devices/cam-2/messages/devicebound",
    "/devices/nobody/twin",
    "$cbs",
];

/// Numbers that follow from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn among(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    fn is(&mut self, percent: u64) -> bool {
        self.among(0..100) < percent
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.among(0..all.len() as u64) as usize]
    }
}

/// A client that says what chance wants, and seldom what the standard forbids.
struct Babbler {
    chance: Chance,
    sessions: [Option<Said>; 2],
}

/// What the client said on a session.
#[derive(Default)]
struct Said {
    /// The number of its next delivery.
    next: u32,
    /// Its links by handle.
    links: BTreeMap<u32, Role>,
}

impl Babbler {
    fn new(seed: u64) -> Self {
        // A token was put.
        let links = BTreeMap::from([(CBS[0], Role::Sender), (CBS[1], Role::Receiver)]);
        Self { chance: Chance(seed), sessions: [Some(Said { next: 1, links }), None] }
    }

    /// Frames for the wire: one, or two that belong together.
    fn frames(&mut self) -> Vec<u8> {
        let channel = usize::from(self.chance.is(20) && self.sessions[1].is_some());
        let what = self.chance.among(0..100);
        let mut frames = match what {
            0..25 => self.attach(channel),
            25..60 => self.transfer(channel),
            60..75 => framed(channel, Performative::Flow(self.flow(channel)), b""),
            75..85 => framed(channel, Performative::Disposition(self.disposition()), b""),
            85..93 => {
                let Some(handle) = self.handle(channel, None) else { return self.attach(channel) };
                self.said(channel).links.remove(&handle);
                let closed = self.chance.is(80);
                framed(channel, Performative::Detach(Detach { handle, closed, error: None }), b"")
            }
            93..97 if self.sessions[1].is_none() => {
                self.sessions[1] = Some(Said::default());
                framed(1, Performative::Begin(Box::new(begin())), b"")
            }
            97 if self.sessions[1].is_some() => {
                self.sessions[1] = None;
                framed(1, Performative::End(End { error: None }), b"")
            }
            _ => framed(0, Performative::Flow(Flow { echo: true, incoming_window: 1000, ..Flow::default() }), b""),
        };
        if self.is_wild() {
            let at = self.chance.among(8..frames.len() as u64) as usize;
            frames[at] ^= 1 << self.chance.among(0..8);
        }
        frames
    }

    fn said(&mut self, channel: usize) -> &mut Said {
        self.sessions[channel].get_or_insert_default()
    }

    /// Whether to break a rule: about one connection of two is so ended.
    fn is_wild(&mut self) -> bool {
        self.chance.among(0..700) == 0
    }

    /// One of its links, of this role if one is named.
    fn handle(&mut self, channel: usize, role: Option<Role>) -> Option<u32> {
        let is_it = |other: &Role| role.is_none_or(|role| role == *other);
        let links = &self.said(channel).links;
        let all: Vec<_> = links.iter().filter(|(_, other)| is_it(other)).map(|(handle, _)| *handle).collect();
        if all.is_empty() || self.is_wild() { None } else { Some(self.chance.one_of(&all)) }
    }

    fn attach(&mut self, channel: usize) -> Vec<u8> {
        let handle = self.chance.among(0..8) as u32;
        let name = format!("{channel}-{handle}");
        let address = self.chance.one_of(&ADDRESSES);
        let mut attach =
            if self.chance.is(50) { sender(&name, handle, address) } else { receiver(&name, handle, address) };
        if self.chance.is(50) {
            let channel = Value::string(self.chance.one_of(&["twin:1", "methods:1", "other"]));
            attach.properties = Map(vec![(Value::symbol("com.microsoft:channel-correlation-id"), channel)]);
        }
        let mut frames = Vec::new();
        if self.said(channel).links.insert(handle, attach.role).is_some() && !self.is_wild() {
            frames = framed(channel, Performative::Detach(Detach { handle, closed: true, error: None }), b"");
        }
        frames.extend(framed(channel, Performative::Attach(Box::new(attach)), b""));
        frames
    }

    fn transfer(&mut self, channel: usize) -> Vec<u8> {
        let Some(handle) = self.handle(channel, Some(Role::Sender)) else { return self.attach(channel) };
        let payload = self.message();
        let said = self.said(channel);
        let (delivery, tag) = (said.next, said.next.to_be_bytes());
        said.next += 1;
        let transfer = Transfer {
            handle,
            delivery_id: Some(delivery),
            delivery_tag: Some(&tag),
            message_format: Some(self.chance.one_of(&[0, 0, 0, BATCH_FORMAT, 7])),
            settled: Some(self.chance.is(50)),
            ..Transfer::default()
        };
        if !self.chance.is(10) {
            return framed(channel, Performative::Transfer(transfer), &payload);
        }
        let aborted = self.chance.is(50);
        let mut frames = framed(channel, Performative::Transfer(Transfer { more: true, ..transfer.clone() }), &payload);
        frames.extend(framed(channel, Performative::Transfer(Transfer { aborted, ..transfer }), b""));
        frames
    }

    fn message(&mut self) -> Vec<u8> {
        let id = MessageId::Ulong(self.chance.next());
        let mut bytes = Vec::new();
        match self.chance.among(0..8) {
            0 => {
                let token = own_token(self.chance.one_of(&DEVICES), NOW_S + TOKEN_S);
                let words = [("operation", "put-token"), ("type", "servicebus.windows.net:sastoken")];
                return request(id, &words, Some(&token));
            }
            1 => return (0..self.chance.among(0..40)).map(|_| self.chance.next() as u8).collect(),
            2 => {
                let mut inner = Vec::new();
                MessageWriter::new(&mut inner).data(b"of a batch");
                MessageWriter::new(&mut bytes).data(&inner);
                return bytes;
            }
            _ => {}
        }
        let mut message = MessageWriter::new(&mut bytes);
        let operation = self.chance.one_of(&["GET", "PATCH", "PUT", "DELETE", "POST"]);
        let resource = self.chance.one_of(&["", "/properties/reported", "/notifications/twin/properties/desired"]);
        message.message_annotations(|map| {
            map.string("operation", operation);
            if !resource.is_empty() {
                map.string("resource", resource);
            }
        });
        message.properties(&Properties { correlation_id: Some(id), ..Properties::default() });
        let (status, n) = (self.chance.is(30), self.chance.among(0..1000));
        if status {
            message.application_properties(|map| map.int("IoThub-status", 200));
        }
        message.data(format!("{{\"n\":{n}}}").as_bytes());
        bytes
    }

    fn flow(&mut self, channel: usize) -> Flow {
        Flow {
            next_incoming_id: Some(self.chance.among(0..3) as u32),
            incoming_window: self.chance.one_of(&[0, 5, 1000, u32::MAX]),
            outgoing_window: 2048,
            handle: self.handle(channel, Some(Role::Receiver)),
            delivery_count: Some(self.chance.among(0..5) as u32),
            link_credit: Some(self.chance.one_of(&[0, 1, 100, u32::MAX])),
            drain: self.chance.is(20),
            ..Flow::default()
        }
    }

    fn disposition(&mut self) -> Disposition {
        let first = self.chance.among(0..30) as u32;
        let last = self.chance.one_of(&[None, Some(first + 3), Some(first + 1_000_000)]);
        let state = match self.chance.among(0..5) {
            0 => DeliveryState::Accepted,
            1 => DeliveryState::Rejected(None),
            2 => DeliveryState::Released,
            3 => DeliveryState::Modified(Box::default()),
            _ => DeliveryState::Received { section_number: 0, section_offset: 0 },
        };
        let role = if self.chance.is(80) { Role::Receiver } else { Role::Sender };
        Disposition { role, first, last, settled: self.chance.is(50), state: Some(state), batchable: false }
    }
}

fn begin() -> Begin {
    Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window: 1000,
        outgoing_window: 2048,
        handle_max: 255,
        offered_capabilities: vec![],
        desired_capabilities: vec![],
        properties: Map::default(),
    }
}

fn framed(channel: usize, performative: Performative<'_>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, FrameType::Amqp, channel as u16, |out| {
        performative.encode(out);
        out.extend(payload);
    });
    bytes
}

/// What a back end does meanwhile.
async fn meddle(world: &World, chance: &mut Chance) {
    let device = id(chance.one_of(&DEVICES));
    match chance.among(0..4) {
        0 => {
            let body = chance.next().to_be_bytes().to_vec();
            let message = NewMessage { properties: MessageProperties::new(), body, ack: Ack::None, expiry: None };
            // 50 may wait for a device.
            let _ = world.hub.send_message(&device, message).await;
        }
        1 => {
            let desired = SectionChange::Write(json!({"n": chance.among(0..1000)}).as_object().cloned().unwrap());
            let change = TwinChange { desired, ..TwinChange::default() };
            world.hub.update_twin(&device.into(), change, TwinWrite::Patch, IfMatch::Any).await.unwrap();
        }
        2 => {
            let (hub, device) = (world.hub.clone(), IdentityId::from(device));
            let wait = Duration::from_secs(5);
            let call =
                MethodRequest { name: "m".to_owned(), payload: None, response_timeout: wait, connect_timeout: wait };
            tokio::spawn(async move { hub.invoke_method(&device, call).await });
        }
        _ => world.clock.advance_ms(chance.among(1..20_000).cast_signed()),
    }
}

/// Says it all, as far as it is listened to; whether it was until the end, with a device.
async fn babble(world: &World, io: DuplexStream, seed: u64) -> bool {
    let (mut reader, mut writer) = split(io);
    let read = tokio::spawn(async move {
        let mut bytes = vec![0; 4096];
        while reader.read(&mut bytes).await.is_ok_and(|len| len > 0) {}
    });
    let mut babbler = Babbler::new(seed);
    let mut is_heard = true;
    for _ in 0..FRAMES {
        if babbler.chance.is(20) {
            meddle(world, &mut babbler.chance).await;
        }
        let frames = babbler.frames();
        is_heard = writer.write_all(&frames).await.is_ok() && !read.is_finished();
        if !is_heard {
            break;
        }
        tokio::task::yield_now().await;
    }
    let was_there = is_heard && world.hub.connected_count() > 0;
    read.abort();
    was_there
}

#[tokio::test(start_paused = true)]
async fn whatever_a_client_says_nobody_is_left_behind() {
    let mut stayed = 0;
    for seed in 0..RUNS {
        let world = world_of(&DEVICES).await;
        let (io, served) = world.pipe();
        let mut client = Client::open(io, HOST).await;
        let token = token_of("device", HOST, NOW_S + TOKEN_S);
        assert_eq!(client.put_token(&token).await, (200, "OK".to_owned()));
        stayed += u32::from(babble(&world, client.into_io(), seed).await);
        timeout(Duration::from_secs(60), served)
            .await
            .expect("it ends")
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert_eq!(world.hub.connected_count(), 0, "seed {seed}");
        // Nothing that the storm held is held still.
        let mut witness = cam(&world).await;
        witness.attaches(sender("d2c", 0, ADDRESSES[0])).await;
        witness.attaches(receiver("c2d", 1, ADDRESSES[1])).await;
        assert!(world.hub.is_connected(&id("cam-1")), "seed {seed}");
        witness.closes().await;
    }
    assert!(stayed > RUNS as u32 / 4, "the frames are too wild to say much: only {stayed} stayed");
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_is_listened_to_no_more() {
    let world = world_of(&["cam-1"]).await;
    let mut client = cam(&world).await;
    client.attaches(sender("out", 0, ADDRESSES[2])).await;
    client.attaches(receiver("in", 1, ADDRESSES[2])).await;
    client.credits(1, 0, u32::MAX / 2).await;
    let mut io = client.into_io();
    let mut bytes = Vec::new();
    MessageWriter::new(&mut bytes).message_annotations(|map| map.string("operation", "GET"));
    let mut taken = 0;
    for delivery in 1_u32.. {
        let tag = delivery.to_be_bytes();
        let transfer = Transfer {
            handle: 0,
            delivery_id: Some(delivery),
            delivery_tag: Some(&tag),
            settled: Some(true),
            ..Transfer::default()
        };
        let frame = framed(0, Performative::Transfer(transfer), &bytes);
        if timeout(Duration::from_secs(10), io.write_all(&frame)).await.is_err() {
            break;
        }
        taken += frame.len();
        assert!(taken < 2 * limits::ANSWER_BYTES_AHEAD_MAX, "its questions are taken for ever");
    }
    drop(io);
    timeout(Duration::from_secs(10), async {
        while world.hub.connected_count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it is gone");
}
