//! Reads every partition, whatever becomes of the connection.

use super::endpoint::EventHub;
use super::fault::Faults;
use super::line::{Asking, Line};
use super::{message, redirect};
use crate::error::ServiceError;
use crate::events::{EventFilter, StreamItem, is_passing};
use crate::limits::{
    ANSWER_TIMEOUT, EVENT_CREDIT, EVENT_TOKEN_RENEWAL, PARTITIONS_MAX, RECONNECT_FIRST, RECONNECT_MAX,
};
use crate::policy::Policy;
use crate::transport::Transport;
use fe2o3_amqp::Receiver;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::types::definitions::SenderSettleMode;
use fe2o3_amqp::types::messaging::{Body, Source};
use fe2o3_amqp::types::primitives::{OrderedMap, Value};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use roadstead_model::UnixMillis;
use roadstead_wire::amqp::{SELECTOR_FILTER, SELECTOR_FILTER_CODE, cbs, management};
use roadstead_wire::annotation;
use serde_amqp::described::Described;
use serde_amqp::descriptor::Descriptor;
use tokio::sync::mpsc;

type Items = mpsc::Sender<Result<StreamItem, ServiceError>>;

/// Where events are looked for.
#[derive(Debug)]
pub(crate) enum Place {
    /// At a hub, which is asked anew at each connection.
    Hub {
        host: String,
        port: u16,
        policy: Policy,
    },
    EventHub(EventHub),
}

/// What is known beyond one connection.
#[derive(Debug)]
pub(crate) struct Reader {
    transport: Transport,
    place: Place,
    filter: EventFilter,
    partitions: Vec<Partition>,
}

/// A partition, and how far it was read.
#[derive(Debug)]
struct Partition {
    id: String,
    number: u16,
    after: After,
}

/// What the next event comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
enum After {
    Offset(String),
    Time(UnixMillis),
}

/// A connection on which every partition is read.
struct Open {
    line: Line,
    tokens: Asking,
    receivers: Vec<Receiver>,
    hub: EventHub,
}

impl After {
    /// As a filter says it. Source: `reference/hub-service.md` 3.4
    fn selector(&self) -> String {
        match self {
            Self::Offset(offset) => format!("amqp.annotation.x-opt-offset > '{offset}'"),
            Self::Time(at) => format!("amqp.annotation.x-opt-enqueued-time > '{}'", at.0),
        }
    }
}

impl Reader {
    pub fn new(transport: Transport, place: Place, filter: EventFilter) -> Self {
        Self { transport, place, filter, partitions: Vec::new() }
    }

    /// Reads until nobody takes the items, or something happens that trying again cannot cure.
    pub async fn run(mut self, items: Items) {
        let mut was_open = false;
        let mut wait = None;
        loop {
            let connecting = async {
                if let Some(wait) = wait {
                    tokio::time::sleep(wait).await;
                }
                let opened = tokio::time::timeout(ANSWER_TIMEOUT, self.open()).await;
                opened.unwrap_or_else(|_| Err(self.faults().broken("it takes too long")))
            };
            let opened = tokio::select! {
                biased;
                () = items.closed() => return,
                opened = connecting => opened,
            };
            let item = match opened {
                Ok(open) => {
                    was_open = true;
                    if wait.take().is_some() && items.send(Ok(StreamItem::Resumed)).await.is_err() {
                        return open.line.close().await;
                    }
                    let Some(fault) = self.read(open, &items).await else { return };
                    wait = Some(RECONNECT_FIRST);
                    if is_passing(&fault) { Ok(StreamItem::Interrupted(fault)) } else { Err(fault) }
                }
                Err(fault) if !was_open || !is_passing(&fault) => Err(fault),
                Err(_) => {
                    wait = Some(wait.map_or(RECONNECT_FIRST, |wait| wait * 2).min(RECONNECT_MAX));
                    continue;
                }
            };
            let is_over = item.is_err();
            if items.send(item).await.is_err() || is_over {
                return;
            }
        }
    }

    /// For faults before there is a connection.
    fn faults(&self) -> Faults {
        let (host, port) = match &self.place {
            Place::Hub { host, port, .. } => (host, port),
            Place::EventHub(hub) => (&hub.host, &hub.port),
        };
        Faults { origin: format!("amqps://{host}:{port}") }
    }

    async fn open(&mut self) -> Result<Open, ServiceError> {
        let hub = match &self.place {
            Place::EventHub(hub) => hub.clone(),
            Place::Hub { host, port, policy } => redirect::find(&self.transport, host, *port, policy).await?,
        };
        let mut line = Line::open(&self.transport, &hub.host, hub.port, hub.is_plain).await?;
        let mut tokens = Asking::attach(&mut line, "$cbs").await?;
        tokens.put_token(&hub.audience(), hub.token(self.transport.now())).await?;
        if self.partitions.is_empty() {
            self.partitions = self.find_partitions(&mut line, &hub).await?;
        }
        let group = self.filter.consumer_group.as_deref().unwrap_or("$Default");
        let mut receivers = Vec::new();
        for partition in &self.partitions {
            receivers.push(attach(&mut line, &hub, group, partition).await?);
        }
        Ok(Open { line, tokens, receivers, hub })
    }

    /// Which partitions there are, and where in them reading begins. A reader that begins with what comes now learns where
    /// each of them ends, so that it misses nothing when its very first connection breaks.
    async fn find_partitions(&self, line: &mut Line, hub: &EventHub) -> Result<Vec<Partition>, ServiceError> {
        let faults = line.faults.clone();
        let mut asking = Asking::attach(line, "$management").await?;
        let token = hub.token(self.transport.now());
        let about = [
            (cbs::OPERATION, management::READ),
            (management::NAME, hub.entity.as_str()),
            (management::SECURITY_TOKEN, token.as_str()),
        ];
        let question = [&about[..], &[(cbs::TYPE, management::EVENT_HUB)]].concat();
        let answer = asking.ask(&question, Value::Null).await?;
        let ids = match find(&answer, management::PARTITION_IDS) {
            Some(Value::Array(ids)) => ids.clone().into_inner(),
            Some(Value::List(ids)) => ids.clone(),
            _ => Vec::new(),
        };
        if ids.is_empty() || ids.len() > PARTITIONS_MAX {
            return Err(faults.odd(format!("{} partitions", ids.len())));
        }
        let mut partitions = Vec::new();
        for id in ids {
            let Value::String(id) = id else { return Err(faults.odd("a partition without a name")) };
            let number = id.parse().map_err(|_| faults.odd(format!("a partition called `{id}`")))?;
            let after = if let Some(at) = self.filter.enqueued_after {
                After::Time(at)
            } else {
                let one = [(cbs::TYPE, management::PARTITION_TYPE), (management::PARTITION, &id)];
                let answer = asking.ask(&[&about[..], &one].concat(), Value::Null).await?;
                let Some(Value::String(offset)) = find(&answer, management::LAST_OFFSET) else {
                    return Err(faults.odd(format!("no end of partition {id}")));
                };
                After::Offset(offset.clone())
            };
            partitions.push(Partition { id, number, after });
        }
        Ok(partitions)
    }

    /// Passes events on until something breaks. `None`: nobody takes them any more.
    async fn read(&mut self, open: Open, items: &Items) -> Option<ServiceError> {
        let Open { line, mut tokens, mut receivers, hub } = open;
        let device_id = self.filter.device_id.as_deref();
        let passing = receivers.iter_mut().zip(&mut self.partitions);
        let mut passing: FuturesUnordered<_> =
            passing.map(|(receiver, partition)| pass(receiver, partition, device_id, &line.faults, items)).collect();
        let fault = tokio::select! {
            biased;
            () = items.closed() => None,
            fault = passing.next() => fault,
            fault = renew(&mut tokens, &hub, &self.transport) => Some(fault),
        };
        drop(passing);
        line.close().await;
        fault
    }
}

async fn attach(line: &mut Line, hub: &EventHub, group: &str, partition: &Partition) -> Result<Receiver, ServiceError> {
    let filter = Described {
        descriptor: Descriptor::Code(SELECTOR_FILTER_CODE),
        value: Value::String(partition.after.selector()),
    };
    let source =
        Source::builder().address(hub.partition(group, &partition.id)).add_to_filter(SELECTOR_FILTER, filter).build();
    let attached = Receiver::builder()
        .name(format!("roadstead-{}", partition.id))
        .source(source)
        .sender_settle_mode(SenderSettleMode::Settled)
        .credit_mode(CreditMode::Auto(EVENT_CREDIT))
        .attach(&mut line.session)
        .await;
    attached.map_err(|error| line.faults.receiver(error))
}

/// Passes on the events of one partition, and moves its mark as each is taken.
async fn pass(
    receiver: &mut Receiver,
    partition: &mut Partition,
    device_id: Option<&str>,
    faults: &Faults,
    items: &Items,
) -> ServiceError {
    loop {
        let delivery = match receiver.recv::<Body<Value>>().await {
            Ok(delivery) => delivery,
            Err(error) => return faults.recv(error),
        };
        // Whoever holds the other end sees that it is closed, and ends this.
        let Ok(place) = items.reserve().await else { return std::future::pending().await };
        let _ = receiver.accept(&delivery).await; // gives the credit back; the next receipt tells of a broken link
        let Some(event) = message::event(partition.number, delivery.into_message()) else {
            return faults.odd("an event that does not say where it stands");
        };
        partition.after = After::Offset(event.offset.clone());
        if device_id.is_none_or(|id| event.find_annotation(annotation::DEVICE_ID) == Some(id)) {
            place.send(Ok(StreamItem::Event(Box::new(event))));
        }
    }
}

/// Renews the token as long as it works.
async fn renew(tokens: &mut Asking, hub: &EventHub, transport: &Transport) -> ServiceError {
    loop {
        tokio::time::sleep(EVENT_TOKEN_RENEWAL).await;
        if let Err(fault) = tokens.put_token(&hub.audience(), hub.token(transport.now())).await {
            return fault;
        }
    }
}

/// A member of an answer's map.
fn find<'b>(body: &'b Body<Value>, name: &str) -> Option<&'b Value> {
    let Ok(Value::Map(map)) = body.try_as_value() else { return None };
    let map: &OrderedMap<Value, Value> = map;
    let is_named = |key: &Value| match key {
        Value::String(text) => text == name,
        Value::Symbol(symbol) => symbol.as_str() == name,
        _ => false,
    };
    map.iter().find(|(key, _)| is_named(key)).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_wire::amqp::{Place as Begin, Selector};

    #[test]
    fn filters_say_after_what() {
        for (after, place) in [
            (After::Offset("-1".to_owned()), Begin::Start),
            (After::Offset("17".to_owned()), Begin::Offset(17)),
            (After::Time(UnixMillis(5)), Begin::EnqueuedTime(5)),
        ] {
            assert_eq!(Selector::parse(&after.selector()), Ok(Selector { place, inclusive: false }));
        }
    }
}
