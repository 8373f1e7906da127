//! Values of flags, and how Azure spells them.

use clap::ValueEnum;
use serde_json::{Map, Value};

/// `true` or `false` in any case; a flag without a value means `true`.
pub fn three_state(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("it must be `true` or `false`".to_owned()),
    }
}

/// One tag: `key=value`, `key=` or `key`.
pub fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() { Err("a tag is `key=value`".to_owned()) } else { Ok((key.to_owned(), value.to_owned())) }
}

/// Tags as Resource Manager carries them.
pub fn tags(tags: &[(String, String)]) -> Value {
    Value::Object(tags.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect())
}

/// A JSON object, or `@FILE` that holds one; an empty text is an empty object.
pub fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    let read;
    let text = match text.strip_prefix('@') {
        Some(path) => {
            read = std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
            &read
        }
        None => text,
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|error| format!("it must be a JSON object: {error}"))
}

/// A number of items; all when `None`, typed as `-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top(pub Option<usize>);

/// Reads [`Top`].
pub fn top(text: &str) -> Result<Top, String> {
    match text.parse::<i64>() {
        Ok(-1) => Ok(Top(None)),
        Ok(top @ 1..) => usize::try_from(top).map(|top| Top(Some(top))).map_err(|error| error.to_string()),
        _ => Err("it must be a positive number, or -1 for all".to_owned()),
    }
}

/// An enumeration with Azure's word for each value, typed in any case.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($value:ident = $typed:literal as $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub enum $name {
            $(#[value(name = $typed)] $value),+
        }

        impl $name {
            /// As Azure's JSON spells it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }
        }
    };
}

words!(/// Whether something may be used
    Status { Enabled = "enabled" as "enabled", Disabled = "disabled" as "disabled" });
words!(/// How a device proves itself to a hub
AuthMethod {
    SharedPrivateKey = "shared_private_key" as "sas",
    X509Thumbprint = "x509_thumbprint" as "selfSigned",
    X509Ca = "x509_ca" as "certificateAuthority",
});
words!(/// Which of two keys
    KeyType { Primary = "primary" as "primaryKey", Secondary = "secondary" as "secondaryKey" });
words!(/// How DPS picks the hub
AllocationPolicy {
    Hashed = "hashed" as "hashed",
    GeoLatency = "geoLatency" as "geoLatency",
    Static = "static" as "static",
    Custom = "custom" as "custom",
});
/// How a device proves itself to DPS
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AttestationType {
    /// With a key
    #[value(name = "symmetricKey")]
    SymmetricKey,
    /// With a certificate
    X509,
}

/// What becomes of a device's data when it provisions itself again
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReprovisionPolicy {
    /// It moves along
    #[value(name = "reprovisionandmigratedata")]
    Migrate,
    /// It begins anew
    #[value(name = "reprovisionandresetdata")]
    Reset,
    /// The device stays where it is
    Never,
}

/// Which properties of an event are shown
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventProperties {
    /// System properties
    #[value(name = "sys")]
    System,
    /// Application properties
    #[value(name = "app")]
    Application,
    /// Annotations
    #[value(name = "anno")]
    Annotations,
    /// All three
    All,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_and_refusals() {
        for (text, value) in [("true", Some(true)), ("False", Some(false)), ("", None), ("yes", None)] {
            assert_eq!(three_state(text).ok(), value, "{text}");
        }
        for (text, value) in [("5", Some(Some(5))), ("-1", Some(None)), ("0", None), ("-2", None), ("x", None)] {
            assert_eq!(top(text).ok(), value.map(Top), "{text}");
        }
        let read: Vec<_> = ["a=b=c", "a=", "a"].into_iter().map(|text| tag(text).unwrap()).collect();
        assert_eq!(tags(&read[..1]), json!({"a": "b=c"}));
        assert_eq!(read[1], read[2]);
        assert!(tag("=b").is_err());
    }

    #[test]
    fn a_json_object_is_given_or_lies_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tags.json");
        std::fs::write(&path, r#"{"a":[1]}"#).unwrap();
        let at_file = format!("@{}", path.display());
        for (text, object) in [
            (r#"{"a":[1]}"#, Some(json!({"a": [1]}))),
            (&at_file, Some(json!({"a": [1]}))),
            (" ", Some(json!({}))),
            ("[1]", None),
            ("{", None),
            ("@absent", None),
        ] {
            assert_eq!(json_object(text).ok().map(Value::Object), object, "{text}");
        }
    }
}
