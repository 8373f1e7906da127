//! The HTTPS face: device API and service APIs of hubs and DPS, server-sent events, health and metrics.
//!
//! Owns routes, headers and bodies. Decides nothing: [`refusal`] holds the tables from the domains' refusals to status and
//! error code. What belongs to another face that shares the port is handed on: WebSockets to [`WebSockets`], Resource Manager
//! paths to [`Management`].
//!
//! ```text
//! request ─ call ─ route ─┬─ op/device_*    hub::Hub, dps::Instance     devices
//!                         ├─ op/service_*   hub::Hub, dps::Instance     back ends
//!                         ├─ Management                                 az, management SDKs
//!                         └─ WebSockets                                 MQTT inside
//! ```

mod call;
pub mod limits;
mod op;
pub mod refusal;
mod reply;
mod route;
mod serve;

pub use call::Caller;
pub use reply::Body;
pub use serve::{HttpFront, Management, Operations, Parts, WebSockets};
