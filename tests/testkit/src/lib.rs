//! What tests share: stand-ins for the ports, which keep their promises in memory.
//!
//! Owns [`MemoryRecords`], a [`Records`](roadstead_store::Records) without a disk that can be told to fail, [`MemoryLog`], an event log likewise, the clock
//! and chance that tests hold in their hands ([`FakeClock`], [`CountingRandom`]), random twins and queries ([`query`]), a TPM in
//! memory ([`SoftTpm`]), processes that are killed while they write ([`killed`]), and what
//! openssl made. Refuses to be part of any program.

mod clock;
pub mod killed;
mod memory_log;
mod memory_records;
pub mod query;
mod soft_tpm;

pub use clock::{CountingRandom, FakeClock};
pub use memory_log::MemoryLog;
pub use memory_records::MemoryRecords;
pub use soft_tpm::SoftTpm;

/// The seeds' intermediate CA, of version 1 and so without basicConstraints; PEM. Made with openssl.
pub const V1_CA: &str = include_str!("../fixtures/v1-intermediate.pem");
/// A certificate request of a device for `CN=Dev-03`, with a key for P-256; PEM. Made with openssl.
pub const DEVICE_REQUEST: &str = include_str!("../fixtures/device.csr");
