//! Names of objects, from names of blobs.

use object_store::path::Path;
use roadstead_model::{DeviceId, HubKey};
use roadstead_store::{
    BlobPath, BlockId,
    blob_path::{digest_name, hex_name, storage_name},
};

use crate::limits::{KEPT_NAME_BYTES_MAX, NAME_BYTES_MAX, SEGMENT_BYTES_MAX};

/// Everything of a hub.
pub(crate) fn hub(prefix: &Path, key: HubKey) -> Path {
    prefix.clone().join(key.to_string())
}

/// `…/files/thermo-7/logs/1.txt`
pub(crate) fn file(prefix: &Path, path: &BlobPath) -> Path {
    let segments: Vec<String> =
        path.name().split('/').map(|segment| storage_name(segment, SEGMENT_BYTES_MAX)).collect();
    let device = device(prefix, path.hub(), path.device());
    let bytes: usize = segments.iter().map(|segment| segment.len() + 1).sum();
    if bytes > NAME_BYTES_MAX {
        return device.join_encoded(&format!("~{}", digest_name(path.name())));
    }
    segments.iter().fold(device, |name, segment| name.join_encoded(segment))
}

/// Everything of a device.
pub(crate) fn device(prefix: &Path, key: HubKey, id: &DeviceId) -> Path {
    hub(prefix, key).join("files").join_encoded(&storage_name(id.as_str(), SEGMENT_BYTES_MAX))
}

/// The blob's name, from what its object's has behind the device's: `logs%20b/1.txt`. `None` where a digest stands for it, or for a
/// part of it.
pub(crate) fn of_blob(below_device: &str) -> Option<String> {
    let segment = |segment: &str| match segment {
        "%" => Some(String::new()),
        segment if segment.starts_with('~') => None,
        segment => percent_decoded(segment),
    };
    below_device.split('/').map(segment).collect::<Option<Vec<_>>>().map(|segments| segments.join("/"))
}

/// The blob's name, percent-encoded, where its object's does not tell it; `None` as well where it is too long to be kept: such a
/// blob is in no listing.
pub(crate) fn untold(path: &BlobPath) -> Option<String> {
    let object = file(&Path::default(), path);
    let is_told = object.prefix_match(&device(&Path::default(), path.hub(), path.device())).is_some_and(|parts| {
        let below: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
        of_blob(&below.join("/")).is_some()
    });
    let name = storage_name(path.name(), usize::MAX);
    (!is_told && name.len() <= KEPT_NAME_BYTES_MAX).then_some(name)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(if byte == b'%' { digit(rest.next())? << 4 | digit(rest.next())? } else { byte });
    }
    String::from_utf8(bytes).ok()
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
        for own in ["logs/1.txt", "/a//ä%/", ".b/~c", "{a}#[b]", "\u{1f980}"] {
            let object = name("d", own);
            assert_eq!(of_blob(object.strip_prefix("d/").unwrap()).as_deref(), Some(own));
        }
        let path = |name: &str| BlobPath::parse(HubKey(7), DeviceId::parse("d").unwrap(), name).unwrap();
        assert_eq!(untold(&path("a/b")), None);
        let long = "x".repeat(SEGMENT_BYTES_MAX + 1);
        assert_eq!(untold(&path(&format!("{long}/a"))), Some(format!("{long}%2Fa")));
        assert_eq!(untold(&path(&"\u{1f980}".repeat(90))), None, "1080 bytes");
        for foreign in ["~0", "a/~0", "%", "%2", "%zz", "%FF"] {
            assert_eq!(of_blob(foreign), (foreign == "%").then(String::new), "{foreign}");
        }
    }
}
