//! A hub over ports in memory: who gets in, what ends a session, what becomes of a message.

mod registry;
mod session;
mod world;
