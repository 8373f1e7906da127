//! Bounds of this crate.

pub use roadstead_sas::limits::CLOCK_SKEW_S;

/// Characters of a caller's text that a refusal repeats. `guess (?)`: Azure repeats none.
pub const SHOWN_CHARS_MAX: usize = 128;
