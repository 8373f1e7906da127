//! Real sockets, a rustls client, and `openssl s_client` with certificates as the openssl commands of users make them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod handshake;
mod listener;
mod openssl;
mod rig;
mod websocket;
