//! Holds the workspace to its layers: which of our crates may lean on which.
//!
//! Reads what `cargo metadata --no-deps` prints and names every dependency that must never exist, with the number of
//! the rule it breaks (the ten rules stand in `rule`). It knows folders and names, not code: what a crate says in
//! its manifest is what counts. Dev-dependencies are free, since tests may reach across; build-dependencies are not.
//!
//! - `graph`: packages, the folder each lives in, and what it leans on
//! - `rule`: the ten rules

mod graph;
mod rule;

pub use graph::{Graph, GraphError, Kind, Lean, Package};
pub use rule::{Breach, breaches};
