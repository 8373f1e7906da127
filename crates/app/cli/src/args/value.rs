//! Values of flags, and how Azure spells them.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::path::Path;

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

/// A JSON object, or a file that holds one; an empty text is an empty object.
pub fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    let text = text_or_file(text)?;
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(&text).map_err(|error| format!("it must be a JSON object: {error}"))
}

/// Any JSON, or a file that holds it.
pub fn json(text: &str) -> Result<Value, String> {
    let text = text_or_file(text)?;
    serde_json::from_str(&text).map_err(|error| format!("it must be JSON, or a file that holds it: {error}"))
}

/// `@FILE`, or as `az` has it the name of a file that is there; any other text is itself.
fn text_or_file(text: &str) -> Result<Cow<'_, str>, String> {
    let path = match text.strip_prefix('@') {
        Some(path) => path,
        None if Path::new(text).is_file() => text,
        None => return Ok(text.into()),
    };
    std::fs::read_to_string(path).map(Cow::Owned).map_err(|error| format!("cannot read {path}: {error}"))
}

/// Properties of a message in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, String)>);

/// `a=b;c=d`
pub fn pairs(text: &str) -> Result<Pairs, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    };
    let parts = text.split(';').filter(|part| !part.is_empty());
    parts.map(pair).collect::<Option<_>>().map(Pairs).ok_or_else(|| "properties are `a=b;c=d`".to_owned())
}

/// One assignment: `capabilities.iotEdge=true`. A value that is JSON is taken as such, any other as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Names from the outermost to the innermost.
    pub path: Vec<String>,
    pub value: Value,
}

/// Reads [`Assignment`].
pub fn assignment(text: &str) -> Result<Assignment, String> {
    let (path, value) = text.split_once('=').ok_or("it must be `path.to.member=value`")?;
    Ok(Assignment { path: member(path)?, value: serde_json::from_str(value).unwrap_or_else(|_| value.into()) })
}

/// Names from the outermost to the innermost: `authentication.symmetricKey`
pub fn member(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<_> = text.split('.').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) { Err("it must be `path.to.member`".to_owned()) } else { Ok(names) }
}

/// A path as clap keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member(pub Vec<String>);

/// Changes to what is shown, as in every `update` of `az`.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Generic changes")]
pub struct Changes {
    /// Set members: `path.to.member=value`
    #[arg(long, num_args(1..), value_name = "PATH=VALUE", value_parser = assignment)]
    pub set: Vec<Assignment>,
    /// Remove members: `path.to.member`
    #[arg(long, num_args(1..), value_name = "PATH", value_parser = |text: &str| member(text).map(Member))]
    pub remove: Vec<Member>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// Changes `document`. Errors: a path leads through something that is no object.
    pub fn apply(&self, document: &mut Value) -> Result<(), String> {
        for Assignment { path, value } in &self.set {
            let (last, holder) = holder(document, path)?;
            holder.insert(last.to_owned(), value.clone());
        }
        for Member(path) in &self.remove {
            let (last, holder) = holder(document, path)?;
            if holder.remove(last).is_none() {
                return Err(format!("there is no `{}` to remove", path.join(".")));
            }
        }
        Ok(())
    }
}

/// The object that holds the last member of `path`, made where it is absent.
fn holder<'a, 'p>(
    document: &'a mut Value,
    path: &'p [String],
) -> Result<(&'p str, &'a mut Map<String, Value>), String> {
    let no_object = || format!("`{}` leads through something that is no object", path.join("."));
    let (last, outer) = path.split_last().ok_or_else(no_object)?;
    let mut place = document.as_object_mut().ok_or_else(no_object)?;
    for name in outer {
        let next = place.entry(name.as_str()).or_insert_with(|| Map::new().into());
        if next.is_null() {
            *next = Map::new().into();
        }
        place = next.as_object_mut().ok_or_else(no_object)?;
    }
    Ok((last, place))
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
words!(/// Of which outcomes of a message a back end hears
Ack { Positive = "positive" as "positive", Negative = "negative" as "negative", Full = "full" as "full" });
words!(/// Which keys become new
RenewedKey {
    Primary = "primary" as "primaryKey",
    Secondary = "secondary" as "secondaryKey",
    Both = "both" as "both",
    Swap = "swap" as "swap",
});
words!(/// What keys of a hub's policy allow
HubRight {
    RegistryRead = "RegistryRead" as "RegistryRead",
    RegistryWrite = "RegistryWrite" as "RegistryWrite",
    ServiceConnect = "ServiceConnect" as "ServiceConnect",
    DeviceConnect = "DeviceConnect" as "DeviceConnect",
});
words!(/// What keys of a DPS' policy allow
DpsRight {
    ServiceConfig = "ServiceConfig" as "ServiceConfig",
    EnrollmentRead = "EnrollmentRead" as "EnrollmentRead",
    EnrollmentWrite = "EnrollmentWrite" as "EnrollmentWrite",
    DeviceConnect = "DeviceConnect" as "DeviceConnect",
    RegistrationStatusRead = "RegistrationStatusRead" as "RegistrationStatusRead",
    RegistrationStatusWrite = "RegistrationStatusWrite" as "RegistrationStatusWrite",
});
/// Which key of a policy becomes a new one
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyKey {
    /// A new primary key
    Primary,
    /// A new secondary key
    Secondary,
    /// The two change places
    Swap,
}

/// Whose throttles a hub has
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ThrottleLike {
    /// Nobody's
    Off,
    /// An Azure hub's of tier S1
    #[value(name = "azure-s1")]
    S1,
    /// An Azure hub's of tier S2
    #[value(name = "azure-s2")]
    S2,
    /// An Azure hub's of tier S3
    #[value(name = "azure-s3")]
    S3,
}

impl ThrottleLike {
    /// As the hub's resource spells it.
    pub fn tier(self) -> Option<&'static str> {
        match self {
            Self::Off => None,
            Self::S1 => Some("azure-s1"),
            Self::S2 => Some("azure-s2"),
            Self::S3 => Some("azure-s3"),
        }
    }
}

/// What becomes of a message that was received
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Settle {
    /// It has been dealt with
    Complete,
    /// It comes again
    Abandon,
    /// It never will be dealt with
    Reject,
}

/// How a device speaks
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// MQTT 3.1.1 over TLS
    Mqtt,
    /// HTTPS
    Http,
}

/// How a device proves itself to DPS
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AttestationType {
    /// With a key
    #[value(name = "symmetricKey")]
    SymmetricKey,
    /// With a certificate
    X509,
    /// With the keys of its TPM
    Tpm,
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

/// How events are read
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EventTransport {
    /// A stream that only a Roadstead server has
    Https,
    /// The built-in endpoint, which every IoT hub has
    Amqp,
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
    fn properties_of_messages() {
        for (text, expected) in [
            ("a=b;c=d", Some(vec![("a", "b"), ("c", "d")])),
            ("$.ct=application/json;", Some(vec![("$.ct", "application/json")])),
            ("a=b=c", Some(vec![("a", "b=c")])),
            ("a=", Some(vec![("a", "")])),
            ("", Some(vec![])),
            ("a", None),
            ("=b", None),
        ] {
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let expected = expected.map(|pairs| Pairs(pairs.into_iter().map(own).collect()));
            assert_eq!(pairs(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn members_are_set_and_removed() {
        let changed = |set: &[&str], remove: &[&str]| {
            let changes = Changes {
                set: set.iter().map(|text| assignment(text).unwrap()).collect(),
                remove: remove.iter().map(|text| Member(member(text).unwrap())).collect(),
            };
            let mut document = json!({"a": {"b": 1}, "text": "t", "nothing": null});
            changes.apply(&mut document).map(|()| document)
        };
        for (set, remove, expected) in [
            (&["a.b=2"][..], &[][..], Ok(json!({"a": {"b": 2}, "text": "t", "nothing": null}))),
            (
                &["a.c=x y", "d.e=true"],
                &["a.b"],
                Ok(json!({"a": {"c": "x y"}, "text": "t", "nothing": null, "d": {"e": true}})),
            ),
            (&["a={}", "nothing.x="], &["text"], Ok(json!({"a": {}, "nothing": {"x": ""}}))),
            (&["text.x=1"], &[], Err("`text.x` leads through something that is no object")),
            (&[], &["a.z"], Err("there is no `a.z` to remove")),
        ] {
            assert_eq!(changed(set, remove), expected.map_err(str::to_owned), "{set:?} {remove:?}");
        }
        for text in ["a", "=b", "a..b=c", ".a=b"] {
            assert!(assignment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn any_json_is_given_or_lies_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payload.json");
        std::fs::write(&path, "[1]").unwrap();
        for (text, value) in [
            ("5", Some(json!(5))),
            ("null", Some(json!(null))),
            (path.to_str().unwrap(), Some(json!([1]))),
            ("absent.json", None),
            ("", None),
        ] {
            assert_eq!(super::json(text).ok(), value, "{text}");
        }
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
            (path.to_str().unwrap(), Some(json!({"a": [1]}))),
            (" ", Some(json!({}))),
            ("[1]", None),
            ("{", None),
            ("@absent", None),
        ] {
            assert_eq!(json_object(text).ok().map(Value::Object), object, "{text}");
        }
    }
}
