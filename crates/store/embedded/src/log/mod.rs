//! Events in segment files: the embedded engine of [`EventLog`](roadstead_store::EventLog).
//!
//! Owns what is below `events` in the data directory and the threads that write them. Refuses to know what an event means.
//!
//! ```text
//! events/<hub key>/00000000000000000001.events    records of all partitions, in the order of commits
//! events/<hub key>/00000000000000000001.index     where each of them is; can be made anew
//! events/<hub key>/00000000000000000007.damaged   a segment of which nothing could be read, set aside
//! ```
//!
//! - **Append** encodes the event into the batch being filled, under a short lock, and gives it its offset there. A thread per hub, started by
//!   the first append, writes batch after batch: one write and one sync for all partitions (`writer`, `tail`).
//! - **Read** finds the places of the wanted events in memory, or in the index file of an older segment, and reads just those
//!   (`view`, `fetch`). Every record is checked each time it is read; damaged ones are skipped with one warning per segment.
//! - **Open** reads index files only, then scans what was written behind the last saved index of the newest segment (`recovery`, `scan`).
//! - **A batch that fails** is cut off again and its offsets are given out anew; after a failed sync, which leaves unknown what the
//!   file holds, the segment is given up for a new one, whose preface says where the old one ends. Should that fail as well and the
//!   machine lose power just then, events of the failed batch may come back.
//! - **Retention** drops whole segments (`retention`); removing a hub drops its directory.

mod cursor;
mod disk;
mod fetch;
mod hub;
mod index;
pub mod limits;
mod logs;
mod preface;
mod record;
mod recovery;
mod retention;
mod scan;
mod segment;
mod shared;
mod tail;
mod view;
mod writer;

#[cfg(test)]
mod tests;

pub use logs::EmbeddedEventLog;
