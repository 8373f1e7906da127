//! What of a connection the journal is told.

use roadstead_hub::{HubError, Session};
use roadstead_journal::Refused;
use roadstead_model::{DeviceProtocol, JournalOwner, Origin, RefusalCause};
use roadstead_mqtt_proto::Refusal;

use crate::{Caller, MqttFront, end::End};

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

/// A session that ended because of what its device asked for.
pub(crate) fn ended(session: &Session, end: &End) {
    let cause = match end {
        // Nothing was asked for, or nothing refused: that the session ended says it all.
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
        | End::TooManyRequests
        | End::TooLong => return,
        End::Hub(error) => error.cause(),
        End::Frame(_)
        | End::Decode(_)
        | End::Unexpected(_)
        | End::QosTwo
        | End::WrongTopic(_)
        | End::WrongFilter(_) => RefusalCause::BadRequest,
    };
    session.note_refused(cause, CLOSED, end.to_string());
}
