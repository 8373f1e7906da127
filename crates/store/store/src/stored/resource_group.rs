//! Resource groups.

use std::borrow::Cow;

use roadstead_model::{GroupName, ResourceGroup};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResourceGroupV1<'a> {
    v: V1,
    name: GroupName,
    location: Cow<'a, str>,
    tags: Cow<'a, Map<String, Value>>,
}

impl Stored for ResourceGroup {
    fn encode(&self, _: Vault<'_>) -> String {
        let Self { name, location, tags } = self;
        write(&ResourceGroupV1 {
            v: V1,
            name: name.clone(),
            location: Cow::Borrowed(location),
            tags: Cow::Borrowed(tags),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let ResourceGroupV1 { v: V1, name, location, tags } = vault.read(text)?;
        Ok(Self { name, location: location.into_owned(), tags: tags.into_owned() })
    }
}
