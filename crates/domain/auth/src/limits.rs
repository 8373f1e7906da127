//! Bounds of this crate.

use std::ops::RangeInclusive;

pub use roadstead_sas::limits::CLOCK_SKEW_S;

/// Characters of a caller's text that a refusal repeats. `guess (?)`: Azure repeats none.
pub const SHOWN_CHARS_MAX: usize = 128;

/// Bytes of a password. Source: docs, Entra password policies (8 to 256 characters).
pub const PASSWORD_BYTES: RangeInclusive<usize> = 8..=256;
/// KiB of memory that hashing a password takes. Source: OWASP password storage cheat sheet (Argon2id, 19 MiB, 2, 1).
pub const HASH_MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory. Source: as above.
pub const HASH_PASSES: u32 = 2;
/// Bytes of a client secret that is looked at. Source: docs, Entra application passwords are under 64.
pub const SECRET_BYTES_MAX: usize = 1024;
/// Bytes of a bearer token that is looked at; ours have 103.
pub const BEARER_BYTES_MAX: usize = 256;

/// Bytes of another issuer's token that are looked at. Ours: those of workloads have one or two thousand.
pub const ASSERTION_BYTES_MAX: usize = 16 * 1024;
/// How old the ID token of a person may be, in seconds, clock skew included. Ours: a browser brings it within seconds; Entra
/// dates its tokens back by five minutes `guess (?)`.
pub const ID_TOKEN_AGE_S: i64 = 600;
/// Bytes of an issuer's keys. Ours: the public cloud's have some ten thousand.
pub const JWKS_BYTES_MAX: usize = 256 * 1024;
/// Keys of an issuer that are looked at. Ours.
pub const ISSUER_KEYS_MAX: usize = 64;

/// Milliseconds in which log-ins are counted. Source: docs, Entra smart lockout (one minute).
pub const LOGIN_WINDOW_MS: i64 = 60_000;
/// Failed log-ins with one name in that time, from everywhere it never logged in, and from each address where it did.
/// Source: docs, Entra smart lockout (10).
pub const LOGINS_PER_NAME_MAX: u32 = 10;
/// Failed log-ins from one address in that time, with names that never logged in there. Ours.
pub const LOGINS_PER_ADDRESS_MAX: u32 = 30;
/// Names whose failures are remembered. Ours.
pub const LOGIN_NAMES_MAX: usize = 2000;
/// Addresses whose failures are remembered. Ours.
pub const LOGIN_ADDRESSES_MAX: usize = 2000;
/// Pairs of a name and an address where it logged in. Ours.
pub const FAMILIAR_MAX: usize = 10_000;
