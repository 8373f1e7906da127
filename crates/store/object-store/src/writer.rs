//! An object being written: one request when it is small, parts when it is large.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{
    Attributes, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, WriteMultipart,
    path::Path,
};
use roadstead_store::{
    BlobCondition, BlobError, BlobInfo, BlobPath, BlobProperties, BlobWriter, BlockWriter, StoreError,
    limits::{BLOB_BYTES_MAX, BLOCK_BYTES_MAX},
};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    engine::Shared,
    failure::{failed, found},
    hub::HubObjects,
    limits::{PART_BYTES, PARTS_AHEAD_MAX},
    names, properties,
};

/// Dropped without being committed, it leaves nothing.
pub(crate) struct NewObject {
    store: Arc<dyn ObjectStore>,
    hub: Arc<HubObjects>,
    name: Path,
    attributes: Attributes,
    /// Begun when there is more than one part.
    parts: Option<WriteMultipart>,
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
    len: u64,
    bytes_max: u64,
    /// What is taken of the quota for it.
    taken: u64,
    /// The part of it that is taken for other objects still, which go when this one is committed.
    borrowed: u64,
    /// An error came: only dropping is left.
    broken: bool,
    /// One of the places for writers.
    _place: OwnedSemaphorePermit,
}

impl NewObject {
    pub(crate) fn new(
        shared: &Shared,
        hub: Arc<HubObjects>,
        name: Path,
        attributes: Attributes,
        bytes_max: u64,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            store: shared.store.clone(),
            hub,
            name,
            attributes,
            parts: None,
            gathered: Vec::new(),
            gathered_bytes: 0,
            len: 0,
            bytes_max,
            taken: 0,
            borrowed: 0,
            broken: false,
            _place: place,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Uses room that is taken for other objects, which go when this one is committed.
    pub(crate) fn borrow(&mut self, bytes: u64) {
        self.borrowed += bytes;
        self.taken += bytes;
    }

    pub(crate) async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.check_whole()?;
        let written = self.try_write(bytes).await;
        self.broken = written.is_err();
        written
    }

    fn check_whole(&self) -> Result<(), BlobError> {
        if self.broken {
            return Err(StoreError::Unavailable("the upload was given up after an error".to_owned()).into());
        }
        Ok(())
    }

    async fn try_write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        let len = self.len.saturating_add(bytes.len() as u64);
        if len > self.bytes_max {
            return Err(BlobError::TooLarge);
        }
        let more = len.saturating_sub(self.taken);
        self.hub.quota.take(more)?;
        self.taken += more;
        self.len = len;
        if let Some(parts) = &mut self.parts {
            parts.wait_for_capacity(PARTS_AHEAD_MAX).await.map_err(failed)?;
            parts.put(bytes);
            return Ok(());
        }
        self.gathered_bytes += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_bytes >= PART_BYTES {
            let options = PutMultipartOptions { attributes: self.attributes.clone(), ..PutMultipartOptions::default() };
            let upload = self.store.put_multipart_opts(&self.name, options).await.map_err(failed)?;
            let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
            for bytes in self.gathered.drain(..) {
                parts.put(bytes);
            }
            self.parts = Some(parts);
        }
        Ok(())
    }

    /// Makes it the object of its name, and gives back what the one before took.
    pub(crate) async fn commit(mut self, condition: &BlobCondition) -> Result<(), BlobError> {
        self.check_whole()?;
        let hub = self.hub.clone();
        if let Some(parts) = &mut self.parts {
            parts.wait_for_capacity(1).await.map_err(failed)?;
        }
        let name = self.name.clone();
        let _one_at_a_time = hub.lock(&name).await;
        let before = found(self.store.head(&self.name).await)?;
        condition.check(before.as_ref().map(properties::etag).as_ref())?;
        if let Some(parts) = self.parts.take() {
            parts.finish().await.map_err(failed)?;
        } else {
            // Who shares the bucket may be faster, but not for this: the store itself refuses.
            let mode = if *condition == BlobCondition::Absent { PutMode::Create } else { PutMode::Overwrite };
            let options = PutOptions { mode, attributes: self.attributes.clone(), ..PutOptions::default() };
            let payload: PutPayload = std::mem::take(&mut self.gathered).into_iter().collect();
            self.store.put_opts(&self.name, payload, options).await.map_err(|error| match error {
                object_store::Error::AlreadyExists { .. } => BlobError::AlreadyExists,
                other => failed(other),
            })?;
        }
        self.hub.quota.retake(self.borrowed);
        self.hub.quota.give((self.taken - self.len).saturating_add(before.map_or(0, |before| before.size)));
        (self.taken, self.borrowed) = (0, 0);
        Ok(())
    }
}

impl Drop for NewObject {
    fn drop(&mut self) {
        self.hub.quota.give(self.taken - self.borrowed);
        if let (Some(parts), Ok(runtime)) = (self.parts.take(), tokio::runtime::Handle::try_current()) {
            // Parts that stay cost money. Stores drop them by themselves only if told to.
            runtime.spawn(async move {
                if let Err(cause) = parts.abort().await {
                    tracing::warn!(%cause, "an upload that was given up left parts in the object store");
                }
            });
        }
    }
}

/// A blob that is put whole.
pub(crate) struct WholeBlob {
    shared: Arc<Shared>,
    path: BlobPath,
    new: NewObject,
}

impl WholeBlob {
    pub(crate) async fn begin(
        shared: &Arc<Shared>,
        path: &BlobPath,
        properties: &BlobProperties,
    ) -> Result<Self, BlobError> {
        let attributes = properties::attributes(properties, None, names::untold(path), shared.metadata_bytes_max)?;
        let (place, hub) = (shared.place().await?, shared.hub(path.hub()).await?);
        let new = NewObject::new(shared, hub, names::file(&shared.prefix, path), attributes, BLOB_BYTES_MAX, place);
        Ok(Self { shared: shared.clone(), path: path.clone(), new })
    }
}

#[async_trait]
impl BlobWriter for WholeBlob {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.new.write(bytes).await
    }

    async fn commit(self: Box<Self>, condition: &BlobCondition) -> Result<BlobInfo, BlobError> {
        let Self { shared, path, new } = *self;
        new.commit(condition).await?;
        shared.committed(&path).await
    }
}

/// A block.
pub(crate) struct Block(NewObject);

impl Block {
    pub(crate) async fn begin(
        shared: &Shared,
        path: &BlobPath,
        id: &roadstead_store::BlockId,
    ) -> Result<Self, BlobError> {
        let (place, hub) = (shared.place().await?, shared.hub(path.hub()).await?);
        let name = names::block(&shared.prefix, path, id);
        Ok(Self(NewObject::new(shared, hub, name, Attributes::new(), BLOCK_BYTES_MAX, place)))
    }
}

#[async_trait]
impl BlockWriter for Block {
    async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.0.write(bytes).await
    }

    async fn commit(self: Box<Self>) -> Result<(), BlobError> {
        self.0.commit(&BlobCondition::Any).await
    }
}
