//! Names of objects, from names of blobs.

use object_store::path::Path;
use roadstead_model::HubKey;
use roadstead_store::{
    BlobPath, BlockId,
    blob_path::{digest_name, hex_name, storage_name},
};

use crate::limits::{NAME_BYTES_MAX, SEGMENT_BYTES_MAX};

/// Everything of a hub.
pub(crate) fn hub(prefix: &Path, key: HubKey) -> Path {
    prefix.clone().join(key.to_string())
}

/// `…/files/thermo-7/logs/1.txt`
pub(crate) fn file(prefix: &Path, path: &BlobPath) -> Path {
    let segments: Vec<String> =
        path.name().split('/').map(|segment| storage_name(segment, SEGMENT_BYTES_MAX)).collect();
    let device =
        hub(prefix, path.hub()).join("files").join_encoded(&storage_name(path.device().as_str(), SEGMENT_BYTES_MAX));
    let bytes: usize = segments.iter().map(|segment| segment.len() + 1).sum();
    if bytes > NAME_BYTES_MAX {
        return device.join_encoded(&format!("~{}", digest_name(path.name())));
    }
    segments.iter().fold(device, |name, segment| name.join_encoded(segment))
}

/// Where the blocks of a blob wait.
pub(crate) fn blocks(prefix: &Path, path: &BlobPath) -> Path {
    hub(prefix, path.hub()).join("blocks").join(digest_name(&path.full_name()))
}

/// The object of one block.
pub(crate) fn block(prefix: &Path, path: &BlobPath, id: &BlockId) -> Path {
    blocks(prefix, path).join(hex_name(id.as_bytes()))
}

trait JoinEncoded {
    /// Appends a segment that is a storage name: nothing in it needs another encoding.
    fn join_encoded(self, name: &str) -> Self;
}

impl JoinEncoded for Path {
    fn join_encoded(self, name: &str) -> Self {
        let part = object_store::path::PathPart::parse(name).expect("storage names have neither slashes nor only dots");
        self.join(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_model::DeviceId;

    #[test]
    fn names_read_as_the_device_wrote_them_where_that_is_safe() {
        let prefix = Path::parse("fleet/files").unwrap();
        let name = |device: &str, name: &str| {
            let path = BlobPath::parse(HubKey(7), DeviceId::parse(device).unwrap(), name).unwrap();
            file(&prefix, &path).to_string().strip_prefix("fleet/files/0000000000000007/files/").unwrap().to_owned()
        };
        assert_eq!(name("thermo-7", "logs/1.txt"), "thermo-7/logs/1.txt");
        assert_eq!(name("..", "/a//ä%/"), "%2E./%/a/%/%C3%A4%25/%");
        let long = "ä/".repeat(200);
        assert_eq!(name("d", &long), format!("d/~{}", digest_name(&long)));
    }
}
