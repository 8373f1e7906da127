//! The client against a server that says what each test tells it to, over TLS on loopback.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without may end it")]

mod events;
mod hub;
mod management;
mod server;
mod transport;
