//! Bounds of this crate.

/// Characters of a caller's text that a refusal repeats. `guess (?)`: Azure repeats none.
pub const SHOWN_CHARS_MAX: usize = 128;
