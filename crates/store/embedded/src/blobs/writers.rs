//! Blobs and blocks being written.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use roadstead_store::{
    BlobCondition, BlobError, BlobInfo, BlobPath, BlobProperties, BlobWriter, BlockWriter, StoreError,
    limits::{BLOB_BYTES_MAX, BLOCK_BYTES_MAX},
};
use tokio::sync::OwnedSemaphorePermit;

use super::{commit, hub::HubFiles, limits::CHUNK_BYTES, new_file::NewFile, pool::Pool};

/// Gathers bytes, and writes them a chunk at a time.
pub(crate) struct Writing {
    pub(crate) pool: Pool,
    pub(crate) hub: Arc<HubFiles>,
    /// `None` after an error.
    pub(crate) new: Option<NewFile>,
    pub(crate) gathered: Vec<u8>,
    pub(crate) bytes: u64,
    pub(crate) bytes_max: u64,
    /// One of the places for writers.
    pub(crate) _place: OwnedSemaphorePermit,
}

impl Writing {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.bytes_max {
            self.new = None;
            return Err(BlobError::TooLarge);
        }
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() < CHUNK_BYTES {
            return Ok(());
        }
        let mut new = self.new.take().ok_or_else(given_up)?;
        let gathered = std::mem::take(&mut self.gathered);
        let written = self.pool.run(move || new.write(&gathered).map(|()| (new, gathered)));
        let (new, mut gathered) = written.await?;
        gathered.clear();
        (self.new, self.gathered) = (Some(new), gathered);
        Ok(())
    }

    /// The file with all that was written, and where to go on with it.
    fn finish(self) -> Result<(NewFile, Vec<u8>, Pool, Arc<HubFiles>), BlobError> {
        Ok((self.new.ok_or_else(given_up)?, self.gathered, self.pool, self.hub))
    }
}

fn given_up() -> BlobError {
    StoreError::Unavailable("the upload was given up after an error".to_owned()).into()
}

/// A blob that is put whole.
pub(crate) struct WholeBlob {
    pub(crate) writing: Writing,
    pub(crate) path: BlobPath,
    pub(crate) properties: BlobProperties,
}

impl WholeBlob {
    pub(crate) const BYTES_MAX: u64 = BLOB_BYTES_MAX;
}

#[async_trait]
impl BlobWriter for WholeBlob {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.writing.write(bytes).await
    }

    async fn commit(self: Box<Self>, condition: &BlobCondition) -> Result<BlobInfo, BlobError> {
        let Self { writing, path, properties } = *self;
        let (mut new, gathered, pool, hub) = writing.finish()?;
        let condition = condition.clone();
        pool.run(move || {
            new.write(&gathered)?;
            commit::blob(&hub, &path, new, &properties, None, &condition)
        })
        .await
    }
}

/// A block.
pub(crate) struct Block {
    pub(crate) writing: Writing,
    pub(crate) name: PathBuf,
}

impl Block {
    pub(crate) const BYTES_MAX: u64 = BLOCK_BYTES_MAX;
}

#[async_trait]
impl BlockWriter for Block {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.writing.write(bytes).await
    }

    async fn commit(self: Box<Self>) -> Result<(), BlobError> {
        let Self { writing, name } = *self;
        let (mut new, gathered, pool, hub) = writing.finish()?;
        pool.run(move || {
            new.write(&gathered)?;
            new.sync()?;
            // Whoever drops blocks must not take the directory away in between.
            let _one_at_a_time = name.parent().map(|directory| hub.lock(directory));
            new.keep(&name)
        })
        .await
    }
}
