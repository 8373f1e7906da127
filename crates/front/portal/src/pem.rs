//! Certificates and requests as forms bring them.

use crate::ask::Ask;
use crate::fault::Fault;
use base64::{Engine, engine::general_purpose::STANDARD};

/// A certificate's file, or else what was pasted: as text, whatever form it came in. `None` when there is neither.
pub(crate) fn uploaded(ask: &Ask, file: &str, pasted: &str) -> Result<Option<String>, Fault> {
    let bytes = match ask.file(file) {
        b"" => ask.field(pasted).trim().as_bytes(),
        bytes => bytes,
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    // DER begins with a sequence of two length bytes; everything else that is taken is text.
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.starts_with(&[0x30, 0x82]) => Ok(Some(text.trim().to_owned())),
        _ if bytes.starts_with(&[0x30]) => Ok(Some(STANDARD.encode(bytes))),
        _ => Err(Fault::invalid("The file is no certificate: neither PEM nor DER.")),
    }
}
