//! What is kept of twins' past. Sections stand as plain JSON objects, as in twins.

use std::borrow::Cow;

use roadstead_model::{Actor, TwinRevision, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Stored, V1, Vault, write};
use crate::error::StoreError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TwinRevisionV1<'a> {
    v: V1,
    version: i64,
    at: UnixMillis,
    by: Option<ActorV1<'a>>,
    is_replacement: bool,
    tags: Option<Cow<'a, Map<String, Value>>>,
    desired: Option<DesiredV1<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum ActorV1<'a> {
    Policy(Cow<'a, str>),
    Principal(Cow<'a, str>),
    Provisioning,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DesiredV1<'a> {
    value: Cow<'a, Map<String, Value>>,
    version: i64,
}

impl Stored for TwinRevision {
    fn encode(&self, _: Vault<'_>) -> String {
        write(&TwinRevisionV1 {
            v: V1,
            version: self.version,
            at: self.at,
            by: self.by.as_ref().map(|by| match by {
                Actor::Policy(name) => ActorV1::Policy(name.into()),
                Actor::Principal(name) => ActorV1::Principal(name.into()),
                Actor::Provisioning => ActorV1::Provisioning,
            }),
            is_replacement: self.is_replacement,
            tags: self.tags.as_ref().map(Cow::Borrowed),
            desired: self
                .desired
                .as_ref()
                .map(|(value, version)| DesiredV1 { value: Cow::Borrowed(value), version: *version }),
        })
    }

    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError> {
        let TwinRevisionV1 { v: V1, version, at, by, is_replacement, tags, desired } = vault.read(text)?;
        Ok(Self {
            version,
            at,
            by: by.map(|by| match by {
                ActorV1::Policy(name) => Actor::Policy(name.into_owned()),
                ActorV1::Principal(name) => Actor::Principal(name.into_owned()),
                ActorV1::Provisioning => Actor::Provisioning,
            }),
            is_replacement,
            tags: tags.map(Cow::into_owned),
            desired: desired.map(|desired| (desired.value.into_owned(), desired.version)),
        })
    }
}
