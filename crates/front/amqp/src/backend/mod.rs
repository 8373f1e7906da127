//! What back ends attach to beside nodes that answer: partitions of the built-in endpoint, queues of feedback, devices' mailboxes.

pub(crate) mod devicebound;
pub(crate) mod event_link;
mod event_message;
mod queue_link;

pub(crate) use event_link::{EventLink, Sent};
pub(crate) use event_message::last_offset;
pub(crate) use queue_link::{QueueKind, QueueLink};
