//! A device's end of one connection.

use std::{sync::Arc, time::Duration};

use roadstead_mqtt_proto::{Connack, Connect, Packet, PacketId, Publish, QoS, decode, encode, frame::first_packet_len};
use serde_json::{Map, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    select,
    sync::oneshot,
    time::{Instant, sleep_until},
};

use super::{
    Simulation, Who,
    chance::Chance,
    link::{self, Weather},
};

const RESPONSES: &str = "$iothub/twin/res/#";
const DESIRED: &str = "$iothub/twin/PATCH/properties/desired/#";
const METHODS: &str = "$iothub/methods/POST/#";
const MESSAGES: &str = "devices/dev1/messages/devicebound/#";

/// What a client does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    Subscribe,
    Unsubscribe,
    /// Trusts that it is subscribed.
    Read,
}

/// What a client sets out to do.
pub struct Plan {
    pub who: Who,
    pub clean: bool,
    /// The key to sign with; `None`: a policy's.
    pub key: Option<usize>,
    pub weather: Weather,
    /// Answers and acknowledges everything at once, does nothing else, and stays until told to go.
    pub witness: bool,
    pub errand: Errand,
}

struct Client {
    sim: Arc<Simulation>,
    connection: usize,
    plan: Plan,
    chance: Chance,
    io: DuplexStream,
    unread: Vec<u8>,
    out: Vec<u8>,
    last_desired: i64,
    early: Vec<(i64, Map<String, Value>)>,
    unacknowledged: Vec<(PacketId, u64)>,
}

/// Dials and says what the connection is; the client is gone when the returned sender is dropped, or earlier.
pub fn begin(sim: &Arc<Simulation>, plan: Plan, mut chance: Chance) -> (usize, oneshot::Sender<()>) {
    let connection = sim.ledger.lock().dialled(plan.who, plan.key);
    let io = link::dial(sim, connection, plan.weather, chance.fork());
    let (stay, go) = oneshot::channel();
    let client = Client {
        sim: sim.clone(),
        connection,
        plan,
        chance,
        io,
        unread: Vec::new(),
        out: Vec::new(),
        last_desired: 0,
        early: Vec::new(),
        unacknowledged: Vec::new(),
    };
    tokio::spawn(client.run(go));
    (connection, stay)
}

impl Client {
    async fn run(mut self, mut go: oneshot::Receiver<()>) {
        self.connect();
        loop {
            let pause = self.chance.ms(20, 1500);
            let bytes = std::mem::take(&mut self.out);
            if self.io.write_all(&bytes).await.is_err() {
                return;
            }
            let next = Instant::now() + if self.plan.witness { Duration::from_secs(3600) } else { pause };
            select! {
                biased;
                packet = read(&mut self.io, &mut self.unread) => match packet {
                    Some(packet) => self.hear(&packet),
                    None => return,
                },
                _ = &mut go => break,
                () = sleep_until(next) => self.act(),
            }
        }
        if self.chance.percent(30) {
            let mut goodbye = Vec::new();
            encode::disconnect(&mut goodbye);
            let _ = self.io.write_all(&goodbye).await;
        }
    }

    fn connect(&mut self) {
        let (client_id, user_name) = (self.plan.who.name(), format!("{}?api-version=2021-04-12", self.plan.who.user()));
        let token = self.sim.token(self.plan.key);
        let connect = Connect {
            clean_session: self.plan.clean,
            // A witness stays for minutes and says nothing.
            keep_alive_s: if self.plan.witness { 1000 } else { 20 },
            client_id,
            will: None,
            user_name: Some(&user_name),
            password: Some(token.as_bytes()),
        };
        encode::connect(&mut self.out, &connect).unwrap();
    }

    fn hear(&mut self, packet: &[u8]) {
        let packet = decode(packet).unwrap();
        match packet {
            Packet::Connack(Connack::Accepted { session_present }) => {
                self.sim.ledger.lock().connections[self.connection].session_present = Some(session_present);
                match self.plan.errand {
                    Errand::Subscribe => self.subscribe(),
                    Errand::Unsubscribe => {
                        encode::unsubscribe(&mut self.out, PacketId::FIRST, [METHODS, MESSAGES]).unwrap();
                    }
                    Errand::Read => self.publish("$iothub/twin/GET/?$rid=get", b""),
                }
            }
            Packet::Suback(_) => {
                self.sim.ledger.lock().connections[self.connection].subscribed = true;
                self.publish("$iothub/twin/GET/?$rid=get", b"");
            }
            Packet::Publish(publish) => self.hear_publish(&publish),
            _ => {}
        }
    }

    fn subscribe(&mut self) {
        let mut filters = vec![(RESPONSES, QoS::AtMostOnce), (DESIRED, QoS::AtMostOnce)];
        if self.plan.witness || self.chance.percent(80) {
            filters.push((METHODS, QoS::AtMostOnce));
        }
        if self.plan.who == Who::Device && (self.plan.witness || self.chance.percent(80)) {
            let at_most_once = !self.plan.witness && self.chance.percent(10);
            filters.push((MESSAGES, if at_most_once { QoS::AtMostOnce } else { QoS::AtLeastOnce }));
        }
        encode::subscribe(&mut self.out, PacketId::FIRST, filters).unwrap();
    }

    fn hear_publish(&mut self, publish: &Publish<'_>) {
        let payload = std::str::from_utf8(publish.payload).unwrap();
        if let Some(rest) = publish.topic.strip_prefix("$iothub/twin/PATCH/properties/desired/?$version=") {
            self.hear_desired(rest.parse().unwrap(), section(payload));
        } else if publish.topic == "$iothub/twin/res/200/?$rid=get" {
            let twin: Value = serde_json::from_str(payload).unwrap();
            self.hear_twin(twin["desired"].as_object().unwrap().clone());
        } else if let Some(rest) = publish.topic.strip_prefix("$iothub/twin/res/204/?$rid=") {
            let (key, version) = rest.split_once("&$version=").unwrap();
            self.hear_report_done(key, version.parse().unwrap());
        } else if let Some((_, id)) = publish.topic.split_once("$iothub/methods/POST/m/?$rid=") {
            let call = payload.parse().unwrap();
            self.sim.ledger.lock().seen_calls.push((id.to_owned(), call));
            if self.plan.witness || self.chance.percent(60) {
                self.answer(id, call);
            }
        } else if let Some(id) = publish.packet_id {
            let number: u64 = payload.parse().unwrap();
            if self.plan.witness || self.chance.percent(50) {
                self.acknowledge(id, number);
            } else {
                self.unacknowledged.push((id, number));
            }
        }
    }

    /// Changes come in the order of their versions and none is left out.
    fn hear_desired(&mut self, version: i64, patch: Map<String, Value>) {
        let mut ledger = self.sim.ledger.lock();
        if self.last_desired != 0 && version != self.last_desired + 1 {
            let (connection, last) = (self.connection, self.last_desired);
            ledger.violate(format!("connection {connection} was told of desired version {version} after {last}"));
        }
        self.last_desired = version;
        match &mut ledger.connections[self.connection].view {
            None => self.early.push((version, patch)),
            Some((known, _)) if version <= *known => {}
            Some((known, desired)) => {
                let (connection, is_next) = (self.connection, version == *known + 1);
                let gap = format!("connection {connection} read version {known} and was told of {version} next");
                *known = version;
                merge(desired, patch);
                if !is_next {
                    ledger.violate(gap);
                }
            }
        }
    }

    fn hear_twin(&mut self, mut desired: Map<String, Value>) {
        let version = desired.remove("$version").unwrap().as_i64().unwrap();
        self.sim.ledger.lock().connections[self.connection].view = Some((version, desired));
        self.last_desired = 0;
        for (version, patch) in std::mem::take(&mut self.early) {
            self.hear_desired(version, patch);
        }
    }

    fn hear_report_done(&mut self, key: &str, version: i64) {
        let who = self.plan.who;
        let mut ledger = self.sim.ledger.lock();
        let again = ledger.reported.iter().any(|((of, _), known)| *of == who && *known == version);
        let twice = ledger.reported.insert((who, key.to_owned()), version).is_some();
        if again || twice {
            ledger.violate(format!("{who:?} was told twice of reported version {version} or key {key}"));
        }
    }

    fn answer(&mut self, id: &str, call: u64) {
        let body = format!("[{call},{}]", self.connection);
        self.publish(&format!("$iothub/methods/res/200/?$rid={id}"), body.as_bytes());
    }

    fn acknowledge(&mut self, id: PacketId, number: u64) {
        self.sim.ledger.lock().messages.entry(number).or_default().may_be_done = true;
        encode::puback(&mut self.out, id);
    }

    fn publish(&mut self, topic: &str, payload: &[u8]) {
        let publish = Publish { dup: false, qos: QoS::AtMostOnce, retain: false, topic, packet_id: None, payload };
        encode::publish(&mut self.out, &publish).unwrap();
    }

    /// Something a device does of its own accord; also before it is let in, as impatient ones do.
    fn act(&mut self) {
        match self.chance.below(8) {
            0..=2 => {
                let who = self.plan.who;
                let key = {
                    let mut ledger = self.sim.ledger.lock();
                    let key = format!("k{}", ledger.number());
                    ledger.reports.push((who, key.clone()));
                    key
                };
                let topic = format!("$iothub/twin/PATCH/properties/reported/?$rid={key}");
                self.publish(&topic, format!("{{\"{key}\":1}}").as_bytes());
            }
            3 => {
                // To a call that this or another connection was sent, long ago or not.
                let calls = self.sim.ledger.lock().seen_calls.clone();
                if !calls.is_empty() {
                    let (id, call) = self.chance.one_of(&calls).clone();
                    self.answer(&id, call);
                }
            }
            4 => self.subscribe(),
            5 if self.chance.percent(50) => {
                let filter = *self.chance.one_of(&[METHODS, MESSAGES]);
                encode::unsubscribe(&mut self.out, PacketId::FIRST, [filter]).unwrap();
            }
            6 => {
                if let Some((id, number)) = self.unacknowledged.pop() {
                    self.acknowledge(id, number);
                }
            }
            _ => encode::pingreq(&mut self.out),
        }
    }
}

/// The next whole packet; `None` when the connection ended. Nothing is lost when the future is dropped.
async fn read(io: &mut DuplexStream, unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(len) = first_packet_len(unread, usize::MAX).unwrap().filter(|len| *len <= unread.len()) {
            return Some(unread.drain(..len).collect());
        }
        match io.read_buf(unread).await {
            Ok(1..) => {}
            _ => return None,
        }
    }
}

fn section(text: &str) -> Map<String, Value> {
    let mut section: Map<String, Value> = serde_json::from_str(text).unwrap();
    section.remove("$version");
    section
}

/// The keys are flat here.
fn merge(into: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => drop(into.remove(&key)),
            value => drop(into.insert(key, value)),
        }
    }
}
