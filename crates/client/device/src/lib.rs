//! A device SDK: DPS, telemetry, twin, methods and messages, over MQTT, against Roadstead as against Azure.
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
//!
//!     // What back ends want, and what the device says of itself.
//!     let twin = device.twin().await?;
//!     let version = device.report(&serde_json::json!({ "hz": twin.desired.get("hz") })).await?;
//!     println!("reported as version {version}");
//!
//!     // Back ends call, change and send: each is heard for as long as somebody listens.
//!     let (mut methods, mut desired) = (device.methods().await?, device.desired().await?);
//!     let mut messages = device.messages().await?;
//!     loop {
//!         tokio::select! {
//!             Some(call) = methods.next() => match call.name() {
//!                 "reboot" => call.reply(200, &serde_json::json!({ "in_s": 3 })).await?,
//!                 _ => call.reply(404, "no such method").await?,
//!             },
//!             Some(change) = desired.next() => drop(device.report(&change.patch).await?),
//!             Some(message) = messages.next() => message.complete().await?, // else it comes again
//!             else => break,
//!         }
//!     }
//!     device.disconnect().await;
//!     Ok(())
//! }
//! ```
//!
//! | for | look at |
//! |---|---|
//! | set-up | [`Credentials`], [`Trust`], [`Provisioning`] to a [`Registration`], or [`DeviceOptions`] where no DPS is used |
//! | work | [`Device`], [`Message`], [`Receipt`], [`Twin`], [`DesiredChanges`], [`MethodCalls`], [`ReceivedMessages`] |
//! | what went wrong | [`RegisterError`], [`ConnectError`], [`SendError`], [`RequestError`], [`ConnectionState`] |
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
mod desired;
mod device;
mod dialer;
mod endpoint;
mod inbox;
mod line;
mod liveness;
mod message;
mod method;
mod options;
mod provisioning;
mod received;
mod register_error;
mod registration;
mod request_error;
mod send_error;
mod session;
mod state;
mod tls;
mod trust;
mod twin;
mod window;

pub use backoff::Backoff;
pub use connect_error::ConnectError;
pub use credentials::{Credentials, CredentialsError, Identity};
pub use desired::{DesiredChange, DesiredChanges};
pub use device::{Device, Receipt};
pub use message::{Message, MessageError};
pub use method::{MethodCall, MethodCalls};
pub use options::{DeviceOptions, OptionsError};
pub use provisioning::Provisioning;
pub use received::{ReceivedMessage, ReceivedMessages};
pub use register_error::RegisterError;
pub use registration::Registration;
pub use request_error::RequestError;
pub use send_error::SendError;
pub use state::ConnectionState;
pub use trust::{Trust, TrustError};
pub use twin::Twin;

pub use roadstead_model::Substatus;
pub use roadstead_mqtt_proto::Refusal;
pub use roadstead_sas::{SasKey, derive_device_key};
