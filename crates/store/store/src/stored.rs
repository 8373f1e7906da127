//! The stored form of each record: JSON text, versioned, secrets sealed.
//!
//! A stored text is an object with `"v":1` and the members of a struct that lives here and nowhere else, so that records,
//! wire and storage can each change alone. The first stored samples are kept in `fixtures/stored-v1` and must load for ever.
//! A change of shape is a new version beside the old one: members this program does not know are refused, because writing
//! the record back would lose them.

mod access_policy;
mod assignment;
mod audit;
mod certificate;
mod device;
mod dps;
mod enrollment;
mod enrollment_group;
mod file;
#[cfg(test)]
mod fixtures;
pub mod happening;
mod hub;
mod hub_settings;
mod issued;
mod message;
mod module;
mod place;
mod principal;
mod provisioning;
mod registration;
mod resource_group;
mod subscriptions;
mod twin;
mod twin_revision;

use roadstead_model::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

pub use place::Place;

use crate::{error::StoreError, seal::Sealer};

/// A record that has a stored form.
pub trait Stored: Sized {
    /// The record as JSON text, its secrets sealed.
    fn encode(&self, vault: Vault<'_>) -> String;
    /// The record in a JSON text of any version so far. Errors: `Unreadable` when it is damaged, of a later version, or
    /// sealed with another key or for another place.
    fn decode(text: &str, vault: Vault<'_>) -> Result<Self, StoreError>;
}

/// What turns a record at one place into its stored form and back.
#[derive(Debug, Clone, Copy)]
pub struct Vault<'a> {
    pub sealer: &'a Sealer,
    pub place: Place<'a>,
}

impl Vault<'_> {
    fn seal(&self, field: &str, secret: &Secret) -> String {
        self.sealer.seal(&self.place, field, secret)
    }

    fn unseal(&self, field: &str, sealed: &str) -> Result<Secret, StoreError> {
        self.sealer.unseal(&self.place, field, sealed)
    }

    /// Reads a stored struct, or says in a sentence why it cannot be read.
    fn read<'t, T: Deserialize<'t>>(&self, text: &'t str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| match serde_json::from_str(text) {
            Ok(AnyVersion { v }) if v > V1::NUMBER => StoreError::Unreadable(format!(
                "{} was stored by a later version of Roadstead (form {v}, this program knows {})",
                self.place,
                V1::NUMBER
            )),
            _ => self.damaged(error),
        })
    }

    fn damaged(&self, why: impl std::fmt::Display) -> StoreError {
        StoreError::Unreadable(format!("{} is damaged: {why}", self.place))
    }
}

#[derive(Deserialize)]
struct AnyVersion {
    v: u64,
}

/// The member `"v":1`.
struct V1;

impl V1 {
    const NUMBER: u64 = 1;
}

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::NUMBER)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::NUMBER => Ok(Self),
            v => Err(D::Error::custom(format_args!("form {v} was never written"))),
        }
    }
}

fn write(stored: &impl Serialize) -> String {
    serde_json::to_string(stored).expect("stored structs have text keys and no serializer that fails")
}

/// Bytes as base64 text, for certificates.
mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A stored enum with the variants of one of the model's: the compiler sees to it that none is forgotten.
macro_rules! mirror {
    ($stored:ident of $model:ident: $($variant:ident),+) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) enum $stored { $($variant),+ }

        impl From<$model> for $stored {
            fn from(value: $model) -> Self {
                match value { $($model::$variant => Self::$variant),+ }
            }
        }

        impl From<$stored> for $model {
            fn from(value: $stored) -> Self {
                match value { $($stored::$variant => Self::$variant),+ }
            }
        }
    };
}
use mirror;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{seal::SealKey, suite::samples};
    use roadstead_model::{HubKey, Twin};

    fn refusal(text: &str) -> String {
        let sealer = Sealer::new(&SealKey::fresh(&samples::Pattern));
        let place = Place::Twin(HubKey(42), "thermo-7");
        Twin::decode(text, Vault { sealer: &sealer, place }).unwrap_err().to_string()
    }

    #[test]
    fn says_why_a_text_cannot_be_read() {
        let cases = [
            (r#"{"v":2,"new":true}"#, "was stored by a later version of Roadstead (form 2, this program knows 1)"),
            (r#"{"v":0}"#, "is damaged: form 0 was never written at line 1 column 7"),
            (r#"{"v":1}"#, "is damaged: missing field `etag` at line 1 column 7"),
            (r#"{"v":1,"etag":"#, "is damaged: EOF while parsing a value at line 1 column 14"),
            ("", "is damaged: EOF while parsing a value at line 1 column 0"),
        ];
        for (text, why) in cases {
            let expected = format!("stored data cannot be read: hub/000000000000002a/twin/thermo-7 {why}");
            assert_eq!(refusal(text), expected, "{text}");
        }
        let unknown = r#"{"v":1,"etag":"a","version":1,"surprise":1}"#;
        assert!(refusal(unknown).contains("unknown field `surprise`"), "{}", refusal(unknown));
    }
}
