//! Request bodies that must be JSON objects.

use serde::{Deserialize, de::Error};

/// Reads a JSON object. An array is refused, although serde would take its elements for a struct's members in order.
///
/// Errors: not JSON, not an object, or members that do not fit.
pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> serde_json::Result<T> {
    match body.trim_ascii_start().first() {
        Some(b'[') => Err(serde_json::Error::custom("expected an object, found an array")),
        _ => serde_json::from_slice(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub_service::TwinChanges;

    #[test]
    fn objects_only() {
        assert_eq!(parse::<TwinChanges>(b" {} ").unwrap(), TwinChanges::default());
        for body in [&b""[..], b"[]", b" [null,null]", b"1", b"null", b"{} {}", b"{\"tags\":1}"] {
            assert!(parse::<TwinChanges>(body).is_err(), "{body:?}");
        }
    }
}
