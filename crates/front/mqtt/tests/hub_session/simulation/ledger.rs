//! What was seen in a run, and what about it must not be.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use roadstead_model::MessageOutcome;
use roadstead_mqtt_proto::{Connack, Packet, Publish, QoS, decode, frame::first_packet_len};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Who;

/// How long the front may take to end a connection that the hub closed.
const CLOSING: Duration = Duration::from_secs(10);
/// Logins this close to one another may be answered in another order than they were let in.
const SAME_TIME: Duration = Duration::from_secs(3);

/// One connection, from both ends.
#[derive(Debug, Clone)]
pub struct Connection {
    pub who: Who,
    /// The device's key that its token is signed with; `None`: a policy's.
    pub key: Option<usize>,
    pub accepted: Option<Instant>,
    pub finished: Option<Instant>,
    /// As far as the client knows.
    pub session_present: Option<bool>,
    pub subscribed: bool,
    /// Desired properties by the documented rule, with their version.
    pub view: Option<(i64, Map<String, Value>)>,
    last_message: u64,
    unread: Vec<u8>,
}

/// A message to the device.
#[derive(Debug, Default, Clone)]
pub struct Message {
    pub is_enqueued: bool,
    sent_on: Vec<usize>,
    /// By a PUBACK that a client sent, or by being sent with QoS 0.
    pub may_be_done: bool,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub connections: Vec<Connection>,
    pub violations: Vec<String>,
    /// Which connection the server sent a call to, by the number in its payload.
    pub calls: HashMap<u64, usize>,
    /// Ids of calls with their numbers, as clients saw them: also for those who were not asked.
    pub seen_calls: Vec<(String, u64)>,
    pub messages: BTreeMap<u64, Message>,
    /// Versions by the key that was reported, as acknowledged.
    pub reported: BTreeMap<(Who, String), i64>,
    /// The keys that were sent, acknowledged or not.
    pub reports: Vec<(Who, String)>,
    /// When each key of the device was surely gone.
    pub key_gone: Vec<Option<Instant>>,
    numbers: u64,
}

impl Ledger {
    pub fn new() -> Self {
        Self { key_gone: vec![None], ..Self::default() }
    }

    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn violate(&mut self, what: String) {
        self.violations.push(what);
    }

    pub fn dialled(&mut self, who: Who, key: Option<usize>) -> usize {
        self.connections.push(Connection {
            who,
            key,
            accepted: None,
            finished: None,
            session_present: None,
            subscribed: false,
            view: None,
            last_message: 0,
            unread: Vec::new(),
        });
        self.connections.len() - 1
    }

    pub fn finished(&mut self, connection: usize) {
        self.connections[connection].finished = Some(Instant::now());
    }

    /// Takes note of what the server sent, whether or not it arrives.
    pub fn server_sent(&mut self, connection: usize, bytes: &[u8]) {
        let mut unread = std::mem::take(&mut self.connections[connection].unread);
        unread.extend_from_slice(bytes);
        while let Some(len) = first_packet_len(&unread, usize::MAX).unwrap().filter(|len| *len <= unread.len()) {
            let packet: Vec<u8> = unread.drain(..len).collect();
            match decode(&packet).unwrap() {
                Packet::Connack(Connack::Accepted { .. }) => self.accepted(connection),
                Packet::Publish(publish) => self.server_published(connection, &publish),
                _ => {}
            }
        }
        self.connections[connection].unread = unread;
    }

    fn accepted(&mut self, connection: usize) {
        let now = Instant::now();
        self.connections[connection].accepted = Some(now);
        let gone = self.connections[connection].key.and_then(|key| self.key_gone[key]);
        if gone.is_some_and(|gone| now > gone + SAME_TIME) {
            self.violate(format!("connection {connection} got in by a key that is gone"));
        }
    }

    fn server_published(&mut self, connection: usize, publish: &Publish<'_>) {
        let payload = std::str::from_utf8(publish.payload).unwrap();
        if publish.topic.starts_with("$iothub/methods/POST/") {
            let call = payload.parse().unwrap();
            if let Some(other) = self.calls.insert(call, connection) {
                self.violate(format!("call {call} went to {connection} and to {other}"));
            }
        } else if publish.topic.starts_with("devices/") {
            let number: u64 = payload.parse().unwrap();
            let last = std::mem::replace(&mut self.connections[connection].last_message, number);
            if last >= number {
                self.violate(format!("connection {connection} got message {number} after {last}"));
            }
            let is_at_most_once = publish.qos == QoS::AtMostOnce;
            let message = self.messages.entry(number).or_default();
            // What a connection was about to be sent when it was taken over it may still be sent after its successor.
            let since = self.connections[connection].accepted;
            let is_repeated = message.sent_on.iter().any(|earlier| self.connections[*earlier].accepted < since);
            message.sent_on.push(connection);
            message.may_be_done |= is_at_most_once;
            if is_repeated && !publish.dup && !is_at_most_once {
                self.violate(format!("message {number} came again, to {connection}, as if for the first time"));
            }
        }
    }

    /// At any time: of all connections of an identity only the newest stays.
    pub fn check_newest_wins(&mut self) {
        let now = Instant::now();
        let mut found = Vec::new();
        let open = |connection: &&Connection| connection.finished.is_none();
        for (at, old) in self.connections.iter().enumerate().filter(|(_, old)| open(old)) {
            let Some(since) = old.accepted else { continue };
            let is_newer = |new: &Connection| {
                let accepted = new.accepted.is_some_and(|newer| newer > since + SAME_TIME && now > newer + CLOSING);
                new.who == old.who && accepted
            };
            if let Some(new) = self.connections.iter().position(is_newer) {
                found.push(format!("connection {at} of {:?} is open although {new} took over", old.who));
            }
            let gone = old.key.and_then(|key| self.key_gone[key]);
            if gone.is_some_and(|gone| now > gone + CLOSING) {
                found.push(format!("connection {at} is open although its key is gone"));
            }
        }
        self.violations.append(&mut found);
    }

    /// After the end: what became of each message.
    pub fn check_messages(&mut self, feedback: &[(String, MessageOutcome)], purged: u32, purges_known: bool) {
        let mut found = Vec::new();
        for (number, message) in &self.messages {
            let outcomes: Vec<MessageOutcome> =
                feedback.iter().filter(|(id, _)| *id == number.to_string()).map(|(_, outcome)| *outcome).collect();
            match (message.is_enqueued, &outcomes[..]) {
                (true, [MessageOutcome::Success]) if message.may_be_done => {}
                (true, [MessageOutcome::Purged]) | (false, []) => {}
                (_, outcomes) => found.push(format!("message {number} ended as {outcomes:?}: {message:?}")),
            }
        }
        let told = feedback.iter().filter(|(_, outcome)| *outcome == MessageOutcome::Purged).count() as u32;
        if purges_known && told != purged {
            found.push(format!("{purged} messages were purged, and {told} senders told so"));
        }
        self.violations.append(&mut found);
    }
}
