//! Messages with which a device asks for faults, over MQTT. Source: `roadstead_wire::fault`

use std::time::Duration;

use roadstead_hub::{Fault, FaultKind, Session};
use roadstead_model::Properties;
use roadstead_wire::{
    Words,
    fault::{Fault as Asked, FaultKind as AskedKind},
};
use tokio::time::Instant;

/// When the connection is to end because its device asked for it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Doom(Option<Instant>);

impl Doom {
    /// The first of two counts.
    pub(crate) fn add(&mut self, at: Instant) {
        self.0 = Some(self.or(at));
    }

    /// The end, or `other` if that is earlier.
    pub(crate) fn or(self, other: Instant) -> Instant {
        self.0.map_or(other, |at| at.min(other))
    }

    pub(crate) fn has_come(self) -> bool {
        self.0.is_some_and(|at| at <= Instant::now())
    }
}

/// The fault that a message asks for, where the hub allows it and a connection of MQTT can have it. Any other message, one
/// that asks in vain too, is telemetry.
pub(crate) fn asked_for(session: &Session, properties: &Properties) -> Option<Fault> {
    if !session.takes_faults() {
        return None;
    }
    match Asked::from_properties(properties)? {
        Ok(asked) => {
            let fault = fault(&asked);
            if fault.is_none() {
                tracing::info!(device = %session.id(), "fault `{}` is not one of MQTT: the message is telemetry", asked.kind.word());
            }
            fault
        }
        Err(error) => {
            tracing::info!(device = %session.id(), "the message is telemetry: {error}");
            None
        }
    }
}

/// Refusals close the connection, since MQTT has no word for them; the device is let in again at once.
fn fault(asked: &Asked) -> Option<Fault> {
    let delay = Duration::from_secs(asked.delay_s.into());
    let duration = match asked.kind {
        AskedKind::KillTcp | AskedKind::ShutDownMqtt => Duration::from_secs(asked.duration_s.into()),
        AskedKind::InvokeThrottling | AskedKind::InvokeMaxMessageQuota | AskedKind::InvokeAuthError => Duration::ZERO,
        _ => return None,
    };
    Some(Fault { kind: FaultKind::Unreachable, delay, duration })
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_wire::fault::FaultProtocols;

    #[test]
    fn faults_of_mqtt() {
        for (kind, word) in AskedKind::WORDS {
            let asked = Asked { kind: *kind, close_reason: String::new(), delay_s: 2, duration_s: 5 };
            let of_mqtt = kind.protocols() != FaultProtocols::Amqp;
            assert_eq!(fault(&asked).is_some(), of_mqtt, "{word}");
            let lasts = matches!(kind.protocols(), FaultProtocols::Connections | FaultProtocols::Mqtt);
            if let Some(fault) = fault(&asked) {
                assert_eq!(fault.delay, Duration::from_secs(2));
                assert_eq!(fault.duration, Duration::from_secs(if lasts { 5 } else { 0 }), "{word}");
            }
        }
    }
}
