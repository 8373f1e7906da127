//! A hub over ports in memory: who gets in, what ends a session, what becomes of a message.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod bundle;
mod edge;
mod fault;
mod feedback;
mod log_full;
mod log_page;
mod message_locks;
mod message_queue;
mod messages;
mod methods;
mod modules;
mod presence;
mod readers;
mod registry;
mod replaced;
mod sample;
mod session;
mod throttle;
mod twins;
mod upload;
mod world;
