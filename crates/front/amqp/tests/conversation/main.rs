//! Whole conversations, frame by frame, over a pipe.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod bearer;
mod client;
mod device;
mod device_faults;
mod device_messages;
mod device_random;
mod device_requests;
mod device_twins;
mod devicebound;
mod dps;
mod dps_tpm;
mod dps_world;
mod events;
mod journal;
mod login;
mod queues;
mod requests;
mod revocation;
mod world;
