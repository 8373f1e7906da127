//! Whole conversations, frame by frame, over a pipe.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod client;
mod devicebound;
mod events;
mod login;
mod queues;
mod requests;
mod world;
