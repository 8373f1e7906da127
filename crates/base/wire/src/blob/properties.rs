//! What a request says of a blob, and what an answer says of it.

/// Prefix of the headers that carry metadata.
const METADATA_PREFIX: &str = "x-ms-meta-";

/// Why headers were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// A metadata name that is not an identifier.
    #[error("the metadata name `{name}` is not of letters, digits and _, or begins with a digit")]
    Name {
        /// Without the prefix.
        name: String,
    },
    /// Too many entries, or too many bytes.
    #[error("the metadata has {entries} entries of {bytes} bytes; at most {entries_max} of {bytes_max} are allowed")]
    TooLarge {
        /// Entries sent.
        entries: usize,
        /// Bytes of all names and values.
        bytes: usize,
        /// The bound.
        entries_max: usize,
        /// The bound.
        bytes_max: usize,
    },
}

/// What the headers of a put say of the blob.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentHeaders {
    /// `x-ms-blob-content-type`
    pub content_type: Option<String>,
    /// `x-ms-blob-content-encoding`
    pub content_encoding: Option<String>,
    /// `x-ms-blob-content-md5`
    pub content_md5: Option<String>,
    /// `x-ms-meta-NAME`, names in lower case, in their order.
    pub metadata: Vec<(String, String)>,
}

/// Reads the headers of a put, whose names are in lower case. `whole` says that the request's own content headers speak of the
/// blob, where there are none of the blob's: so it is when a blob is put whole. Source: docs, "Put Blob", "Put Block List"
pub fn read<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    whole: bool,
    entries_max: usize,
    bytes_max: usize,
) -> Result<ContentHeaders, PropertyError> {
    let (mut blob, mut request) = (ContentHeaders::default(), ContentHeaders::default());
    for (name, value) in headers {
        let slot = match name {
            "x-ms-blob-content-type" => &mut blob.content_type,
            "x-ms-blob-content-encoding" => &mut blob.content_encoding,
            "x-ms-blob-content-md5" => &mut blob.content_md5,
            "content-type" => &mut request.content_type,
            "content-encoding" => &mut request.content_encoding,
            name => {
                if let Some(name) = name.strip_prefix(METADATA_PREFIX) {
                    blob.metadata.push((check_name(name)?, value.to_owned()));
                }
                continue;
            }
        };
        *slot = Some(value.to_owned()).filter(|value| !value.is_empty());
    }
    let (entries, bytes) =
        (blob.metadata.len(), blob.metadata.iter().map(|(name, value)| name.len() + value.len()).sum());
    if entries > entries_max || bytes > bytes_max {
        return Err(PropertyError::TooLarge { entries, bytes, entries_max, bytes_max });
    }
    if whole {
        blob.content_type = blob.content_type.or(request.content_type);
        blob.content_encoding = blob.content_encoding.or(request.content_encoding);
    }
    blob.metadata.sort();
    Ok(blob)
}

/// The same as headers of an answer. A blob without a type is `application/octet-stream`.
pub fn content_headers(content: &ContentHeaders) -> Vec<(String, String)> {
    let mut headers = Vec::with_capacity(3 + content.metadata.len());
    let content_type = content.content_type.as_deref().unwrap_or("application/octet-stream");
    headers.push(("content-type".to_owned(), content_type.to_owned()));
    headers.extend(content.content_encoding.iter().map(|value| ("content-encoding".to_owned(), value.clone())));
    headers.extend(content.content_md5.iter().map(|value| ("content-md5".to_owned(), value.clone())));
    headers.extend(content.metadata.iter().map(|(name, value)| (format!("{METADATA_PREFIX}{name}"), value.clone())));
    headers
}

fn check_name(name: &str) -> Result<String, PropertyError> {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins_well = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    if is_word && begins_well { Ok(name.to_owned()) } else { Err(PropertyError::Name { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_the_blob_goes_first() {
        let headers = [
            ("content-type", "application/octet-stream"),
            ("x-ms-blob-content-type", "text/csv"),
            ("content-encoding", "gzip"),
            ("x-ms-meta-plant", "b"),
            ("x-ms-meta-line", "3"),
            ("x-ms-blob-content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("x-ms-date", "today"),
        ];
        let whole = read(headers, true, 2, 11).unwrap();
        assert_eq!(
            (whole.content_type.as_deref(), whole.content_encoding.as_deref()),
            (Some("text/csv"), Some("gzip"))
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(whole.metadata, [pair("line", "3"), pair("plant", "b")]);
        let listed = read(headers, false, 2, 11).unwrap();
        assert_eq!(listed.content_encoding, None, "that is the list's own");
        let answered = content_headers(&listed);
        assert_eq!(answered[0], pair("content-type", "text/csv"));
        assert_eq!(answered.last(), Some(&pair("x-ms-meta-plant", "b")));
        assert_eq!(content_headers(&ContentHeaders::default()), [pair("content-type", "application/octet-stream")]);
    }

    #[test]
    fn metadata_is_bounded_and_named_well() {
        let entries = [("x-ms-meta-a", "1"), ("x-ms-meta-b", "22")];
        let refused = read(entries, true, 1, 100).unwrap_err();
        assert_eq!(refused, PropertyError::TooLarge { entries: 2, bytes: 5, entries_max: 1, bytes_max: 100 });
        assert!(read(entries, true, 2, 4).is_err());
        for name in ["x-ms-meta-", "x-ms-meta-1a", "x-ms-meta-a-b"] {
            assert!(matches!(read([(name, "v")], true, 9, 99), Err(PropertyError::Name { .. })), "{name}");
        }
    }
}
