//! What a hub's refusal looks like: of a login in a CONNACK, of a twin request in an answer's status and body.

use roadstead_hub::HubError;
use roadstead_mqtt_proto::Refusal;
use roadstead_wire::HubCode;

/// The CONNACK code for a refused login.
///
/// SDKs give up for good on 4 and 5 and try again after 3, so only what a retry cannot mend gets 5.
/// Source: reference of CONNACK codes, measured for the Python and Node SDKs; 3 for a disabled device: azure-iot-sdk-c #314.
pub fn connack(error: &HubError) -> Refusal {
    match error {
        HubError::Unauthorized(_)
        | HubError::UnknownDevice(_)
        | HubError::UnknownModule(_)
        | HubError::ImpossibleId(_)
        | HubError::DeviceNotFound(_)
        | HubError::BadQuery(_)
        | HubError::ModuleNotFound(_)
        | HubError::Invalid(_) => Refusal::NotAuthorized,
        HubError::DeviceDisabled(_)
        | HubError::Closed(_)
        | HubError::Full(_)
        | HubError::Busy
        | HubError::Internal(_)
        | HubError::DeviceAlreadyExists(_)
        | HubError::ModuleAlreadyExists(_)
        | HubError::DefinedTwice(_)
        | HubError::TooManyModules { .. }
        | HubError::EtagMismatch { .. }
        | HubError::TooManyDevices { .. }
        | HubError::TwinVersionMismatch { .. }
        | HubError::TwinInvalid { .. }
        | HubError::TwinTooLarge { .. }
        | HubError::UploadsMissing
        | HubError::TooManyUploads { .. }
        | HubError::UploadUnknown
        | HubError::UploadExpired
        | HubError::UploadEmpty
        | HubError::MessageTooLarge { .. }
        | HubError::PayloadTooLarge { .. }
        | HubError::DeviceNotOnline { .. }
        | HubError::DeviceConnectionClosedRemotely
        | HubError::MethodTimedOut { .. }
        | HubError::MethodAnswerUnfit(_)
        | HubError::TooManyCalls { .. }
        | HubError::QueueFull { .. }
        | HubError::InvalidExpiry { .. }
        | HubError::LockLost
        | HubError::Throttled { .. }
        | HubError::QuotaExceeded { .. }
        | HubError::FaultInjected(_)
        | HubError::TooManyFaults { .. }
        | HubError::TooManySubscriptions { .. } => Refusal::ServerUnavailable,
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
