//! The portal: pages for people at `/portal/`, server-rendered, whole without JavaScript.
//!
//! Owns who is signed in in which browser, the pages and what they load. Refuses to know devices, enrollments or rights by any
//! way but the public APIs: whatever a page shows or does is a request of [`roadstead_service`] with the token of the one who
//! is signed in. So it has no rights of its own, and everything done in it is in the audit log as done by that person.
//!
//! ```text
//! request ─ ask ─┬─ asset                                   style, script: never change under their names
//!                ├─ page/account   sign in, sessions
//!                ├─ page/elsewhere ─ SignIns                to another issuer and back
//!                └─ session ─ csrf ─ call ─ page/*  ─ client/service ─▶ Resource Manager, hubs, DPS
//!                                            │
//!                                   fault ◀──┘ in words
//! ```
//!
//! Source: `docs/design/003-portal.md`.

mod ask;
mod asset;
mod call;
mod cause;
mod certificate_end;
mod chart;
mod content;
mod contents;
mod difference;
mod fault;
mod happening;
mod journey;
mod lag;
pub mod limits;
mod link;
mod linked_hub;
mod moment;
#[cfg(test)]
mod numbered;
mod page;
mod pem;
mod policy;
mod portal;
mod program;
mod rates;
mod reply;
mod resources;
mod rights;
mod session;
mod setting;
mod shell;
mod size;
mod span;

pub use journey::{Departure, Return, SignIns};
pub use portal::{Door, Portal};
pub use reply::Body;
