//! The bounds of a query.

/// Characters of a query or a condition. Azure: 8192. Source: docs, query-twins, "Twin query limitations"
pub const QUERY_CHARS_MAX: usize = 8192;

/// Levels of an expression's tree, and of parentheses, NOTs and arrays around one another. AND and OR of many conditions
/// are one level. Azure: not documented. Ours: far below what the stack and SQLite (1000 levels) bear, far above what
/// people write.
pub const DEPTH_MAX: usize = 64;

/// Operands, operators, list members, elements of SELECT and paths of GROUP BY together. Azure: not documented.
/// Ours: what a list of two thousand short identifiers needs, as long as [`QUERY_CHARS_MAX`] lets it be.
pub const NODES_MAX: usize = 2048;

/// Characters of the query that an error shows around the place.
pub const EXCERPT_CHARS_MAX: usize = 72;

/// Rows of a query with GROUP BY before TOP. Azure: not documented. Ours: bounds the memory of one query.
pub const GROUPS_MAX: usize = 10_000;
