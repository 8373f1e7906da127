//! AMQP 1.0: bytes in, values and events out, and back.
//!
//! Owns the types ([`Value`], [`ValueRef`], [`put`]), frames ([`frame`]), performatives ([`Performative`]), SASL
//! ([`sasl`]), messages ([`message`]) and the server's end of a whole connection ([`Connection`]). Refuses what is malformed and says what and where; panics on nothing. Knows
//! no socket, no clock and no word of what addresses and messages mean.
//!
//! ```text
//!   bytes ─▶ frame ─▶ Performative ─▶ Connection ─▶ Event ─▶ the caller
//!                          │              │                     │
//!                          │ payload      │ answers             │ commands: open, accept, grant, settle, send…
//!                          ▼              ▼                     ▼
//!                  message::Message     bytes ◀── frame ◀── MessageWriter, Performative
//! ```
//!
//! A payload that came in one frame is lent to the caller out of its own buffer, and one that goes is encoded right
//! into its frame.
//!
//! Source for every rule: "OASIS Advanced Message Queuing Protocol (AMQP) Version 1.0", 29 October 2012; `2.7.5` is a
//! section of it.

#![warn(missing_docs)]

pub mod connection;
pub mod frame;
pub mod limits;
pub mod message;
pub mod sasl;

mod descriptor;
mod error;
mod performative;
mod types;

pub use connection::Connection;
pub use error::{DecodeError, Fault};
pub use frame::{Frame, FrameError, FrameType, Protocol};
pub use performative::{
    AmqpError, Attach, Begin, Close, DeliveryState, Detach, Disposition, End, Flow, Modified, Open, Performative,
    ReceiverSettleMode, Role, SenderSettleMode, Source, Target, Transfer, condition,
};
pub use types::{Array, ArrayRef, DescribedRef, ListRef, Map, MapRef, Value, ValueRef, put};
