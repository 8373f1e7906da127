//! How what was written becomes a blob.

use std::{
    fs::File,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
};

use roadstead_store::{
    BlobCondition, BlobError, BlobInfo, BlobPath, BlobProperties, BlockId, WaitingBlock,
    blob::block_list_digest,
    limits::{BLOB_BYTES_MAX, BLOCKS_MAX},
};
use tracing::warn;

use super::{
    hub::{HubFiles, grains},
    layout,
    new_file::NewFile,
    trailer::Trailer,
};
use crate::error::unusable;

/// The stored version of a blob: its file, what is kept with it, and the bytes of its content.
pub(crate) fn stored(hub: &HubFiles, path: &BlobPath) -> Result<Option<(File, Trailer, u64)>, BlobError> {
    let name = layout::file(&hub.directory, path);
    let read = File::open(&name).and_then(|file| Trailer::read(&file).map(|(trailer, size)| (file, trailer, size)));
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(roadstead_store::StoreError::Unreadable(format!("{}: {error}", name.display())).into())
        }
        Err(error) => Err(unusable(&name, &error).into()),
    }
}

/// Makes a file with the whole content the blob, and drops its blocks.
pub(crate) fn blob(
    hub: &HubFiles,
    path: &BlobPath,
    mut new: NewFile,
    properties: &BlobProperties,
    block_list: Option<String>,
    condition: &BlobCondition,
) -> Result<BlobInfo, BlobError> {
    // The content first, outside the lock: this is what takes time.
    new.sync()?;
    let modified = new.modified()?;
    let size = new.len();
    let blocks = layout::blocks(&hub.directory, path);
    let _one_at_a_time = hub.lock(&blocks);
    let before = match stored(hub, path) {
        Ok(found) => found.map(|(_, trailer, _)| trailer),
        Err(BlobError::Store(cause)) if *condition == BlobCondition::Any => {
            warn!(%cause, "a damaged file is replaced by a new upload");
            None
        }
        Err(error) => return Err(error),
    };
    condition.check(before.as_ref().map(Trailer::etag).as_ref())?;
    let trailer = Trailer::new(path, properties, block_list, modified, before.map_or(0, |before| before.version));
    let name = layout::file(&hub.directory, path);
    new.write(&trailer.to_bytes().map_err(|error| unusable(&name, &error))?)?;
    new.sync()?;
    new.keep(&name)?;
    if let Err(cause) = hub.remove_blocks(&blocks, |_| true) {
        warn!(%cause, "blocks that are no longer needed stay until they are swept");
    }
    Ok(trailer.info(size))
}

/// Makes these blocks the blob.
pub(crate) fn blocks(
    hub: &Arc<HubFiles>,
    path: &BlobPath,
    blocks: &[BlockId],
    properties: &BlobProperties,
    condition: &BlobCondition,
) -> Result<BlobInfo, BlobError> {
    let list = block_list_digest(blocks);
    let mut total = 0u64;
    for (index, id) in blocks.iter().enumerate() {
        let Some((_, len)) = open_block(hub, path, id)? else {
            return repeated(hub, path, &list)?.ok_or(BlobError::UnknownBlock { index });
        };
        total = total.saturating_add(len);
    }
    if total > BLOB_BYTES_MAX {
        return Err(BlobError::TooLarge);
    }
    let mut new = NewFile::create(hub.clone())?;
    let waiting = waiting_bytes(&layout::blocks(&hub.directory, path));
    // The blocks' own share of the quota pays for the copy: they go when it is there.
    new.borrow(waiting.min(grains(total)));
    new.reserve(total)?;
    for (index, id) in blocks.iter().enumerate() {
        let (mut from, _) = open_block(hub, path, id)?.ok_or(BlobError::UnknownBlock { index })?;
        new.copy(&mut from)?;
    }
    if new.len() != total {
        // A block was put anew, with another length, while its list was committed.
        return Err(BlobError::Busy);
    }
    blob(hub, path, new, properties, Some(list), condition)
}

/// The blob as it is, if this very list made it.
fn repeated(hub: &HubFiles, path: &BlobPath, list: &str) -> Result<Option<BlobInfo>, BlobError> {
    let made_by = |trailer: &Trailer| trailer.block_list.as_deref() == Some(list);
    let found = stored(hub, path)?.filter(|(_, trailer, _)| made_by(trailer));
    Ok(found.map(|(_, trailer, size)| trailer.info(size)))
}

fn open_block(hub: &HubFiles, path: &BlobPath, id: &BlockId) -> Result<Option<(File, u64)>, BlobError> {
    let name = layout::block(&hub.directory, path, id);
    match File::open(&name).and_then(|file| file.metadata().map(|found| (file, found.len()))) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&name, &error).into()),
    }
}

/// The blocks in a directory, in the order of their ids.
pub(crate) fn waiting(directory: &Path) -> Result<Vec<WaitingBlock>, BlobError> {
    let fail = |error: io::Error| BlobError::from(unusable(directory, &error));
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut blocks = Vec::new();
    for entry in entries.take(BLOCKS_MAX) {
        let entry = entry.map_err(fail)?;
        let size = match entry.metadata() {
            Ok(found) => found.len(),
            // Committed, or swept, since the directory was read.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(fail(error)),
        };
        let id = entry.file_name().to_str().and_then(BlockId::of_hex_name);
        blocks.extend(id.map(|id| WaitingBlock { id, size }));
    }
    blocks.sort_by(|one, other| one.id.as_bytes().cmp(other.id.as_bytes()));
    Ok(blocks)
}

/// What the blocks in a directory take of the quota.
fn waiting_bytes(directory: &Path) -> u64 {
    let sum =
        |entries: std::fs::ReadDir| entries.map(|entry| Ok(grains(entry?.metadata()?.len()))).sum::<io::Result<u64>>();
    std::fs::read_dir(directory).and_then(sum).unwrap_or(0)
}
