//! A device SDK: DPS, then telemetry, over MQTT, against Roadstead as against Azure.
//!
//! Owns the device's end of the wire: TLS, credentials, registration, a connection that holds. Refuses to hide what happens:
//! every error says what to try, and every message is either acknowledged by the hub or reported.
//!
//! ```no_run
//! use roadstead_device::{Credentials, Device, Message, Provisioning, Trust};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Which hub is mine? The key is the device's own; `Credentials::x509_files` takes a certificate instead.
//!     let credentials = Credentials::symmetric_key("UwwVfsD5lA+qU/1oNyCqDCDeShqtT/bvsaUt7i0bKJE=")?;
//!     let registration = Provisioning::new("dev.localhost", "0ne00ABC123", "thermo-7", credentials)
//!         .trust(Trust::file("ca.pem")?)
//!         .register()
//!         .await?;
//!
//!     // Connected once, a device reconnects by itself.
//!     let device = Device::connect(registration).await?;
//!     let reading = serde_json::json!({ "temperature": 21.5 });
//!     device.send(Message::json(&reading)?.property("alert", "false")).await?; // the hub has it now
//!
//!     device.send_many((0..1000).map(|n| Message::new(format!("reading {n}")))).await?; // many on their way at once
//!     device.disconnect().await;
//!     Ok(())
//! }
//! ```
//!
//! | for | look at |
//! |---|---|
//! | set-up | [`Credentials`], [`Trust`], [`Provisioning`] to a [`Registration`], or [`DeviceOptions`] where no DPS is used |
//! | work | [`Device`], [`Message`], [`Receipt`] |
//! | what went wrong | [`RegisterError`], [`ConnectError`], [`SendError`], [`ConnectionState`] |
//!
//! **Names:** `localhost` and every `*.localhost` lead to this machine without a resolver; `connect_to` gives an address to any other
//! name. **Trust:** a file, a text, or what `SSL_CERT_FILE` names, else the system's CAs. **Delivery:** at least once; a message may arrive
//! twice when a connection breaks between its arrival and its acknowledgement.

#![warn(missing_docs)]

pub mod limits;

mod backoff;
mod clock;
mod connect_error;
mod credentials;
mod device;
mod dialer;
mod endpoint;
mod line;
mod liveness;
mod message;
mod options;
mod provisioning;
mod register_error;
mod registration;
mod send_error;
mod session;
mod state;
mod tls;
mod trust;
mod window;

pub use backoff::Backoff;
pub use connect_error::ConnectError;
pub use credentials::{Credentials, CredentialsError, Identity};
pub use device::{Device, Receipt};
pub use message::{Message, MessageError};
pub use options::{DeviceOptions, OptionsError};
pub use provisioning::Provisioning;
pub use register_error::RegisterError;
pub use registration::Registration;
pub use send_error::SendError;
pub use state::ConnectionState;
pub use trust::{Trust, TrustError};

pub use roadstead_model::Substatus;
pub use roadstead_mqtt_proto::Refusal;
pub use roadstead_sas::{SasKey, derive_device_key};
