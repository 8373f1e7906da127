//! What every engine must pass: each promise in a port's doc comment, as a test that any engine can run on itself.
//!
//! Each suite comes with a macro that stamps one `#[tokio::test]` per case into an engine's tests.
#![expect(clippy::unwrap_used, reason = "test code: a surprise is a failed test")]

pub mod blobs;
pub mod event_log;
pub mod records;
pub mod samples;
