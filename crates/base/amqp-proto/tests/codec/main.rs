//! The codec as its callers see it: literal bytes, refused bytes, round trips and broken bytes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod broken_bytes;
mod messages;
mod oracle;
mod performatives;
mod refused;
mod round_trip;
mod strategy;
mod values;
