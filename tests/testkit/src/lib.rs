//! What tests share: stand-ins for the ports, which keep their promises in memory.
//!
//! Owns [`MemoryRecords`], a [`Records`](roadstead_store::Records) without a disk that can be told to fail, [`MemoryLog`], an event log likewise, the clock
//! and chance that tests hold in their hands ([`FakeClock`], [`CountingRandom`]), and random twins and queries ([`query`]). Refuses to be part of any program.

mod clock;
mod memory_log;
mod memory_records;
pub mod query;

pub use clock::{CountingRandom, FakeClock};
pub use memory_log::{MemoryLog, MemoryLogs};
pub use memory_records::MemoryRecords;
