//! Which blob, which block: names made only by parsing.

use std::fmt::Write;

use aws_lc_rs::digest;
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

    /// As its uploader named it: `MDAwMDAw`.
    pub fn to_text(&self) -> String {
        STANDARD.encode(&self.0)
    }

    /// The id whose bytes have this [`hex_name`]; `None` for other names.
    pub fn of_hex_name(name: &str) -> Option<Self> {
        let digits = name.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 2 * BLOCK_ID_BYTES_MAX {
            return None;
        }
        digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Option<_>>().map(Self)
    }
}

/// A text as one name in a file system or an object store: letters, digits and `-_.` as they are, the rest percent-encoded,
/// never hidden, and [`digest_name`] when that gets longer than `bytes_max`. No two texts have one name but by a collision of SHA-256.
pub fn storage_name(text: &str, bytes_max: usize) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => name.push_str("%2E"),
            b'-' | b'_' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => name.push(char::from(byte)),
            byte => {
                let _ = write!(name, "%{byte:02X}");
            }
        }
    }
    if name.len() > bytes_max { format!("~{}", digest_name(text)) } else { name }
}

/// A text as a name that tells nothing: SHA-256, 64 hex digits.
pub fn digest_name(text: &str) -> String {
    hex_name(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Bytes as a name: hex digits.
pub fn hex_name(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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
        let id = BlockId::parse("AP8wMDA=").unwrap();
        assert_eq!(id.to_text(), "AP8wMDA=");
        assert_eq!(BlockId::of_hex_name(&hex_name(id.as_bytes())), Some(id));
        for bad in ["", "0", "0g", "ä0", "+1", &"00".repeat(65)] {
            assert_eq!(BlockId::of_hex_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn storage_names_stay_in_their_place_and_apart() {
        for (text, expected) in [
            ("logs/1.txt", "logs%2F1.txt"),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("a%2Fb~", "a%252Fb%7E"),
            ("ä", "%C3%A4"),
            ("", "%"),
        ] {
            assert_eq!(storage_name(text, 240), expected, "{text}");
        }
        let (long, longer) = ("/".repeat(80), "/".repeat(81));
        assert_eq!(storage_name(&long, 240).len(), 240);
        assert_eq!(storage_name(&longer, 240), format!("~{}", digest_name(&longer)));
    }
}
