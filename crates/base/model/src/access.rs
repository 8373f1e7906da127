//! Shared access policies: a name, two keys, and what they open.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// One permission of a hub or a DPS instance, spelled as Azure prints it.
/// Source: docs, "Control access to IoT Hub" and "Control access to DPS".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Right {
    RegistryRead,
    RegistryWrite,
    ServiceConnect,
    DeviceConnect,
    ServiceConfig,
    EnrollmentRead,
    EnrollmentWrite,
    RegistrationStatusRead,
    RegistrationStatusWrite,
}

impl Right {
    /// Every right, in the order in which Azure lists them.
    pub const ALL: [Self; 9] = [
        Self::RegistryRead,
        Self::RegistryWrite,
        Self::ServiceConnect,
        Self::DeviceConnect,
        Self::ServiceConfig,
        Self::EnrollmentRead,
        Self::EnrollmentWrite,
        Self::RegistrationStatusRead,
        Self::RegistrationStatusWrite,
    ];

    /// As Azure prints it: `RegistryRead`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RegistryRead => "RegistryRead",
            Self::RegistryWrite => "RegistryWrite",
            Self::ServiceConnect => "ServiceConnect",
            Self::DeviceConnect => "DeviceConnect",
            Self::ServiceConfig => "ServiceConfig",
            Self::EnrollmentRead => "EnrollmentRead",
            Self::EnrollmentWrite => "EnrollmentWrite",
            Self::RegistrationStatusRead => "RegistrationStatusRead",
            Self::RegistrationStatusWrite => "RegistrationStatusWrite",
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of rights. Prints and parses as `RegistryRead, RegistryWrite`: the Azure CLI splits on comma and space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rights(u16);

impl Rights {
    /// The set of exactly these rights.
    pub fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |bits, right| bits | right.bit()))
    }

    /// Whether the set holds `right`. Writing implies reading, as in Azure.
    pub fn allows(self, right: Right) -> bool {
        let implied = match right {
            Right::RegistryRead => Right::RegistryWrite.bit(),
            Right::EnrollmentRead => Right::EnrollmentWrite.bit(),
            Right::RegistrationStatusRead => Right::RegistrationStatusWrite.bit(),
            _ => 0,
        };
        self.0 & (right.bit() | implied) != 0
    }

    /// The rights of the set in Azure's order.
    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.0 & right.bit() != 0)
    }

    /// Parses `RegistryRead, ServiceConnect`. `None` when a word is not a right.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).try_fold(Self::default(), |set, word| {
            let right = Right::ALL.into_iter().find(|right| right.as_str().eq_ignore_ascii_case(word))?;
            Some(Self(set.0 | right.bit()))
        })
    }
}

impl std::fmt::Display for Rights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, right) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            f.write_str(right.as_str())?;
        }
        Ok(())
    }
}

/// A shared access policy, as in `SharedAccessKeyName=iothubowner`. Both keys open the same rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessPolicy {
    pub key_name: String,
    pub primary: Secret,
    pub secondary: Secret,
    pub rights: Rights,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_the_same_words() {
        let rights = Rights::of(&[Right::ServiceConnect, Right::RegistryWrite]);
        assert_eq!(rights.to_string(), "RegistryWrite, ServiceConnect");
        assert_eq!(Rights::parse("registrywrite,ServiceConnect"), Some(rights));
        assert_eq!(Rights::parse("RegistryWrite, Root"), None);
        assert!(rights.allows(Right::RegistryRead), "writing implies reading");
        assert!(!rights.allows(Right::DeviceConnect));
    }
}
