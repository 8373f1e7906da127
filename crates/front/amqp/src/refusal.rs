//! From the hub's refusals to AMQP's conditions and to the status of answers: the only such table of this front.

use roadstead_amqp_proto::{AmqpError, DecodeError, condition as standard};
use roadstead_hub::{FaultKind, HubError, ReaderError};
use roadstead_wire::{HubCode, amqp::condition as azure};

use crate::noted::Refusal;

/// What is told of a message that is none.
pub(crate) fn undecodable(error: DecodeError) -> AmqpError {
    AmqpError::new(standard::DECODE_ERROR, &error.to_string())
}

/// The condition for a refusal. Source: `reference/hub-device.md` 3.7
pub fn condition(error: &HubError) -> &'static str {
    match error {
        HubError::Unauthorized(_)
        | HubError::UnknownDevice(_)
        | HubError::UnknownModule(_)
        | HubError::ImpossibleId(_)
        | HubError::FaultInjected(FaultKind::Unauthorized) => standard::UNAUTHORIZED_ACCESS,
        HubError::DeviceNotFound(_) | HubError::ModuleNotFound(_) => standard::NOT_FOUND,
        HubError::DeviceDisabled(_) | HubError::UploadsMissing => standard::NOT_ALLOWED,
        HubError::QueueFull { .. }
        | HubError::TooManyDevices { .. }
        | HubError::TooManyModules { .. }
        | HubError::TooManySubscriptions { .. }
        | HubError::TooManyUploads { .. }
        | HubError::QuotaExceeded { .. }
        | HubError::FaultInjected(FaultKind::QuotaExceeded)
        | HubError::Full(_) => standard::RESOURCE_LIMIT_EXCEEDED,
        HubError::Throttled { .. }
        | HubError::TooManyCalls { .. }
        | HubError::TooManyFaults { .. }
        | HubError::FaultInjected(FaultKind::Throttled) => azure::DEVICE_CONTAINER_THROTTLED,
        HubError::MessageTooLarge { .. } | HubError::PayloadTooLarge { .. } | HubError::TwinTooLarge { .. } => {
            standard::MESSAGE_SIZE_EXCEEDED
        }
        HubError::LockLost => azure::MESSAGE_LOCK_LOST,
        HubError::EtagMismatch { .. } | HubError::TwinVersionMismatch { .. } => azure::PRECONDITION_FAILED,
        HubError::DeviceAlreadyExists(_) | HubError::ModuleAlreadyExists(_) => azure::DEVICE_ALREADY_EXISTS,
        HubError::InvalidExpiry { .. } => azure::ARGUMENT_OUT_OF_RANGE,
        HubError::Invalid(_)
        | HubError::BadQuery(_)
        | HubError::DefinedTwice(_)
        | HubError::TwinInvalid { .. }
        | HubError::UploadUnknown
        | HubError::UploadExpired
        | HubError::UploadEmpty
        | HubError::MethodAnswerUnfit(_) => azure::ARGUMENT_ERROR,
        HubError::DeviceNotOnline { .. }
        | HubError::DeviceConnectionClosedRemotely
        | HubError::MethodTimedOut { .. }
        | HubError::Busy => azure::TIMEOUT,
        HubError::Closed(_) | HubError::FaultInjected(FaultKind::Unreachable) => standard::DETACH_FORCED,
        HubError::Internal(_) => standard::INTERNAL_ERROR,
    }
}

/// The error code of a refused twin request; its status is the code's. Source: `reference/hub-device.md` 7.4
pub fn twin(error: &HubError) -> HubCode {
    match error {
        HubError::Invalid(_) | HubError::ImpossibleId(_) | HubError::TwinInvalid { .. } => HubCode::ArgumentInvalid,
        HubError::TwinTooLarge { .. } => HubCode::TwinSizeExceeded,
        HubError::TwinVersionMismatch { .. } | HubError::EtagMismatch { .. } => HubCode::PreconditionFailed,
        HubError::DeviceNotFound(_) | HubError::UnknownDevice(_) => HubCode::DeviceNotFound,
        HubError::ModuleNotFound(_) | HubError::UnknownModule(_) => HubCode::ModuleNotFound,
        HubError::Busy | HubError::Closed(_) => HubCode::ServerBusy,
        HubError::Full(_) => HubCode::ServiceUnavailable,
        HubError::Throttled { .. } => HubCode::ThrottlingException,
        HubError::QuotaExceeded { .. } => HubCode::IotHubQuotaExceeded,
        // The rest is never said of a twin.
        HubError::Internal(_)
        | HubError::Unauthorized(_)
        | HubError::DeviceDisabled(_)
        | HubError::DeviceAlreadyExists(_)
        | HubError::TooManyDevices { .. }
        | HubError::MessageTooLarge { .. }
        | HubError::TooManySubscriptions { .. }
        | HubError::PayloadTooLarge { .. }
        | HubError::DeviceNotOnline { .. }
        | HubError::DeviceConnectionClosedRemotely
        | HubError::MethodTimedOut { .. }
        | HubError::MethodAnswerUnfit(_)
        | HubError::TooManyCalls { .. }
        | HubError::QueueFull { .. }
        | HubError::InvalidExpiry { .. }
        | HubError::LockLost
        | HubError::UploadsMissing
        | HubError::TooManyUploads { .. }
        | HubError::UploadUnknown
        | HubError::UploadExpired
        | HubError::UploadEmpty
        | HubError::FaultInjected(_)
        | HubError::TooManyFaults { .. }
        | HubError::BadQuery(_)
        | HubError::ModuleAlreadyExists(_)
        | HubError::DefinedTwice(_)
        | HubError::TooManyModules { .. } => HubCode::ServerError,
    }
}

/// What a client is told of a refusal; what is our own fault goes to the log.
pub(crate) fn error(refused: &HubError) -> AmqpError {
    AmqpError::new(condition(refused), &text(refused))
}

/// The same of a device, with the word for it.
pub(crate) fn worded(refused: &HubError) -> Refusal {
    Refusal { error: error(refused), cause: refused.cause() }
}

/// The words of a refusal; what is our own fault goes to the log.
pub(crate) fn text(refused: &HubError) -> String {
    if let HubError::Internal(cause) | HubError::Full(cause) = refused {
        tracing::error!(%cause, "an amqp request failed: {refused}");
    }
    refused.to_string()
}

/// What a client is told that may not read a partition. Source: `reference/hub-service.md` 3.4; `guess (?)` for the condition of
/// an offset that never was
pub(crate) fn reader_error(refused: &ReaderError) -> AmqpError {
    let condition = match refused {
        ReaderError::NoSuchGroup(_) | ReaderError::NoSuchPartition { .. } => standard::NOT_FOUND,
        ReaderError::Outranked { .. } => standard::STOLEN,
        ReaderError::TooMany { .. } => standard::RESOURCE_LIMIT_EXCEEDED,
        ReaderError::BeyondEnd { .. } => azure::ARGUMENT_ERROR,
        ReaderError::Hub(refused) => return error(refused),
    };
    AmqpError::new(condition, &refused.to_string())
}
