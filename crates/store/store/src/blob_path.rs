//! Which blob, which block: names made only by parsing.

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_model::{DeviceId, HubKey};
use thiserror::Error;

use crate::limits::{BLOB_NAME_CHARS_MAX, BLOCK_ID_BYTES_MAX};

/// Names a blob: device `thermo-7`, name `logs/1.txt`. Case counts; any text is a name but one that a path could be led
/// astray by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobPath {
    hub: HubKey,
    device: DeviceId,
    name: String,
}

/// Why a text does not name a blob.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlobPathError {
    #[error("the blob's name is empty")]
    Empty,
    #[error("the blob's name has {chars} characters with its device's id, at most {BLOB_NAME_CHARS_MAX} are allowed")]
    TooLong { chars: usize },
    #[error("the blob's name contains the control character {found:?}")]
    Control { found: char },
    #[error("the blob's name has a segment `{segment}`: clients would resolve it to another name")]
    Dots { segment: String },
}

impl BlobPath {
    /// A blob of `device`. Errors: an empty name, over 1024 characters with the device's id, a control character, or a segment
    /// `.` or `..`. Source: docs, naming of containers and blobs.
    pub fn parse(hub: HubKey, device: DeviceId, name: &str) -> Result<Self, BlobPathError> {
        if name.is_empty() {
            return Err(BlobPathError::Empty);
        }
        let chars = device.as_str().len() + 1 + name.chars().count();
        if chars > BLOB_NAME_CHARS_MAX {
            return Err(BlobPathError::TooLong { chars });
        }
        if let Some(found) = name.chars().find(|c| c.is_control()) {
            return Err(BlobPathError::Control { found });
        }
        if let Some(segment) = name.split('/').find(|segment| matches!(*segment, "." | "..")) {
            return Err(BlobPathError::Dots { segment: segment.to_owned() });
        }
        Ok(Self { hub, device, name: name.to_owned() })
    }

    /// Whose blob it is.
    pub fn hub(&self) -> HubKey {
        self.hub
    }

    /// The device that put it.
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// The name below the device: `logs/1.txt`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name in the container, as Azure prints it: `thermo-7/logs/1.txt`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.device, self.name)
    }
}

/// A block of a blob that is being put together, as its uploader named it. On the wire: base64, `MDAwMDAw`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlockId(Vec<u8>);

/// Why a text is not a block's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockIdError {
    #[error("the block id is not base64")]
    NotBase64,
    #[error("the block id has {bytes} bytes before base64; 1 to {BLOCK_ID_BYTES_MAX} are allowed")]
    Length { bytes: usize },
}

impl BlockId {
    /// Errors: not base64 with its padding, empty, or over 64 bytes. Source: docs, Put Block.
    pub fn parse(text: &str) -> Result<Self, BlockIdError> {
        let bytes = STANDARD.decode(text).map_err(|_| BlockIdError::NotBase64)?;
        match bytes.len() {
            1..=BLOCK_ID_BYTES_MAX => Ok(Self(bytes)),
            bytes => Err(BlockIdError::Length { bytes }),
        }
    }

    /// The id before base64.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str) -> Result<BlobPath, BlobPathError> {
        BlobPath::parse(HubKey(7), DeviceId::parse("thermo-7").unwrap(), name)
    }

    #[test]
    fn names_of_blobs() {
        let long = "ä".repeat(BLOB_NAME_CHARS_MAX - "thermo-7/".len());
        for good in ["a", "logs/1.txt", "/var/log//x", "a/", "...", "a..b/.c", "ä b?#%\\", long.as_str()] {
            assert_eq!(parse(good).unwrap().name(), good);
        }
        assert_eq!(parse("Logs/1.txt").unwrap().full_name(), "thermo-7/Logs/1.txt");
        let segment = |segment: &str| BlobPathError::Dots { segment: segment.to_owned() };
        for (bad, error) in [
            ("", BlobPathError::Empty),
            ("..", segment("..")),
            ("../b", segment("..")),
            ("a/../b", segment("..")),
            ("a/.", segment(".")),
            ("a\nb", BlobPathError::Control { found: '\n' }),
            ("a\0", BlobPathError::Control { found: '\0' }),
            (&format!("{long}x"), BlobPathError::TooLong { chars: BLOB_NAME_CHARS_MAX + 1 }),
        ] {
            assert_eq!(parse(bad), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn ids_of_blocks() {
        assert_eq!(BlockId::parse("MDAwMDAw").unwrap().as_bytes(), b"000000");
        assert!(BlockId::parse(&STANDARD.encode([7; 64])).is_ok());
        for (bad, error) in [
            ("", BlockIdError::Length { bytes: 0 }),
            ("MDAwMDA", BlockIdError::NotBase64),
            ("a b=", BlockIdError::NotBase64),
            (&*STANDARD.encode([7; 65]), BlockIdError::Length { bytes: 65 }),
        ] {
            assert_eq!(BlockId::parse(bad), Err(error), "{bad}");
        }
    }
}
