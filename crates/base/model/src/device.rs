//! Device identities.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    clock::UnixMillis,
    etag::Etag,
    id::{DeviceId, GenerationId},
    secret::Secret,
};

/// Whether a device may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DeviceStatus {
    #[default]
    Enabled,
    Disabled,
}

/// A certificate's SHA-256 or SHA-1 digest in upper-case hex, without separators.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Thumbprint(Box<str>);

impl Thumbprint {
    /// Parses 40 or 64 hex digits, ignoring case, colons and blanks. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String =
            text.chars().filter(|c| *c != ':' && !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && matches!(digits.len(), 40 | 64)).then(|| Self(digits.into()))
    }

    /// Upper-case hex without separators.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a device proves itself to its hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceAuth {
    /// Tokens signed with either key.
    Sas { primary: Secret, secondary: Secret },
    /// A certificate with one of these digests, whoever issued it. Azure's `selfSigned`.
    Thumbprints { primary: Option<Thumbprint>, secondary: Option<Thumbprint> },
    /// A certificate of which the CN is the device id and the path leads to a verified CA.
    /// `through`: the path must pass this certificate (SHA-256), set when an enrollment group vouched for the device.
    CertificateAuthority { through: Option<Thumbprint> },
    /// No login of its own; only hub policies with `DeviceConnect` speak for it.
    None,
}

/// A device identity as a hub keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub generation: GenerationId,
    pub etag: Etag,
    pub status: DeviceStatus,
    pub status_reason: Option<String>,
    pub status_updated: UnixMillis,
    pub auth: DeviceAuth,
    pub iot_edge: bool,
    /// The scope that the device's children name as their parent: `ms-azure-iot-edge://edge1-638994563210000000`. Only edge
    /// devices have one of their own; a leaf device has its parent's.
    pub scope: Option<String>,
    /// The scopes of the edge devices it is reached through.
    pub parent_scopes: Vec<String>,
    pub created: UnixMillis,
}

/// A topic filter an MQTT client subscribed with a persistent session, and the QoS it was granted (0 or 1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub filter: String,
    pub qos: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_ignore_case_and_separators() {
        let plain = "ab".repeat(20);
        let spaced = plain.as_bytes().chunks(2).map(|b| std::str::from_utf8(b).unwrap()).collect::<Vec<_>>().join(":");
        assert_eq!(Thumbprint::parse(&plain), Thumbprint::parse(&spaced));
        assert!(Thumbprint::parse(&"0f".repeat(32)).is_some());
        for bad in ["", "ab", &"zz".repeat(20), &"ab".repeat(21)] {
            assert_eq!(Thumbprint::parse(bad), None, "{bad}");
        }
    }
}
