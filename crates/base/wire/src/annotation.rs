//! What a hub stamps onto an event, as back ends read it. Source: `reference/hub-device.md` 6.1

use roadstead_model::{AuthMethod, EventSource};

/// Who sent it.
pub const DEVICE_ID: &str = "iothub-connection-device-id";
/// Which module sent it; only for modules.
pub const MODULE_ID: &str = "iothub-connection-module-id";
/// How the sender proved itself: [`auth_method`].
pub const AUTH_METHOD: &str = "iothub-connection-auth-method";
/// The sender's generation, a text of digits.
pub const GENERATION_ID: &str = "iothub-connection-auth-generation-id";
/// When the hub took it, in milliseconds; an AMQP timestamp, a number in JSON.
pub const ENQUEUED_TIME: &str = "iothub-enqueuedtime";
/// What kind of event it is: [`message_source`].
pub const MESSAGE_SOURCE: &str = "iothub-message-source";

/// JSON within text, without blanks. The text for a CA-signed certificate is `guess (?)`; `Hub` has none.
pub fn auth_method(auth: AuthMethod, is_module: bool) -> Option<&'static str> {
    match (auth, is_module) {
        (AuthMethod::DeviceSas, false) => {
            Some(r#"{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#)
        }
        (AuthMethod::DeviceSas, true) => {
            Some(r#"{"scope":"module","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#)
        }
        (AuthMethod::HubSas, _) => {
            Some(r#"{"scope":"hub","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}"#)
        }
        (AuthMethod::X509, _) => {
            Some(r#"{"scope":"device","type":"x509Certificate","issuer":"external","acceptingIpFilterRule":null}"#)
        }
        (AuthMethod::Hub, _) => None,
    }
}

/// `Telemetry`, `twinChangeEvents`, …
pub fn message_source(source: EventSource) -> &'static str {
    match source {
        EventSource::Telemetry => "Telemetry",
        EventSource::TwinChange => "twinChangeEvents",
        EventSource::DeviceLifecycle => "deviceLifecycleEvents",
        EventSource::ModuleLifecycle => "moduleLifecycleEvents",
        EventSource::DeviceConnectionState => "deviceConnectionStateEvents",
    }
}
