//! Identifiers, made only by parsing.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{clock::Random, limits};

/// Why a text is not an identifier. The message names the text's kind, its rule and, where one is to blame, the character.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IdError {
    #[error("{kind} is empty")]
    Empty { kind: &'static str },
    #[error("{kind} has {bytes} characters, at most {bytes_max} are allowed")]
    TooLong { kind: &'static str, bytes: usize, bytes_max: usize },
    #[error("{kind} `{text}` may not contain {found:?}: {rule}")]
    Character { kind: &'static str, text: String, found: char, rule: &'static str },
    #[error("{kind} `{text}` is not of the form {rule}")]
    Form { kind: &'static str, text: String, rule: &'static str },
}

struct Rule {
    kind: &'static str,
    bytes_max: usize,
    allowed: fn(char) -> bool,
    wording: &'static str,
}

fn check(text: &str, rule: &Rule) -> Result<(), IdError> {
    let Rule { kind, bytes_max, allowed, wording } = *rule;
    if text.is_empty() {
        return Err(IdError::Empty { kind });
    }
    if text.len() > bytes_max {
        return Err(IdError::TooLong { kind, bytes: text.len(), bytes_max });
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(found) => Err(IdError::Character { kind, text: text.to_owned(), found, rule: wording }),
        None => Ok(()),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }
    };
}

text_id! {
    /// A device's id in its hub: `thermo-7`. Case-sensitive.
    /// Source: docs, identity registry: up to 128 ASCII letters, digits and ``- . % _ * ? ! ( ) , : = @ $ ' + #``.
    DeviceId
}

impl DeviceId {
    /// Errors: empty, over 128 characters, or a character outside Azure's set.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check_identity("device id", text)?;
        Ok(Self(text.into()))
    }
}

text_id! {
    /// A module's id on its device: `camera`, `$edgeAgent`. Case-sensitive; the rule of a [`DeviceId`].
    ModuleId
}

impl ModuleId {
    /// Errors: empty, over 128 characters, or a character outside Azure's set.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check_identity("module id", text)?;
        Ok(Self(text.into()))
    }
}

fn check_identity(kind: &'static str, text: &str) -> Result<(), IdError> {
    let rule = Rule {
        kind,
        bytes_max: limits::DEVICE_ID_BYTES_MAX,
        allowed: |c| c.is_ascii_alphanumeric() || "-.%_*?!(),:=@$'".contains(c),
        wording: "letters, digits and - . % _ * ? ! ( ) , : = @ $ ' only",
    };
    check(text, &rule)
}

text_id! {
    /// A device's id in DPS: `thermo-7`. Case-insensitive: [`RegistrationId::key`] is what equals, `as_str` is what was written.
    /// Source: docs, DPS concepts: `^[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]$`.
    RegistrationId
}

text_id! {
    /// An enrollment group's id: `fleet-a`. Same rule as a registration id.
    EnrollmentGroupId
}

const REGISTRATION_RULE: &str = "letters, digits and - . _ : only, the last one a letter, a digit or -";

fn check_registration(kind: &'static str, text: &str) -> Result<(), IdError> {
    let rule = Rule {
        kind,
        bytes_max: limits::REGISTRATION_ID_BYTES_MAX,
        allowed: |c| c.is_ascii_alphanumeric() || "-._:".contains(c),
        wording: REGISTRATION_RULE,
    };
    check(text, &rule)?;
    match text.chars().next_back().filter(|last| !(last.is_ascii_alphanumeric() || *last == '-')) {
        Some(found) => Err(IdError::Character { kind, text: text.to_owned(), found, rule: REGISTRATION_RULE }),
        None => Ok(()),
    }
}

impl RegistrationId {
    /// Errors: empty, over 128 characters, or a character outside Azure's set.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check_registration("registration id", text)?;
        Ok(Self(text.into()))
    }

    /// The lower-case form under which DPS compares and stores.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl EnrollmentGroupId {
    /// Errors: empty, over 128 characters, or a character outside Azure's set.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check_registration("enrollment group id", text)?;
        Ok(Self(text.into()))
    }

    /// The lower-case form under which DPS compares and stores.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

const NAME_RULE: &str = "letters, digits and - only";

text_id! {
    /// A hub's resource name: `plant`. Kept as written; compared without case.
    HubName
}

text_id! {
    /// A DPS instance's resource name: `plant-dps`. Kept as written; compared without case.
    DpsName
}

fn check_name(kind: &'static str, text: &str) -> Result<(), IdError> {
    let rule = Rule {
        kind,
        bytes_max: limits::RESOURCE_NAME_BYTES_MAX,
        allowed: |c| c.is_ascii_alphanumeric() || c == '-',
        wording: NAME_RULE,
    };
    check(text, &rule)?;
    if text.starts_with('-') || text.ends_with('-') {
        return Err(IdError::Form { kind, text: text.to_owned(), rule: "a DNS label: no - at either end" });
    }
    Ok(())
}

impl HubName {
    /// Errors: empty, over 64 characters, or not a DNS label.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check_name("hub name", text)?;
        Ok(Self(text.into()))
    }
}

impl DpsName {
    /// Errors: empty, over 64 characters, or not a DNS label.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check_name("DPS name", text)?;
        Ok(Self(text.into()))
    }
}

text_id! {
    /// A resource group's name: `iot-rg`. Kept as written; compared without case.
    GroupName
}

impl GroupName {
    /// Errors: empty, over 90 characters, a character outside Azure's set, or a final full stop.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let rule = Rule {
            kind: "resource group name",
            bytes_max: limits::GROUP_NAME_BYTES_MAX,
            allowed: |c| c.is_alphanumeric() || "-_.()".contains(c),
            wording: "letters, digits and - _ . ( ) only",
        };
        check(text, &rule)?;
        if text.ends_with('.') {
            return Err(IdError::Form {
                kind: rule.kind,
                text: text.to_owned(),
                rule: "a name without a final full stop",
            });
        }
        Ok(Self(text.into()))
    }
}

text_id! {
    /// The name with which a user logs in: `alice`, `alice@plant.example`. Kept as written; compared without case.
    /// Source: docs, Entra user principal names: letters, digits and ``' . - _ ! # ^ ~``, one `@`.
    UserName
}

impl UserName {
    /// Errors: empty, over 113 characters, a character outside Entra's set, a second `@`, or one at either end.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let rule = Rule {
            kind: "user name",
            bytes_max: limits::USER_NAME_BYTES_MAX,
            allowed: |c| c.is_ascii_alphanumeric() || "'.-_!#^~@".contains(c),
            wording: "letters, digits and ' . - _ ! # ^ ~ @ only",
        };
        check(text, &rule)?;
        if text.matches('@').count() > 1 || text.starts_with('@') || text.ends_with('@') {
            return Err(IdError::Form { kind: rule.kind, text: text.to_owned(), rule: "NAME or NAME@DOMAIN" });
        }
        Ok(Self(text.into()))
    }

    /// What equals when two names are the same.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

text_id! {
    /// The name of those who read a hub's events together: `dashboards`. Compared without case.
    ConsumerGroupName
}

impl ConsumerGroupName {
    /// The one that every hub has.
    pub const DEFAULT: &str = "$Default";

    /// Errors: empty, over 50 characters, or a character outside `A-Za-z0-9-._`. `$Default` is nobody's to make.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let rule = Rule {
            kind: "consumer group name",
            bytes_max: limits::CONSUMER_GROUP_BYTES_MAX,
            allowed: |c| c.is_ascii_alphanumeric() || "-._".contains(c),
            wording: "letters, digits and - . _ only",
        };
        check(text, &rule)?;
        Ok(Self(text.into()))
    }

    /// [`ConsumerGroupName::DEFAULT`].
    pub fn default_group() -> Self {
        Self(Self::DEFAULT.into())
    }
}

text_id! {
    /// The name under which a CA certificate was uploaded: `textile-rootCA`.
    CertificateName
}

impl CertificateName {
    /// Errors: empty, over 256 characters, or a character outside `A-Za-z0-9-._`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let rule = Rule {
            kind: "certificate name",
            bytes_max: limits::CERTIFICATE_NAME_BYTES_MAX,
            allowed: |c| c.is_ascii_alphanumeric() || "-._".contains(c),
            wording: "letters, digits and - . _ only",
        };
        check(text, &rule)?;
        Ok(Self(text.into()))
    }
}

text_id! {
    /// Names one DPS instance to devices: `0ne00ABC123`. Kept in capitals after `0ne`; compared without case.
    IdScope
}

impl IdScope {
    /// Errors: anything but `0ne` and eight hex digits, in any case.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let form =
            IdError::Form { kind: "ID scope", text: text.chars().take(32).collect(), rule: "0ne and eight hex digits" };
        match (text.get(..3), text.get(3..)) {
            (Some(head), Some(digits))
                if head.eq_ignore_ascii_case("0ne")
                    && digits.len() == 8
                    && digits.bytes().all(|b| b.is_ascii_hexdigit()) =>
            {
                Ok(Self(format!("0ne{}", digits.to_ascii_uppercase()).into()))
            }
            _ => Err(form),
        }
    }

    /// A new scope.
    pub fn fresh(random: &dyn Random) -> Self {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        Self(format!("0ne{:08X}", u32::from_be_bytes(bytes)).into())
    }
}

/// Names a hub's stored data, from its creation to its deletion. A hub made again under an old name has another key,
/// so nothing of the old one can show through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HubKey(pub u64);

impl HubKey {
    /// A new key; positive as a signed 64-bit number, so that it fits a database integer.
    pub fn fresh(random: &dyn Random) -> Self {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        Self(u64::from_be_bytes(bytes) >> 1)
    }
}

impl fmt::Display for HubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Tells a device from an earlier one of the same id: 18 digits, `638678451234567890`. Source: docs sample (.NET ticks).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GenerationId(pub u64);

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:018}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids() {
        for good in ["a", "thermo-7", "x.%_*?!(),:=@$'", "$edgeAgent", &"d".repeat(128)] {
            assert!(DeviceId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a b", "a#", "a+", "ä", "a\0b", "a\n", &"d".repeat(129)] {
            assert!(DeviceId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn registration_ids() {
        for good in ["a", "-", "A:b.c_d-", "Dev-01", &"d".repeat(128)] {
            assert!(RegistrationId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a.", "a_", "a:", "a b", "a/b", "a%", &"d".repeat(129)] {
            assert!(RegistrationId::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(RegistrationId::parse("Dev-01").unwrap().key(), "dev-01");
    }

    #[test]
    fn user_names() {
        for good in ["a", "alice", "Alice.O'Hara@plant.example", &"u".repeat(113)] {
            assert!(UserName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "@plant", "alice@", "a@b@c", "a b", "a/b", "ä", "a\n", &"u".repeat(114)] {
            assert!(UserName::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(UserName::parse("Alice").unwrap().key(), "alice");
    }

    #[test]
    fn scopes_compare_without_case() {
        let scope = IdScope::parse("0ne00ABC123").unwrap();
        assert_eq!(IdScope::parse("0NE00abc123").unwrap(), scope);
        for bad in ["", "0ne", "0ne00ABC12", "0ne00ABC1234", "1ne00ABC123", "0ne00ABC12g", "ééé"] {
            assert!(IdScope::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn refusals_name_the_character() {
        let error = DeviceId::parse("a/b").unwrap_err();
        assert_eq!(
            error.to_string(),
            "device id `a/b` may not contain '/': letters, digits and - . % _ * ? ! ( ) , : = @ $ ' only"
        );
    }

    #[test]
    fn stored_text_is_checked_when_read() {
        assert!(serde_json::from_str::<DeviceId>("\"a b\"").is_err());
    }
}
