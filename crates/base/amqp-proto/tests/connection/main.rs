//! The engine as a front sees it, spoken to by a client of literal frames.

#![expect(clippy::unwrap_used, reason = "tests")]

mod client;
mod flow;
mod handshake;
mod hostile;
mod idle;
mod incoming;
mod links;
mod outgoing;
mod settlement;
mod split;
mod well_behaved;
