//! The MQTT 3.1.1 face of hubs and DPS, on 8883 and inside WebSockets.
//!
//! Owns the conversation: CONNECT and its refusals, topics, acknowledgements, keep-alive. Decides nothing: who may
//! connect and what a message means is `roadstead_hub`'s and `roadstead_dps`'s to say; [`refusal`] holds the one table from
//! their refusals to MQTT's few words for no. Which service a client wants is read from its user name.
//!
//! ```text
//! bytes ─ stream ─▶ connect ─┬─▶ hub_session ─┬─ telemetry ───────────▶ hub::Session
//!                            │                ├─ twin, methods ────────▶   │
//!                            │                └─ devicebound ◀─ notices ◀──┘
//!                            └─▶ dps_session ─▶ dps::Instance
//! ```

mod connect;
mod counters;
mod devicebound;
mod dps_session;
mod end;
mod fault;
mod hub_session;
pub mod limits;
mod methods;
mod noted;
mod notices;
pub mod refusal;
mod stream;
mod twin;

use std::{net::SocketAddr, sync::Arc};

use roadstead_dps::Instances;
use roadstead_hub::Hubs;
use roadstead_journal::Journal;
use roadstead_model::Clock;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{connect::Greeting, counters::Counters, end::End, stream::PacketStream};

/// What a connection brings along from below.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: SocketAddr,
    /// The client's certificates, DER, leaf first; possession of the leaf's key is proven, nothing else. Often empty.
    pub certificates: Arc<[Vec<u8>]>,
    /// Numbers the connection in the log.
    pub connection: u64,
}

/// Serves MQTT connections.
pub struct MqttFront {
    hubs: Arc<Hubs>,
    dps: Arc<Instances>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    counters: Counters,
}

impl MqttFront {
    /// A front for these hubs and DPS instances. `journal` is theirs, and is told of who named none of them.
    pub fn new(hubs: Arc<Hubs>, dps: Arc<Instances>, clock: Arc<dyn Clock>, journal: Arc<Journal>) -> Self {
        Self { hubs, dps, clock, journal, counters: Counters::new() }
    }

    /// Serves one connection to its end.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, io: S, caller: Caller) {
        let mut stream = PacketStream::new(io);
        // The parts that every connection passes quickly are boxed, so that an idle connection's future is the hub session's.
        let end = match Box::pin(connect::greet(self, &mut stream, &caller)).await {
            Ok(Greeting::Hub(session)) => hub_session::run(self, &mut stream, *session, &caller).await,
            Ok(Greeting::Dps(session)) => Box::pin(dps_session::run(self, &mut stream, *session, &caller)).await,
            Err(end) => {
                noted::not_understood(self, &caller, &end);
                end
            }
        };
        end.log(&caller);
        if !matches!(end, End::Lost(_)) {
            let _ = tokio::time::timeout(limits::CLOSE_WAIT, stream.shutdown()).await;
        }
    }
}
