//! Messages from the cloud to devices: a durable queue per device, and feedback to their senders.
//!
//! A message waits until a device completes or rejects it, it expires, it was abandoned too often, or a back end purges the
//! queue; each of these ends it, and tells the sender if it asked for that. Its end and the feedback are one commit.
//!
//! What is durable is in the store; who has which message in hand is known only here (`desk`) and forgotten on restart, when
//! every message waits again. All changes of one device's queue but sending take turns.
//!
//! | who | how |
//! |---|---|
//! | a back end | [`Hub::send_message`], [`Hub::send_messages`], [`Hub::purge_messages`], [`Hub::receive_feedback`] |
//! | a device with a session | [`Session::fetch_messages`], [`Session::complete`] |
//! | a device with a session and a token for each message (AMQP) | [`Session::lock_messages`], [`Session::settle_message`], [`Session::release_messages`] |
//! | a device without one (HTTPS) | [`Hub::receive_message`], [`Hub::settle_message`] |
//! | the clock | [`Hub::sweep_messages`] |
//!
//! [`Hub::send_message`]: crate::Hub::send_message
//! [`Hub::send_messages`]: crate::Hub::send_messages
//! [`Hub::purge_messages`]: crate::Hub::purge_messages
//! [`Hub::receive_feedback`]: crate::Hub::receive_feedback
//! [`Session::fetch_messages`]: crate::Session::fetch_messages
//! [`Session::complete`]: crate::Session::complete
//! [`Session::lock_messages`]: crate::Session::lock_messages
//! [`Session::settle_message`]: crate::Session::settle_message
//! [`Session::release_messages`]: crate::Session::release_messages
//! [`Hub::receive_message`]: crate::Hub::receive_message
//! [`Hub::settle_message`]: crate::Hub::settle_message
//! [`Hub::sweep_messages`]: crate::Hub::sweep_messages

mod bundle;
mod desk;
mod feedback;
mod lock_token;
mod outcome;
mod queue;
mod receive;
mod session;
mod sweep;

pub use lock_token::LockToken;
pub use queue::NewMessage;
pub use receive::Settlement;
pub use session::Delivery;

pub(crate) use desk::{Desks, Turn};
pub(crate) use feedback::FeedbackDesk;

/// What a hub remembers of messages beyond what it stores.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    pub(crate) desks: Desks,
    pub(crate) feedback: FeedbackDesk,
}
