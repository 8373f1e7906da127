//! Device twins. Tags and properties stand as plain JSON objects, so that a query can look into them.

use std::borrow::Cow;

use roadstead_model::{Etag, Twin, TwinSection};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TwinV1<'a> {
    v: V1,
    etag: Etag,
    version: i64,
    tags: Cow<'a, Map<String, Value>>,
    desired: SectionV1<'a>,
    reported: SectionV1<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SectionV1<'a> {
    value: Cow<'a, Map<String, Value>>,
    metadata: Cow<'a, Map<String, Value>>,
    version: i64,
}

impl<'a> SectionV1<'a> {
    fn new(section: &'a TwinSection) -> Self {
        let TwinSection { value, metadata, version } = section;
        Self { value: Cow::Borrowed(value), metadata: Cow::Borrowed(metadata), version: *version }
    }

    fn load(self) -> TwinSection {
        let Self { value, metadata, version } = self;
        TwinSection { value: value.into_owned(), metadata: metadata.into_owned(), version }
    }
}

impl Stored for Twin {
    fn encode(&self, _: Vault<'_>) -> String {
        write(&TwinV1 {
            v: V1,
            etag: self.etag.clone(),
            version: self.version,
            tags: Cow::Borrowed(&self.tags),
            desired: SectionV1::new(&self.desired),
            reported: SectionV1::new(&self.reported),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let TwinV1 { v: V1, etag, version, tags, desired, reported } = vault.read(text)?;
        Ok(Self { etag, version, tags: tags.into_owned(), desired: desired.load(), reported: reported.load() })
    }
}
