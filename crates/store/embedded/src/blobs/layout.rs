//! Names of files, from names of blobs.

use std::path::{Path, PathBuf};

use roadstead_store::{
    BlobPath, BlockId,
    blob_path::{digest_name, hex_name, storage_name},
};

use super::limits::FILE_NAME_BYTES_MAX;

/// `files/thermo-7/logs%2F1.txt` below a hub's directory.
pub(crate) fn file(hub: &Path, path: &BlobPath) -> PathBuf {
    let name = |text| storage_name(text, FILE_NAME_BYTES_MAX);
    hub.join("files").join(name(path.device().as_str())).join(name(path.name()))
}

/// Where the blocks of a blob wait.
pub(crate) fn blocks(hub: &Path, path: &BlobPath) -> PathBuf {
    hub.join("blocks").join(digest_name(&path.full_name()))
}

/// The file of one block.
pub(crate) fn block(hub: &Path, path: &BlobPath, id: &BlockId) -> PathBuf {
    blocks(hub, path).join(hex_name(id.as_bytes()))
}
