//! The IoT Hub query language: text to a [`Query`], and what a query yields.
//!
//! Owns the grammar ([`parse`], [`parse_condition`]), the tree ([`ast`]) and its meaning.
//! Refuses to know where documents are kept, how a page is cut, and every word of a protocol.
//!
//! Source: `reference/hub-service.md` 1.10 and 1.11; docs, iot-hub-devguide-query-language and query-twins.

#![warn(missing_docs)]

pub mod ast;
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
