//! What every engine must pass: each promise in a port's doc comment, as a test that any engine can run on itself.
#![expect(clippy::unwrap_used, reason = "test code: a surprise is a failed test")]

pub mod event_log;
