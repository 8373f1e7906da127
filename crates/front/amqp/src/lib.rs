//! The AMQP 1.0 face of hubs and DPS, on 5671 and inside WebSockets.
//!
//! Owns the conversation: SASL and `open`, tokens, links and their credit, what is sent and how it is settled. Decides nothing:
//! who may attach, who reads a partition and what a message means is `roadstead_hub`'s to say; [`refusal`] holds the one table
//! from its refusals to AMQP's conditions. Frames, sessions and flow are `roadstead_amqp_proto`'s.
//!
//! ```text
//! bytes ─ stream ─▶ conversation ─ engine: amqp-proto, words: wire
//!                      │
//!                      ├─ login ────── SASL, open ─────────────────────▶ Hubs
//!                      ├─ incoming ─┬─ attach ─ what may be attached to
//!                      │            ├─ request ─ $cbs, $management ────▶ Hub
//!                      │            ├─ device ─ telemetry, twins, … ───▶ Session
//!                      │            └─ backend::devicebound ───────────▶ Hub
//!                      ├─ sending ◀─── backend: events, feedback, files ─ PartitionReader, Hub
//!                      ├─ due ──────── what the clock asks for
//!                      │
//!                      └─ dps ──────── devices that want to be provisioned ─▶ DpsSession
//! ```
//!
//! A connection is one task. What it holds for a client that reads slowly is bounded (`limits`): events are read from the log
//! only when the client has given credit and takes the bytes.

mod attach;
mod backend;
mod conversation;
mod counters;
mod device;
mod dps;
mod end;
mod grants;
pub mod limits;
mod link;
mod login;
mod noted;
mod ranges;
pub mod refusal;
mod request;
mod stream;
mod text;

use std::{net::SocketAddr, sync::Arc};

use roadstead_auth::{AuthRefusal, Permission};
use roadstead_dps::Instances;
use roadstead_hub::Hubs;
use roadstead_journal::Journal;
use roadstead_model::{Clock, HubKey, PrincipalId, UnixSeconds};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{counters::Counters, end::End, stream::ByteStream};

/// What a connection brings along from below.
#[derive(Debug, Clone)]
pub struct Caller {
    pub address: SocketAddr,
    /// The client's certificates, DER, leaf first; possession of the leaf's key is proven, nothing else. Often empty.
    pub certificates: Arc<[Vec<u8>]>,
    /// Numbers the connection in the log.
    pub connection: u64,
}

/// Judges bearer tokens of those who logged in.
pub trait Bearers: Send + Sync {
    /// Whether whoever `token` speaks for may do this at the hub now. `token` is the part after `Bearer `.
    ///
    /// Errors: `Bearer`, `RoleLacks`.
    fn judge(&self, token: &str, hub: HubKey, permission: Permission) -> Result<BearerGrant, AuthRefusal>;
}

/// What a bearer token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BearerGrant {
    /// Whose: another token of the same principal takes its place.
    pub principal: PrincipalId,
    /// From when on it counts no longer.
    pub expires: UnixSeconds,
}

/// Serves AMQP connections.
pub struct AmqpFront {
    hubs: Arc<Hubs>,
    dps: Arc<Instances>,
    bearers: Arc<dyn Bearers>,
    clock: Arc<dyn Clock>,
    journal: Arc<Journal>,
    port: u16,
    counters: Counters,
}

impl AmqpFront {
    /// A front for these hubs and DPS instances. `journal` is theirs, and is told of who named none of them; `port` is where clients
    /// reach it over TLS: redirects name it.
    pub fn new(
        hubs: Arc<Hubs>,
        dps: Arc<Instances>,
        bearers: Arc<dyn Bearers>,
        clock: Arc<dyn Clock>,
        journal: Arc<Journal>,
        port: u16,
    ) -> Self {
        Self { hubs, dps, bearers, clock, journal, port, counters: Counters::new() }
    }

    /// Serves one connection to its end.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(&self, io: S, caller: Caller) {
        let mut stream = ByteStream::new(io);
        let end = conversation::run(self, &mut stream, &caller).await;
        end.log(&caller);
        if !matches!(end, End::Lost(_) | End::NotReading) {
            let _ = tokio::time::timeout(limits::CLOSE_WAIT, stream.shutdown()).await;
        }
    }
}
