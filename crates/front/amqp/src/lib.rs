//! The AMQP 1.0 face of hubs, on 5671 and inside WebSockets.

use std::{net::SocketAddr, sync::Arc};

use roadstead_hub::Hubs;
use roadstead_model::Clock;
use tokio::io::{AsyncRead, AsyncWrite};

/// What a connection brings along from below.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: SocketAddr,
    /// The client's certificates, DER, leaf first; possession of the leaf's key is proven, nothing else. Often empty.
    pub certificates: Arc<[Vec<u8>]>,
    /// Numbers the connection in the log.
    pub connection: u64,
}

/// Serves AMQP connections.
pub struct AmqpFront {
    hubs: Arc<Hubs>,
    clock: Arc<dyn Clock>,
    port: u16,
}

impl AmqpFront {
    /// A front for these hubs. `port` is where clients reach it over TLS: redirects name it.
    pub fn new(hubs: Arc<Hubs>, clock: Arc<dyn Clock>, port: u16) -> Self {
        Self { hubs, clock, port }
    }

    /// Serves one connection to its end.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, io: S, caller: Caller) {
        let _ = (&self.hubs, &self.clock, self.port, io);
        tracing::debug!(connection = caller.connection, "amqp connection ended: not served yet");
    }
}
