//! Where the objects are: a URL, and credentials from the environment.

use std::{env, sync::Arc};

use object_store::{ObjectStore, ObjectStoreScheme, parse_url_opts, path::Path};
use thiserror::Error;
use url::Url;

use crate::limits::{AZURE_METADATA_BYTES_MAX, S3_METADATA_BYTES_MAX};

/// A store, and the part of it that is ours.
#[derive(Debug, Clone)]
pub struct Place {
    pub store: Arc<dyn ObjectStore>,
    /// All objects are below it.
    pub prefix: Path,
    /// Bytes of metadata that one object may have.
    pub metadata_bytes_max: usize,
}

/// Why an object store was not opened.
#[derive(Debug, Error)]
pub enum PlaceError {
    #[error("`{url}` is not a URL: {source}; try s3://bucket/prefix or az://container/prefix")]
    Unreadable { url: String, source: url::ParseError },
    #[error("`{url}` names no object store that Roadstead knows: try s3://bucket/prefix or az://container/prefix")]
    Unknown { url: String },
    #[error("the object store at `{url}` cannot be used: {source}")]
    Unusable { url: String, source: object_store::Error },
}

/// Opens `s3://bucket/prefix` or `az://container/prefix`. Credentials, region and endpoint come from the environment, as other
/// programs read it: `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `AZURE_STORAGE_ACCOUNT_NAME` and so on. Nothing is asked of the
/// store yet. The process must have a provider of cryptography installed.
pub fn open(url: &str) -> Result<Place, PlaceError> {
    let parsed = Url::parse(url).map_err(|source| PlaceError::Unreadable { url: url.to_owned(), source })?;
    let metadata_bytes_max = match ObjectStoreScheme::parse(&parsed) {
        Ok((ObjectStoreScheme::AmazonS3, _)) => S3_METADATA_BYTES_MAX,
        Ok((ObjectStoreScheme::MicrosoftAzure, _)) => AZURE_METADATA_BYTES_MAX,
        _ => return Err(PlaceError::Unknown { url: url.to_owned() }),
    };
    let options = env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.to_ascii_lowercase();
        let named = name.starts_with("aws_") || name.starts_with("azure_");
        named.then(|| Some((name, value.into_string().ok()?))).flatten()
    });
    let (store, prefix) =
        parse_url_opts(&parsed, options).map_err(|source| PlaceError::Unusable { url: url.to_owned(), source })?;
    Ok(Place { store: store.into(), prefix, metadata_bytes_max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_others_refused() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        for (url, prefix, metadata_bytes_max) in [
            ("s3://bucket/fleet/a", "fleet/a", S3_METADATA_BYTES_MAX),
            ("https://acct.blob.core.windows.net/files/fleet", "fleet", AZURE_METADATA_BYTES_MAX),
        ] {
            let place = open(url).unwrap();
            assert_eq!((place.prefix.as_ref(), place.metadata_bytes_max), (prefix, metadata_bytes_max), "{url}");
        }
        for (url, part) in [
            ("bucket", "is not a URL"),
            ("file:///tmp/a", "names no object store"),
            ("memory:///", "names no object store"),
            ("gs://bucket", "names no object store"),
            ("https://example.com/a", "names no object store"),
        ] {
            let error = open(url).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("s3://bucket/prefix"), "{url}: {error}");
        }
    }
}
