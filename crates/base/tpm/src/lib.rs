//! TPM 2.0 seen from outside: public keys of a TPM, and secrets that only this TPM can open.
//!
//! Reads the two keys by which a device with a TPM is known, its endorsement key and its storage root key
//! ([`StorageKey`]), and packs a signing key so that one TPM alone can take it in ([`Activation`]): whoever then signs with
//! it has proved to be that TPM. Refuses to know devices, enrollments and what is signed; randomness is an argument.
//!
//! Sources: TCG "Trusted Platform Module Library", family 2.0, revision 1.59: Part 1 (11.4.10 key derivation, 23 protected
//! storage and duplication, 24 credentials, annex B RSA) and Part 2 (structures); `reference/dps.md` 2.5.

#![warn(missing_docs)]

pub mod activation;
pub mod limits;
mod protection;
pub mod public;

pub use activation::{Activation, HMAC_KEY_BYTES, WrapError};
pub use public::{PublicError, StorageKey};
