//! A device's twin, as the device sees it.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A device's own twin: what is desired of it and what it reported, each with its `$version`. Tags are the back ends' alone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Twin {
    /// What back ends want: `{"hz":5,"$version":4}`
    #[serde(default)]
    pub desired: Map<String, Value>,
    /// What the device last said: `{"hz":2,"$version":9}`
    #[serde(default)]
    pub reported: Map<String, Value>,
}

impl Twin {
    /// Version of what is desired: changes that come later have a higher one.
    pub fn desired_version(&self) -> i64 {
        self.desired.get("$version").and_then(Value::as_i64).unwrap_or_default()
    }
}
