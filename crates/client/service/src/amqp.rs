//! Events over AMQP 1.0, as Event Hubs and the built-in endpoint of an IoT hub give them.
//!
//! ```text
//! a hub's address ─ redirect ─▶ endpoint ◀─ connection string of an Event Hub
//!                                  │
//!     events ◀─ reader ◀─ message ─┤ line: TLS, SASL, a session; a token, questions
//!                  └─ fault        ▼
//! ```
//!
//! Frames, sessions and credit are `fe2o3-amqp`'s.

mod endpoint;
mod events;
mod fault;
mod line;
mod message;
mod reader;
mod redirect;

pub(crate) use endpoint::split_port;
pub use endpoint::{EventHub, EventHubStringError};
pub use events::AmqpEvents;
