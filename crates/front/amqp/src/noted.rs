//! What of a connection the journal is told.

use roadstead_amqp_proto::{AmqpError, condition, connection::ConnectionError};
use roadstead_hub::{Hub, Session};
use roadstead_journal::Refused;
use roadstead_model::{DeviceProtocol, JournalOwner, Origin, RefusalCause};

use crate::{AmqpFront, Caller, end::End};

/// What a device is told, and why in one word.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: AmqpError,
    pub(crate) cause: RefusalCause,
}

impl From<AmqpError> for Refusal {
    fn from(error: AmqpError) -> Self {
        Self { error, cause: RefusalCause::BadRequest }
    }
}

/// A device that was refused before it could attach anything.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) owner: JournalOwner,
    pub(crate) id: String,
    /// The host name that it named.
    pub(crate) target: String,
    pub(crate) cause: RefusalCause,
}

impl Claim {
    /// Of a client that has not said who it is.
    pub(crate) fn of_nobody(owner: JournalOwner, target: String) -> Self {
        Self { owner, id: String::new(), target, cause: RefusalCause::BadRequest }
    }
}

impl Caller {
    pub(crate) fn origin(&self) -> Origin {
        Origin { protocol: DeviceProtocol::Amqp, address: Some(self.address.ip()) }
    }
}

/// A connection that was refused; `code` as the protocol says it.
pub(crate) fn refused(front: &AmqpFront, caller: &Caller, claim: Claim, code: &str, why: &str) {
    let Claim { owner, id, target, cause } = claim;
    let (origin, code, message) = (caller.origin(), code.to_owned(), why.to_owned());
    front.journal.refused(Refused { owner, id: &id, origin, target: &target, cause, code, message });
}

/// A connection that was ended for what it is not.
pub(crate) fn broke_the_rules(front: &AmqpFront, caller: &Caller, claim: Claim, error: &ConnectionError) {
    let cause = match error {
        // The session's end says it.
        ConnectionError::Silent { .. } => return,
        ConnectionError::TooMuchPartial { .. } => RefusalCause::TooLarge,
        _ => claim.cause,
    };
    refused(front, caller, Claim { cause, ..claim }, error.condition(), &error.to_string());
}

/// A connection of which nobody said in time whose it is.
pub(crate) fn said_nothing(front: &AmqpFront, caller: &Caller, claim: Claim, end: &End) {
    let (cause, code) = match end {
        End::NoToken => (RefusalCause::NoCredentials, condition::UNAUTHORIZED_ACCESS),
        _ => (claim.cause, "connection closed"),
    };
    refused(front, caller, Claim { cause, ..claim }, code, &end.to_string());
}

/// A link or a token of a device that was refused.
pub(crate) fn refused_by(hub: &Hub, origin: Origin, id: &str, cause: RefusalCause, (code, why): (&str, &str)) {
    hub.note_refused(id, Some(origin), (cause, code), why.to_owned());
}

/// What a connected device sent and was refused.
pub(crate) fn refused_to(session: &Session, refusal: &Refusal) {
    let Refusal { error, cause } = refusal;
    session.note_refused(*cause, &error.condition, error.description.as_deref().unwrap_or_default().to_owned());
}
