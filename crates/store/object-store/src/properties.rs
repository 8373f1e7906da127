//! What is kept with a blob, as attributes of its object.

use std::borrow::Cow;

use object_store::{Attribute, AttributeValue, Attributes, ObjectMeta};
use roadstead_model::{Etag, UnixMillis};
use roadstead_store::{BlobError, BlobInfo, BlobProperties};

use crate::{limits::METADATA_PREFIX_BYTES, names};

/// Metadata of ours; device's own may not begin so.
const OURS: &str = "roadstead_";
const CONTENT_MD5: &str = "roadstead_content_md5";
const BLOCK_LIST: &str = "roadstead_block_list";
/// The blob's name, percent-encoded, where the object's does not tell it.
const NAME: &str = "roadstead_name";

/// `name`: where the object's own does not tell it; it is left out where the device's metadata leaves it no room.
/// Errors: `MetadataTooLarge`.
pub(crate) fn attributes(
    properties: &BlobProperties,
    block_list: Option<String>,
    name: Option<String>,
    metadata_bytes_max: usize,
) -> Result<Attributes, BlobError> {
    let mut attributes = Attributes::new();
    let mut put = |name, value: Option<&String>| {
        if let Some(value) = value {
            attributes.insert(name, value.clone().into());
        }
    };
    put(Attribute::ContentType, properties.content_type.as_ref());
    put(Attribute::ContentEncoding, properties.content_encoding.as_ref());
    put(Attribute::Metadata(CONTENT_MD5.into()), properties.content_md5.as_ref());
    put(Attribute::Metadata(BLOCK_LIST.into()), block_list.as_ref());
    for (name, value) in properties.metadata.iter().filter(|(name, _)| !name.starts_with(OURS)) {
        put(Attribute::Metadata(Cow::Owned(name.clone())), Some(value));
    }
    let bytes = metadata_bytes(&attributes);
    if bytes > metadata_bytes_max {
        return Err(BlobError::MetadataTooLarge { bytes, bytes_max: metadata_bytes_max });
    }
    if let Some(name) = name.filter(|name| bytes + entry_bytes(NAME, name) <= metadata_bytes_max) {
        attributes.insert(Attribute::Metadata(NAME.into()), name.into());
    }
    Ok(attributes)
}

fn metadata_bytes(attributes: &Attributes) -> usize {
    let entry = |(name, value): (&Attribute, &AttributeValue)| match name {
        Attribute::Metadata(name) => entry_bytes(name, value),
        _ => 0,
    };
    attributes.into_iter().map(entry).sum()
}

fn entry_bytes(name: &str, value: &str) -> usize {
    METADATA_PREFIX_BYTES + name.len() + value.len()
}

/// A blob as its object tells.
pub(crate) fn info(meta: &ObjectMeta, attributes: &Attributes) -> BlobInfo {
    let get = |name| attributes.get(&name).map(|value| value.as_ref().to_owned());
    let mut metadata: Vec<_> = attributes
        .into_iter()
        .filter_map(|(name, value)| match name {
            Attribute::Metadata(name) if !name.starts_with(OURS) => Some((name.to_string(), value.as_ref().to_owned())),
            _ => None,
        })
        .collect();
    metadata.sort();
    BlobInfo {
        size: meta.size,
        etag: etag(meta),
        last_modified: UnixMillis(meta.last_modified.timestamp_millis()),
        properties: BlobProperties {
            content_type: get(Attribute::ContentType),
            content_encoding: get(Attribute::ContentEncoding),
            content_md5: get(Attribute::Metadata(CONTENT_MD5.into())),
            metadata,
        },
    }
}

/// Which block list made the object.
pub(crate) fn block_list(attributes: &Attributes) -> Option<&str> {
    attributes.get(&Attribute::Metadata(BLOCK_LIST.into())).map(AsRef::as_ref)
}

/// The blob's name, where the object's own does not tell it.
pub(crate) fn name(attributes: &Attributes) -> Option<String> {
    names::of_blob(attributes.get(&Attribute::Metadata(NAME.into()))?.as_ref())
}

/// The object's version; by its time for stores without etags.
pub(crate) fn etag(meta: &ObjectMeta) -> Etag {
    match &meta.e_tag {
        Some(etag) => Etag::from_client(etag),
        None => Etag::from_client(&meta.last_modified.timestamp_micros().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_held_to_what_the_store_takes() {
        let of = |value: usize, name: usize| {
            let metadata = vec![("line".to_owned(), "x".repeat(value))];
            let properties = BlobProperties { metadata, ..BlobProperties::default() };
            let name = (name > 0).then(|| "n".repeat(name));
            let kept = attributes(&properties, None, name, 100).map_err(|error| error.to_string())?;
            Ok::<_, String>((kept.len(), metadata_bytes(&kept)))
        };
        let (own, ours) = (METADATA_PREFIX_BYTES + "line".len(), METADATA_PREFIX_BYTES + NAME.len());
        assert_eq!(of(100 - own, 0), Ok((1, 100)));
        let error = of(101 - own, 0).unwrap_err();
        assert_eq!(error, "the metadata has 101 bytes, and the store that keeps the files takes 100 at most");
        assert_eq!(of(10, 90 - own - ours), Ok((2, 100)));
        assert_eq!(of(10, 91 - own - ours), Ok((1, own + 10)), "the name is left out");
    }
}
