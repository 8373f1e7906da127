//! The HTTPS face: device API and service APIs of hubs and DPS, server-sent events, health and metrics.
//!
//! Owns routes, headers and bodies. Every request that is answered is a line of the table that [`routes`] shows, with what
//! somebody needs for it: `gate` asks for that before the operation is called. Decides nothing: [`refusal`] holds the tables from
//! the domains' refusals to status and error code. What belongs to another face that shares the port is handed on: WebSockets to
//! [`WebSockets`], Resource Manager paths to [`Management`], pages to [`Portal`].
//!
//! ```text
//! request ─┬─ WebSockets                                            MQTT, AMQP inside
//!          ├─ Management                                            az, management SDKs
//!          ├─ Portal                                                people
//!          ├─ op/blob*                     hub::Hub                  files: devices, back ends
//!          └─ call ─ route ─ gate ─┬─ op/device_*     hub::Hub, dps::Instance   devices
//!                                  ├─ op/hub_*        hub::Hub                  back ends of a hub
//!                                  ├─ op/service_*    dps::Instance             back ends of DPS
//!                                  └─ op/operations                             operators
//! ```
//!
//! A hub is found by the host that the client names, and so is a DPS instance by its back ends; a device of DPS names the
//! instance by the ID scope in its path. A hub and a DPS instance may share a host name: their paths differ.

mod call;
mod dispatch;
mod gate;
pub mod limits;
mod noted;
mod op;
mod pattern;
pub mod refusal;
mod reply;
mod route;
mod serve;

pub use call::Caller;
pub use reply::Body;
pub use route::{Face, Needs, RouteInfo, routes};
pub use serve::{BearerAt, Bearers, HttpFront, Management, Operations, Parts, Portal, WebSockets};
