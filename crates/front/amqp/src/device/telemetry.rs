//! Telemetry: messages and batches of them. Source: `reference/hub-device.md` 3.4

use std::{borrow::Cow, time::Duration};

use roadstead_amqp_proto::{
    AmqpError, DeliveryState, ValueRef, condition,
    connection::Delivery,
    message::{BATCH_FORMAT, Body, Message, read_batch},
};
use roadstead_hub::{Hub, Session, Ticket};
use roadstead_model::{Properties, SystemProperty, UnixMillis};
use roadstead_wire::system_property::{self, Place, of_amqp_name};

use super::Wire;
use crate::{
    counters::Counters,
    noted::{self, Refusal},
    ranges::Ranges,
    refusal::{self, undecodable},
    text::{id_text, property_text},
};

/// A message as the hub takes it, its body borrowed from the delivery if it is in one piece.
pub(super) type Sent<'a> = (Properties, Cow<'a, [u8]>);

/// Deliveries that wait to be durable, to be settled together.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    ranges: Ranges,
    /// Of the last message: what was sent before it without a wait between is durable with it.
    ticket: Option<Ticket>,
    /// How long the slowest hub setting makes the connection wait.
    pause: Duration,
}

impl Unsettled {
    pub(super) fn is_empty(&self) -> bool {
        self.ticket.is_none() && self.ranges.is_empty()
    }

    /// Queues what a delivery brought. It is settled here if it is refused, else by [`Unsettled::settle`].
    pub(super) fn take(
        &mut self,
        session: &Session,
        delivery: &Delivery<'_>,
        properties: &mut Properties,
        wire: &mut Wire<'_>,
        counters: &Counters,
    ) {
        let read = read(delivery.message_format, &delivery.payload, properties).map_err(Refusal::from);
        let taken = read.and_then(|mut messages| {
            let ticket = session.send_all(&mut messages).map_err(|refused| refusal::worded(&refused))?;
            counters.messages.increment(messages.len() as u64);
            counters.message_bytes.increment(messages.iter().map(|(_, body)| body.len() as u64).sum());
            if let Some((used, _)) = messages.pop() {
                *properties = used;
            }
            Ok(ticket)
        });
        let (at, id) = (delivery.link.session(), delivery.delivery_id);
        match taken {
            Ok(ticket) => {
                self.ticket = ticket.or(self.ticket);
                self.pause = self.pause.max(session.take_pause());
                if !delivery.settled {
                    self.ranges.add(at, id);
                }
            }
            Err(refused) => {
                noted::refused_to(session, &refused);
                let error = refused.error;
                tracing::info!(device = %session.id(), "telemetry was refused: {error}");
                if !delivery.settled {
                    wire.proto.settle(at, id, id, DeliveryState::Rejected(Some(Box::new(error))), wire.out);
                }
            }
        }
    }

    /// Waits until all of it is durable, and says so.
    pub(super) async fn settle(&mut self, hub: &Hub, wire: &mut Wire<'_>) {
        let done = match self.ticket.take() {
            Some(ticket) => hub.durable(ticket).await,
            None => Ok(()),
        };
        let pause = std::mem::take(&mut self.pause);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let state = match done {
            Ok(()) => DeliveryState::Accepted,
            Err(refused) => DeliveryState::Rejected(Some(Box::new(refusal::error(&refused)))),
        };
        self.ranges.settle(&state, wire.proto, wire.out);
    }
}

/// The messages of a delivery; the memory of `properties` serves the first.
fn read<'d>(format: u32, payload: &'d [u8], properties: &mut Properties) -> Result<Vec<Sent<'d>>, AmqpError> {
    let mut properties = std::mem::take(properties);
    properties.clear();
    match format {
        0 => Ok(vec![read_one(payload, properties)?]),
        BATCH_FORMAT => {
            let batch = read_batch(payload).map_err(undecodable)?;
            batch.map(|message| read_one(message, Properties::new())).collect()
        }
        other => {
            let why = format!("message format {other:#x} is neither 0 nor that of a batch, {BATCH_FORMAT:#x}");
            Err(AmqpError::new(condition::NOT_IMPLEMENTED, &why))
        }
    }
}

fn read_one(payload: &[u8], mut properties: Properties) -> Result<Sent<'_>, AmqpError> {
    let message = Message::decode(payload).map_err(undecodable)?;
    fill(&message, &mut properties);
    Ok((properties, body(&message.body)?))
}

/// Reads what a device says of its message; names that are the hub's own are left out, as are values that are no text, number,
/// boolean or time.
pub(super) fn fill(message: &Message<'_>, properties: &mut Properties) {
    let sections = &message.properties;
    let mut system = |property, value: Option<Cow<'_, str>>| {
        if let Some(value) = value {
            properties.push_system(property, &value);
        }
    };
    let time = |ms: Option<i64>| ms.filter(|ms| *ms > 0).map(|ms| UnixMillis(ms).iso().into());
    system(SystemProperty::MessageId, sections.message_id.map(id_text));
    system(SystemProperty::CorrelationId, sections.correlation_id.map(id_text));
    system(SystemProperty::UserId, sections.user_id.map(String::from_utf8_lossy));
    system(SystemProperty::To, sections.to.map(Cow::from));
    system(SystemProperty::ContentType, sections.content_type.map(Cow::from));
    system(SystemProperty::ContentEncoding, sections.content_encoding.map(Cow::from));
    system(SystemProperty::AbsoluteExpiryTime, time(sections.absolute_expiry_time));
    system(SystemProperty::CreationTime, time(sections.creation_time));
    for (name, value) in message.message_annotations.entries() {
        if let Some(property) = name.as_text().and_then(|name| of_amqp_name(Place::Annotation, name)) {
            system(property, property_text(&value));
        }
    }
    for (name, value) in message.application_properties.entries() {
        let Some(name) = name.as_text().filter(|name| !name.is_empty() && !system_property::is_reserved(name)) else {
            continue;
        };
        let text = property_text(&value);
        match of_amqp_name(Place::Application, name) {
            Some(property) => text.into_iter().for_each(|text| properties.push_system(property, &text)),
            None if text.is_some() || value == ValueRef::Null => {
                properties.push_application(name, text.as_deref());
            }
            None => {}
        }
    }
}

/// A body of bytes or text, one piece or many. Errors: what is neither.
pub(super) fn body<'a>(body: &Body<'a>) -> Result<Cow<'a, [u8]>, AmqpError> {
    Ok(match body {
        Body::Empty | Body::Value(ValueRef::Null) => Cow::Borrowed(&[]),
        Body::Data(data) => match data.single() {
            Some(bytes) => bytes.into(),
            None => data.pieces().collect::<Vec<_>>().concat().into(),
        },
        Body::Value(ValueRef::Binary(bytes)) => (*bytes).into(),
        Body::Value(ValueRef::String(text)) => text.as_bytes().into(),
        Body::Value(_) | Body::Sequence(_) => {
            let why = "the body is neither data nor a string; send bytes";
            return Err(AmqpError::new(condition::NOT_IMPLEMENTED, why));
        }
    })
}
