//! What tests share: stand-ins for the ports, which keep their promises in memory.
//!
//! Owns [`MemoryRecords`], a [`Records`](roadstead_store::Records) without a disk that can be told to fail, [`MemoryLog`], an event log likewise, the clock
//! and chance that tests hold in their hands ([`FakeClock`], [`CountingRandom`]), random twins and queries ([`query`]), a TPM in
//! memory ([`SoftTpm`]), and processes that are killed while they write ([`killed`]). Refuses to be part of any program.

mod clock;
pub mod killed;
mod memory_log;
mod memory_records;
pub mod query;
mod soft_tpm;

pub use clock::{CountingRandom, FakeClock};
pub use memory_log::{MemoryLog, MemoryLogs};
pub use memory_records::MemoryRecords;
pub use soft_tpm::SoftTpm;
