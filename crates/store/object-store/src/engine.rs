//! The blobs of all hubs, below one prefix.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use parking_lot::Mutex;
use roadstead_model::{DeviceId, HubKey, UnixMillis};
use roadstead_store::{
    BlobCondition, BlobError, BlobInfo, BlobPath, BlobProperties, BlobRead, BlobWriter, Blobs, BlockId, BlockWriter,
    ByteRange, ListedBlob, Page, StoreError, WaitingBlock,
    blob::block_list_digest,
    limits::{BLOB_BYTES_MAX, BLOB_WRITER_WAIT, BLOCKS_MAX, PAGE_ITEMS_MAX},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tracing::warn;

use crate::{
    failure::{failed, found},
    hub::HubObjects,
    limits::{HEADS_MAX, WRITERS_MAX},
    names,
    place::Place,
    properties,
    writer::{Block, NewObject, WholeBlob},
};

/// All hubs' blobs in an object store.
pub struct ObjectBlobs(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    pub(crate) metadata_bytes_max: usize,
    hub_bytes_max: u64,
    hubs: Mutex<HashMap<HubKey, Arc<HubObjects>>>,
    /// Held while a hub's objects are summed up.
    summing: tokio::sync::Mutex<()>,
    writers: Arc<Semaphore>,
}

impl ObjectBlobs {
    /// Blobs at that place. A hub's may take `hub_bytes_max` bytes; what it has is summed up when it is first asked for one.
    pub fn new(place: Place, hub_bytes_max: u64) -> Self {
        let Place { store, prefix, metadata_bytes_max } = place;
        Self(Arc::new(Shared {
            store,
            prefix,
            metadata_bytes_max,
            hub_bytes_max,
            hubs: Mutex::default(),
            summing: tokio::sync::Mutex::default(),
            writers: Arc::new(Semaphore::new(WRITERS_MAX)),
        }))
    }
}

impl Shared {
    /// One of the places for writers.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, BlobError> {
        let place = timeout(BLOB_WRITER_WAIT, self.writers.clone().acquire_owned()).await;
        Ok(place.map_err(|_| BlobError::Busy)?.expect("the semaphore is never closed"))
    }

    pub(crate) async fn hub(&self, key: HubKey) -> Result<Arc<HubObjects>, BlobError> {
        let known = || self.hubs.lock().get(&key).cloned();
        if let Some(hub) = known() {
            return Ok(hub);
        }
        let _one_at_a_time = self.summing.lock().await;
        if let Some(hub) = known() {
            return Ok(hub);
        }
        let objects = self.store.list(Some(&names::hub(&self.prefix, key)));
        let used = objects.try_fold(0u64, |sum, found| async move { Ok(sum.saturating_add(found.size)) }).await;
        let hub = Arc::new(HubObjects::new(self.hub_bytes_max, used.map_err(failed)?));
        self.hubs.lock().insert(key, hub.clone());
        Ok(hub)
    }

    async fn find(&self, path: &BlobPath) -> Result<Option<(BlobInfo, Option<String>)>, BlobError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let answer = found(self.store.get_opts(&names::file(&self.prefix, path), options).await)?;
        Ok(answer.map(|found| {
            let list = properties::block_list(&found.attributes).map(str::to_owned);
            (properties::info(&found.meta, &found.attributes), list)
        }))
    }

    /// The blob of an object that a listing found, by what its name has behind the device's; `None` when it was removed meanwhile, or
    /// nothing tells its name.
    async fn listed(&self, below_device: String, object: ObjectMeta) -> Result<Option<ListedBlob>, BlobError> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let Some(head) = found(self.store.get_opts(&object.location, options).await)? else { return Ok(None) };
        let name = names::of_blob(&below_device).or_else(|| properties::name(&head.attributes));
        let BlobInfo { size, last_modified, properties, .. } = properties::info(&head.meta, &head.attributes);
        Ok(name.map(|name| ListedBlob { name, size, content_type: properties.content_type, last_modified }))
    }

    /// The blob that was just committed; the blocks left over are dropped.
    pub(crate) async fn committed(&self, path: &BlobPath) -> Result<BlobInfo, BlobError> {
        let hub = self.hub(path.hub()).await?;
        let waiting = self.store.list(Some(&names::blocks(&self.prefix, path)));
        if let Err(cause) = self.remove(&hub, waiting.boxed()).await {
            warn!(%cause, "blocks that are no longer needed stay until they are swept");
        }
        let gone = || StoreError::Unavailable("the blob was removed right after it was put".to_owned());
        Ok(self.find(path).await?.ok_or_else(gone)?.0)
    }

    /// Removes these objects, and says how many were there.
    async fn remove(
        &self,
        hub: &HubObjects,
        objects: stream::BoxStream<'static, Result<ObjectMeta, object_store::Error>>,
    ) -> Result<u64, BlobError> {
        let mut removed = 0;
        let mut objects = std::pin::pin!(objects);
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            if found(self.store.delete(&object.location).await)?.is_some() {
                hub.quota.give(object.size);
                removed += 1;
            }
        }
        Ok(removed)
    }
}

#[async_trait]
impl Blobs for ObjectBlobs {
    async fn begin_block(&self, path: &BlobPath, id: &BlockId) -> Result<Box<dyn BlockWriter>, BlobError> {
        Ok(Box::new(Block::begin(&self.0, path, id).await?))
    }

    async fn begin_blob(&self, path: &BlobPath, properties: &BlobProperties) -> Result<Box<dyn BlobWriter>, BlobError> {
        Ok(Box::new(WholeBlob::begin(&self.0, path, properties).await?))
    }

    async fn commit_blocks(
        &self,
        path: &BlobPath,
        blocks: &[BlockId],
        properties: &BlobProperties,
        condition: &BlobCondition,
    ) -> Result<BlobInfo, BlobError> {
        let shared = &*self.0;
        let list = block_list_digest(blocks);
        let waiting: Vec<ObjectMeta> =
            shared.store.list(Some(&names::blocks(&shared.prefix, path))).try_collect().await.map_err(failed)?;
        let sizes: HashMap<&Path, u64> = waiting.iter().map(|found| (&found.location, found.size)).collect();
        let block_names: Vec<Path> = blocks.iter().map(|id| names::block(&shared.prefix, path, id)).collect();
        if let Some(index) = block_names.iter().position(|name| !sizes.contains_key(name)) {
            let found = shared.find(path).await?.filter(|(_, made_by)| made_by.as_ref() == Some(&list));
            return found.map(|(info, _)| info).ok_or(BlobError::UnknownBlock { index });
        }
        let total =
            block_names.iter().filter_map(|name| sizes.get(name)).fold(0u64, |sum, size| sum.saturating_add(*size));
        let (place, hub) = (shared.place().await?, shared.hub(path.hub()).await?);
        let attributes =
            properties::attributes(properties, Some(list), names::untold(path), shared.metadata_bytes_max)?;
        let name = names::file(&shared.prefix, path);
        let mut new = NewObject::new(shared, hub, name, attributes, BLOB_BYTES_MAX, place);
        // The blocks' own share of the quota pays for the copy: they go when it is there.
        new.borrow(waiting.iter().map(|found| found.size).sum::<u64>().min(total));
        for (index, name) in block_names.iter().enumerate() {
            let block = found(shared.store.get(name).await)?.ok_or(BlobError::UnknownBlock { index })?;
            let mut chunks = block.into_stream();
            while let Some(bytes) = chunks.try_next().await.map_err(failed)? {
                new.write(bytes).await?;
            }
        }
        if new.len() != total {
            // A block was put anew, with another length, while its list was committed.
            return Err(BlobError::Busy);
        }
        new.commit(condition).await?;
        shared.committed(path).await
    }

    async fn list_blocks(&self, path: &BlobPath) -> Result<Vec<WaitingBlock>, BlobError> {
        let waiting = self.0.store.list(Some(&names::blocks(&self.0.prefix, path))).take(BLOCKS_MAX);
        let block = |found: ObjectMeta| {
            let id = found.location.filename().and_then(BlockId::of_hex_name);
            std::future::ready(Ok(id.map(|id| WaitingBlock { id, size: found.size })))
        };
        let mut blocks: Vec<_> = waiting.try_filter_map(block).try_collect().await.map_err(failed)?;
        blocks.sort_by(|one, other| one.id.as_bytes().cmp(other.id.as_bytes()));
        Ok(blocks)
    }

    async fn find(&self, path: &BlobPath) -> Result<Option<BlobInfo>, BlobError> {
        Ok(self.0.find(path).await?.map(|(info, _)| info))
    }

    async fn read(&self, path: &BlobPath, range: Option<ByteRange>) -> Result<Option<BlobRead>, BlobError> {
        let name = names::file(&self.0.prefix, path);
        let mut options = GetOptions::default();
        if let Some(asked) = range {
            let Some(meta) = found(self.0.store.head(&name).await)? else { return Ok(None) };
            options.range = Some(GetRange::Bounded(asked.within(meta.size)?));
            options.if_match = meta.e_tag;
        }
        let read = match self.0.store.get_opts(&name, options).await {
            // Replaced between the two requests.
            Err(object_store::Error::Precondition { .. }) => return Err(BlobError::Busy),
            answer => found(answer)?,
        };
        Ok(read.map(|read| {
            let (info, range) = (properties::info(&read.meta, &read.attributes), read.range.clone());
            let fail = |error| StoreError::Unavailable(format!("the object store: {error}"));
            BlobRead { info, range, chunks: read.into_stream().map_err(fail).boxed() }
        }))
    }

    async fn list(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ListedBlob>, BlobError> {
        let shared = &*self.0;
        let (limit, device) = (limit.clamp(1, PAGE_ITEMS_MAX), names::device(&shared.prefix, hub, device));
        let objects = match after {
            Some(after) => {
                let from = format!("{device}/{after}");
                // What no page gave is somewhere, too.
                let from = Path::parse(&from).unwrap_or_else(|_| Path::from(from));
                shared.store.list_with_offset(Some(&device), &from)
            }
            None => shared.store.list(Some(&device)),
        };
        let mut found: Vec<ObjectMeta> = objects.take(limit + 1).try_collect().await.map_err(failed)?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let below = |object: &ObjectMeta| {
            let name = object.location.as_ref().strip_prefix(device.as_ref()).unwrap_or_default();
            name.trim_start_matches('/').to_owned()
        };
        let next = found.last().filter(|_| has_more).map(below);
        let asked = found.into_iter().map(|object| shared.listed(below(&object), object));
        let items: Vec<_> = stream::iter(asked).buffered(HEADS_MAX).try_collect().await?;
        Ok(Page { items: items.into_iter().flatten().collect(), next })
    }

    async fn delete(&self, path: &BlobPath) -> Result<bool, BlobError> {
        let (name, hub) = (names::file(&self.0.prefix, path), self.0.hub(path.hub()).await?);
        let _one_at_a_time = hub.lock(&name).await;
        let Some(meta) = found(self.0.store.head(&name).await)? else { return Ok(false) };
        found(self.0.store.delete(&name).await)?;
        hub.quota.give(meta.size);
        Ok(true)
    }

    async fn bytes(&self, hub: HubKey) -> Result<u64, BlobError> {
        Ok(self.0.hub(hub).await?.quota.used())
    }

    async fn delete_hub(&self, hub: HubKey) -> Result<(), BlobError> {
        let known = self.0.hubs.lock().remove(&hub);
        let known = known.unwrap_or_else(|| Arc::new(HubObjects::new(0, 0)));
        self.0.remove(&known, self.0.store.list(Some(&names::hub(&self.0.prefix, hub)))).await.map(|_| ())
    }

    async fn sweep(&self, before: UnixMillis) -> Result<u64, BlobError> {
        let shared = &*self.0;
        let hubs = shared.store.list_with_delimiter(Some(&shared.prefix)).await.map_err(failed)?.common_prefixes;
        let mut swept = 0;
        for prefix in hubs {
            let name = prefix.filename().and_then(|name| u64::from_str_radix(name, 16).ok());
            let Some(key) = name.map(HubKey) else { continue };
            let is_old = move |found: &ObjectMeta| found.last_modified.timestamp_millis() < before.0;
            let waiting = shared.store.list(Some(&names::hub(&shared.prefix, key).join("blocks")));
            let old = waiting.try_filter(move |found| std::future::ready(is_old(found)));
            swept += shared.remove(&*shared.hub(key).await?, old.boxed()).await?;
        }
        Ok(swept)
    }
}
