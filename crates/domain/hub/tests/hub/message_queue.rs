//! A device's queue against a naive model, over random life stories, on records in memory and on disk.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use proptest::{prelude::*, test_runner::TestCaseError};
use roadstead_hub::{HubError, LockToken, NewMessage, Session, Settlement, limits};
use roadstead_model::{Ack, Clock, CloudToDevice, HubKey, HubSettings, MessageOutcome, Random, UnixMillis};
use roadstead_store::Records;
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords};
use roadstead_testkit::{CountingRandom, FakeClock, MemoryRecords};

use crate::{
    messages::{LISTENING, message},
    world::{World, id},
};

const DEPTH: u32 = 6;
const TRIES: u32 = 3;

#[derive(Debug, Clone)]
enum Step {
    Send {
        ack: Ack,
        life_s: i64,
    },
    Receive,
    /// The lock with this place among those ever given in this run.
    Settle {
        lock: usize,
        settlement: Settlement,
    },
    Connect,
    Disconnect,
    Fetch {
        room: usize,
    },
    /// Of what is in flight, those whose bit is set.
    Complete {
        bits: u32,
    },
    Purge,
    Wait {
        s: i64,
    },
    Sweep,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let ack = prop_oneof![Just(Ack::None), Just(Ack::Positive), Just(Ack::Negative), Just(Ack::Full)];
    let settlement =
        prop_oneof![2 => Just(Settlement::Complete), 1 => Just(Settlement::Reject), 3 => Just(Settlement::Abandon)];
    prop_oneof![
        8 => (ack, -1..200_i64).prop_map(|(ack, life_s)| Step::Send { ack, life_s }),
        6 => Just(Step::Receive),
        5 => (0..4_usize, settlement).prop_map(|(lock, settlement)| Step::Settle { lock, settlement }),
        3 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        6 => (1..4_usize).prop_map(|room| Step::Fetch { room }),
        4 => any::<u32>().prop_map(|bits| Step::Complete { bits }),
        1 => Just(Step::Purge),
        4 => (1..50_i64).prop_map(|s| Step::Wait { s }),
        2 => Just(Step::Sweep),
        1 => Just(Step::Restart),
    ]
}

/// A message by its number; its name is the number, too.
#[derive(Debug, Clone, PartialEq)]
struct Waiting {
    number: u32,
    expires: UnixMillis,
    abandoned: u32,
    ack: Ack,
}

#[derive(Debug, Default)]
struct Model {
    sent: u32,
    queue: Vec<Waiting>,
    /// By number, until when.
    locked: BTreeMap<u32, UnixMillis>,
    connected: bool,
    in_flight: Vec<u32>,
    returned: Vec<u32>,
    /// What senders want to hear.
    feedback: BTreeMap<String, MessageOutcome>,
}

impl Model {
    fn is_held(&self, number: u32) -> bool {
        self.locked.contains_key(&number) || self.in_flight.contains(&number)
    }

    /// Ends locks, and messages that are nobody's. `abandoned_ms`: after it, also those in somebody's hands.
    fn age(&mut self, now: UnixMillis, abandoned_ms: Option<i64>) {
        self.locked.retain(|_, until| now < *until);
        let is_over = |waiting: &&Waiting| {
            if self.is_held(waiting.number) {
                abandoned_ms.is_some_and(|ms| waiting.expires.plus_ms(ms) <= now)
            } else {
                waiting.expires <= now
            }
        };
        for number in self.queue.iter().filter(is_over).map(|waiting| waiting.number).collect::<Vec<_>>() {
            self.end(number, MessageOutcome::Expired);
        }
    }

    fn end(&mut self, number: u32, outcome: MessageOutcome) {
        let at = self.queue.iter().position(|waiting| waiting.number == number).unwrap();
        let ended = self.queue.remove(at);
        if ended.ack.wants(outcome) {
            self.feedback.insert(number.to_string(), outcome);
        }
        self.locked.remove(&number);
        self.in_flight.retain(|sent| *sent != number);
        self.returned.retain(|sent| *sent != number);
    }

    fn disconnect(&mut self) {
        self.connected = false;
        self.returned.append(&mut self.in_flight);
    }

    fn available(&self) -> Vec<u32> {
        self.queue.iter().map(|waiting| waiting.number).filter(|number| !self.is_held(*number)).collect()
    }
}

/// The hub beside its model.
struct Story<'a> {
    start: &'a dyn Fn() -> Arc<dyn Records>,
    clock: Arc<FakeClock>,
    world: World,
    session: Option<Session>,
    /// Of messages in flight, by number.
    sequences: BTreeMap<u32, u64>,
    locks: Vec<(u32, LockToken)>,
    model: Model,
}

fn settings() -> HubSettings {
    let cloud_to_device = CloudToDevice {
        depth_max: DEPTH,
        delivery_count_max: TRIES,
        feedback_ttl_s: 172_800,
        ..CloudToDevice::default()
    };
    HubSettings { cloud_to_device, ..HubSettings::default() }
}

impl<'a> Story<'a> {
    async fn begin(start: &'a dyn Fn() -> Arc<dyn Records>) -> Self {
        let clock = Arc::new(FakeClock::at(UnixMillis(1_795_291_370_000)));
        let world = World::over(start(), clock.clone(), settings());
        world.device("dev1").await;
        let model = Model::default();
        Self { start, clock, world, session: None, sequences: BTreeMap::new(), locks: Vec::new(), model }
    }

    async fn act(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let now = self.clock.now();
        self.model.age(now, None);
        match *step {
            Step::Send { ack, life_s } => self.send(ack, now.plus_ms(life_s * 1000)).await?,
            Step::Receive => self.receive(now).await?,
            Step::Settle { lock, settlement } => self.settle(lock, settlement).await?,
            Step::Connect => {
                let token = self.world.policy_token("device");
                let session = self.world.login("dev1", &token, false).await.unwrap();
                session.attend(LISTENING);
                self.session = Some(session);
                self.model.disconnect();
                self.model.connected = true;
            }
            Step::Disconnect => {
                self.session = None;
                self.model.disconnect();
            }
            Step::Fetch { room } => self.fetch(room).await?,
            Step::Complete { bits } => self.complete(bits).await?,
            Step::Purge => {
                let purged = self.world.hub.purge_messages(&id("dev1")).await.unwrap();
                let mut expected = 0;
                for waiting in self.model.queue.clone() {
                    let is_dead = waiting.expires <= now;
                    expected += u32::from(!is_dead);
                    let outcome = if is_dead { MessageOutcome::Expired } else { MessageOutcome::Purged };
                    self.model.end(waiting.number, outcome);
                }
                prop_assert_eq!(purged, expected);
            }
            Step::Wait { s } => self.clock.advance_ms(s * 1000),
            Step::Sweep => {
                self.world.hub.sweep_messages().await.unwrap();
                self.model.age(now, Some(limits::MESSAGE_LOCK_MS));
                self.compare(true).await?;
            }
            Step::Restart => {
                self.session = None;
                self.locks.clear();
                let nothing = World::over(Arc::new(MemoryRecords::new()), self.clock.clone(), settings());
                drop(std::mem::replace(&mut self.world, nothing));
                self.world = World::over((self.start)(), self.clock.clone(), settings());
                self.model.disconnect();
                self.model.locked.clear();
                self.model.returned.clear();
            }
        }
        self.compare(false).await
    }

    async fn send(&mut self, ack: Ack, expiry: UnixMillis) -> Result<(), TestCaseError> {
        let number = self.model.sent;
        let new = NewMessage { ack, expiry: Some(expiry), ..message(&number.to_string()) };
        let sent = self.world.hub.send_message(&id("dev1"), new).await;
        if self.model.queue.len() >= DEPTH as usize {
            prop_assert!(matches!(sent, Err(HubError::QueueFull { .. })), "{:?}", sent);
        } else {
            prop_assert!(sent.is_ok(), "{:?}", sent);
            self.model.queue.push(Waiting { number, expires: expiry, abandoned: 0, ack });
            self.model.sent += 1;
        }
        Ok(())
    }

    async fn receive(&mut self, now: UnixMillis) -> Result<(), TestCaseError> {
        let token = self.world.policy_token("device");
        let received = self.world.hub.receive_message(self.world.once("dev1", &token)).await.unwrap();
        let found = received.as_ref().map(|(_, message)| (number(&message.body), message.delivery_count));
        let expected = self.model.available().first().map(|first| {
            let waiting = self.model.queue.iter().find(|waiting| waiting.number == *first).unwrap();
            (*first, waiting.abandoned)
        });
        prop_assert_eq!(found, expected);
        if let Some((lock, message)) = received {
            self.locks.push((number(&message.body), lock));
            self.model.locked.insert(number(&message.body), now.plus_ms(limits::MESSAGE_LOCK_MS));
        }
        Ok(())
    }

    /// Locks count from the newest; one that was settled may be settled again, in vain.
    async fn settle(&mut self, lock: usize, settlement: Settlement) -> Result<(), TestCaseError> {
        let Some((number, lock)) = self.locks.iter().rev().nth(lock).copied() else { return Ok(()) };
        let newest = self.locks.iter().rev().find(|(of, _)| *of == number).is_some_and(|(_, last)| *last == lock);
        let holds = newest && self.model.locked.contains_key(&number);
        let token = self.world.policy_token("device");
        let settled = self.world.hub.settle_message(self.world.once("dev1", &token), lock, settlement).await;
        if !holds {
            prop_assert!(matches!(settled, Err(HubError::LockLost)), "{:?}", settled);
            return Ok(());
        }
        prop_assert!(settled.is_ok(), "{:?}", settled);
        self.locks.retain(|(_, known)| *known != lock);
        match settlement {
            Settlement::Complete => self.model.end(number, MessageOutcome::Success),
            Settlement::Reject => self.model.end(number, MessageOutcome::Rejected),
            Settlement::Abandon => {
                let waiting = self.model.queue.iter_mut().find(|waiting| waiting.number == number).unwrap();
                waiting.abandoned += 1;
                if waiting.abandoned == TRIES {
                    self.model.end(number, MessageOutcome::DeliveryCountExceeded);
                } else {
                    self.model.locked.remove(&number);
                }
            }
        }
        Ok(())
    }

    async fn fetch(&mut self, room: usize) -> Result<(), TestCaseError> {
        let Some(session) = &self.session else { return Ok(()) };
        let deliveries = session.fetch_messages(room).await.unwrap();
        let found: Vec<_> = deliveries.iter().map(|d| (number(&d.message.body), d.redelivered)).collect();
        let room = room.min(limits::IN_FLIGHT_MAX - self.model.in_flight.len());
        let available = self.model.available().into_iter().take(room);
        let expected: Vec<_> = available.map(|number| (number, self.model.returned.contains(&number))).collect();
        prop_assert_eq!(&found, &expected);
        for delivery in &deliveries {
            let number = number(&delivery.message.body);
            self.sequences.insert(number, delivery.message.sequence);
            self.model.returned.retain(|returned| *returned != number);
            self.model.in_flight.push(number);
        }
        Ok(())
    }

    async fn complete(&mut self, bits: u32) -> Result<(), TestCaseError> {
        let Some(session) = &self.session else { return Ok(()) };
        let chosen = self.model.in_flight.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        let numbers: Vec<u32> = chosen.map(|(_, number)| *number).collect();
        let sequences: Vec<u64> = numbers.iter().map(|number| self.sequences[number]).collect();
        session.complete(&sequences).await.unwrap();
        for number in numbers {
            self.model.end(number, MessageOutcome::Success);
        }
        Ok(())
    }

    /// `swept`: the hub has noticed everything that expired.
    async fn compare(&mut self, swept: bool) -> Result<(), TestCaseError> {
        let now = self.clock.now();
        self.model.age(now, None);
        let records = &self.world.records;
        let stored = records.list_messages(HubKey(7), &id("dev1"), 0, 100).await.unwrap();
        let kept = records.list_feedback(HubKey(7), 1000).await.unwrap();
        let mut heard = BTreeMap::new();
        for (_, feedback) in kept {
            let again = heard.insert(feedback.message_id, feedback.outcome);
            prop_assert_eq!(again, None, "one message has one end");
        }
        // What has expired unnoticed still lies in the store, and nobody has heard of it.
        let is_known = |number: u32| self.model.queue.iter().any(|waiting| waiting.number == number);
        let mut found = Vec::new();
        for message in stored {
            let (number, abandoned, ack) = (number(&message.body), message.delivery_count, message.ack);
            if is_known(number) {
                found.push(Waiting { number, expires: message.expires, abandoned, ack });
                continue;
            }
            prop_assert!(message.expires <= now && !swept, "{} lives on", number);
            if ack.wants(MessageOutcome::Expired) {
                prop_assert_eq!(heard.insert(number.to_string(), MessageOutcome::Expired), None);
            }
        }
        prop_assert_eq!(&found, &self.model.queue);
        prop_assert_eq!(&heard, &self.model.feedback);
        Ok(())
    }
}

fn number(body: &[u8]) -> u32 {
    std::str::from_utf8(body).unwrap().parse().unwrap()
}

fn tell(steps: &[Step], start: &dyn Fn() -> Arc<dyn Records>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut story = Story::begin(start).await;
        for step in steps {
            story.act(step).await?;
        }
        Ok(())
    })
}

fn open(path: &Path) -> Arc<dyn Records> {
    let directory = DataDirectory::open(path).unwrap();
    let random: &dyn Random = &CountingRandom::default();
    let key = directory.seal_key(random).unwrap();
    Arc::new(EmbeddedRecords::open(directory, &key).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_memory(steps in prop::collection::vec(step(), 1..80)) {
        let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
        tell(&steps, &|| records.clone())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each restart opens the directory again.
    #[test]
    fn on_disk(steps in prop::collection::vec(step(), 1..60)) {
        let directory = tempfile::tempdir().unwrap();
        tell(&steps, &|| open(directory.path()))?;
    }
}
