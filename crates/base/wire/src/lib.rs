//! Azure's words: every topic, header, body, status and error code that clients of a hub or of DPS read and write.
//!
//! Owns the spelling, in both directions, so that server, service client, CLI and device SDK spell alike. Refuses to
//! decide anything: parsers say what was asked, not whether it may be. No sockets, no storage, no clock reads.
//!
//! | who asks | modules |
//! |---|---|
//! | a device over MQTT | [`mqtt_user_name`], [`telemetry_topic`], [`devicebound_topic`], [`twin_topic`], [`device_twin`], [`method_topic`], [`filters`], [`dps_topic`], [`dps_body`] |
//! | a device over HTTP | [`http_headers`], [`http_batch`], [`file_upload`], [`dps_body`], [`hub_error`] |
//! | a back end of a hub | [`hub_service`], [`devicebound_to`], [`http_headers`], [`hub_error`], [`hub_code`], [`event_json`], [`event_stream`], [`event_log`], [`consumers`], [`annotation`] |
//! | a back end over AMQP | [`amqp`], [`annotation`], [`system_property`], [`devicebound_to`], [`hub_service`] |
//! | a back end of DPS | [`dps_service`], [`dps_error`], [`dps_code`], [`certificate_text`] |
//! | a test | [`fault`] |
//! | `az` and the management SDKs | [`arm`] |
//!
//! [`system_property`] has every spelling of the properties a hub understands, [`word`] the enumerations, [`percent`]
//! percent-encoding, [`object_body`] the way to read a JSON request, [`ascii_json`] the JSON that every device SDK can read.
//!
//! Sources: `reference/dps.md`, `reference/hub-device.md`, `reference/hub-service.md`, `reference/arm-and-az.md`,
//! and below them the SDK or page that each item names.

pub mod amqp;
pub mod annotation;
pub mod arm;
pub mod ascii_json;
pub mod blob;
pub mod certificate_text;
pub mod consumers;
pub mod device_twin;
pub mod devicebound_to;
pub mod devicebound_topic;
pub mod dps_body;
pub mod dps_code;
pub mod dps_error;
pub mod dps_service;
pub mod dps_topic;
pub mod event_json;
pub mod event_log;
pub mod event_stream;
pub mod fault;
pub mod file_upload;
pub mod filters;
pub mod http_batch;
pub mod http_headers;
pub mod hub_code;
pub mod hub_error;
pub mod hub_service;
pub mod iso_duration;
pub mod journal;
pub mod limits;
pub mod method_topic;
pub mod mqtt_user_name;
pub mod object_body;
pub mod percent;
pub mod query;
pub mod system_property;
pub mod telemetry_topic;
mod topic_argument;
pub mod twin_history;
pub mod twin_topic;
pub mod word;

pub use devicebound_topic::DeviceboundTopic;
pub use dps_code::DpsCode;
pub use dps_topic::{DpsPublish, DpsResponse};
pub use fault::Fault;
pub use filters::HubFilter;
pub use hub_code::HubCode;
pub use iso_duration::IsoDuration;
pub use method_topic::{MethodRequest, MethodResponse};
pub use mqtt_user_name::{DpsUserName, HubUserName, UserName};
pub use telemetry_topic::TelemetryTopic;
pub use twin_topic::{DesiredPatch, TwinRequest, TwinResponse};
pub use word::{Word, Words};
