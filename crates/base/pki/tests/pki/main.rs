//! What the crate promises, on certificates made by our issuer, by rcgen with every extension set at will, and by the
//! literal openssl commands of the seed documents.

#![expect(clippy::unwrap_used, reason = "these are tests, their makers of certificates included")]

mod budget;
mod forms;
mod issuing;
mod made;
mod mutated;
mod openssl;
mod paths;
mod proofs;
mod requests;
mod seeds;
mod texts;
