//! Resource Manager, its tokens, and the users and service principals that ask for them, as `az`, the management SDKs, the portal and our own CLI speak them.
//!
//! Owns the translation of each request into a call of [`roadstead_resources`] and of the outcome into Azure's shapes: one
//! file per group of operations (`op`), one table from refusal to status and code (`refusal`), and
//! one of all requests with what each needs (`route`), which every request passes. Refuses to decide
//! anything, to open sockets, and to read bodies: who dispatches here hands over a request with its body, bounded.
//!
//! Everything is done at once, so every answer says `provisioningState: Succeeded` and nothing is ever polled. Any
//! `api-version` is accepted; path segments are compared without case.
//!
//! Source: `reference/arm-and-az.md` 2, 3, 5, 6

mod arm;
mod authority;
mod call;
mod disk;
mod op;
mod refusal;
mod relaxed_json;
mod reply;
mod route;

pub use arm::Arm;
pub use disk::{DiskGauge, DiskReading, DiskSpace};
pub use route::{Needed, RouteInfo, routes};
