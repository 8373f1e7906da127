//! From the domains' refusals to status, error code and body: the only such table of this front.

use roadstead_auth::AuthRefusal;
use roadstead_dps::DpsError;
use roadstead_hub::{FaultKind, HubError};
use roadstead_wire::{DpsCode, HubCode};

/// The hub's error code for a refusal. Source: reference of hub error codes.
pub fn hub_code(error: &HubError) -> HubCode {
    match error {
        HubError::Unauthorized(AuthRefusal::PolicyLacks { .. } | AuthRefusal::RoleLacks { .. }) => {
            HubCode::IotHubUnauthorizedAccess
        }
        // A login for an unknown device must look like any other failed login.
        HubError::Unauthorized(_)
        | HubError::UnknownDevice(_)
        | HubError::UnknownModule(_)
        | HubError::ImpossibleId(_)
        | HubError::FaultInjected(FaultKind::Unauthorized) => HubCode::IotHubUnauthorized,
        HubError::DeviceDisabled(_) => HubCode::DeviceDisabled,
        HubError::DeviceNotFound(_) => HubCode::DeviceNotFound,
        HubError::DefinedTwice(_) => HubCode::DeviceDefinedMultipleTimes,
        HubError::ModuleNotFound(_) => HubCode::ModuleNotFound,
        HubError::ModuleAlreadyExists(_) => HubCode::ModuleAlreadyExistsOnDevice,
        HubError::TooManyModules { .. } => HubCode::TooManyModulesOnDevice,
        HubError::DeviceAlreadyExists(_) => HubCode::DeviceAlreadyExists,
        HubError::EtagMismatch { .. } | HubError::TwinVersionMismatch { .. } => HubCode::PreconditionFailed,
        HubError::TwinTooLarge { .. } => HubCode::TwinSizeExceeded,
        HubError::TooManyDevices { .. } => HubCode::TooManyDevices,
        HubError::MessageTooLarge { .. } | HubError::PayloadTooLarge { .. } => HubCode::MessageTooLarge,
        HubError::UploadsMissing => HubCode::DefaultStorageEndpointNotConfigured,
        HubError::TooManyUploads { .. } => HubCode::DeviceMaximumActiveFileUploadLimitExceeded,
        HubError::UploadUnknown => HubCode::InvalidFileUploadCorrelationId,
        HubError::UploadExpired => HubCode::ExpiredFileUploadCorrelationId,
        HubError::UploadEmpty => HubCode::InvalidFileUploadCompletionStatus,
        HubError::TooManySubscriptions { .. } | HubError::Invalid(_) | HubError::TwinInvalid { .. } => {
            HubCode::ArgumentInvalid
        }
        HubError::BadQuery(_) => HubCode::IotHubFormatError,
        HubError::DeviceNotOnline { .. } => HubCode::DeviceNotOnline,
        HubError::DeviceConnectionClosedRemotely => HubCode::DeviceConnectionClosedRemotely,
        HubError::MethodTimedOut { .. } => HubCode::GatewayTimeout,
        HubError::MethodAnswerUnfit(_) => HubCode::InvalidResponseWhileProxying,
        HubError::TooManyCalls { .. }
        | HubError::Throttled { .. }
        | HubError::TooManyFaults { .. }
        | HubError::FaultInjected(FaultKind::Throttled) => HubCode::ThrottlingException,
        HubError::QuotaExceeded { .. } | HubError::FaultInjected(FaultKind::QuotaExceeded) => {
            HubCode::IotHubQuotaExceeded
        }
        HubError::FaultInjected(FaultKind::Unreachable) => HubCode::ConnectionRejectedOnFaultInjection,
        HubError::QueueFull { .. } => HubCode::DeviceMaximumQueueDepthExceeded,
        HubError::InvalidExpiry { .. } => HubCode::InvalidMessageExpiryTime,
        HubError::LockLost => HubCode::DeviceMessageLockLost,
        HubError::Closed(_) | HubError::Busy => HubCode::ServerBusy,
        HubError::Full(_) => HubCode::ServiceUnavailable,
        HubError::Internal(_) => HubCode::ServerError,
    }
}

/// The error code of DPS for a refusal. Source: `reference/dps.md` 3.7
pub fn dps_code(error: &DpsError) -> DpsCode {
    DpsCode::of_number(error.code()).unwrap_or(DpsCode::Internal)
}
