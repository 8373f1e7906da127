//! The built-in endpoint: where events are, and the key that opens it.

use crate::limits::{AMQP_PORT, CONNECTION_STRING_BYTES_MAX, EVENT_TOKEN_LIFETIME_S};
use crate::policy::Policy;
use roadstead_model::UnixMillis;
use roadstead_sas::{SasKey, sign};

/// AMQP without TLS, as emulators have it. Source: IANA, `amqp`
const PLAIN_PORT: u16 = 5672;

const FIELDS: [&str; 5] =
    ["Endpoint", "SharedAccessKeyName", "SharedAccessKey", "EntityPath", "UseDevelopmentEmulator"];

/// The built-in endpoint of a hub, or any Event Hub. `Debug` hides the key.
///
/// Shape: `Endpoint=sb://h[:5671]/;SharedAccessKeyName=p;SharedAccessKey=k;EntityPath=e`, as Azure's portal and
/// `roadstead env` show it; with `;UseDevelopmentEmulator=true` there is no TLS. Source: `reference/hub-service.md` 3.1, 3.5
#[derive(Debug, Clone)]
pub struct EventHub {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_plain: bool,
    pub(crate) entity: String,
    pub(crate) policy: Policy,
}

/// Why a text is no connection string of an Event Hub. Never carries the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventHubStringError {
    /// Longer than any connection string.
    #[error("the connection string has {bytes} bytes, more than {CONNECTION_STRING_BYTES_MAX}")]
    TooLong {
        /// Length received.
        bytes: usize,
    },
    /// A part that is none of the fields, or is one of them again.
    #[error(
        "part {position} of the connection string is none that an Event Hub's has: `Endpoint=…`, `SharedAccessKeyName=…`, `SharedAccessKey=…`, `EntityPath=…`, each once"
    )]
    Part {
        /// Counted from 1.
        position: usize,
    },
    /// A field that is needed is absent or empty.
    #[error("the connection string needs `{0}`")]
    Missing(&'static str),
    /// `Endpoint` is no address.
    #[error("`Endpoint` in the connection string must look like `sb://HOST/`")]
    Endpoint,
}

impl EventHub {
    /// Reads a connection string. Field names in any case, parts in any order; empty parts are passed over.
    ///
    /// Errors: [`EventHubStringError`].
    pub fn parse(text: &str) -> Result<Self, EventHubStringError> {
        if text.len() > CONNECTION_STRING_BYTES_MAX {
            return Err(EventHubStringError::TooLong { bytes: text.len() });
        }
        let mut values = [None; FIELDS.len()];
        for (index, part) in text.trim().split(';').enumerate().filter(|(_, part)| !part.is_empty()) {
            let refused = EventHubStringError::Part { position: index + 1 };
            let (name, value) = part.split_once('=').ok_or_else(|| refused.clone())?;
            let slot = FIELDS.iter().zip(&mut values).find(|(field, _)| field.eq_ignore_ascii_case(name));
            let (_, slot) = slot.ok_or_else(|| refused.clone())?;
            if slot.replace(value).is_some() {
                return Err(refused);
            }
        }
        let [endpoint, name, key, entity, emulator] = values;
        let needed = |value: Option<&'_ str>, field| {
            value.filter(|value| !value.is_empty()).map(str::to_owned).ok_or(EventHubStringError::Missing(field))
        };
        let endpoint = needed(endpoint, "Endpoint")?;
        let is_plain = emulator.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let (host, port) = read_endpoint(&endpoint).ok_or(EventHubStringError::Endpoint)?;
        let key = needed(key, "SharedAccessKey")?;
        Ok(Self {
            host,
            port: port.unwrap_or(if is_plain { PLAIN_PORT } else { AMQP_PORT }),
            is_plain,
            entity: needed(entity, "EntityPath")?,
            policy: Policy { name: needed(name, "SharedAccessKeyName")?, key: SasKey::from_bytes(key.into_bytes()) },
        })
    }

    /// The host, without a port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `sb://hub1.example/hub1`: what tokens are for.
    pub(crate) fn audience(&self) -> String {
        format!("sb://{}/{}", self.host, self.entity)
    }

    /// The address of a node: `amqps://hub1.example/hub1/ConsumerGroups/g/Partitions/0`.
    pub(crate) fn partition(&self, group: &str, partition: &str) -> String {
        format!("amqps://{}/{}/ConsumerGroups/{group}/Partitions/{partition}", self.host, self.entity)
    }

    /// A token for all of it. Event Hubs sign with the key's text, hubs with what it decodes to; here `policy.key` is the
    /// text.
    pub(crate) fn token(&self, now: UnixMillis) -> String {
        let expiry_s = now.seconds().0.saturating_add(EVENT_TOKEN_LIFETIME_S);
        sign(&self.audience(), &self.policy.key, expiry_s, Some(&self.policy.name))
    }
}

/// Host and port of `sb://hub1.example:5671/`.
fn read_endpoint(endpoint: &str) -> Option<(String, Option<u16>)> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let is_known = ["sb", "amqps", "amqp"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    if !is_known || authority.contains(['/', '@', '?']) {
        return None;
    }
    split_port(authority)
}

/// `None` when there is no host, or no number behind it.
pub(crate) fn split_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    fn with(endpoint: &str, rest: &str) -> String {
        format!("Endpoint={endpoint};SharedAccessKeyName=p;SharedAccessKey={KEY};EntityPath=e{rest}")
    }

    #[test]
    fn every_form_of_a_connection_string() {
        for (text, host, port, is_plain) in [
            (with("sb://h.example/", ""), "h.example", 5671, false),
            (with("sb://h.example", ";"), "h.example", 5671, false),
            (with("SB://h.example:1/", ""), "h.example", 1, false),
            (with("sb://localhost/", ";UseDevelopmentEmulator=true"), "localhost", 5672, true),
            (with("sb://localhost:9/", ";usedevelopmentemulator=TRUE"), "localhost", 9, true),
            (with("sb://localhost/", ";UseDevelopmentEmulator=false"), "localhost", 5671, false),
        ] {
            let read = EventHub::parse(&text).unwrap();
            assert_eq!((read.host.as_str(), read.port, read.is_plain), (host, port, is_plain), "{text}");
            assert_eq!((read.entity.as_str(), read.policy.name.as_str()), ("e", "p"));
            assert!(!format!("{read:?}").contains(KEY), "{read:?}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_the_cause() {
        use EventHubStringError::{Endpoint, Missing, Part, TooLong};
        let without = |field: &str| {
            let text = with("sb://h/", "");
            let parts = text.split(';').filter(|part| !part.starts_with(&format!("{field}=")));
            parts.collect::<Vec<_>>().join(";")
        };
        for (text, error) in [
            (String::new(), Missing("Endpoint")),
            (without("Endpoint"), Missing("Endpoint")),
            (without("SharedAccessKeyName"), Missing("SharedAccessKeyName")),
            (without("SharedAccessKey"), Missing("SharedAccessKey")),
            (without("EntityPath"), Missing("EntityPath")),
            (with("https://h/", ""), Endpoint),
            (with("sb://", ""), Endpoint),
            (with("sb://h:x/", ""), Endpoint),
            (with("sb://h/x/", ""), Endpoint),
            (with("sb://u@h/", ""), Endpoint),
            (with("sb://h/", ";EntityPath=f"), Part { position: 5 }),
            (with("sb://h/", ";HostName=f"), Part { position: 5 }),
            (KEY.to_owned(), Part { position: 1 }),
            ("x".repeat(5000), TooLong { bytes: 5000 }),
        ] {
            assert_eq!(EventHub::parse(&text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn tokens_are_signed_with_the_keys_text() {
        let token = EventHub::parse(&with("sb://h/", "")).unwrap().token(UnixMillis(1000));
        assert!(token.starts_with("SharedAccessSignature sr=sb%3A%2F%2Fh%2Fe&"), "{token}");
        let read = roadstead_sas::SasToken::parse(&token).unwrap();
        assert!(read.signed_by(&SasKey::from_bytes(KEY.as_bytes().to_vec())));
        assert_eq!((read.expiry_s(), read.key_name()), (1 + EVENT_TOKEN_LIFETIME_S, Some("p")));
    }
}
