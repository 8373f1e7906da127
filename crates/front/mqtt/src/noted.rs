//! What of a connection the journal is told.

use roadstead_hub::{HubError, Session};
use roadstead_journal::Refused;
use roadstead_model::{DeviceProtocol, JournalOwner, Origin, RefusalCause};
use roadstead_mqtt_proto::{DecodeError, FrameError, Refusal};

use crate::{Caller, MqttFront, dps_session::DpsGreeting, end::End};

/// How the protocol says no in the midst of a connection.
const CLOSED: &str = "connection closed";

/// Who was refused, as far as the client said.
pub(crate) struct Claim {
    pub(crate) owner: JournalOwner,
    pub(crate) id: String,
    /// The host name or ID scope that it named.
    pub(crate) target: String,
    pub(crate) cause: RefusalCause,
}

impl Caller {
    pub(crate) fn origin(&self) -> Origin {
        Origin { protocol: DeviceProtocol::Mqtt, address: Some(self.address.ip()) }
    }
}

/// A CONNECT that was refused.
pub(crate) fn refused(front: &MqttFront, caller: &Caller, code: Refusal, claim: Claim, why: &str) {
    let Claim { owner, id, target, cause } = claim;
    front.journal.refused(Refused {
        owner,
        id: &id,
        origin: caller.origin(),
        target: &target,
        cause,
        code: format!("CONNACK {}", code as u8),
        message: why.to_owned(),
    });
}

/// A connection that never came to a CONNECT that is understood, or to none in time: nobody knows whose it is. One that goes away by
/// itself is none of these: who looks whether the port answers does that.
pub(crate) fn not_understood(front: &MqttFront, caller: &Caller, end: &End) {
    let code = match end {
        End::Decode(DecodeError::UnsupportedProtocol { .. }) => "CONNACK 1",
        End::Frame(_) | End::Decode(_) | End::NotConnect | End::NoConnect => CLOSED,
        _ => return,
    };
    front.journal.refused(Refused {
        owner: JournalOwner::NoHub,
        id: "",
        origin: caller.origin(),
        target: "",
        cause: RefusalCause::BadRequest,
        code: code.to_owned(),
        message: end.to_string(),
    });
}

/// A session that ended because of what its device asked for.
pub(crate) fn ended(session: &Session, end: &End) {
    if let Some(cause) = cause(end) {
        session.note_refused(cause, CLOSED, end.to_string());
    }
}

/// The same of a connection to DPS.
pub(crate) fn ended_with_dps(front: &MqttFront, caller: &Caller, greeting: &DpsGreeting, end: &End) {
    let Some(cause) = cause(end) else { return };
    let DpsGreeting { id_scope, registration_id, .. } = greeting;
    front.journal.refused(Refused {
        owner: front.dps.find(id_scope).map_or(JournalOwner::NoDps, |instance| instance.journal_owner()),
        id: registration_id,
        origin: caller.origin(),
        target: id_scope,
        cause,
        code: CLOSED.to_owned(),
        message: end.to_string(),
    });
}

/// Why something was refused with this end. `None`: nothing was asked for, or nothing refused, and the end says it all.
fn cause(end: &End) -> Option<RefusalCause> {
    match end {
        End::Hub(HubError::Closed(_))
        | End::Disconnected
        | End::Fault
        | End::TokenExpired(_)
        | End::Refused(_)
        | End::Lost(_)
        | End::Closed
        | End::NotConnect
        | End::NoConnect
        | End::Silent { .. }
        | End::NotReading
        | End::ClosedByHub(_)
        | End::Revoked(_)
        | End::TooLong => None,
        End::Hub(error) => Some(error.cause()),
        End::TooManyRequests => Some(RefusalCause::Throttled),
        End::Frame(FrameError::TooLong { .. }) => Some(RefusalCause::TooLarge),
        End::Frame(_)
        | End::Decode(_)
        | End::Unexpected(_)
        | End::QosTwo
        | End::WrongTopic(_)
        | End::WrongFilter(_) => Some(RefusalCause::BadRequest),
    }
}
