//! Names of files, from names of blobs.

use std::path::{Path, PathBuf};

use roadstead_model::DeviceId;
use roadstead_store::{
    BlobPath, BlockId,
    blob_path::{digest_name, hex_name, storage_name},
};

use super::limits::FILE_NAME_BYTES_MAX;

/// `files/thermo-7/logs%2F1.txt` below a hub's directory.
pub(crate) fn file(hub: &Path, path: &BlobPath) -> PathBuf {
    device(hub, path.device()).join(storage_name(path.name(), FILE_NAME_BYTES_MAX))
}

/// Where the files of a device are.
pub(crate) fn device(hub: &Path, id: &DeviceId) -> PathBuf {
    hub.join("files").join(storage_name(id.as_str(), FILE_NAME_BYTES_MAX))
}

/// Where the blocks of a blob wait.
pub(crate) fn blocks(hub: &Path, path: &BlobPath) -> PathBuf {
    hub.join("blocks").join(digest_name(&path.full_name()))
}

/// The file of one block.
pub(crate) fn block(hub: &Path, path: &BlobPath, id: &BlockId) -> PathBuf {
    blocks(hub, path).join(hex_name(id.as_bytes()))
}
