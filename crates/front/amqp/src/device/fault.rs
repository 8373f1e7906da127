//! Messages with which a device asks for faults, over AMQP. Source: `roadstead_wire::fault`

use std::time::Duration;

use roadstead_amqp_proto::{
    AmqpError, condition,
    connection::{Delivery, LinkId, SessionId},
    message::Message,
};
use roadstead_hub::{Fault, FaultKind, HubError, Session};
use roadstead_model::{DisconnectReason, Properties};
use roadstead_wire::{
    Words,
    fault::{Fault as Asked, FaultKind as AskedKind, FaultProtocols},
};
use tokio::time::Instant;

use super::{Devices, Part, Wire, telemetry::fill};
use crate::{
    end::shown,
    limits,
    link::{Link, Node},
};

/// What is to go wrong, and when.
#[derive(Debug)]
pub(super) struct Doom {
    at: Instant,
    kind: AskedKind,
    why: String,
    seat: u32,
    session: SessionId,
}

/// How a fault ends the connection.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Without a word.
    Cut,
    /// In AMQP, with an error or in good order.
    Close(Option<AmqpError>),
}

/// The fault that a delivery asks for, where the hub allows it and AMQP has it; any other message is telemetry. A batch asks with
/// the properties around it, as C writes them.
pub(super) fn asked_for(session: &Session, delivery: &Delivery<'_>) -> Option<Asked> {
    if !session.takes_faults() {
        return None;
    }
    let mut properties = Properties::new();
    fill(&Message::decode(&delivery.payload).ok()?, &mut properties);
    match Asked::from_properties(&properties)? {
        Ok(asked) if asked.kind.protocols() != FaultProtocols::Mqtt => Some(asked),
        Ok(asked) => {
            tracing::info!(device = %session.id(), "fault `{}` is not one of AMQP: the message is telemetry", asked.kind.word());
            None
        }
        Err(error) => {
            tracing::info!(device = %session.id(), "the message is telemetry: {error}");
            None
        }
    }
}

/// What the hub does meanwhile; `None` when all of the fault is the connection's.
fn fault(asked: &Asked) -> Option<Fault> {
    let kind = match asked.kind {
        AskedKind::KillTcp | AskedKind::KillAmqpConnection | AskedKind::ShutDownAmqp => FaultKind::Unreachable,
        AskedKind::InvokeThrottling => FaultKind::Throttled,
        AskedKind::InvokeMaxMessageQuota => FaultKind::QuotaExceeded,
        AskedKind::InvokeAuthError => FaultKind::Unauthorized,
        _ => return None,
    };
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Some(Fault { kind, delay: seconds(asked.delay_s), duration: seconds(asked.duration_s) })
}

impl Devices {
    /// Sees to it that the fault comes. The message that asks for it is accepted before that, as over MQTT, or clients would send
    /// it again when they are back. Errors: `TooManyFaults`.
    pub(super) fn doom(&mut self, seat: u32, session: SessionId, asked: Asked) -> Result<(), HubError> {
        let max = limits::FAULTS_MAX;
        if self.dooms.len() >= max {
            return Err(HubError::TooManyFaults { max });
        }
        let Some(device) = self.at(seat) else { return Ok(()) };
        if let Some(fault) = fault(&asked) {
            device.session.inject(fault)?;
        }
        let at = Instant::now() + Duration::from_secs(asked.delay_s.into());
        self.dooms.push(Doom { at, kind: asked.kind, why: shown(&asked.close_reason), seat, session });
        Ok(())
    }

    /// When the next fault is due.
    pub(crate) fn next_fault(&self) -> Option<Instant> {
        self.dooms.iter().map(|doom| doom.at).min()
    }

    /// Lets happen what is due. `Some`: the connection ends.
    pub(crate) async fn fail(&mut self, wire: &mut Wire<'_>) -> Option<Ending> {
        let now = Instant::now();
        let due: Vec<_> = self.dooms.extract_if(.., |doom| doom.at <= now).collect();
        for Doom { kind, why, seat, session, .. } in due {
            let error = |condition| AmqpError::new(condition, &format!("the device asked for this fault: {why}"));
            match kind {
                AskedKind::KillTcp => return Some(Ending::Cut),
                AskedKind::KillAmqpConnection => {
                    return Some(Ending::Close(Some(error(condition::CONNECTION_FORCED))));
                }
                AskedKind::ShutDownAmqp => return Some(Ending::Close(None)),
                AskedKind::KillAmqpSession => {
                    wire.proto.end(session, Some(error(condition::DETACH_FORCED)), wire.out);
                    for (id, gone) in wire.links.end(session) {
                        self.forget(id, Some(gone), DisconnectReason::FaultInjected).await;
                    }
                }
                kind => {
                    for id in find(kind, seat, wire) {
                        let gone = wire.detach(id, error(condition::DETACH_FORCED));
                        self.forget(id, gone, DisconnectReason::FaultInjected).await;
                    }
                }
            }
        }
        None
    }
}

/// The links that a fault detaches.
fn find(kind: AskedKind, seat: u32, wire: &Wire<'_>) -> Vec<LinkId> {
    let part = match kind {
        AskedKind::KillAmqpTelemetryLink => Some(Part::Telemetry),
        AskedKind::KillAmqpDeviceboundLink => Some(Part::Messages),
        AskedKind::KillAmqpTwinRequestLink => Some(Part::TwinRequests),
        AskedKind::KillAmqpTwinResponseLink => Some(Part::TwinAnswers),
        AskedKind::KillAmqpMethodRequestLink => Some(Part::MethodCalls),
        AskedKind::KillAmqpMethodResponseLink => Some(Part::MethodAnswers),
        _ => None,
    };
    let is_it = |link: &Link| match link {
        Link::Device(link) => link.seat == seat && Some(link.part) == part,
        Link::Requests(Node::Cbs) => kind == AskedKind::KillAmqpCbsRequestLink,
        Link::Replies(replies) => kind == AskedKind::KillAmqpCbsResponseLink && replies.node == Node::Cbs,
        _ => false,
    };
    wire.links.all.iter().filter(|(_, link)| is_it(link)).map(|(id, _)| *id).collect()
}
