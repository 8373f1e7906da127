//! What is kept of a twin's past: what a back end made of it, and who.

use serde_json::{Map, Value};

use crate::clock::UnixMillis;

/// Who does something with a hub from outside, devices apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has a key of this policy: `iothubowner`.
    Policy(String),
    /// Who logged in, by name: `alice@plant.example`.
    Principal(String),
    /// DPS, that placed the device here.
    Provisioning,
}

/// A change of a twin's tags or desired properties: what they were from then on.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinRevision {
    /// The twin's version that came of it.
    pub version: i64,
    /// When.
    pub at: UnixMillis,
    /// Who did it, where that is known.
    pub by: Option<Actor>,
    /// Whether sections took the place of what was there, and were not merged into it.
    pub is_replacement: bool,
    /// All tags as they became; `None`: they were not written.
    pub tags: Option<Map<String, Value>>,
    /// All desired properties as they became, and the version of the section; `None`: they were not written.
    pub desired: Option<(Map<String, Value>, i64)>,
}
