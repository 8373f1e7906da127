//! The port for files that devices upload: blobs, put whole or block by block.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use roadstead_model::{DeviceId, Etag, HubKey, UnixMillis};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    blob_path::{BlobPath, BlockId, hex_name},
    error::StoreError,
    limits::BLOB_BYTES_MAX,
    records::Page,
};

/// What an uploader says of a blob. Kept as given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlobProperties {
    /// `text/plain`
    pub content_type: Option<String>,
    /// `gzip`
    pub content_encoding: Option<String>,
    /// MD5 of the content, base64, as the uploader gave it.
    pub content_md5: Option<String>,
    /// Names and values, ASCII. Names are compared without case, are unique, and are letters, digits and `_`.
    pub metadata: Vec<(String, String)>,
}

/// A blob as it is stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobInfo {
    /// Bytes of the content.
    pub size: u64,
    /// Another one for each version of the blob.
    pub etag: Etag,
    /// When this version was committed, by the engine's clock.
    pub last_modified: UnixMillis,
    pub properties: BlobProperties,
}

/// A blob as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedBlob {
    /// The name below the device: `logs/1.txt`.
    pub name: String,
    /// Bytes of the content.
    pub size: u64,
    /// `text/plain`, as the uploader gave it.
    pub content_type: Option<String>,
    /// When it was committed, by the engine's clock.
    pub last_modified: UnixMillis,
}

/// A block that was put and that no list has named yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingBlock {
    pub id: BlockId,
    /// Bytes of its content.
    pub size: u64,
}

/// What a commit wants to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobCondition {
    /// Anything, or nothing.
    Any,
    /// No such blob yet.
    Absent,
    /// Some version of the blob.
    Present,
    /// This version of the blob.
    Etag(Etag),
}

impl BlobCondition {
    /// Judges what is stored. Errors: `AlreadyExists`, `EtagMismatch`.
    pub fn check(&self, stored: Option<&Etag>) -> Result<(), BlobError> {
        match (self, stored) {
            (Self::Any, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::Etag(wanted), Some(found)) if wanted == found => Ok(()),
            (Self::Absent, Some(_)) => Err(BlobError::AlreadyExists),
            (Self::Present | Self::Etag(_), _) => Err(BlobError::EtagMismatch),
        }
    }
}

/// Bytes `from` to `to`, both included; to the end without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    pub from: u64,
    pub to: Option<u64>,
}

impl ByteRange {
    /// The part of it that a blob of `size` bytes has. Errors: `OutOfRange` when there is none.
    pub fn within(self, size: u64) -> Result<Range<u64>, BlobError> {
        let end = self.to.map_or(size, |to| to.saturating_add(1).min(size));
        if self.from < end { Ok(self.from..end) } else { Err(BlobError::OutOfRange { size }) }
    }
}

/// The bytes of a blob, or of a part of it, as they are read.
pub type BlobChunks = BoxStream<'static, Result<Bytes, StoreError>>;

/// A blob being read: one version of it to the end, whatever is put meanwhile.
pub struct BlobRead {
    pub info: BlobInfo,
    /// Which bytes `chunks` give.
    pub range: Range<u64>,
    /// The content. Ends after an error, or early: who reads counts.
    pub chunks: BlobChunks,
}

/// Why something was not done with a blob. After any but `Store(Unavailable)` nothing was changed.
#[derive(Debug, Clone, Error)]
pub enum BlobError {
    /// The commit wanted no such blob.
    #[error("the blob exists already")]
    AlreadyExists,
    /// The commit wanted another version than there is, or any at all.
    #[error("the blob changed in the meantime: its etag is not the one given")]
    EtagMismatch,
    /// The block list names, as its entry `index`, a block that was not put, or was swept away.
    #[error("block {index} of the list was not put, or was dropped after a week")]
    UnknownBlock { index: usize },
    #[error("the range begins behind the end of the blob, which has {size} bytes")]
    OutOfRange { size: u64 },
    #[error("a blob has at most {BLOB_BYTES_MAX} bytes")]
    TooLarge,
    /// Some stores take less metadata than devices may send.
    #[error("the metadata has {bytes} bytes, and the store that keeps the files takes {bytes_max} at most")]
    MetadataTooLarge { bytes: usize, bytes_max: usize },
    /// Too many blobs are being written now.
    #[error("too many uploads at a time; try again")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Blobs of all hubs of an installation. `&self`: engines do their own locking.
///
/// - A blob appears whole or not at all, and once a commit returned `Ok` it is durable and every later read sees it. The same
///   holds for a block.
/// - Blocks of a blob are seen by nobody until a list of them is committed; then, and when the blob is put whole, those left
///   over are dropped. A block put again under its id replaces the earlier one.
/// - A hub's blobs and blocks take at most the engine's quota; what does not fit is `Store(Full)`.
/// - Several may write one blob: each version is one writer's, the last commit wins.
/// - Dropping a writer leaves nothing behind.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Begins a block. Errors: `Busy`, `Store`.
    async fn begin_block(&self, path: &BlobPath, id: &BlockId) -> Result<Box<dyn BlockWriter>, BlobError>;
    /// Begins a blob that is put whole. Errors: `MetadataTooLarge`, `Busy`, `Store`.
    async fn begin_blob(&self, path: &BlobPath, properties: &BlobProperties) -> Result<Box<dyn BlobWriter>, BlobError>;
    /// Makes these blocks, in this order, the blob. A block may be named more than once. The list that made the blob as it is
    /// now succeeds again, and changes nothing: an uploader that missed the answer repeats itself.
    /// Errors: `UnknownBlock`, `AlreadyExists`, `EtagMismatch`, `TooLarge`, `MetadataTooLarge`, `Busy`, `Store`.
    async fn commit_blocks(
        &self,
        path: &BlobPath,
        blocks: &[BlockId],
        properties: &BlobProperties,
        condition: &BlobCondition,
    ) -> Result<BlobInfo, BlobError>;
    /// The blocks of a blob that wait for their list, in the order of their ids; at most
    /// [`BLOCKS_MAX`](crate::limits::BLOCKS_MAX), of more no matter which.
    async fn list_blocks(&self, path: &BlobPath) -> Result<Vec<WaitingBlock>, BlobError>;
    /// A blob without its content; `None` when there is none.
    async fn find(&self, path: &BlobPath) -> Result<Option<BlobInfo>, BlobError>;
    /// A blob, or a part of it; `None` when there is none. Errors: `OutOfRange`, `Store`.
    async fn read(&self, path: &BlobPath, range: Option<ByteRange>) -> Result<Option<BlobRead>, BlobError>;
    /// Blobs of a device, at most `limit` and [`PAGE_ITEMS_MAX`](crate::limits::PAGE_ITEMS_MAX), in the order of the names that the
    /// engine gives them: nearly that of their own, and the same for every page. `after` is the `next` of the page before. What was
    /// put or removed meanwhile may be there or not; every other blob is listed once. No content is read; a blob of which the engine
    /// cannot tell what it is is left out, so that a page may be short, or empty with a next one.
    async fn list(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ListedBlob>, BlobError>;
    /// Removes a blob, and says whether there was one.
    async fn delete(&self, path: &BlobPath) -> Result<bool, BlobError>;
    /// Bytes that a hub's blobs and blocks take.
    async fn bytes(&self, hub: HubKey) -> Result<u64, BlobError>;
    /// Removes everything of a hub. Fine when there is nothing.
    async fn delete_hub(&self, hub: HubKey) -> Result<(), BlobError>;
    /// Drops blocks that were put before `before`, by the engine's clock, and still belong to no blob. Says how many.
    async fn sweep(&self, before: UnixMillis) -> Result<u64, BlobError>;
}

/// A block being written.
#[async_trait]
pub trait BlockWriter: Send {
    /// Takes the next bytes. Errors: `Store(Full)` over the quota. After an error only dropping is left.
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError>;
    /// Makes what was written the block.
    async fn commit(self: Box<Self>) -> Result<(), BlobError>;
}

/// A blob being written whole.
#[async_trait]
pub trait BlobWriter: Send {
    /// Takes the next bytes. Errors: `Store(Full)` over the quota, `TooLarge`. After an error only dropping is left.
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError>;
    /// Makes what was written the blob. Errors: `AlreadyExists`, `EtagMismatch`, `Store`.
    async fn commit(self: Box<Self>, condition: &BlobCondition) -> Result<BlobInfo, BlobError>;
}

/// Tells block lists apart: 32 hex digits for each. For engines that keep with a blob which list made it.
pub fn block_list_digest(blocks: &[BlockId]) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for block in blocks {
        context.update(&[block.as_bytes().len() as u8]);
        context.update(block.as_bytes());
    }
    hex_name(&context.finish().as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_blob() {
        let range = |from, to| ByteRange { from, to };
        for (asked, size, expected) in [
            (range(0, None), 10, Some(0..10)),
            (range(0, Some(33_554_431)), 10, Some(0..10)),
            (range(3, Some(3)), 10, Some(3..4)),
            (range(9, Some(u64::MAX)), 10, Some(9..10)),
            (range(10, None), 10, None),
            (range(0, None), 0, None),
            (range(5, Some(4)), 10, None),
        ] {
            assert_eq!(asked.within(size).ok(), expected, "{asked:?} of {size}");
        }
    }

    #[test]
    fn conditions_judge_what_is_stored() {
        let (one, two) = (Etag::from_client("1"), Etag::from_client("2"));
        for (condition, absent, present) in [
            (BlobCondition::Any, true, true),
            (BlobCondition::Absent, true, false),
            (BlobCondition::Present, false, true),
            (BlobCondition::Etag(one.clone()), false, true),
            (BlobCondition::Etag(two), false, false),
        ] {
            let held = [condition.check(None).is_ok(), condition.check(Some(&one)).is_ok()];
            assert_eq!(held, [absent, present], "{condition:?}");
        }
    }

    #[test]
    fn lists_differ_by_order_and_by_where_ids_end() {
        let ids = |texts: &[&str]| texts.iter().map(|text| BlockId::parse(text).unwrap()).collect::<Vec<_>>();
        let lists = [ids(&["YQ==", "YmM="]), ids(&["YmM=", "YQ=="]), ids(&["YWI=", "Yw=="]), ids(&[])];
        let mut digests: Vec<_> = lists.iter().map(|list| block_list_digest(list)).collect();
        assert!(digests.iter().all(|digest| digest.len() == 32));
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 4);
    }
}
