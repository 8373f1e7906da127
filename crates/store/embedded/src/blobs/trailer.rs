//! What is kept with a content, behind it in the same file, so that one rename replaces both.
//!
//! ```text
//! content | JSON | its CRC-32 (u32) | its length (u32) | "rsblob01"       numbers little-endian
//! ```

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::FileExt,
};

use roadstead_model::{Etag, UnixMillis};
use roadstead_store::{BlobInfo, BlobPath, BlobProperties};
use serde::{Deserialize, Serialize};

use super::limits::TRAILER_BYTES_MAX;

const MAGIC: &[u8; 8] = b"rsblob01";
const FOOT_BYTES: u64 = 16;

/// What is kept with a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    /// The name, for whoever finds only the file.
    pub(crate) name: String,
    /// Counts versions: greater than that of the version it replaced.
    pub(crate) version: u64,
    pub(crate) last_modified: UnixMillis,
    pub(crate) properties: BlobProperties,
    /// Which block list made it.
    pub(crate) block_list: Option<String>,
}

impl Trailer {
    /// Of a new version at `modified`, after the one numbered `before`.
    pub(crate) fn new(
        path: &BlobPath,
        properties: &BlobProperties,
        block_list: Option<String>,
        modified: UnixMillis,
        before: u64,
    ) -> Self {
        let micros = u64::try_from(modified.0).unwrap_or(0).saturating_mul(1000);
        Self {
            name: path.full_name(),
            version: micros.max(before.saturating_add(1)),
            last_modified: modified,
            properties: properties.clone(),
            block_list,
        }
    }

    pub(crate) fn etag(&self) -> Etag {
        Etag::from_client(&format!("0x{:X}", self.version))
    }

    pub(crate) fn info(self, size: u64) -> BlobInfo {
        BlobInfo { size, etag: self.etag(), last_modified: self.last_modified, properties: self.properties }
    }

    pub(crate) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        let len = u32::try_from(bytes.len()).ok().filter(|len| *len <= TRAILER_BYTES_MAX);
        let len = len.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "too many properties"))?;
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        Ok(bytes)
    }

    /// The trailer of a file, and how many bytes are before it. Errors: `InvalidData` when the file was not written so.
    pub(crate) fn read(file: &File) -> io::Result<(Self, u64)> {
        let damaged = || io::Error::new(ErrorKind::InvalidData, "the end of the file is damaged");
        let end = file.metadata()?.len().checked_sub(FOOT_BYTES).ok_or_else(damaged)?;
        let mut foot = [0; FOOT_BYTES as usize];
        file.read_exact_at(&mut foot, end)?;
        let [c0, c1, c2, c3, l0, l1, l2, l3, magic @ ..] = foot;
        let (checksum, len) = (u32::from_le_bytes([c0, c1, c2, c3]), u32::from_le_bytes([l0, l1, l2, l3]));
        if magic != *MAGIC || len > TRAILER_BYTES_MAX {
            return Err(damaged());
        }
        let size = end.checked_sub(u64::from(len)).ok_or_else(damaged)?;
        let mut json = vec![0; len as usize];
        file.read_exact_at(&mut json, size)?;
        if crc32fast::hash(&json) != checksum {
            return Err(damaged());
        }
        Ok((serde_json::from_slice(&json).map_err(|_| damaged())?, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_store::suite::blobs::path;
    use std::io::Write;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn reads_back_behind_any_content_and_refuses_every_cut_and_flip() {
        let trailer = Trailer::new(&path("a"), &BlobProperties::default(), Some("ab".to_owned()), UnixMillis(7), 3);
        assert_eq!((trailer.version, trailer.etag().as_str()), (7000, "0x1B58"));
        assert_eq!(Trailer::new(&path("a"), &BlobProperties::default(), None, UnixMillis(7), 7000).version, 7001);
        let bytes = trailer.to_bytes().unwrap();
        for content in [&b""[..], b"hello"] {
            let whole = [content, &bytes].concat();
            assert_eq!(Trailer::read(&file(&whole)).unwrap(), (trailer.clone(), content.len() as u64));
        }
        for at in 0..bytes.len() {
            assert!(Trailer::read(&file(&bytes[..at])).is_err(), "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            assert!(Trailer::read(&file(&flipped)).is_err(), "flipped at {at}");
        }
    }

    #[test]
    fn trailers_of_the_first_version_stay_readable() {
        let json = br#"{"name":"thermo-7/a","version":9,"last_modified":5,"properties":{"content_type":"a/b","content_encoding":null,"content_md5":null,"metadata":[["k","v"]]},"block_list":null}"#;
        let foot = [&crc32fast::hash(json).to_le_bytes()[..], &(json.len() as u32).to_le_bytes(), MAGIC].concat();
        let (trailer, size) = Trailer::read(&file(&[b"xyz", &json[..], &foot].concat())).unwrap();
        assert_eq!((trailer.version, size), (9, 3));
        assert_eq!(trailer.properties.metadata, [("k".to_owned(), "v".to_owned())]);
    }
}
