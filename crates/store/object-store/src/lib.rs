//! Uploaded files in an object store, S3's or Azure's: an engine of [`Blobs`](roadstead_store::Blobs).
//!
//! Owns the objects below one prefix of one bucket. Refuses to know who may read or write.
//!
//! ```text
//! <prefix>/<hub key>/files/<device>/<name>           the content; type, encoding and metadata are the object's own
//! <prefix>/<hub key>/blocks/<digest>/<block id>      blocks of a blob that is not committed yet
//! ```
//!
//! - **Names** are percent-encoded segment by segment: `logs/1.txt` stays `logs/1.txt`; a very long one is its digest (`names`).
//! - **A blob** that is small is one request, a large one an upload in parts; a block list is put together by reading the blocks
//!   and writing them as one object (`writer`), which is durable when the store says so.
//! - **A listing** asks the store for a page of names, and each of the objects what it is. Azure gives all names for each page, S3 those
//!   that are wanted. A blob with a very long name is left out if that is not mostly ASCII, or if the device's metadata leaves it no room.
//! - **Conditions, and the quota,** hold for all that goes through one server. Another that writes to the same prefix is not
//!   waited for: its last commit wins.

mod engine;
mod failure;
mod hub;
pub mod limits;
mod names;
mod place;
mod properties;
mod writer;

pub use engine::ObjectBlobs;
pub use place::{Place, PlaceError, open};
