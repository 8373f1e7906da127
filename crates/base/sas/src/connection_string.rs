//! Connection strings: where to connect, as whom, with which key.

use crate::key::{KeyError, SasKey};
use crate::limits::CONNECTION_STRING_BYTES_MAX;
use zeroize::Zeroizing;

/// Every field a connection string may have, as Azure spells it.
const FIELDS: [&str; 7] =
    ["HostName", "DeviceId", "ModuleId", "SharedAccessKeyName", "SharedAccessKey", "x509", "GatewayHostName"];

/// A device's, module's or back end's connection string. `Debug` hides the key.
///
/// Shape: `HostName=h;DeviceId=d[;ModuleId=m];SharedAccessKey=k`, `HostName=h;DeviceId=d;x509=true` or
/// `HostName=h;SharedAccessKeyName=p;SharedAccessKey=k`, each with `;GatewayHostName=g` at will.
/// Source: `reference/hub-service.md` 1.2; python SDK common/connection_string.py
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    /// Host of the hub or DPS service endpoint.
    pub host_name: String,
    /// Device to be.
    pub device_id: Option<String>,
    /// Module of that device to be.
    pub module_id: Option<String>,
    /// Policy whose key it is.
    pub shared_access_key_name: Option<String>,
    /// Key of the policy, device or module.
    pub shared_access_key: Option<SasKey>,
    /// The device proves itself with a certificate.
    pub x509: bool,
    /// Host to connect to in place of `host_name`.
    pub gateway_host_name: Option<String>,
}

/// Why a text is not a connection string. Never carries the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    /// Longer than [`CONNECTION_STRING_BYTES_MAX`].
    #[error("the connection string has {bytes} bytes, more than {CONNECTION_STRING_BYTES_MAX}")]
    TooLong {
        /// Length received.
        bytes: usize,
    },
    /// A part without `=`.
    #[error("part {position} of the connection string is not `Name=value`")]
    NotAField {
        /// Counted from 1.
        position: usize,
    },
    /// A field nobody knows.
    #[error("unknown field `{name}` in the connection string; did you mean `{nearest}`?")]
    UnknownField {
        /// The field as given; a long one, which may be a key pasted alone, is cut to its first four characters.
        name: String,
        /// The field most like it.
        nearest: &'static str,
    },
    /// A field is there twice.
    #[error("`{field}` is twice in the connection string")]
    Duplicate {
        /// The field's name.
        field: &'static str,
    },
    /// A field that is needed is absent or empty.
    #[error("the connection string needs `{field}`")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// Two fields contradict each other.
    #[error("the connection string has both `{0}` and `{1}`")]
    Contradiction(&'static str, &'static str),
    /// `x509` is neither `true` nor `false`.
    #[error("`x509` in the connection string must be `true` or `false`")]
    NotABool,
    /// The key cannot be read.
    #[error("`SharedAccessKey` in the connection string: {0}")]
    Key(#[from] KeyError),
}

impl ConnectionString {
    /// Reads a connection string. Field names in any case, parts in any order; empty parts are passed over.
    ///
    /// Errors: [`ConnectionStringError`].
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        let mut values = split(text)?;
        let mut take = |field: &str| {
            let slot = FIELDS.iter().position(|known| *known == field).and_then(|index| values.get_mut(index));
            slot.and_then(Option::take).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let parsed = Self {
            host_name: take("HostName").ok_or(ConnectionStringError::Missing { field: "HostName" })?,
            device_id: take("DeviceId"),
            module_id: take("ModuleId"),
            shared_access_key_name: take("SharedAccessKeyName"),
            shared_access_key: take("SharedAccessKey")
                .map(Zeroizing::new)
                .map(|key| SasKey::from_base64(&key))
                .transpose()?,
            x509: match take("x509") {
                Some(value) => value.to_ascii_lowercase().parse().map_err(|_| ConnectionStringError::NotABool)?,
                None => false,
            },
            gateway_host_name: take("GatewayHostName"),
        };
        parsed.check()?;
        Ok(parsed)
    }

    /// The text, key included: show it only to who asked for the key.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut parts = vec![format!("HostName={}", self.host_name)];
        let mut push = |name: &str, value: &Option<String>| {
            parts.extend(value.as_ref().map(|value| format!("{name}={value}")));
        };
        push("DeviceId", &self.device_id);
        push("ModuleId", &self.module_id);
        push("SharedAccessKeyName", &self.shared_access_key_name);
        let key = self.shared_access_key.as_ref().map(SasKey::to_base64);
        push("SharedAccessKey", &key.map(|key| key.to_string()));
        push("x509", &self.x509.then(|| "true".to_owned()));
        push("GatewayHostName", &self.gateway_host_name);
        let text = Zeroizing::new(parts.join(";"));
        parts.iter_mut().for_each(zeroize::Zeroize::zeroize);
        text
    }

    fn check(&self) -> Result<(), ConnectionStringError> {
        use ConnectionStringError::{Contradiction, Missing};
        if self.device_id.is_some() && self.shared_access_key_name.is_some() {
            return Err(Contradiction("DeviceId", "SharedAccessKeyName"));
        }
        if self.device_id.is_none() && self.shared_access_key_name.is_none() {
            return Err(Missing { field: "DeviceId` or `SharedAccessKeyName" });
        }
        if self.module_id.is_some() && self.device_id.is_none() {
            return Err(Missing { field: "DeviceId" });
        }
        match (self.x509, &self.shared_access_key) {
            (true, Some(_)) => Err(Contradiction("x509=true", "SharedAccessKey")),
            (true, None) if self.device_id.is_none() => Err(Missing { field: "DeviceId" }),
            (false, None) => Err(Missing { field: "SharedAccessKey" }),
            (true, None) | (false, Some(_)) => Ok(()),
        }
    }
}

/// The value of each of [`FIELDS`], in their order.
fn split(text: &str) -> Result<[Option<&str>; FIELDS.len()], ConnectionStringError> {
    if text.len() > CONNECTION_STRING_BYTES_MAX {
        return Err(ConnectionStringError::TooLong { bytes: text.len() });
    }
    let mut values = [None; FIELDS.len()];
    for (index, part) in text.trim().split(';').enumerate().filter(|(_, part)| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or(ConnectionStringError::NotAField { position: index + 1 })?;
        let known = FIELDS.iter().zip(&mut values).find(|(field, _)| field.eq_ignore_ascii_case(name));
        let Some((field, slot)) = known else {
            return Err(ConnectionStringError::UnknownField { name: shown(name), nearest: nearest_field(name) });
        };
        if slot.replace(value).is_some() {
            return Err(ConnectionStringError::Duplicate { field });
        }
    }
    Ok(values)
}

fn shown(name: &str) -> String {
    if name.len() <= 24 { name.to_owned() } else { name.chars().take(4).chain("…".chars()).collect() }
}

fn nearest_field(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    FIELDS
        .into_iter()
        .min_by_key(|field| edit_distance(name.as_bytes(), field.to_ascii_lowercase().as_bytes()))
        .expect("there are fields")
}

/// Insertions, deletions and replacements that make `left` into `right` (Levenshtein).
fn edit_distance(left: &[u8], right: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, a) in left.iter().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (b, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let next = (diagonal + usize::from(a != b)).min(before + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, next);
            before = next;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    #[test]
    fn reads_and_writes_every_form() {
        for text in [
            format!("HostName=hub1.example;DeviceId=dev1;SharedAccessKey={KEY}"),
            format!(
                "HostName=hub1.example;DeviceId=dev1;ModuleId=mod1;SharedAccessKey={KEY};GatewayHostName=edge.example"
            ),
            format!("HostName=hub1.example;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"),
            "HostName=hub1.example;DeviceId=a=b;x509=true".to_owned(),
        ] {
            let parsed = ConnectionString::parse(&text).unwrap();
            assert_eq!(*parsed.to_text(), text);
            assert!(!format!("{parsed:?}").contains(KEY), "{parsed:?}");
        }
    }

    #[test]
    fn field_names_and_booleans_in_any_case_and_order() {
        let parsed = ConnectionString::parse(" deviceid=dev1;X509=True;;HOSTNAME=hub1.example;\n").unwrap();
        assert_eq!(*parsed.to_text(), "HostName=hub1.example;DeviceId=dev1;x509=true");
    }

    #[test]
    fn refuses_with_the_cause() {
        use ConnectionStringError::{
            Contradiction, Duplicate, Key, Missing, NotABool, NotAField, TooLong, UnknownField,
        };
        let unknown = |name: &str, nearest| UnknownField { name: name.into(), nearest };
        for (text, error) in [
            (String::new(), Missing { field: "HostName" }),
            (format!("HostName=;DeviceId=d;SharedAccessKey={KEY}"), Missing { field: "HostName" }),
            (format!("HostName=h;SharedAccessKey={KEY}"), Missing { field: "DeviceId` or `SharedAccessKeyName" }),
            ("HostName=h;DeviceId=d".into(), Missing { field: "SharedAccessKey" }),
            ("HostName=h;DeviceId=d;x509=false".into(), Missing { field: "SharedAccessKey" }),
            ("HostName=h;SharedAccessKeyName=p;x509=true".into(), Missing { field: "DeviceId" }),
            (
                format!("HostName=h;ModuleId=m;SharedAccessKeyName=p;SharedAccessKey={KEY}"),
                Missing { field: "DeviceId" },
            ),
            (
                format!("HostName=h;DeviceId=d;SharedAccessKeyName=p;SharedAccessKey={KEY}"),
                Contradiction("DeviceId", "SharedAccessKeyName"),
            ),
            (
                format!("HostName=h;DeviceId=d;x509=true;SharedAccessKey={KEY}"),
                Contradiction("x509=true", "SharedAccessKey"),
            ),
            ("HostName=h;DeviceId=d;x509=yes".into(), NotABool),
            ("HostName=h;hostname=g".into(), Duplicate { field: "HostName" }),
            ("HostName=h;DeviceId".into(), NotAField { position: 2 }),
            ("Hostname1=h".into(), unknown("Hostname1", "HostName")),
            ("SharedAcessKey=h".into(), unknown("SharedAcessKey", "SharedAccessKey")),
            ("SharedAccesKeyNam=h".into(), unknown("SharedAccesKeyNam", "SharedAccessKeyName")),
            (KEY.into(), unknown("a2tr…", "GatewayHostName")),
            ("HostName=h;DeviceId=d;SharedAccessKey=%%%".into(), Key(KeyError::NotBase64)),
            ("HostName=h;DeviceId=d;SharedAccessKey=YWJj".into(), Key(KeyError::Length { bytes: 3 })),
            ("x".repeat(5000), TooLong { bytes: 5000 }),
        ] {
            assert_eq!(ConnectionString::parse(&text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parse_never_panics(text in "((HostName|DeviceId|x509|SharedAccessKey|.{0,6})(=|;).{0,12};?){0,6}") {
            let _ = ConnectionString::parse(&text);
        }
    }
}
