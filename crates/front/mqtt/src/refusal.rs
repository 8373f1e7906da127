//! What a hub's refusal of a login looks like in a CONNACK.

use roadstead_hub::HubError;
use roadstead_mqtt_proto::Refusal;

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
        | HubError::Invalid(_) => Refusal::NotAuthorized,
        HubError::DeviceDisabled(_)
        | HubError::Closed(_)
        | HubError::Full(_)
        | HubError::Busy
        | HubError::Internal(_)
        | HubError::DeviceAlreadyExists(_)
        | HubError::EtagMismatch { .. }
        | HubError::TooManyDevices { .. }
        | HubError::TwinVersionMismatch { .. }
        | HubError::TwinInvalid { .. }
        | HubError::TwinTooLarge { .. }
        | HubError::MessageTooLarge { .. }
        | HubError::PayloadTooLarge { .. }
        | HubError::DeviceNotOnline { .. }
        | HubError::DeviceConnectionClosedRemotely
        | HubError::MethodTimedOut { .. }
        | HubError::MethodAnswerUnfit(_)
        | HubError::TooManyCalls { .. }
        | HubError::TooManySubscriptions { .. } => Refusal::ServerUnavailable,
    }
}
