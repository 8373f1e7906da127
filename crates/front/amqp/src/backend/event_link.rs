//! A link on which a client reads a partition.

use std::{collections::VecDeque, sync::Arc};

use roadstead_amqp_proto::{
    Attach, Connection, ReceiverSettleMode, SenderSettleMode, Value,
    connection::{LinkId, SendError, Sending, Settling},
};
use roadstead_hub::{EventStart, Hub, PartitionReader, StoredEvent};
use roadstead_model::{Clock, UnixMillis};
use roadstead_wire::amqp::{Place, SELECTOR_FILTER, SELECTOR_FILTER_CODE, Selector, SelectorError, link as words};

use super::event_message::{self, Metric};
use crate::{counters::Counters, end::End, grants::Access, limits};

/// What is known of the link beyond what the engine knows.
#[derive(Debug)]
pub(crate) struct EventLink {
    pub(crate) access: Access,
    pub(crate) reader: PartitionReader,
    /// Read from the log and not sent.
    ahead: VecDeque<StoredEvent>,
    settling: Settling,
    /// The client wants to know where the partition ends.
    wants_metric: bool,
    metric: Option<Metric>,
    /// The client wants what is left of its credit back when there is nothing to send.
    pub(crate) drain: bool,
}

/// What came of an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Something was sent, and there may be more.
    Some,
    /// Nothing is left, or the client takes nothing now.
    Nothing,
    /// The client takes no event as long as the next one.
    TooLong { offset: u64, len: usize, max: u64 },
}

/// What a client asked for when it attached.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) start: EventStart,
    pub(crate) level: Option<i64>,
    settling: Settling,
    metric: bool,
}

impl Wanted {
    /// Errors: a filter that is not understood.
    pub(crate) fn read(attach: &Attach) -> Result<Self, SelectorError> {
        let filter =
            attach.source.as_ref().and_then(|source| source.find_filter(SELECTOR_FILTER, SELECTOR_FILTER_CODE));
        let selector = match filter {
            None | Some(Value::Null) => Selector::START,
            Some(filter) => Selector::parse(filter.as_text().unwrap_or_default())?,
        };
        let level = match attach.properties.find(words::EPOCH) {
            Some(Value::Long(level)) => Some(*level),
            Some(Value::Int(level)) => Some((*level).into()),
            Some(Value::Ulong(level)) => i64::try_from(*level).ok(),
            Some(Value::Uint(level)) => Some((*level).into()),
            _ => None,
        };
        Ok(Self {
            start: start(selector),
            level,
            // azure-eventhub for Python asks for unsettled events and settles none: nobody must wait for that. Who settles
            // second does expect an answer.
            settling: match (attach.snd_settle_mode, attach.rcv_settle_mode) {
                (SenderSettleMode::Settled, _) => Settling::Before,
                (_, ReceiverSettleMode::First) => Settling::Unwatched,
                (_, ReceiverSettleMode::Second) => Settling::Watched,
            },
            metric: attach.desired_capabilities.iter().any(|capability| &**capability == words::RUNTIME_METRIC),
        })
    }
}

/// The first event that a filter lets pass.
fn start(Selector { place, inclusive }: Selector) -> EventStart {
    let skip = u64::from(!inclusive);
    match place {
        Place::Start => EventStart::First,
        Place::End => EventStart::Latest,
        Place::Offset(offset) | Place::SequenceNumber(offset) => EventStart::Offset(offset.saturating_add(skip)),
        Place::EnqueuedTime(at) => EventStart::EnqueuedAt(UnixMillis(at).plus_ms(i64::from(!inclusive))),
    }
}

impl EventLink {
    pub(crate) fn new(access: Access, reader: PartitionReader, wanted: &Wanted) -> Self {
        Self {
            access,
            reader,
            ahead: VecDeque::new(),
            settling: wanted.settling,
            wants_metric: wanted.metric,
            metric: None,
            drain: false,
        }
    }

    /// Bytes of the events that were read and not sent.
    pub(crate) fn kept(&self) -> usize {
        self.ahead.iter().map(|event| event.bytes.len()).sum()
    }

    /// Forgets the events that were read and not sent: they are read again.
    pub(crate) fn forget(&mut self) {
        self.ahead = VecDeque::new();
    }

    /// Sends the next few events, as far as the client takes them. Errors: `Internal`.
    pub(crate) async fn send(
        &mut self,
        id: LinkId,
        proto: &mut Connection,
        out: &mut Vec<u8>,
        (clock, counters): (&dyn Clock, &Counters),
    ) -> Result<Sent, End> {
        if !proto.can_send(id) {
            return Ok(Sent::Nothing);
        }
        if self.ahead.is_empty() {
            if self.reader.has_more() {
                self.ahead = self.reader.peek(limits::EVENT_READ_BYTES).await?.into();
                if self.ahead.is_empty() {
                    // It stands behind what is damaged.
                    self.reader.note_delivered();
                }
            }
            if self.ahead.is_empty() {
                if std::mem::take(&mut self.drain) {
                    proto.drained(id, out);
                }
                return Ok(Sent::Nothing);
            }
            if self.wants_metric {
                self.metric = Some(Metric { state: self.reader.state().await?, retrieved: clock.now() });
            }
        }
        let (mut sent, mut is_given) = (Sent::Nothing, false);
        while let Some(event) = self.ahead.front() {
            if out.len() >= limits::EVENT_BYTES_AHEAD_MAX {
                break;
            }
            match self.send_one(id, event, proto, out) {
                Ok(None) => {
                    let offset = event.offset;
                    tracing::warn!(offset, "an event cannot be read and was passed over");
                }
                Ok(Some(bytes)) => {
                    counters.events.increment(1);
                    counters.event_bytes.increment(bytes as u64);
                }
                Err(SendError::Busy | SendError::NoLink) => break,
                Err(SendError::TooLong { len, max }) => {
                    sent = Sent::TooLong { offset: event.offset, len, max };
                    break;
                }
            }
            self.reader.take(event);
            self.ahead.pop_front();
            (sent, is_given) = (Sent::Some, true);
        }
        if is_given {
            self.reader.note_delivered();
        }
        Ok(sent)
    }

    /// Tells the bytes of the event's body; `None` when it cannot be read.
    fn send_one(
        &self,
        id: LinkId,
        event: &StoredEvent,
        proto: &mut Connection,
        out: &mut Vec<u8>,
    ) -> Result<Option<usize>, SendError> {
        if event.view().is_none() {
            return Ok(None);
        }
        let tag = event.offset.to_be_bytes();
        let sending = Sending { tag: &tag, message_format: 0, settling: self.settling, key: event.offset };
        let mut body = None;
        proto.send(id, &sending, out, |out| body = event_message::write(event, self.metric.as_ref(), out))?;
        Ok(body)
    }
}

/// Opens the partition. Errors: see `ReaderError`.
pub(crate) async fn open(
    hub: &Arc<Hub>,
    (group, partition): (&str, &str),
    wanted: &Wanted,
    wake: Arc<tokio::sync::Notify>,
) -> Result<EventLink, roadstead_hub::ReaderError> {
    let access = Access::Partition { group: group.into(), partition: partition.into() };
    let reader = hub.read_partition(group, partition, wanted.start, wanted.level, wake).await?;
    Ok(EventLink::new(access, reader, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_amqp_proto::{Map, Role, Source};

    fn attach(filter: Option<&str>) -> Attach {
        let mut attach = Attach::new("l", 0, Role::Receiver);
        let mut source = Source::new("x");
        if let Some(filter) = filter {
            let described = Value::Described(Box::new((Value::Ulong(SELECTOR_FILTER_CODE), Value::string(filter))));
            source.filter = Map(vec![(Value::symbol(SELECTOR_FILTER), described)]);
        }
        attach.source = Some(source);
        attach
    }

    #[test]
    fn where_filters_begin() {
        for (filter, expected) in [
            (None, EventStart::First),
            (Some("amqp.annotation.x-opt-offset > '-1'"), EventStart::First),
            (Some("amqp.annotation.x-opt-offset > '@latest'"), EventStart::Latest),
            (Some("amqp.annotation.x-opt-offset > '7'"), EventStart::Offset(8)),
            (Some("amqp.annotation.x-opt-offset >= '7'"), EventStart::Offset(7)),
            (Some("amqp.annotation.x-opt-sequence-number > '7'"), EventStart::Offset(8)),
            (Some("amqp.annotation.x-opt-enqueued-time > '5'"), EventStart::EnqueuedAt(UnixMillis(6))),
            (Some("amqp.annotation.x-opt-enqueuedtimeutc >= 5"), EventStart::EnqueuedAt(UnixMillis(5))),
        ] {
            assert_eq!(Wanted::read(&attach(filter)).unwrap().start, expected, "{filter:?}");
        }
        assert!(Wanted::read(&attach(Some("colour = 'red'"))).is_err());
    }

    #[test]
    fn owner_levels_of_any_integer_type() {
        for (value, expected) in [
            (Value::Long(3), Some(3)),
            (Value::Int(3), Some(3)),
            (Value::Ulong(3), Some(3)),
            (Value::string("3"), None),
            (Value::Null, None),
        ] {
            let mut attach = attach(None);
            attach.properties = Map(vec![(Value::symbol(words::EPOCH), value.clone())]);
            assert_eq!(Wanted::read(&attach).unwrap().level, expected, "{value:?}");
        }
    }
}
