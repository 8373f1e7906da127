//! The IoT Hub query language: text to a [`Query`], and what a query yields.
//!
//! Owns the grammar ([`parse`], [`parse_condition`]), the tree ([`ast`]) and its meaning ([`eval`]), which an engine that
//! compiles the tree to something faster has to keep. Refuses to know where documents are kept, how a page is cut, and
//! every word of a protocol.
//!
//! ```
//! use roadstead_query::{eval, parse};
//! use serde_json::json;
//!
//! let query = parse("SELECT tags.site AS site, COUNT() AS n FROM devices WHERE version > 1 GROUP BY tags.site").unwrap();
//! let twin = |site, version| json!({"deviceId": "d", "version": version, "tags": {"site": site}});
//! let rows = eval::run(&query, &[twin("north", 2), twin("north", 3), twin("south", 1)]);
//! assert_eq!(rows, [json!({"site": "north", "n": 2})]);
//! ```
//!
//! Source: `reference/hub-service.md` 1.10 and 1.11; docs, iot-hub-devguide-query-language and query-twins.

#![warn(missing_docs)]

pub mod ast;
pub mod eval;
pub mod limits;

mod error;
mod function;
mod parse;
mod path;
mod print;
mod token;

pub use ast::{Aggregate, Column, Comparison, Constant, Element, Expr, Operator, Query, Select, Source};
pub use error::{Fault, QueryError, Unsupported};
pub use function::Function;
pub use parse::{parse, parse_condition};
pub use path::{Path, ROOTS};
