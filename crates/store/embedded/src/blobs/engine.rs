//! The blobs of all hubs, in one directory.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use parking_lot::Mutex;
use roadstead_model::{DeviceId, HubKey, UnixMillis};
use roadstead_store::{
    BlobCondition, BlobError, BlobInfo, BlobPath, BlobProperties, BlobRead, BlobWriter, Blobs, BlockId, BlockWriter,
    ByteRange, ListedBlob, Page, StoreError, WaitingBlock,
    limits::{BLOB_WRITER_WAIT, BLOB_WRITERS_MAX},
};
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    commit,
    hub::{HubFiles, sync_directory},
    layout,
    limits::CHUNK_BYTES,
    listing,
    new_file::{NewFile, unix_millis},
    pool::Pool,
    writers::{Block, WholeBlob, Writing},
};
use crate::{
    directory::{DataDirectory, private_builder},
    error::unusable,
};

const REMOVED: &str = "removed";

/// All hubs' blobs, in `blobs/` of the data directory.
pub struct EmbeddedBlobs {
    shared: Arc<Shared>,
    pool: Pool,
    writers: Arc<Semaphore>,
}

struct Shared {
    directory: PathBuf,
    hub_bytes_max: u64,
    hubs: Mutex<HashMap<HubKey, Arc<Slot>>>,
    /// Held, so that no other process writes here.
    _data: Arc<DataDirectory>,
}

/// A hub's files once they are summed up; locked while that is done, and while they are removed.
type Slot = AsyncMutex<Option<Arc<HubFiles>>>;

impl EmbeddedBlobs {
    /// Makes a directory `blobs` in the data directory, if there is none, and finishes removals that were cut short. A hub's
    /// blobs may take `hub_bytes_max` bytes. Errors: the directory cannot be used.
    pub fn open(data: Arc<DataDirectory>, hub_bytes_max: u64) -> Result<Self, StoreError> {
        let directory = data.path().join("blobs");
        let fail = |error: io::Error| unusable(&directory, &error);
        private_builder().create(&directory).map_err(fail)?;
        for entry in fs::read_dir(&directory).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|extension| extension == REMOVED) {
                fs::remove_dir_all(&path).map_err(fail)?;
            }
        }
        let shared = Shared { directory, hub_bytes_max, hubs: Mutex::default(), _data: data };
        Ok(Self { shared: Arc::new(shared), pool: Pool::new(), writers: Arc::new(Semaphore::new(BLOB_WRITERS_MAX)) })
    }

    async fn run<T: Send + 'static>(
        &self,
        hub: HubKey,
        job: impl FnOnce(&Arc<HubFiles>) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let hub = self.hub(hub).await?;
        self.pool.run(move || job(&hub)).await
    }

    /// A hub's files. The first time they are summed up, for which others of this hub wait, and nobody else.
    async fn hub(&self, key: HubKey) -> Result<Arc<HubFiles>, BlobError> {
        let mut slot = self.shared.slot(key).lock_owned().await;
        if let Some(hub) = &*slot {
            return Ok(hub.clone());
        }
        let shared = self.shared.clone();
        // The lock goes along: who asked may go away, and the next must not begin before this has ended.
        self.pool.run(move || shared.open(key, &mut slot)).await
    }

    /// One of the places for writers.
    async fn place(&self) -> Result<OwnedSemaphorePermit, BlobError> {
        let place = timeout(BLOB_WRITER_WAIT, self.writers.clone().acquire_owned()).await;
        Ok(place.map_err(|_| BlobError::Busy)?.expect("the semaphore is never closed"))
    }

    async fn writing(&self, hub: HubKey, bytes_max: u64) -> Result<Writing, BlobError> {
        let place = self.place().await?;
        let (hub, new) = self.run(hub, |hub| Ok((hub.clone(), NewFile::create(hub.clone())?))).await?;
        let pool = self.pool.clone();
        Ok(Writing { pool, hub, new: Some(new), gathered: Vec::new(), bytes: 0, bytes_max, _place: place })
    }
}

impl Shared {
    fn path_of(&self, hub: HubKey) -> PathBuf {
        self.directory.join(hub.to_string())
    }

    fn slot(&self, key: HubKey) -> Arc<Slot> {
        self.hubs.lock().entry(key).or_default().clone()
    }

    /// Sums up a hub's files. Errors: its directory cannot be used.
    fn open(&self, key: HubKey, slot: &mut Option<Arc<HubFiles>>) -> Result<Arc<HubFiles>, BlobError> {
        let path = self.path_of(key);
        let opened = HubFiles::open(path.clone(), self.hub_bytes_max).map_err(|error| unusable(&path, &error))?;
        let hub = Arc::new(opened);
        *slot = Some(hub.clone());
        Ok(hub)
    }

    /// Renames first, so that half a directory is never taken for a hub's, then removes.
    fn delete(&self, key: HubKey, mut slot: OwnedMutexGuard<Option<Arc<HubFiles>>>) -> io::Result<()> {
        let path = self.path_of(key);
        let removed = path.with_extension(REMOVED);
        *slot = None;
        let renamed = fs::rename(&path, &removed);
        {
            let mut hubs = self.hubs.lock();
            // Whoever waits for this slot would not see what is done through another one.
            if Arc::strong_count(OwnedMutexGuard::mutex(&slot)) == 2 {
                hubs.remove(&key);
            }
        }
        drop(slot);
        match renamed {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        sync_directory(&self.directory)?;
        fs::remove_dir_all(&removed)
    }

    /// The hubs that have blobs.
    fn keys(&self) -> io::Result<Vec<HubKey>> {
        let key = |name: &Path| u64::from_str_radix(name.file_name()?.to_str()?, 16).ok().map(HubKey);
        let paths = fs::read_dir(&self.directory)?.map(|entry| entry.map(|entry| entry.path()));
        Ok(paths.collect::<io::Result<Vec<_>>>()?.iter().filter_map(|path| key(path)).collect())
    }
}

#[async_trait]
impl Blobs for EmbeddedBlobs {
    async fn begin_block(&self, path: &BlobPath, id: &BlockId) -> Result<Box<dyn BlockWriter>, BlobError> {
        let writing = self.writing(path.hub(), Block::BYTES_MAX).await?;
        let name = layout::block(&writing.hub.directory, path, id);
        Ok(Box::new(Block { writing, name }))
    }

    async fn begin_blob(&self, path: &BlobPath, properties: &BlobProperties) -> Result<Box<dyn BlobWriter>, BlobError> {
        let writing = self.writing(path.hub(), WholeBlob::BYTES_MAX).await?;
        Ok(Box::new(WholeBlob { writing, path: path.clone(), properties: properties.clone() }))
    }

    async fn commit_blocks(
        &self,
        path: &BlobPath,
        blocks: &[BlockId],
        properties: &BlobProperties,
        condition: &BlobCondition,
    ) -> Result<BlobInfo, BlobError> {
        let _place = self.place().await?;
        let (path, blocks, properties, condition) =
            (path.clone(), blocks.to_vec(), properties.clone(), condition.clone());
        self.run(path.hub(), move |hub| commit::blocks(hub, &path, &blocks, &properties, &condition)).await
    }

    async fn list_blocks(&self, path: &BlobPath) -> Result<Vec<WaitingBlock>, BlobError> {
        let path = path.clone();
        self.run(path.hub(), move |hub| commit::waiting(&layout::blocks(&hub.directory, &path))).await
    }

    async fn find(&self, path: &BlobPath) -> Result<Option<BlobInfo>, BlobError> {
        let path = path.clone();
        let found = self.run(path.hub(), move |hub| commit::stored(hub, &path)).await?;
        Ok(found.map(|(_, trailer, size)| trailer.info(size)))
    }

    async fn read(&self, path: &BlobPath, range: Option<ByteRange>) -> Result<Option<BlobRead>, BlobError> {
        let path = path.clone();
        let Some((file, trailer, size)) = self.run(path.hub(), move |hub| commit::stored(hub, &path)).await? else {
            return Ok(None);
        };
        let range = range.map_or(Ok(0..size), |range| range.within(size))?;
        let chunks = chunks(self.pool.clone(), Arc::new(file), range.clone());
        Ok(Some(BlobRead { info: trailer.info(size), range, chunks }))
    }

    async fn list(
        &self,
        hub: HubKey,
        device: &DeviceId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ListedBlob>, BlobError> {
        let (path, device) = (self.shared.path_of(hub), device.clone());
        let after = after.map(str::to_owned);
        // Not through the hub's slot, which would make a directory for a hub without files and sum up one that was not asked for.
        self.pool.run(move || listing::list(&layout::device(&path, &device), after.as_deref(), limit)).await
    }

    async fn delete(&self, path: &BlobPath) -> Result<bool, BlobError> {
        let (key, path) = (path.hub(), path.clone());
        let delete = move |hub: &Arc<HubFiles>| {
            let name = layout::file(&hub.directory, &path);
            let _one_at_a_time = hub.lock(&layout::blocks(&hub.directory, &path));
            let removed = hub.remove(&name)?;
            if let (true, Some(directory)) = (removed, name.parent()) {
                sync_directory(directory).map_err(|error| unusable(directory, &error))?;
            }
            Ok(removed)
        };
        self.run(key, delete).await
    }

    async fn bytes(&self, hub: HubKey) -> Result<u64, BlobError> {
        let mut slot = self.shared.slot(hub).lock_owned().await;
        if let Some(hub) = &*slot {
            return Ok(hub.quota.used());
        }
        let shared = self.shared.clone();
        let sum_up = move || {
            // Opening it would make it.
            if !shared.path_of(hub).exists() {
                return Ok(0);
            }
            shared.open(hub, &mut slot).map(|hub| hub.quota.used())
        };
        self.pool.run(sum_up).await
    }

    async fn delete_hub(&self, hub: HubKey) -> Result<(), BlobError> {
        let (shared, slot) = (self.shared.clone(), self.shared.slot(hub).lock_owned().await);
        let delete = move || shared.delete(hub, slot).map_err(|error| unusable(&shared.path_of(hub), &error).into());
        self.pool.run(delete).await
    }

    async fn sweep(&self, before: UnixMillis) -> Result<u64, BlobError> {
        let shared = self.shared.clone();
        let keys = move || shared.keys().map_err(|error| unusable(&shared.directory, &error).into());
        let mut swept = 0;
        for key in self.pool.run(keys).await? {
            swept += self.run(key, move |hub| sweep(hub, before)).await?;
        }
        Ok(swept)
    }
}

fn sweep(hub: &HubFiles, before: UnixMillis) -> Result<u64, BlobError> {
    let waiting = hub.directory.join("blocks");
    let fail = |error: io::Error| BlobError::from(unusable(&waiting, &error));
    let is_old = |found: &fs::Metadata| found.modified().is_ok_and(|at| unix_millis(at) < before);
    let mut swept = 0;
    let directories = match fs::read_dir(&waiting) {
        // The hub was deleted meanwhile.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        found => found.map_err(fail)?,
    };
    for directory in directories {
        let directory = directory.map_err(fail)?.path();
        let _nobody_commits = hub.lock(&directory);
        swept += hub.remove_blocks(&directory, is_old)?;
    }
    Ok(swept)
}

/// The bytes of a range, a chunk at a time.
fn chunks(pool: Pool, file: Arc<File>, range: Range<u64>) -> BoxStream<'static, Result<Bytes, StoreError>> {
    let next = move |at: u64| {
        let (pool, file) = (pool.clone(), file.clone());
        let len = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(CHUNK_BYTES);
        async move {
            if len == 0 {
                return Ok(None);
            }
            let read = move || {
                let mut bytes = vec![0; len];
                let read = file.read_exact_at(&mut bytes, at);
                read.map_err(|error| StoreError::Unavailable(format!("an uploaded file: {error}")))?;
                Ok(Bytes::from(bytes))
            };
            match pool.run(read).await {
                Ok(bytes) => Ok(Some((bytes, at + len as u64))),
                Err(BlobError::Store(error)) => Err(error),
                Err(other) => Err(StoreError::Unavailable(other.to_string())),
            }
        }
    };
    stream::try_unfold(range.start, next).boxed()
}
