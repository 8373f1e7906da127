//! Uploaded files: the embedded engine of [`Blobs`](roadstead_store::Blobs).
//!
//! Owns what is below `blobs` in the data directory. Refuses to know who may read or write.
//!
//! ```text
//! blobs/<hub key>/files/<device>/<name>          the content, and behind it what is kept with it (`trailer`)
//! blobs/<hub key>/blocks/<digest>/<block id>     blocks of a blob that is not committed yet
//! blobs/<hub key>/new/<number>                   being written; dropped when the hub's blobs are opened
//! ```
//!
//! - **Names** are percent-encoded, slashes too: `logs/1.txt` is the file `logs%2F1.txt`; a very long one is its digest (`layout`).
//! - **A commit** syncs the new file, renames it to its name and syncs the directory: what was acknowledged is there after a
//!   power cut, and a name never shows half a file (`commit`).
//! - **Blocks** are synced and renamed likewise, each into a file of its own; a block list copies them into one new file.
//! - **The quota** counts what files take on the disk, what is being written included. What a hub has is summed up when its
//!   first blob is asked for (`hub`).
//! - **A listing** reads the names of a device's directory, all of them for each page, and of the page's files the last bytes.
//! - Everything that waits for the disk does so on a few threads of its own (`limits::BLOCKING_MAX`).

mod commit;
mod engine;
mod hub;
mod layout;
pub mod limits;
mod listing;
mod new_file;
mod pool;
mod trailer;
mod writers;

#[cfg(test)]
mod tests;

pub use engine::EmbeddedBlobs;
