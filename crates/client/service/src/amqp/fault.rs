//! What goes wrong over AMQP, in the words of this crate.

use crate::error::ServiceError;
use crate::refusal::Refusal;
use fe2o3_amqp::connection::{ConnectionStopReason, OpenError};
use fe2o3_amqp::link::{
    LinkStateError, ReceiverAttachError, RecvError, SendError, SenderAttachError, SessionStopReason,
};
use fe2o3_amqp::session::BeginError;
use fe2o3_amqp::types::definitions::{AmqpError, Error, ErrorCondition, LinkError};
use fe2o3_amqp::types::primitives::{Symbol, Value};
use roadstead_wire::amqp::condition;
use std::fmt;

/// Puts faults into the words of this crate, for the one peer they came from.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    /// `amqps://hub1.example:5671`
    pub origin: String,
}

impl Faults {
    pub fn broken(&self, cause: impl fmt::Display) -> ServiceError {
        ServiceError::Broken { origin: self.origin.clone(), cause: cause.to_string() }
    }

    pub fn odd(&self, cause: impl fmt::Display) -> ServiceError {
        ServiceError::Odd { origin: self.origin.clone(), cause: cause.to_string() }
    }

    fn cut(&self) -> ServiceError {
        self.broken("the connection was cut")
    }

    pub fn open(&self, error: OpenError) -> ServiceError {
        match error {
            OpenError::RemoteClosedWithError(error) => refused(&error),
            OpenError::Io(error) => self.broken(crate::transport::io_cause(&error)),
            OpenError::RemoteClosed | OpenError::TransportError(_) => self.cut(),
            OpenError::SaslError { .. } => self.odd("it does not let anybody in without a password"),
            other => self.odd(other),
        }
    }

    pub fn begin(&self, error: BeginError) -> ServiceError {
        match error {
            BeginError::RemoteEndedWithError(error) => refused(&error),
            BeginError::ConnectionStopped(reason) => self.connection_stopped(&reason),
            other => self.broken(other),
        }
    }

    pub fn receiver(&self, error: ReceiverAttachError) -> ServiceError {
        match error {
            ReceiverAttachError::RemoteClosedWithError(error) => refused(&error),
            ReceiverAttachError::SessionStopped(reason) => self.session_stopped(&reason),
            other => self.odd(other),
        }
    }

    pub fn sender(&self, error: SenderAttachError) -> ServiceError {
        match error {
            SenderAttachError::RemoteClosedWithError(error) => refused(&error),
            SenderAttachError::SessionStopped(reason) => self.session_stopped(&reason),
            other => self.odd(other),
        }
    }

    pub fn send(&self, error: SendError) -> ServiceError {
        match error {
            SendError::LinkStateError(error) => self.link(&error),
            other => self.broken(other),
        }
    }

    pub fn recv(&self, error: RecvError) -> ServiceError {
        match error {
            RecvError::LinkStateError(error) => self.link(&error),
            other => self.odd(other),
        }
    }

    fn link(&self, error: &LinkStateError) -> ServiceError {
        match error {
            LinkStateError::RemoteDetachedWithError(error) | LinkStateError::RemoteClosedWithError(error) => {
                refused(error)
            }
            LinkStateError::SessionStopped(reason) => self.session_stopped(reason),
            other => self.broken(other),
        }
    }

    fn session_stopped(&self, reason: &SessionStopReason) -> ServiceError {
        match reason {
            SessionStopReason::RemoteEndedWithError(error) => refused(error),
            SessionStopReason::ConnectionStopped(reason) => self.connection_stopped(reason),
            _ => self.cut(),
        }
    }

    fn connection_stopped(&self, reason: &ConnectionStopReason) -> ServiceError {
        match reason {
            ConnectionStopReason::RemoteClosedWithError(error) => refused(error),
            _ => self.cut(),
        }
    }
}

/// A refusal, with the status that HTTP would have for it: trying again helps after 500 and above.
pub(crate) fn refused(error: &Error) -> ServiceError {
    let code = symbol(&error.condition);
    let status = status(&error.condition, code.as_str());
    let info = |key: &str| match error.info.as_ref()?.get(&Symbol::from(key))? {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    let message = error.description.clone().filter(|text| !text.is_empty());
    ServiceError::Refused(Refusal {
        status,
        message: message.unwrap_or_else(|| "the server gave no reason".to_owned()),
        code: Some(code.into_inner()),
        tracking_id: info(condition::TRACKING_ID),
    })
}

fn status(condition: &ErrorCondition, code: &str) -> u16 {
    match condition {
        ErrorCondition::AmqpError(AmqpError::UnauthorizedAccess) => 401,
        ErrorCondition::AmqpError(AmqpError::NotFound) => 404,
        ErrorCondition::AmqpError(AmqpError::NotAllowed | AmqpError::NotImplemented | AmqpError::InvalidField) => 400,
        ErrorCondition::LinkError(LinkError::Stolen) => 409,
        ErrorCondition::Custom(_) => match code {
            condition::ARGUMENT_ERROR | condition::ARGUMENT_OUT_OF_RANGE => 400,
            condition::IOT_HUB_NOT_FOUND => 404,
            _ => 503,
        },
        _ => 503,
    }
}

fn symbol(condition: &ErrorCondition) -> Symbol {
    match condition {
        ErrorCondition::AmqpError(error) => error.into(),
        ErrorCondition::ConnectionError(error) => error.into(),
        ErrorCondition::SessionError(error) => error.into(),
        ErrorCondition::LinkError(error) => error.into(),
        ErrorCondition::Custom(symbol) => symbol.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::is_passing;

    #[test]
    fn what_time_may_cure() {
        let custom = |text: &str| ErrorCondition::Custom(text.into());
        for (condition, status, passes) in [
            (AmqpError::UnauthorizedAccess.into(), 401, false),
            (AmqpError::NotFound.into(), 404, false),
            (AmqpError::NotAllowed.into(), 400, false),
            (LinkError::Stolen.into(), 409, false),
            (custom("com.microsoft:argument-error"), 400, false),
            (custom("com.microsoft:iot-hub-not-found-error"), 404, false),
            (custom("com.microsoft:server-busy"), 503, true),
            (AmqpError::InternalError.into(), 503, true),
            (AmqpError::ResourceLimitExceeded.into(), 503, true),
            (LinkError::DetachForced.into(), 503, true),
        ] {
            let fault = refused(&Error::new(condition, None, None));
            assert_eq!((fault.status(), is_passing(&fault)), (Some(status), passes), "{fault}");
        }
    }

    #[test]
    fn the_servers_words_are_kept() {
        let mut info = fe2o3_amqp::types::definitions::Fields::new();
        info.insert(condition::TRACKING_ID.into(), Value::String("T1".to_owned()));
        let fault = refused(&Error::new(AmqpError::NotFound, "no such group".to_owned(), info));
        let ServiceError::Refused(refusal) = &fault else { panic!("{fault}") };
        assert_eq!(refusal.tracking_id.as_deref(), Some("T1"));
        assert_eq!(fault.to_string(), "no such group (amqp:not-found)");
    }
}
