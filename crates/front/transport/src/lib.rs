//! Listeners and connections: what comes in over TCP, with TLS around it and, if a client wants, WebSocket within.
//!
//! Owns the handshake and its bounds, the choice of server certificate, the count of connections, and their orderly end; and the
//! buffers that connections of any protocol read into.
//! Refuses to judge: a client certificate is asked for, never required, and only has to prove that its key is the
//! client's ([`ClientCertificates`]); whether it opens anything is decided behind. No crate of ours is known here.
//!
//! A listener hands each connection, as a [`Conn`] with its [`Peer`], to a handler:
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use roadstead_front_transport::{Capacity, Conn, Drain, Listener, ServerNames, limits, server_config};
//! # async fn run(key: Arc<rustls::sign::CertifiedKey>) -> Result<(), Box<dyn std::error::Error>> {
//! let names = Arc::new(ServerNames::new(key));
//! let capacity = Capacity::new(limits::CONNECTIONS_MAX, limits::HANDSHAKES_MAX);
//! let drain = Drain::new();
//! let listener = Listener::bind("mqtt", "0.0.0.0:8883".parse()?, server_config(names)?, capacity.clone())?;
//! listener.serve(|conn: Conn| async move { drop(conn) }, drain.watch()).await;
//! capacity.emptied().await;
//! # Ok(()) }
//! ```

mod capacity;
mod client_certificates;
mod conn;
mod drain;
pub mod limits;
mod listener;
mod metric;
mod read_buffer;
mod refused;
mod server_config;
mod server_names;
mod shown;
pub mod websocket;

pub use capacity::Capacity;
pub use client_certificates::ClientCertificates;
pub use conn::{Conn, Peer};
pub use drain::{Drain, DrainWatch};
pub use listener::Listener;
pub use read_buffer::ReadBuffer;
pub use refused::{HandshakeObserver, RefusedHandshake};
pub use server_config::{ServerConfigError, certified_key, server_config};
pub use server_names::ServerNames;
pub use shown::shown;
