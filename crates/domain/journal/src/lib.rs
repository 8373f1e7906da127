//! What happened to devices: who was refused and why, who came and went, what was changed; and which back ends were refused.
//!
//! Owns the entries on their way to the store, their bounds, and what mends each cause of a refusal. Refuses to know who is
//! let in, and protocols: fronts note a refusal where they word it, `hub` and `dps` what they
//! did. See `docs/design/002-refusals.md`.
//!
//! - [`journal`]: noting, which never waits; storing, in the background; reading
//! - `waiting`: what is not stored yet
//! - [`cause`]: which word a refusal of `auth` has
//! - [`service`]: who a back end is
//! - [`mend`]: what to do about it

#![warn(missing_docs)]

pub mod cause;
pub mod journal;
pub mod limits;
pub mod mend;
pub mod service;
mod waiting;

pub use journal::{Entries, Journal, Refused};
pub use mend::{Mend, Named};
pub use roadstead_store::RefusalFilter;
