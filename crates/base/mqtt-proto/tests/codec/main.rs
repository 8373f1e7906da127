//! The codec as its callers see it: literal packets, round trips, broken bytes, and a second opinion.

#![expect(clippy::unwrap_used, reason = "tests")]

mod accepted;
mod broken_bytes;
mod encoding;
mod oracle;
mod refused;
mod round_trip;
mod strategy;
