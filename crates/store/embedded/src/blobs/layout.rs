//! Names of files, from names of blobs.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use roadstead_store::{BlobPath, BlockId};

use super::limits::FILE_NAME_BYTES_MAX;

/// `files/thermo-7/logs%2F1.txt` below a hub's directory.
pub(crate) fn file(hub: &Path, path: &BlobPath) -> PathBuf {
    hub.join("files").join(name(path.device().as_str())).join(name(path.name()))
}

/// Where the blocks of a blob wait.
pub(crate) fn blocks(hub: &Path, path: &BlobPath) -> PathBuf {
    hub.join("blocks").join(sha256(&path.full_name()))
}

/// The file of one block.
pub(crate) fn block(hub: &Path, path: &BlobPath, id: &BlockId) -> PathBuf {
    blocks(hub, path).join(hex(id.as_bytes()))
}

/// A text as the name of one file: percent-encoded, never hidden, and its digest when that gets too long.
fn name(text: &str) -> String {
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
    if name.len() > FILE_NAME_BYTES_MAX { format!("~{}", sha256(text)) } else { name }
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory_and_apart() {
        for (text, expected) in [
            ("logs/1.txt", "logs%2F1.txt"),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("a%2Fb~", "a%252Fb%7E"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
        let (long, longer) = ("/".repeat(80), "/".repeat(81));
        assert_eq!(name(&long).len(), FILE_NAME_BYTES_MAX);
        assert_eq!(name(&longer), format!("~{}", sha256(&longer)));
    }
}
